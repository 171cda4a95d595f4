// What is answered when no pool of the rule has a candidate: the policy's `on_all_down` (docs/adr/0002-fail-open.md).
//
//   backup      the candidates of the named pool; if it has none, every member, those of that pool last
//   last_good   the members that went down last; if none ever did, every member
//   all         every member
//   servfail    SERVFAIL: for MX and SRV at once, for addresses where the other family has no candidate either
//
// The stages are the same for every type; how records are drawn from candidates is the selector's.

import type { Candidates } from '../draw/candidates.ts'
import type { Policy, Pool } from '../policy.ts'
import type { SelectionReason } from '../selection.ts'
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
  /** That the records are of; null: of members as a whole. */
  readonly family: Family
  /** Hash of the client, by which sticky answers are ordered; null: at random. */
  readonly client: number | null
  /** Whether pools that do not lead add records below those of the one that does. */
  readonly takesAllPools: boolean
  /** Records added so far. */
  readonly count: number
  readonly isFull: boolean
  /**
   * Adds records from candidates as far as there is room; returns whether it added any. `hasSiblings`: two of them may be
   * addresses of one target.
   */
  add(pool: Pool, candidates: Candidates, hasSiblings?: boolean): boolean
  /** Adds a record for every candidate. */
  addEvery(pool: Pool, candidates: Candidates): void
}

/** Why there is no record. no-family: no pool has a member of the family, or none at all. */
export type NoRecords = 'servfail' | 'no-family'

/** Adds the members of an evaluated pool that are up, then suspects where there is room. */
export function addEvaluated(
  selector: RecordSelector,
  pool: Pool,
  { up, suspect, hasSiblings }: PoolEvaluation,
): void {
  selector.add(pool, up, hasSiblings)
  if (!selector.isFull) selector.add(pool, suspect, hasSiblings)
}

/** Adds the records of the first stage that has any, and returns why. */
export function selectAllDown(
  selector: RecordSelector,
  policy: Policy,
  pools: readonly Pool[],
  steering: Steering,
): SelectionReason | NoRecords {
  const { health, spare } = steering
  const { family } = selector
  const { onAllDown } = policy
  if (onAllDown.kind === 'servfail' && family === null) return 'servfail'
  if (onAllDown.kind === 'backup') {
    evaluatePool(spare, onAllDown.pool, family, health)
    if (!isEmpty(spare)) {
      addEvaluated(selector, onAllDown.pool, spare)
      return 'backup'
    }
  }
  if (onAllDown.kind === 'last_good') {
    const downSince = lastGoodSince(pools, family, health)
    if (downSince > 0) addLastGood(selector, pools, downSince, steering)
    if (selector.count > 0) return 'last-good'
  }
  if (!failsOpen(selector, lastResortPools(policy, pools), steering)) return 'no-family'
  const isServfail = onAllDown.kind === 'servfail' && !hasOtherFamily(pools, family, steering)
  return isServfail ? 'servfail' : 'failed-open'
}

function addLastGood(
  selector: RecordSelector,
  pools: readonly Pool[],
  downSince: number,
  { health, lastResort }: Steering,
): void {
  for (const pool of pools) {
    lastResort.count = 0
    addAll(lastResort, pool, selector.family, {
      health,
      tier: 'weighted',
      zeroWeight: 0,
      downSince,
    })
    selector.add(pool, lastResort, true)
  }
}

/** Adds every member of the first tier that has any; false: there is none. */
function failsOpen(
  selector: RecordSelector,
  pools: readonly Pool[],
  { health, lastResort }: Steering,
): boolean {
  const zeroWeight = zeroWeightOf(pools)
  for (const tier of tiers) {
    for (const pool of pools) {
      lastResort.count = 0
      addAll(lastResort, pool, selector.family, { health, tier, zeroWeight, downSince: 0 })
      selector.addEvery(pool, lastResort)
    }
    if (selector.count > 0) return true
  }
  return false
}

/** Whether an address of the other family is a candidate. */
function hasOtherFamily(
  pools: readonly Pool[],
  family: Family,
  { spare, health }: Steering,
): boolean {
  for (const pool of pools) {
    evaluatePool(spare, pool, family === 4 ? 6 : 4, health)
    if (!isEmpty(spare)) return true
  }
  return false
}
