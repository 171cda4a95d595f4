// A target that refuses our probes with 5xx or x.7.x: does it refuse every client, or only probes? Decided by the votes of sites.
//
//   sites with a vote   refused at    counts as failing            alert
//   any number          none          –                            –
//   one                 that one      yes                          yes: no other site can confirm
//   several             one           no: it refuses this site     yes
//   several             two or more   yes: it refuses everyone     no
//
// With one known site it counts, after twice `fall`: a 554 for every client that is never acted on leaves mail stuck, and
// the last member of a pool is answered anyway. The counting is left to consensus.ts, whose rule of two sites amounts to
// the same for every other reason.

import type { LiveVote } from './consensus.ts'

type Refusal = 'none' | 'alone' | 'blocked' | 'everywhere'

/** Whether an instance at this site is refused. */
interface SiteReport {
  readonly site: string
  readonly isRefused: boolean
}

/** `alone`: refused, and only one site votes. `blocked`: refused at one site of several. See the table above. */
export function classifyRefusal(reports: readonly SiteReport[]): Refusal {
  const known = new Set(reports.map(({ site }) => site))
  const refused = new Set(reports.filter(({ isRefused }) => isRefused).map(({ site }) => site))
  if (refused.size === 0) return 'none'
  if (refused.size >= 2) return 'everywhere'
  return known.size === 1 ? 'alone' : 'blocked'
}

/** Whether to alert the operator that the target may refuse only our probes. */
export const isProberBlocked = (refusal: Refusal): boolean =>
  refusal === 'alone' || refusal === 'blocked'

/** Whether a vote's reason is one of the outcome `refusing`. */
export const isRefusing = (reason: string): boolean => refusingReasons.has(reason)

const refusingReasons: ReadonlySet<string> = new Set(
  ['banner', 'mail', 'rcpt'].flatMap((phase) => [`${phase}-policy`, `${phase}-refusing`]),
)

/** Whether a vote says that the target is down for a reason of refusal. */
export const isRefusal = ({ state, reason }: LiveVote): boolean =>
  state === 'D' && isRefusing(reason)

/** One report per vote other than `?`. */
export const siteReports = (votes: readonly LiveVote[]): readonly SiteReport[] =>
  votes
    .filter(({ state }) => state !== '?')
    .map((vote) => ({ site: vote.site, isRefused: isRefusal(vote) }))
