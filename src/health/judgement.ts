// From votes to a judgement, and from a judgement to the published state: what has to be remembered between votes to
// tell news from older observations while this instance is cut off (rules: consensus.ts).

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

/** The judgement on an endpoint with what has to be remembered for the next one. */
export interface VoteJudgement {
  readonly judgement: Judgement
  /** What this instance observed when it was cut off; null while it is not cut off. */
  readonly observedAtCutOff: VoteState | null
  /** Whether it was observed up at any time since the cut. */
  readonly wasObservedUp: boolean
  /** Whether it went down since the cut, by this instance's own judgement. */
  readonly wentDownWhileCutOff: boolean
}

const connected = {
  observedAtCutOff: null,
  wasObservedUp: false,
  wentDownWhileCutOff: false,
} as const

export const initialJudgement: VoteJudgement = { judgement: 'unknown', ...connected }

/** The next judgement. `votes` include the own one; while `isCutOff` the others are the frozen last ones. */
export function judgeVotes(
  before: VoteJudgement,
  votes: readonly LiveVote[],
  own: Pick<OwnView, 'vote' | 'observed'>,
  isCutOff: boolean,
): VoteJudgement {
  const { judgement: current } = before
  if (!isCutOff) return { judgement: consensus(votes, current), ...connected }
  const observedAtCutOff = before.observedAtCutOff ?? own.observed
  const wasObservedUp = before.wasObservedUp || own.observed === 'U'
  // Held down after it went down by our own judgement: the frozen votes are older than that.
  const isOwnDown = before.wentDownWhileCutOff && own.vote === 'D'
  const judgement = isOwnDown
    ? 'down'
    : judgeWhileCutOff(votes, current, {
        ...own,
        observedAtCutOff,
        wasObservedUp,
      })
  const isDown = judgement === 'down'
  const wentDownWhileCutOff = isDown && (before.wentDownWhileCutOff || current !== 'down')
  return {
    judgement,
    observedAtCutOff,
    wasObservedUp,
    wentDownWhileCutOff,
  }
}

// This instance's own vote on an endpoint, from its own damping alone. After `fall` verdicts `unknown` in a row it is `?`,
// so that an instance that is cut off from the target does not outvote those that can reach it.

/** The own vote on an endpoint. */
export function ownVote(damping: DampingState, policy: DampingPolicy): VoteState {
  if (damping.unknowns >= policy.fall || damping.state === SlotState.unknown) return '?'
  return damping.state === SlotState.down ? 'D' : 'U'
}

/** The own vote, and the same without flap holds: a target that is down only for flapping is observed up. */
export function ownView(
  damping: DampingState,
  policy: DampingPolicy,
): Pick<OwnView, 'vote' | 'observed'> {
  const vote = ownVote(damping, policy)
  return { vote, observed: isHeldDown(damping, policy) ? 'U' : vote }
}

// The state published in the health table for a judgement:
//
//   down      unknown until downs are accepted; suspect if it is kept as suspect; else down
//   unknown   unknown
//   up        suspect if our own probes fail; else up

interface JudgedSlot {
  readonly judgement: Judgement
  /** False until the first round of probes has ended; until then a down is not published. */
  readonly acceptsDown: boolean
  /** Judged down but still eligible: held back by the mass-failure guard, or needed by its pool. */
  readonly isKeptAsSuspect: boolean
  /** Suspect by our own damping. */
  readonly isSuspect: boolean
}

/** The slot state to publish, by the table above. */
export function publishedState(slot: JudgedSlot): SlotState {
  if (slot.judgement === 'unknown') return SlotState.unknown
  if (slot.judgement === 'up') return slot.isSuspect ? SlotState.suspect : SlotState.up
  if (!slot.acceptsDown) return SlotState.unknown
  return slot.isKeptAsSuspect ? SlotState.suspect : SlotState.down
}
