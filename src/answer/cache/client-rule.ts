// Which rule of a steered set's policy the client falls under. With a client subnet that is remembered beside its scope,
// and neither the database nor the rules are asked again.

import { unknownNetwork, type ScopeMemory, type Scopes } from '../../steer/scope/scope-cache.ts'
import { isInternal, matchIndex } from '../../steer/select/match.ts'
import type { SteeredAddresses, SteeredMx } from '../../steer/policy.ts'
import type { Locus } from '../../steer/selection.ts'
import {
  hasClientSubnet,
  hasNetwork24,
  locateClient,
  subnetAddress,
  subnetAt,
} from '../client-subnet.ts'
import type { Inquiry } from '../transaction.ts'

type RuledSet = SteeredMx | SteeredAddresses

/** Beyond any rule: the client is one of the zone's own MTAs. */
const internal = 0x7fff

/**
 * Its place in the policy, -1: no rule decides. The inquiry's scope as `locusOf` (transaction.ts) leaves it. `memory`: of the
 * set, where there are scopes.
 */
export function ruleOf(inquiry: Inquiry, set: RuledSet, memory: ScopeMemory | null): number {
  const { query } = inquiry
  if (memory === null || !hasClientSubnet(query)) return ruled(decide(set, locusOf(inquiry)))
  const { table } = memory
  if (table === null || !hasNetwork24(query)) return ruleOfNew(inquiry, set, memory)
  const known = table.recall(query.packet, subnetAt(query))
  if (known === unknownNetwork) return ruleOfNew(inquiry, set, memory)
  lengthen(inquiry, known & 0x1f)
  return known >> 5
}

function ruleOfNew(inquiry: Inquiry, set: RuledSet, memory: ScopeMemory): number {
  // They made the memory.
  const scopes = inquiry.context.scopes as Scopes
  const octets = subnetAddress(inquiry.query)
  const length = scopes.prefixLength(set, octets)
  const known = scopes.decision()
  const decision = known < 0 ? decide(set, locusOf(inquiry)) : known
  if (known < 0) scopes.keepDecision(decision)
  if (hasNetwork24(inquiry.query)) scopes.keepDecided(memory, octets, length, decision)
  lengthen(inquiry, length)
  return ruled(decision)
}

function lengthen(inquiry: Inquiry, length: number): void {
  if (length > inquiry.scopePrefixLength) inquiry.scopePrefixLength = length
}

const ruled = (decision: number): number => (decision === internal ? -1 : decision)

const locusOf = (inquiry: Inquiry): Locus =>
  (inquiry.locus ??= locateClient(inquiry.context, inquiry.query, inquiry.peer))

const decide = (set: RuledSet, locus: Locus): number =>
  set.kind === 'steered-mx' && isInternal(set.internal, locus)
    ? internal
    : matchIndex(set.policy, locus)
