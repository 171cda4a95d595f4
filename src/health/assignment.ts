// Who probes an endpoint: `count` of the live instances, by rendezvous hashing, the same everywhere without a word
// between them. At most one a site while there are sites enough, then the best of the rest.
//
// Who leaves moves only what it probed itself, and who comes takes one place from one other.

import { combineHashes, hashText } from '../lib/hash.ts'

export interface Vantage {
  readonly instance: string
  readonly site: string
}

/** With its hash, which is asked for once an endpoint. */
export interface HashedVantage extends Vantage {
  readonly hash: number
}

export const hashVantages = (vantages: readonly Vantage[]): readonly HashedVantage[] =>
  vantages.map(({ instance, site }) => ({ instance, site, hash: hashText(instance) }))

/** `endpointHash`: of its slot key. The best first. */
export function assignees(
  endpointHash: number,
  live: readonly HashedVantage[],
  count: number,
): readonly string[] {
  const ranked = live
    .map((vantage) => ({ vantage, score: combineHashes(endpointHash, vantage.hash) }))
    .sort((a, b) => b.score - a.score || (a.vantage.instance < b.vantage.instance ? -1 : 1))
  const sites = new Set<string>()
  const ofNewSites: string[] = []
  const others: string[] = []
  for (const { vantage } of ranked) {
    const isNew = !sites.has(vantage.site)
    sites.add(vantage.site)
    if (isNew) ofNewSites.push(vantage.instance)
    else others.push(vantage.instance)
  }
  return [...ofNewSites, ...others].slice(0, count)
}
