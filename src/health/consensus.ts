// The judgement that the votes of several instances amount to. Every instance computes it with the same pure function:
// there is no leader.
//
//   counted  votes other than `?`: n of them, d for down, u for up
//   down     d/n ≥ 2/3, from at least 2 sites if the counted votes come from two or more
//   up       u/n ≥ 1/2
//   else     the current judgement stands, as it does without any vote: going down takes more than coming back
//
// An instance without peers is one vote from one site, so its own vote decides.
//
// While this instance is cut off from the others (`judgeWhileCutOff`), their last votes are frozen. Its own view is
// either older than the cut and counts as one vote among them, or news, which overrides them: down if it was not
// observed down before, up if it was. A target that passes but is held down for flapping is observed up, so its failure
// is news; so is the failure of one that had just come back at the cut and was not yet judged up. (Such a down still
// has to be confirmed: mass-failure-guard.ts.)

/** A vote on an endpoint: up, down, or no opinion. The letters are stored in Redis. */
export type VoteState = 'U' | 'D' | '?'

/** The vote of a live instance on one endpoint. `reason` is that of its last probe outcome. */
export interface LiveVote {
  readonly instance: string
  readonly site: string
  readonly state: VoteState
  readonly reason: string
}

/** What the votes amount to; `unknown` until there has been a vote. */
export type Judgement = 'unknown' | 'up' | 'down'

/** The judgement of `votes` by the rules above; `current` where they decide nothing. */
export function consensus(votes: readonly LiveVote[], current: Judgement): Judgement {
  const [first] = votes
  // Fast path for an instance without peers, which runs about a thousand times a second.
  if (votes.length === 1 && first) {
    if (first.state === '?') return current
    return first.state === 'D' ? 'down' : 'up'
  }
  const counted = votes.filter((vote) => vote.state !== '?')
  if (counted.length === 0) return current
  const down = counted.filter((vote) => vote.state === 'D')
  const isMajorityUp = (counted.length - down.length) * 2 >= counted.length
  const hasEnoughSites = countSites(down) >= 2 || countSites(counted) === 1
  if (down.length * 3 >= counted.length * 2 && hasEnoughSites) return 'down'
  return isMajorityUp ? 'up' : current
}

/** What this instance itself thinks of an endpoint. */
export interface OwnView {
  /** Its vote, with flap holds applied. */
  readonly vote: VoteState
  /** The same without flap holds. */
  readonly observed: VoteState
  /** `observed` at the moment this instance was cut off. */
  readonly observedAtCutOff: VoteState
  /** Whether it was observed up at any time since the cut. */
  readonly wasObservedUp: boolean
}

/** The judgement while cut off. `votes` are the frozen votes of the others plus the own vote. */
export function judgeWhileCutOff(
  votes: readonly LiveVote[],
  current: Judgement,
  { vote, observed, observedAtCutOff, wasObservedUp }: OwnView,
): Judgement {
  if (observed === 'D' && (observedAtCutOff !== 'D' || wasObservedUp)) return 'down'
  if (vote === 'U' && observedAtCutOff === 'D') return 'up'
  return consensus(votes, current)
}

const countSites = (votes: readonly LiveVote[]): number =>
  new Set(votes.map((vote) => vote.site)).size

/** Whether there are both up and down votes. */
export const isDisputed = (votes: readonly LiveVote[]): boolean =>
  votes.some(({ state }) => state === 'U') && votes.some(({ state }) => state === 'D')
