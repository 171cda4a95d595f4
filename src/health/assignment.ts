// Which instances probe an endpoint: `count` of the live ones, chosen by rendezvous hashing (highest random weight), so
// that every instance computes the same result without any message. One instance per site first, best score first;
// when the sites are used up, the best of the remaining instances.
//
// When an instance leaves, only the endpoints it probed move; one that joins displaces at most one other per endpoint.

import { combineHashes, hashText } from '../lib/hash.ts'

/** An instance as a vantage point: its name and the site it runs at. */
export interface Vantage {
  readonly instance: string
  readonly site: string
}

/** A vantage point with the hash of its name, computed once since every endpoint is scored against it. */
export interface HashedVantage extends Vantage {
  readonly hash: number
}

export const hashVantages = (vantages: readonly Vantage[]): readonly HashedVantage[] =>
  vantages.map(({ instance, site }) => ({ instance, site, hash: hashText(instance) }))

/**
 * Names of the instances that probe an endpoint, best score first; at most `count`, fewer where fewer are live.
 * `endpointHash` is `hashText` of the endpoint's slot key.
 */
export function assignees(
  endpointHash: number,
  live: readonly HashedVantage[],
  count: number,
): readonly string[] {
  const ranked = live
    .map((vantage) => ({ vantage, score: combineHashes(endpointHash, vantage.hash) }))
    .sort((a, b) => b.score - a.score || (a.vantage.instance < b.vantage.instance ? -1 : 1))
  const sites = new Set<string>()
  const firstOfSite: string[] = []
  const others: string[] = []
  for (const { vantage } of ranked) {
    const isNew = !sites.has(vantage.site)
    sites.add(vantage.site)
    if (isNew) firstOfSite.push(vantage.instance)
    else others.push(vantage.instance)
  }
  return [...firstOfSite, ...others].slice(0, count)
}
