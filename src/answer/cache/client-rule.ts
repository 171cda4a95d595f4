// Which rule of a steered set's policy the client falls under. With a client subnet that is remembered beside its scope,
// and neither the database nor the rules are asked again.

import { unknownNetwork, type CachedScopeMap, type Scopes } from '../../steer/scope/scope-cache.ts'
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
import type { Transaction } from '../transaction.ts'

type RuledSet = SteeredMx | SteeredAddresses

/** Beyond any rule: the client is one of the zone's own MTAs. */
const internal = 0x7fff

/**
 * Its place in the policy, -1: no rule decides. The transaction's scope as `locusOf` (transaction.ts) leaves it. `memory`: of the
 * set, where there are scopes.
 */
export function ruleIndexOf(
  transaction: Transaction,
  set: RuledSet,
  memory: CachedScopeMap | null,
): number {
  const { query } = transaction
  if (memory === null || !hasClientSubnet(query)) return ruled(decide(set, locusOf(transaction)))
  const { table } = memory
  if (table === null || !hasNetwork24(query)) return ruleOfNew(transaction, set, memory)
  const known = table.recall(query.packet, subnetAt(query))
  if (known === unknownNetwork) return ruleOfNew(transaction, set, memory)
  lengthen(transaction, known & 0x1f)
  return known >> 5
}

function ruleOfNew(transaction: Transaction, set: RuledSet, memory: CachedScopeMap): number {
  // They made the memory.
  const scopes = transaction.context.scopes as Scopes
  const octets = subnetAddress(transaction.query)
  const length = scopes.prefixLength(set, octets)
  const known = scopes.lastDecision()
  const decision = known < 0 ? decide(set, locusOf(transaction)) : known
  if (known < 0) scopes.cacheDecision(decision)
  if (hasNetwork24(transaction.query)) scopes.cacheNetwork(memory, octets, length, decision)
  lengthen(transaction, length)
  return ruled(decision)
}

function lengthen(transaction: Transaction, length: number): void {
  if (length > transaction.scopePrefixLength) transaction.scopePrefixLength = length
}

const ruled = (decision: number): number => (decision === internal ? -1 : decision)

const locusOf = (transaction: Transaction): Locus =>
  (transaction.locus ??= locateClient(transaction.context, transaction.query, transaction.peer))

const decide = (set: RuledSet, locus: Locus): number =>
  set.kind === 'steered-mx' && isInternal(set.internal, locus)
    ? internal
    : matchIndex(set.policy, locus)
