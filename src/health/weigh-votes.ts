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
  /** Down since then. */
  readonly isDownAlone: boolean
}

export const unweighed: Weighed = { judgement: 'unknown', seenBefore: null, isDownAlone: false }

export function weighVotes(
  { judgement: current, seenBefore: before, isDownAlone: wasDownAlone }: Weighed,
  votes: readonly LiveVote[],
  own: Omit<OwnWord, 'seenBefore'>,
  isAlone: boolean,
): Weighed {
  if (!isAlone)
    return { judgement: consensus(votes, current), seenBefore: null, isDownAlone: false }
  const seenBefore = before ?? own.seen
  // Held down by us after it went down by us: the frozen votes know nothing of it.
  const isOurs = wasDownAlone && own.vote === 'D'
  const judgement = isOurs ? 'down' : judgeAlone(votes, current, { ...own, seenBefore })
  const isDown = judgement === 'down'
  return { judgement, seenBefore, isDownAlone: isDown && (wasDownAlone || current !== 'down') }
}
