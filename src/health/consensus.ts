// What the votes of several instances amount to. The same pure function everywhere: no leader.
//
//   votes that count: those not `?`; n of them, d down, u up
//   down    d/n ≥ 2/3, from ≥ 2 sites where votes come from two or more
//   up      u/n ≥ 1/2
//   else, and without any vote, the judgement stands: it takes more to go down than to come back
//
// One instance alone is one vote of one site: its own word.
//
// Cut off from the others (`judgeAlone`) their last votes are frozen, and our own word is either older than that and
// weighed among them, or news, which goes before them: down where we had not seen so, up where we had. A target that
// passes and is held down for its flapping is seen up: that it dies is news. So it is of one that had just come back when
// we were cut off, and that we had not taken for up yet. (Such a down still wants a second round: watch/endpoint-health.ts.)

export type VoteState = 'U' | 'D' | '?'

export interface LiveVote {
  readonly instance: string
  readonly site: string
  readonly state: VoteState
  readonly reason: string
}

export type Judgement = 'unknown' | 'up' | 'down'

export function consensus(votes: readonly LiveVote[], current: Judgement): Judgement {
  const [first] = votes
  // An instance that is alone: the common case, a thousand times a second.
  if (votes.length === 1 && first) {
    if (first.state === '?') return current
    return first.state === 'D' ? 'down' : 'up'
  }
  const counted = votes.filter((vote) => vote.state !== '?')
  if (counted.length === 0) return current
  const down = counted.filter((vote) => vote.state === 'D')
  const isMajorityUp = (counted.length - down.length) * 2 >= counted.length
  const isWidelySeen = countSites(down) >= 2 || countSites(counted) === 1
  if (down.length * 3 >= counted.length * 2 && isWidelySeen) return 'down'
  return isMajorityUp ? 'up' : current
}

/** Our own word while we are cut off. */
export interface OwnView {
  readonly vote: VoteState
  /** The same without holds. */
  readonly observed: VoteState
  /** What was seen when we were cut off. */
  readonly observedAtCutOff: VoteState
  /** It was seen up since. */
  readonly wasObservedUp: boolean
}

/** `votes`: the frozen ones and our own. */
export function judgeWhileCutOff(
  votes: readonly LiveVote[],
  current: Judgement,
  { vote, observed: seen, observedAtCutOff: seenBefore, wasObservedUp: wasSeenUp }: OwnView,
): Judgement {
  if (seen === 'D' && (seenBefore !== 'D' || wasSeenUp)) return 'down'
  if (vote === 'U' && seenBefore === 'D') return 'up'
  return consensus(votes, current)
}

const countSites = (votes: readonly LiveVote[]): number =>
  new Set(votes.map((vote) => vote.site)).size

/** Whether some say up and some say down. */
export const isDisputed = (votes: readonly LiveVote[]): boolean =>
  votes.some(({ state }) => state === 'U') && votes.some(({ state }) => state === 'D')
