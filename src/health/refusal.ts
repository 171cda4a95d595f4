// A target that refuses our probes with 5xx or x.7.x: does it refuse everyone, or only us? By the words of sites.
//
//   sites that have a word   refused at        counts as failing   alert
//   any number               none              –                   –
//   one                      it                yes                 yes: nobody can tell us otherwise
//   several                  one               no: it is us        yes
//   several                  two or more       yes: it is everyone no
//
// With one site known it counts, after twice `fall`: a 554 for everyone that is never taken out leaves mail
// stuck, and the last of a pool is answered all the same. Counting is left to consensus.ts, whose rule of two
// sites comes to the same for every other reason too.

import type { LiveVote } from './consensus.ts'

type Refusal = 'none' | 'alone' | 'blocked' | 'everywhere'

interface SiteReport {
  readonly site: string
  readonly isRefused: boolean
}

export function classifyRefusal(words: readonly SiteReport[]): Refusal {
  const known = new Set(words.map(({ site }) => site))
  const refused = new Set(words.filter(({ isRefused }) => isRefused).map(({ site }) => site))
  if (refused.size === 0) return 'none'
  if (refused.size >= 2) return 'everywhere'
  return known.size === 1 ? 'alone' : 'blocked'
}

export const isProberBlocked = (refusal: Refusal): boolean =>
  refusal === 'alone' || refusal === 'blocked'

/** Reasons of the outcome `refusing`, as votes carry them. */
export const isRefusing = (reason: string): boolean =>
  /^(banner|mail|rcpt)-(policy|refusing)$/.test(reason)

/** What votes say: those for down with a reason of refusal, against all that have a word. */
export const siteReports = (votes: readonly LiveVote[]): readonly SiteReport[] =>
  votes
    .filter(({ state }) => state !== '?')
    .map(({ site, state, reason }) => ({ site, isRefused: state === 'D' && isRefusing(reason) }))
