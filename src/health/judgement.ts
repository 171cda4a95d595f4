// Votes to a judgement, among the others or cut off from them (consensus.ts): what has to be remembered for that.

import {
  consensus,
  judgeWhileCutOff,
  type Judgement,
  type LiveVote,
  type OwnView,
  type VoteState,
} from './consensus.ts'
import { type DampingPolicy, type DampingState, isHeldDown } from './damping.ts'
import { SlotState } from './table.ts'

export interface VoteJudgement {
  readonly judgement: Judgement
  /** What we saw when we were cut off; null: we are not. */
  readonly observedAtCutOff: VoteState | null
  /** Up, at least once since then. */
  readonly wasObservedUp: boolean
  /** Down since then. */
  readonly wentDownWhileCutOff: boolean
}

const amongOthers = {
  observedAtCutOff: null,
  wasObservedUp: false,
  wentDownWhileCutOff: false,
} as const

export const initialJudgement: VoteJudgement = { judgement: 'unknown', ...amongOthers }

export function judgeVotes(
  before: VoteJudgement,
  votes: readonly LiveVote[],
  own: Pick<OwnView, 'vote' | 'observed'>,
  isAlone: boolean,
): VoteJudgement {
  const { judgement: current } = before
  if (!isAlone) return { judgement: consensus(votes, current), ...amongOthers }
  const seenBefore = before.observedAtCutOff ?? own.observed
  const wasSeenUp = before.wasObservedUp || own.observed === 'U'
  // Held down by us after it went down by us: the frozen votes know nothing of it.
  const isOurs = before.wentDownWhileCutOff && own.vote === 'D'
  const judgement = isOurs
    ? 'down'
    : judgeWhileCutOff(votes, current, {
        ...own,
        observedAtCutOff: seenBefore,
        wasObservedUp: wasSeenUp,
      })
  const isDown = judgement === 'down'
  const isDownAlone = isDown && (before.wentDownWhileCutOff || current !== 'down')
  return {
    judgement,
    observedAtCutOff: seenBefore,
    wasObservedUp: wasSeenUp,
    wentDownWhileCutOff: isDownAlone,
  }
}

// What an instance says of an endpoint by its own damping alone. After `fall` probes in a row that told nothing it has
// no word: so who is cut off does not outvote those who see.

export function ownVote(damping: DampingState, policy: DampingPolicy): VoteState {
  if (damping.unknowns >= policy.fall || damping.state === SlotState.unknown) return '?'
  return damping.state === SlotState.down ? 'D' : 'U'
}

/** With it, what is seen without holds: who is down for its flapping alone is seen up. */
export function ownView(
  damping: DampingState,
  policy: DampingPolicy,
): Pick<OwnView, 'vote' | 'observed'> {
  const vote = ownVote(damping, policy)
  return { vote, observed: isHeldDown(damping, policy) ? 'U' : vote }
}

// The state that is published of a judgement.
//
//   down      unknown until downs are believed; suspect where it is spared; down else
//   unknown   unknown
//   up        suspect where we see it fail ourselves; up else

interface JudgedSlot {
  readonly judgement: Judgement
  readonly acceptsDown: boolean
  /** Down, but not out: in doubt, or needed. */
  readonly isKeptAsSuspect: boolean
  /** By our own damping. */
  readonly isSuspect: boolean
}

export function publishedState(slot: JudgedSlot): SlotState {
  if (slot.judgement === 'unknown') return SlotState.unknown
  if (slot.judgement === 'up') return slot.isSuspect ? SlotState.suspect : SlotState.up
  if (!slot.acceptsDown) return SlotState.unknown
  return slot.isKeptAsSuspect ? SlotState.suspect : SlotState.down
}
