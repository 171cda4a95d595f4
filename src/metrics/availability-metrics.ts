// Availability of pools and their error budgets, as metrics and as JSON of /targets.

import type { Registry } from '@prometheus-io/client'

import {
  availabilityOf,
  availabilityWindows,
  type AvailabilityWindow,
  errorBudgetLeft,
  type Counted,
} from '../health/availability.ts'
import { isoTime } from '../lib/clock.ts'
import type { MeasuredPool } from '../weights/pool-availability.ts'
import { emitEach, registerSampled } from './sampled-metric.ts'

/** The window of the error budget. */
const budgetWindow = '30d'

export function registerAvailabilityMetrics(
  registry: Registry,
  pools: () => readonly MeasuredPool[],
): void {
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_pool_availability',
    help: 'Share of probes of the pool that succeeded, over the window',
    labels: ['zone', 'pool', 'window'],
    sample: (emit) =>
      emitEach(pools(), ({ zone, pool, handshakes }) => {
        for (const { name: window } of availabilityWindows) {
          const availability = availabilityOf(handshakes(window))
          if (availability !== null) emit({ zone, pool, window }, availability)
        }
      }),
  })
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_pool_availability_target',
    help: 'Share of probes of the pool that is to succeed',
    labels: ['zone', 'pool'],
    sample: (emit) =>
      emitEach(pools(), ({ zone, pool, target }) => {
        if (target !== null) emit({ zone, pool }, target)
      }),
  })
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_pool_error_budget_remaining',
    help: 'What is left of the error budget of 30 days: 1 all, 0 none, below 0 overspent',
    labels: ['zone', 'pool'],
    sample: (emit) =>
      emitEach(pools(), (one) => {
        const left = errorBudgetOf(one)
        if (left !== null) emit({ zone: one.zone, pool: one.pool }, left)
      }),
  })
}

/**
 * The part of the error budget that is left, below 0 if overspent; null: no target is set, or no
 * probe counted.
 */
export function errorBudgetOf({ target, handshakes }: MeasuredPool): number | null {
  const availability = availabilityOf(handshakes(budgetWindow))
  return target === null || availability === null ? null : errorBudgetLeft(availability, target)
}

/** A pool in the JSON of /targets. Shares are 0…1; null: no target is set, or no probe counted. */
export interface PoolAvailabilityView {
  readonly zone: string
  readonly pool: string
  readonly target: number | null
  readonly errorBudgetLeft: number | null
  readonly windows: Readonly<Record<AvailabilityWindow, WindowView>>
}

interface WindowView extends Counted {
  readonly availability: number | null
  /** When the oldest bucket with a probe began; null: there is none. */
  readonly since: string | null
}

export function availabilityView(one: MeasuredPool): PoolAvailabilityView {
  const windows = availabilityWindows.map(({ name }) => {
    const { sinceMs, ...handshakes } = one.handshakes(name)
    const since = Number.isFinite(sinceMs) ? isoTime(sinceMs) : null
    return [name, { ...handshakes, availability: availabilityOf(handshakes), since }]
  })
  return {
    zone: one.zone,
    pool: one.pool,
    target: one.target,
    errorBudgetLeft: errorBudgetOf(one),
    windows: Object.fromEntries(windows) as PoolAvailabilityView['windows'],
  }
}
