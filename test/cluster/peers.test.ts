// What is known of the others, without a store: votes count under the boot that beats, and a boot that is not seen yet
// takes nothing away.

import { expect, test } from 'vitest'

import { type Peer, Peers } from '../../src/cluster/peers.ts'
import type { Heartbeat, StoredVote } from '../../src/cluster/redis/schema.ts'

const beat = (epoch: number, sequence = 1): ReadonlyMap<string, Heartbeat> =>
  new Map([['b', { epoch, sequence, state: 'ok', site: 'fra', config: null }]])
const vote = (epoch: number): StoredVote => ({ state: 'U', epoch, reason: 'ok' })

test('votes of a later boot wait for its heartbeat, those before stand until then', () => {
  const peers = new Peers(1000)
  const said = (): string =>
    peers
      .votesOn('k', ['b'])
      .map(({ state }) => state)
      .join()
  peers.observe(beat(1), 0, false)
  const peer = peers.get('b') as Peer
  expect(peers.setVote(peer, 'k', vote(1))).toBe(true)
  peer.needsFullRead = false
  // It was emptied, and entered anew: votes come before the heartbeat that vouches for them.
  expect(peers.setVote(peer, 'k', vote(2))).toBe(false)
  expect(said()).toBe('U')
  peers.observe(beat(2, 2), 100, false)
  expect(peer.needsFullRead).toBe(true)
  expect(said()).toBe('U')
  expect(peers.setVote(peer, 'k', { ...vote(2), state: 'D' })).toBe(true)
  peer.previousEpoch = null
  expect(said()).toBe('D')
})
