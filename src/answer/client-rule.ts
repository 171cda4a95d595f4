// Which rule of a steered set's policy the client falls under. With a client subnet that is remembered beside its scope,
// and neither the database nor the rules are asked again.

import { isInternal, matchIndex } from '../steer/match.ts'
import type { SteeredAddresses, SteeredMx } from '../steer/policy.ts'
import { dependsOnClient } from '../steer/scopes.ts'
import type { Locus } from '../steer/selection.ts'
import { hasClientSubnet, locateClient, subnetAddress } from './client-subnet.ts'
import type { Inquiry } from './inquiry.ts'

type RuledSet = SteeredMx | SteeredAddresses

/** Beyond any rule: the client is one of the zone's own MTAs. */
const internal = 0x7fff

/** Its place in the policy, -1: no rule decides. The inquiry's scope as `locusOf` (inquiry.ts) leaves it. */
export function ruleOf(inquiry: Inquiry, set: RuledSet): number {
  if (!dependsOnClient(set)) return 0
  const { query, context } = inquiry
  const { scopes } = context
  if (!hasClientSubnet(query) || scopes === undefined) return decided(set, locusOf(inquiry))
  const length = scopes.prefixLength(set, subnetAddress(query))
  const known = scopes.decision()
  const decision = known < 0 ? decide(set, locusOf(inquiry)) : known
  if (known < 0) scopes.keepDecision(decision)
  inquiry.scopePrefixLength = Math.max(inquiry.scopePrefixLength, length)
  return decision === internal ? -1 : decision
}

const locusOf = (inquiry: Inquiry): Locus =>
  (inquiry.locus ??= locateClient(inquiry.context, inquiry.query, inquiry.peer))

const decide = (set: RuledSet, locus: Locus): number =>
  set.kind === 'steered-mx' && isInternal(set.internal, locus)
    ? internal
    : matchIndex(set.policy, locus)

function decided(set: RuledSet, locus: Locus): number {
  const decision = decide(set, locus)
  return decision === internal ? -1 : decision
}
