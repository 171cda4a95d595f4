// Peers without a store: votes count under the epoch of the current heartbeat, and votes of a boot whose heartbeat is
// not known yet do not replace them.

import { expect, test } from 'vitest'

import { type Peer, Peers } from '../../src/cluster/peers.ts'
import type { Heartbeat, StoredVote } from '../../src/cluster/redis/schema.ts'

const heartbeats = (epoch: number, sequence = 1): ReadonlyMap<string, Heartbeat> =>
  new Map([['b', { epoch, sequence, state: 'ok', site: 'fra', config: null }]])
const vote = (epoch: number): StoredVote => ({ state: 'U', epoch, reason: 'ok', sequence: null })

test('votes of a later boot wait for its heartbeat, earlier ones stand until then', () => {
  const peers = new Peers(1000)
  const stateOfVotes = (): string =>
    peers
      .votesOn('k', ['b'])
      .map(({ state }) => state)
      .join()
  peers.observe(heartbeats(1), 0, false)
  const peer = peers.get('b') as Peer
  expect(peers.setVote(peer, 'k', vote(1))).toBe(true)
  peer.needsFullRead = false
  // The store was emptied and a new epoch claimed: votes are written before the heartbeat that makes them count.
  expect(peers.setVote(peer, 'k', vote(2))).toBe(false)
  expect(stateOfVotes()).toBe('U')
  peers.observe(heartbeats(2, 2), 100, false)
  expect(peer.needsFullRead).toBe(true)
  expect(stateOfVotes()).toBe('U')
  expect(peers.setVote(peer, 'k', { ...vote(2), state: 'D' })).toBe(true)
  peer.previousEpoch = null
  expect(stateOfVotes()).toBe('D')
})

test('a heartbeat is recent until a hint says otherwise, or for two thirds of its lifetime', () => {
  const peers = new Peers(1000)
  const recent = (nowMs: number): readonly string[] => [...peers.takeRecentHeartbeats(nowMs).keys()]
  const first = heartbeats(1)
  peers.observe(first, 0, false)
  expect(recent(600)).toEqual(['b'])
  peers.markStale('b', 'an endpoint')
  expect(recent(600)).toEqual(['b'])
  // Not read: the same object stands in for it.
  peers.observe(first, 600, false)
  expect(recent(700)).toEqual([])
  peers.observe(heartbeats(1, 2), 700, false)
  expect(recent(700)).toEqual(['b'])
  peers.markStale('b', null)
  expect(recent(700)).toEqual([])
  // A hint that comes while it is read has it read once more.
  peers.markStale('b', null)
  peers.observe(heartbeats(1, 3), 700, false)
  expect(recent(700)).toEqual([])
  peers.observe(heartbeats(1, 3), 700, false)
  expect(recent(700)).toEqual(['b'])
  peers.requestHeartbeats()
  expect(recent(700)).toEqual([])
})

test('a vote of a boot that is not known has the heartbeat read again', () => {
  const peers = new Peers(1000)
  peers.observe(heartbeats(1), 0, false)
  const peer = peers.get('b') as Peer
  expect(peers.setVote(peer, 'k', vote(2))).toBe(false)
  expect([...peers.takeRecentHeartbeats(100).keys()]).toEqual([])
})
