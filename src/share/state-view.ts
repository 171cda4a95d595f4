// A look at the exchange, for metrics and people.

import { type LiveVote, isDisputed } from '../health/consensus.ts'
import type { OwnVotes } from './own-votes.ts'
import type { Peers } from './peers.ts'
import type { PeerView, StateView } from './state-events.ts'

export function countVotes(
  own: OwnVotes,
  votesOf: (slotKey: string) => readonly LiveVote[],
): StateView['votes'] {
  const counts = { up: 0, down: 0, unknown: 0, disputed: 0 }
  for (const { slotKey, state } of own.all()) {
    counts[state === 'U' ? 'up' : state === 'D' ? 'down' : 'unknown']++
    if (isDisputed(votesOf(slotKey))) counts.disputed++
  }
  return counts
}

export const viewPeers = (peers: Peers, nowMs: number): readonly PeerView[] =>
  [...peers.all()].map(({ instance, beat, movedAtMs }) => ({
    instance,
    site: beat.site,
    state: beat.state,
    ageSeconds: (nowMs - movedAtMs) / 1000,
  }))
