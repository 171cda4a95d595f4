// What an instance says of an endpoint by its own damping alone. After `fall` probes in a row that told nothing it has
// no word: so who is cut off does not outvote those who see.

import type { VoteState } from './consensus.ts'
import type { DampingPolicy, DampingState } from './damping.ts'
import { SlotState } from './table.ts'

export function ownVote(damping: DampingState, policy: DampingPolicy): VoteState {
  if (damping.unknowns >= policy.fall || damping.state === SlotState.unknown) return '?'
  return damping.state === SlotState.down ? 'D' : 'U'
}
