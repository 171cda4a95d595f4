// What a selection works with: the health table and what decides its choices, and working memory that is reused from
// query to query. A responder has one of its own, so nothing here is shared between callers.

import type { HealthReader } from '../../health/table.ts'
import type { Clock, Random } from '../../lib/clock.ts'
import { type Candidates, createCandidates } from '../draw/candidates.ts'
import { type Chooser, RandomChooser } from '../draw/chooser.ts'
import { SpreadDraw } from '../draw/spread.ts'
import type { SelectedSet } from '../policy.ts'
import { answerTtl, type SelectionReason } from '../selection.ts'
import { createPoolEvaluation, type PoolEvaluation } from './eligibility.ts'
import { EvaluationCache } from './evaluation-cache.ts'
import { EvaluatedPools } from './leading-pool.ts'

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

/** The TTL of a selection, in seconds: it can stand until the first value that it went by may change. */
export function ttlOf(
  set: Pick<SelectedSet, 'ttl' | 'minTtl'>,
  reason: SelectionReason,
  { pools, spare }: Steering,
): number {
  const ofBackup = reason === 'backup' ? spare.holdSeconds : Infinity
  return answerTtl(set, Math.min(ofBackup, pools.holdSeconds()))
}
