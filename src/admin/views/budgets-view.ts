// The JSON of /budgets: of each pool the availability over an hour, a day and a month, how fast its error budget is spent,
// when it will be gone, and the course of one window. The names of its fields are a contract (docs/operations.md).

import {
  availabilityWindows,
  type AvailabilityWindow,
  bucketsOf,
  budgetGoneAfterMs,
  burnRate,
} from '../../health/availability.ts'
import { availabilityView, type PoolAvailabilityView } from '../../metrics/availability-metrics.ts'
import type { MeasuredPool } from '../../weights/pool-availability.ts'
import { viewed } from '../turns.ts'

/** A pool of /budgets. Shares are 0…1. */
export interface BudgetView extends PoolAvailabilityView {
  /**
   * By window: how many times faster than its target allows the pool fails; null: no target is set,
   * or no probe counted.
   */
  readonly burnRates: Readonly<Record<AvailabilityWindow, number | null>>
  /**
   * Until nothing is left of the budget if probes go on as in the last hour; 0: it is spent; null:
   * it does not come to that within 30 days, or it is not known.
   */
  readonly goneAfterSeconds: number | null
  /** Probes in each bucket of the window asked for, the oldest first; the last one is under way. */
  readonly good: readonly number[]
  readonly total: readonly number[]
}

export interface BudgetsView {
  readonly at: string
  readonly window: AvailabilityWindow
  readonly stepSeconds: number
  /** When the first bucket begins. */
  readonly start: string
  readonly pools: Iterable<BudgetView>
}

export const isAvailabilityWindow = (text: string): text is AvailabilityWindow =>
  availabilityWindows.some(({ name }) => name === text)

export function budgetsView(
  pools: () => readonly MeasuredPool[],
  window: AvailabilityWindow,
  wallMs: number,
): BudgetsView {
  const { buckets, bucketMs } =
    availabilityWindows.find(({ name }) => name === window) ?? availabilityWindows[0]
  const start = (Math.floor(wallMs / bucketMs) - buckets + 1) * bucketMs
  return {
    at: new Date(wallMs).toISOString(),
    window,
    stepSeconds: bucketMs / 1000,
    start: new Date(start).toISOString(),
    pools: viewed(pools, (one) => budgetView(one, window, wallMs)) as Iterable<BudgetView>,
  }
}

function budgetView(pool: MeasuredPool, window: AvailabilityWindow, wallMs: number): BudgetView {
  const { target } = pool
  const view = availabilityView(pool)
  const saved = pool.saved()
  const buckets = bucketsOf(saved, window, wallMs)
  const goneMs = target === null ? null : budgetGoneAfterMs(saved, target, wallMs)
  const rateOf = (name: AvailabilityWindow): number | null => {
    const { availability } = view.windows[name]
    return target === null || availability === null ? null : burnRate(availability, target)
  }
  return {
    ...view,
    burnRates: { '1h': rateOf('1h'), '24h': rateOf('24h'), '30d': rateOf('30d') },
    goneAfterSeconds: goneMs === null ? null : goneMs / 1000,
    good: buckets.map(({ good }) => good),
    total: buckets.map(({ total }) => total),
  }
}
