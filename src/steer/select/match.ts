// Rules: the first whose conditions the client meets. All given conditions must hold; what is not known of
// a client (null) matches no value, so that a missing GeoIP database sends everyone to the catch-all.

import { networkContains, type Network } from '../../lib/ip.ts'
import type { Conditions, Policy, Rule } from '../policy.ts'
import type { Locus } from '../selection.ts'

/** The first matching rule. The catch-all comes last by construction, and stands in for any mistake in that. */
export const matchRule = (policy: Policy, locus: Locus): Rule | undefined =>
  policy.rules[matchIndex(policy, locus)]

/** Its place; -1 where there are no rules. */
export function matchIndex({ rules }: Policy, locus: Locus): number {
  for (let at = 0; at < rules.length; at++) {
    const { when } = rules[at] as Rule
    if (when === null || matches(when, locus)) return at
  }
  return rules.length - 1
}

/** The rule of clients of whom nothing is known. */
export function catchAll(policy: Policy): Rule | undefined {
  for (const rule of policy.rules) if (rule.when === null) return rule
  return policy.rules[policy.rules.length - 1]
}

export function matches(when: Conditions, locus: Locus): boolean {
  return (
    includes(when.continents, locus.continent) &&
    includes(when.countries, locus.country) &&
    includes(when.asns, locus.asn) &&
    (when.networks === null || isWithin(when.networks, locus))
  )
}

/** A condition that was not given (null) holds. */
const includes = <Value>(wanted: readonly Value[] | null, actual: Value | null): boolean =>
  wanted === null || (actual !== null && wanted.includes(actual))

/**
 * Whether the client is an MTA of the zone's own. A network that stands for its clients (EDNS Client Subnet) is taken
 * for one where any of its addresses may be: who is not gets a good ladder too, who is must not see itself best.
 */
export function isInternal(internal: readonly Network[], locus: Locus): boolean {
  const known = locus.prefixLength ?? Infinity
  for (const { octets, prefixLength } of internal)
    if (networkContains({ octets, prefixLength: Math.min(prefixLength, known) }, locus.octets))
      return true
  return false
}

/** Whether the client's address is in any of the networks; families never match each other. */
export function isWithin(networks: readonly Network[], locus: Locus): boolean {
  for (const network of networks) if (networkContains(network, locus.octets)) return true
  return false
}
