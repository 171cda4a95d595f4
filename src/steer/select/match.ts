// Rules: the first one whose conditions hold for the client. All conditions of a rule must hold; a property of the client
// that is unknown (null) matches no value, so that without a GeoIP database every client gets the catch-all.

import { type Network, networkContains } from '../../lib/ip.ts'
import type { Conditions, Policy, Rule, SelectedSet } from '../policy.ts'
import type { Locus } from '../selection.ts'

/** Index of the rule that decides for the client, or one past the last where it gets the fixed ladder of the set. */
export const ruleIndexOf = (set: SelectedSet, locus: Locus): number =>
  getsFixedLadder(set, locus) ? set.policy.rules.length : matchIndex(set.policy, locus)

/** The first rule that matches. The catch-all is the last rule by construction, and matches in any case. */
export const matchRule = (policy: Policy, locus: Locus): Rule =>
  policy.rules[matchIndex(policy, locus)] as Rule

function matchIndex({ rules }: Policy, locus: Locus): number {
  const last = rules.length - 1
  for (let at = 0; at < last; at++) {
    const { when } = rules[at] as Rule
    if (when === null || matches(when, locus)) return at
  }
  return last
}

/** The rule for clients of which nothing is known. */
export const catchAll = ({ rules }: Policy): Rule => rules.at(-1) as Rule

/** Whether all conditions hold for a client at `locus`. */
export function matches(when: Conditions, locus: Locus): boolean {
  return (
    isOneOf(when.continents, locus.continent) &&
    isOneOf(when.countries, locus.country) &&
    isOneOf(when.asns, locus.asn) &&
    (when.networks === null || isWithin(when.networks, locus))
  )
}

/** Whether a condition holds: always where it is absent (`values` null), never where `actual` is unknown (null). */
export const isOneOf = <Value>(values: readonly Value[] | null, actual: Value | null): boolean =>
  values === null || (actual !== null && values.includes(actual))

/**
 * Whether the client is one of the zone's own MTAs. A network that stands for its clients (EDNS Client Subnet) counts as
 * internal where any of its addresses may be: other clients get a good ladder too, but an MTA must not see itself best.
 */
export function isInternal(internal: readonly Network[], locus: Locus): boolean {
  const known = locus.prefixLength ?? Infinity
  for (const { octets, prefixLength } of internal)
    if (networkContains({ octets, prefixLength: Math.min(prefixLength, known) }, locus.octets))
      return true
  return false
}

/** Whether the client gets the fixed ladder of the set, to which no rule applies. */
export const getsFixedLadder = (set: SelectedSet, locus: Locus): boolean =>
  (set.kind === 'steered-mx' || set.kind === 'exchange-slot') && isInternal(set.internal, locus)

/** Whether the client's address is in any of the networks; IPv4 and IPv6 never match each other. */
export function isWithin(networks: readonly Network[], locus: Locus): boolean {
  for (const network of networks) if (networkContains(network, locus.octets)) return true
  return false
}
