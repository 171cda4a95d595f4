// Votes to a judgement, among the others or cut off from them (consensus.ts): what has to be remembered for that.

import {
  type Judgement,
  type LiveVote,
  type OwnWord,
  type VoteState,
  consensus,
  judgeAlone,
} from './consensus.ts'

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
