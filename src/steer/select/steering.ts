// What a selection works with: the health table and what decides its choices, and working memory that is reused from
// query to query. A responder has one of its own, so nothing here is shared between callers.

import type { HealthReader } from '../../health/table.ts'
import type { Random } from '../../lib/clock.ts'
import { type Candidates, createCandidates } from '../draw/candidates.ts'
import { RandomChooser, type Chooser } from '../draw/chooser.ts'
import { SpreadDraw } from '../draw/spread.ts'
import type { SelectionReason } from '../selection.ts'
import { createPoolEvaluation, type PoolEvaluation } from './eligibility.ts'
import { EvaluationCache } from './evaluation-cache.ts'
import { EvaluatedPools, undecidedLead } from './leading-pool.ts'
import type { Family } from './last-resort.ts'
import type { Pool } from '../policy.ts'
import { leadFraction } from '../draw/sticky.ts'

/** Not re-entrant: each selection refills the working memory. */
export interface Steering {
  readonly health: HealthReader
  readonly chooser: Chooser
  /** The pools of the rule that matched. */
  readonly pools: EvaluatedPools
  /** A pool beside those of the rule: the backup, or a pool in the other address family. */
  readonly spare: PoolEvaluation
  /** Candidates of one pool regardless of health (last-resort.ts). */
  readonly lastResort: Candidates
  readonly spread: SpreadDraw
}

/** `cachesEvaluations`: evaluations of pools stand until the generation of health moves. */
export const createSteering = ({
  health,
  random,
  cachesEvaluations = true,
}: {
  readonly health: HealthReader
  readonly random: Random
  readonly cachesEvaluations?: boolean
}): Steering => ({
  health,
  chooser: new RandomChooser(random),
  pools: new EvaluatedPools(health, cachesEvaluations ? new EvaluationCache(health) : null),
  spare: createPoolEvaluation(),
  lastResort: createCandidates(),
  spread: new SpreadDraw(),
})

/**
 * Index of the pool that leads, or `noLead`. `client`: its hash (sticky.ts), by which a lead is decided that would else be
 * random; null: at random.
 */
export function leadOf(
  { pools: evaluated, chooser }: Steering,
  pools: readonly Pool[],
  family: Family,
  client: number | null,
): number {
  const lead = evaluated.findLead(pools, family)
  if (lead !== undecidedLead) return lead
  return evaluated.chooseLead(
    client === null ? chooser : new RandomChooser(() => leadFraction(client)),
  )
}

/** For how long a selection can stand, in seconds: until the first value that it went by may change. */
export const holdSecondsOf = ({ pools, spare }: Steering, reason: SelectionReason): number =>
  reason === 'backup' ? Math.min(spare.holdSeconds, pools.holdSeconds()) : pools.holdSeconds()
