// What a selection works with: the health table and what decides its choices, and working memory that is reused from
// query to query. A responder has one of its own, so nothing here is shared between callers.

import type { HealthReader } from '../../health/table.ts'
import type { Clock, Random } from '../../lib/clock.ts'
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
  /** Its wall clock is what epochs go by (draw/epoch.ts). */
  readonly clock: Pick<Clock, 'wallMs'>
  /** The pools of the rule that matched. */
  readonly pools: EvaluatedPools
  /** A pool beside those of the rule: the backup, or a pool in the other address family. */
  readonly spare: PoolEvaluation
  /** Candidates of one pool regardless of health (last-resort.ts). */
  readonly lastResort: Candidates
  readonly spread: SpreadDraw
}

/** For selections that do not go by the time: those of a draw that is given, and of sets that are no slots. */
export const standingClock: Pick<Clock, 'wallMs'> = { wallMs: () => 0 }

/** `cachesEvaluations`: evaluations of pools stand until the generation of health moves. */
export const createSteering = ({
  health,
  random,
  clock,
  cachesEvaluations = true,
}: {
  readonly health: HealthReader
  readonly random: Random
  readonly clock: Pick<Clock, 'wallMs'>
  readonly cachesEvaluations?: boolean
}): Steering => ({
  health,
  chooser: new RandomChooser(random),
  clock,
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

/** An answer whose records come from all pools of a rule. */
interface PoolwiseSelector {
  readonly isFull: boolean
  /** Adds records after those before; returns whether it added any. */
  add(pool: Pool, candidates: Candidates): boolean
}

/**
 * Adds the up members of the pool that leads, then of the others in the rule's order, then suspects in the same way. Pools
 * that a full answer does not need are not evaluated. Returns whether a pool in panic contributed.
 */
export function addLedBy(
  lead: number,
  pools: readonly Pool[],
  selector: PoolwiseSelector,
  { pools: evaluated }: Steering,
): boolean {
  let isPanic =
    selector.add(pools[lead] as Pool, evaluated.at(lead).up) && evaluated.at(lead).isPanic
  for (let p = 0; p < pools.length && !selector.isFull; p++) {
    if (p === evaluated.count) evaluated.evaluateNext(pools, null)
    const evaluation = evaluated.at(p)
    if (p !== lead && selector.add(pools[p] as Pool, evaluation.up)) isPanic ||= evaluation.isPanic
  }
  if (!selector.isFull) selector.add(pools[lead] as Pool, evaluated.at(lead).suspect)
  for (let p = 0; p < evaluated.count && !selector.isFull; p++)
    if (p !== lead) selector.add(pools[p] as Pool, evaluated.at(p).suspect)
  return isPanic
}

/** For how long a selection can stand, in seconds: until the first value that it went by may change. */
export const holdSecondsOf = ({ pools, spare }: Steering, reason: SelectionReason): number =>
  reason === 'backup' ? Math.min(spare.holdSeconds, pools.holdSeconds()) : pools.holdSeconds()
