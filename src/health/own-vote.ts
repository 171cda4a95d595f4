// What an instance says of an endpoint by its own damping alone. After `fall` probes in a row that told nothing it has
// no word: so who is cut off does not outvote those who see.

import type { OwnWord, VoteState } from './consensus.ts'
import { type DampingPolicy, type DampingState, isHeld } from './damping.ts'
import { SlotState } from './table.ts'

export function ownVote(damping: DampingState, policy: DampingPolicy): VoteState {
  if (damping.unknowns >= policy.fall || damping.state === SlotState.unknown) return '?'
  return damping.state === SlotState.down ? 'D' : 'U'
}

/** With it, what is seen without holds: who is down for its flapping alone is seen up. */
export function ownWord(
  damping: DampingState,
  policy: DampingPolicy,
): Pick<OwnWord, 'vote' | 'seen'> {
  const vote = ownVote(damping, policy)
  return { vote, seen: isHeld(damping, policy) ? 'U' : vote }
}
