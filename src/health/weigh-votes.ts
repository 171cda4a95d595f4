// Votes to a judgement, among the others or cut off from them (consensus.ts): what has to be remembered for that.

import {
  type Judgement,
  type LiveVote,
  type VoteState,
  consensus,
  judgeAlone,
} from './consensus.ts'

export interface Weighed {
  readonly judgement: Judgement
  /** Our word when we were cut off; null: we are not. */
  readonly wordBefore: VoteState | null
  /** Down since then. */
  readonly isDownAlone: boolean
}

export const unweighed: Weighed = { judgement: 'unknown', wordBefore: null, isDownAlone: false }

export function weighVotes(
  { judgement: current, wordBefore, isDownAlone }: Weighed,
  votes: readonly LiveVote[],
  own: VoteState,
  isAlone: boolean,
): Weighed {
  if (!isAlone)
    return { judgement: consensus(votes, current), wordBefore: null, isDownAlone: false }
  const before = wordBefore ?? own
  const judgement = judgeAlone(votes, current, { state: own, before })
  const isDown = judgement === 'down'
  return {
    judgement,
    wordBefore: before,
    isDownAlone: isDown && (isDownAlone || current !== 'down'),
  }
}
