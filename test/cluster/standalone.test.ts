import { expect, test } from 'vitest'
import { createStandaloneVotes } from '../../src/cluster/standalone.ts'

test('one vote per endpoint, the last one published', () => {
  const votes = createStandaloneVotes('a1', 'fra')
  expect(votes.votes('k')).toEqual([])
  votes.publish({ slotKey: 'k', state: 'U', reason: 'ok' })
  votes.publish({ slotKey: 'k', state: 'D', reason: 'connect-refused' })
  votes.publish({ slotKey: 'other', state: 'U', reason: 'ok' })
  expect(votes.votes('k')).toEqual([
    { instance: 'a1', site: 'fra', state: 'D', reason: 'connect-refused' },
  ])
  votes.withdraw('k')
  expect(votes.votes('k')).toEqual([])
  expect(votes.votes('other')).toHaveLength(1)
})

test('one instance, and not degraded', () => {
  expect(createStandaloneVotes().status()).toEqual({
    kind: 'memory',
    degraded: false,
    instances: 1,
  })
})
