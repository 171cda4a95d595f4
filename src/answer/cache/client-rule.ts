// Which rule of a steered set's policy the client falls under. For a client subnet it is cached with the scope, so that a
// hit looks up neither the geographic database nor the rules.

import type { SelectedSet } from '../../steer/policy.ts'
import { type CachedScopeMap, type Scopes, unknownNetwork } from '../../steer/scope/scope-cache.ts'
import { ruleIndexOf } from '../../steer/select/match.ts'
import { hasClientSubnet, hasNetwork24, subnetAddress, subnetAt } from '../client-subnet.ts'
import { clientLocus, locusOf, noteScope, type Transaction } from '../transaction.ts'

/**
 * Index of the rule in the set's policy, or one past the last for the zone's own MTAs, to which none applies. Extends the
 * transaction's scope as `locusOf` (transaction.ts) does. `cached`: the set's scope map; null without
 * scopes, and of a sticky set, whose scopes are not those of its policy.
 */
export function clientRule(
  transaction: Transaction,
  set: SelectedSet,
  cached: CachedScopeMap | null,
): number {
  const { query } = transaction
  if (cached === null || !hasClientSubnet(query)) return ruleIndexOf(set, locusOf(transaction, set))
  const { table } = cached
  if (table === null || !hasNetwork24(query)) return matchAndCache(transaction, set, cached)
  const known = table.lookUp(query.packet, subnetAt(query))
  if (known === unknownNetwork) return matchAndCache(transaction, set, cached)
  noteScope(transaction, known & 0x1f)
  return known >> 5
}

function matchAndCache(transaction: Transaction, set: SelectedSet, cached: CachedScopeMap): number {
  // There are scopes: `cached` is that of the scopes.
  const scopes = transaction.context.scopes as Scopes
  const octets = subnetAddress(transaction.query, transaction.subnet)
  const length = scopes.prefixLength(set, octets)
  const known = scopes.lastDecision()
  const decision = known < 0 ? ruleIndexOf(set, clientLocus(transaction)) : known
  scopes.cacheDecision(cached, octets, decision)
  noteScope(transaction, length)
  return decision
}
