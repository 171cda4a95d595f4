import { expect, test } from 'vitest'
import { createMemoryExchange } from '../../src/cluster/standalone.ts'

test('one vote an endpoint, the last one published', () => {
  const exchange = createMemoryExchange('a1', 'fra')
  expect(exchange.votes('k')).toEqual([])
  exchange.publish({ slotKey: 'k', state: 'U', reason: 'ok' })
  exchange.publish({ slotKey: 'k', state: 'D', reason: 'connect-refused' })
  exchange.publish({ slotKey: 'other', state: 'U', reason: 'ok' })
  expect(exchange.votes('k')).toEqual([
    { instance: 'a1', site: 'fra', state: 'D', reason: 'connect-refused' },
  ])
  exchange.withdraw('k')
  expect(exchange.votes('k')).toEqual([])
  expect(exchange.votes('other')).toHaveLength(1)
})

test('alone, and not degraded', () => {
  expect(createMemoryExchange().status()).toEqual({ kind: 'memory', degraded: false, instances: 1 })
})
