// Which rule of a steered set's policy the client falls under. With a client subnet that is remembered beside its scope,
// and neither the database nor the rules are asked again.

import { isInternal, matchIndex } from '../steer/match.ts'
import type { SteeredAddresses, SteeredMx } from '../steer/policy.ts'
import type { ScopeMemory, Scopes } from '../steer/scopes.ts'
import type { Locus } from '../steer/selection.ts'
import { hasClientSubnet, locateClient, network24, subnetAddress } from './client-subnet.ts'
import type { Inquiry } from './inquiry.ts'

type RuledSet = SteeredMx | SteeredAddresses

/** Beyond any rule: the client is one of the zone's own MTAs. */
const internal = 0x7fff

/**
 * Its place in the policy, -1: no rule decides. The inquiry's scope as `locusOf` (inquiry.ts) leaves it. `memory`: of the
 * set, where there are scopes.
 */
export function ruleOf(inquiry: Inquiry, set: RuledSet, memory: ScopeMemory | null): number {
  const { query, context } = inquiry
  const { scopes } = context
  if (memory === null || scopes === undefined || !hasClientSubnet(query))
    return ruled(decide(set, locusOf(inquiry)))
  const network = network24(query)
  const known = network < 0 ? -1 : scopes.recall(memory, network)
  if (known < 0) return ruleOfNew(inquiry, set, memory, scopes)
  inquiry.scopePrefixLength = Math.max(inquiry.scopePrefixLength, known & 0x1f)
  return known >> 5
}

// oxlint-disable-next-line max-params -- on the answering path: an object would be an allocation a query
function ruleOfNew(inquiry: Inquiry, set: RuledSet, memory: ScopeMemory, scopes: Scopes): number {
  const length = scopes.prefixLength(set, subnetAddress(inquiry.query))
  const known = scopes.decision()
  const decision = known < 0 ? decide(set, locusOf(inquiry)) : known
  if (known < 0) scopes.keepDecision(decision)
  const network = network24(inquiry.query)
  if (network >= 0) scopes.keepRecent(memory, network, length, decision)
  inquiry.scopePrefixLength = Math.max(inquiry.scopePrefixLength, length)
  return ruled(decision)
}

const ruled = (decision: number): number => (decision === internal ? -1 : decision)

const locusOf = (inquiry: Inquiry): Locus =>
  (inquiry.locus ??= locateClient(inquiry.context, inquiry.query, inquiry.peer))

const decide = (set: RuledSet, locus: Locus): number =>
  set.kind === 'steered-mx' && isInternal(set.internal, locus)
    ? internal
    : matchIndex(set.policy, locus)
