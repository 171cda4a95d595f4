// A store that is emptied between a snapshot and the reading of votes: votes missing then were not withdrawn.

import { expect, test } from 'vitest'

import { systemClock } from '../../../src/lib/clock.ts'
import { stubLink } from '../../support/stub-link.ts'
import { Peers } from '../../../src/cluster/peers.ts'
import { stateKeys, stateTimes } from '../../../src/cluster/redis/schema.ts'
import { OversizedRecords } from '../../../src/cluster/redis/oversized-records.ts'
import { StoreSeals } from '../../../src/cluster/redis/store-seals.ts'
import { VoteReader } from '../../../src/cluster/redis/vote-reader.ts'

const endpoint = 'abcdefghijklmnop'
const beat = { epoch: 1, sequence: 1, state: 'ok', site: 'x', config: null } as const

function arrange() {
  const store = { id: '00000000000000aa' as string | null, vote: 'D|1|timeout' as string | null }
  const reply = (name: string, fields: readonly unknown[]): unknown => {
    if (name === 'getrange') return store.id ?? ''
    if (name === 'hstrlen') return store.vote?.length ?? 0
    return fields.map(() => store.vote)
  }
  const link = stubLink(([name, , ...fields]) => reply(name, fields))
  const peers = new Peers(1000)
  peers.observe(new Map([['b', beat]]), 0, false)
  const changed: string[] = []
  const reader = new VoteReader({
    link,
    keys: stateKeys('test'),
    peers,
    oversized: new OversizedRecords({ nowMs: () => 0, forgetMs: 1, onRecord() {} }),
    seals: new StoreSeals({
      secrets: null,
      instance: 'a',
      clock: systemClock,
      times: stateTimes(1000),
      onEvent() {},
    }),
    endpointsOf: () => [endpoint],
    onVotes: (endpoints) => void changed.push(...endpoints),
  })
  return {
    store,
    peers,
    reader,
    changed,
    said: () => peers.votesOn(endpoint, ['b']).map(({ state }) => state),
  }
}

test('votes stand and are read again when the store has another id or none', async () => {
  const { store, peers, reader, changed, said } = arrange()
  expect(await reader.read('00000000000000aa')).toBe('done')
  expect(said()).toEqual(['D'])
  for (const id of [null, '00000000000000bb']) {
    Object.assign(store, { id, vote: null })
    peers.requestFullRead()
    expect(await reader.read('00000000000000aa')).toBe('other-store')
    expect(said()).toEqual(['D'])
    expect(peers.get('b')?.needsFullRead).toBe(true)
  }
  expect(await reader.read('00000000000000bb')).toBe('done')
  expect(said()).toEqual([])
  expect(changed).toEqual([endpoint, endpoint])
})

test('a store whose id must not be read is trusted', async () => {
  const { store, reader, said } = arrange()
  Object.assign(store, { id: null })
  expect(await reader.read(null)).toBe('done')
  expect(said()).toEqual(['D'])
})
