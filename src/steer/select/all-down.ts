// What is answered when no pool of the rule has a candidate: the policy's `on_all_down` (docs/adr/0002-fail-open.md).
//
//   backup      the candidates of the named pool; if it has none, every member, those of that pool last
//   last_good   the members that went down last; if none ever did, every member
//   all         every member
//   servfail    SERVFAIL, which select-*.ts decide themselves: MX and SRV at once, addresses by both families
//
// The stages are the same for every type; how records are drawn from candidates is the selector's.

import type { Candidates } from '../draw/candidates.ts'
import type { Policy, Pool } from '../policy.ts'
import { evaluatePool, isEmpty, type PoolEvaluation } from './eligibility.ts'
import {
  addAll,
  type Family,
  lastGoodSince,
  lastResortPools,
  tiers,
  zeroWeightOf,
} from './last-resort.ts'
import type { Steering } from './steering.ts'

/** An answer under construction, as select-mx.ts, select-addresses.ts and select-srv.ts implement it. */
export interface RecordSelector {
  /** Records added so far. */
  readonly count: number
  /** Adds records from an evaluated pool: those that are up, then suspects where there is room. */
  addEvaluated(pool: Pool, evaluation: PoolEvaluation): void
  /** Adds records from candidates that are down, as many as the answer has room for. */
  addLastGood(pool: Pool, candidates: Candidates): void
  /** Adds a record for every candidate. */
  addEvery(pool: Pool, candidates: Candidates): void
}

/** Adds the records of the first stage that has any, and returns why; null: no pool has a member of the family. */
export function selectAllDown(
  selector: RecordSelector,
  policy: Policy,
  pools: readonly Pool[],
  family: Family,
  steering: Steering,
): 'backup' | 'last-good' | 'failed-open' | null {
  const { health, spare } = steering
  const { onAllDown } = policy
  if (onAllDown.kind === 'backup') {
    evaluatePool(spare, onAllDown.pool, family, health)
    if (!isEmpty(spare)) {
      selector.addEvaluated(onAllDown.pool, spare)
      return 'backup'
    }
  }
  if (onAllDown.kind === 'last_good') {
    const downSince = lastGoodSince(pools, family, health)
    if (downSince > 0) addLastGood(selector, pools, family, steering, downSince)
    if (selector.count > 0) return 'last-good'
  }
  return failOpen(selector, lastResortPools(policy, pools), family, steering)
}

function addLastGood(
  selector: RecordSelector,
  pools: readonly Pool[],
  family: Family,
  { health, lastResort }: Steering,
  downSince: number,
): void {
  for (const pool of pools) {
    lastResort.count = 0
    addAll(lastResort, pool, family, { health, tier: 'weighted', zeroWeight: 0, downSince })
    selector.addLastGood(pool, lastResort)
  }
}

function failOpen(
  selector: RecordSelector,
  pools: readonly Pool[],
  family: Family,
  { health, lastResort }: Steering,
): 'failed-open' | null {
  const zeroWeight = zeroWeightOf(pools)
  for (const tier of tiers) {
    for (const pool of pools) {
      lastResort.count = 0
      addAll(lastResort, pool, family, { health, tier, zeroWeight, downSince: 0 })
      selector.addEvery(pool, lastResort)
    }
    if (selector.count > 0) return 'failed-open'
  }
  return null
}
