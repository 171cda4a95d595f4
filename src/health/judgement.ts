// Votes to a judgement, among the others or cut off from them (consensus.ts): what has to be remembered for that.

import {
  consensus,
  judgeAlone,
  type Judgement,
  type LiveVote,
  type OwnWord,
  type VoteState,
} from './consensus.ts'
import { type DampingPolicy, type DampingState, isHeld } from './damping.ts'
import { SlotState } from './table.ts'

export interface Weighed {
  readonly judgement: Judgement
  /** What we saw when we were cut off; null: we are not. */
  readonly seenBefore: VoteState | null
  /** Up, at least once since then. */
  readonly wasSeenUp: boolean
  /** Down since then. */
  readonly isDownAlone: boolean
}

const amongOthers = { seenBefore: null, wasSeenUp: false, isDownAlone: false } as const

export const unweighed: Weighed = { judgement: 'unknown', ...amongOthers }

export function weighVotes(
  before: Weighed,
  votes: readonly LiveVote[],
  own: Pick<OwnWord, 'vote' | 'seen'>,
  isAlone: boolean,
): Weighed {
  const { judgement: current } = before
  if (!isAlone) return { judgement: consensus(votes, current), ...amongOthers }
  const seenBefore = before.seenBefore ?? own.seen
  const wasSeenUp = before.wasSeenUp || own.seen === 'U'
  // Held down by us after it went down by us: the frozen votes know nothing of it.
  const isOurs = before.isDownAlone && own.vote === 'D'
  const judgement = isOurs ? 'down' : judgeAlone(votes, current, { ...own, seenBefore, wasSeenUp })
  const isDown = judgement === 'down'
  const isDownAlone = isDown && (before.isDownAlone || current !== 'down')
  return { judgement, seenBefore, wasSeenUp, isDownAlone }
}

// What an instance says of an endpoint by its own damping alone. After `fall` probes in a row that told nothing it has
// no word: so who is cut off does not outvote those who see.

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

// The state that is published of a judgement.
//
//   down      unknown until downs are believed; suspect where it is spared; down else
//   unknown   unknown
//   up        suspect where we see it fail ourselves; up else

interface JudgedSlot {
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
