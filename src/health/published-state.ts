// The state that is published of a judgement.
//
//   down      unknown until downs are believed; suspect where it is spared; down else
//   unknown   unknown
//   up        suspect where we see it fail ourselves; up else

import type { Judgement } from './consensus.ts'
import { SlotState } from './table.ts'

export interface JudgedSlot {
  readonly judgement: Judgement
  readonly believesDown: boolean
  /** Down, but not out: in doubt, or needed. */
  readonly isSpared: boolean
  /** By our own damping. */
  readonly isSuspect: boolean
}

export function publishedState(slot: JudgedSlot): SlotState {
  if (slot.judgement === 'unknown') return SlotState.unknown
  if (slot.judgement === 'up') return slot.isSuspect ? SlotState.suspect : SlotState.up
  if (!slot.believesDown) return SlotState.unknown
  return slot.isSpared ? SlotState.suspect : SlotState.down
}
