// What the error budgets come to, in words and in bars.

import { percent, span } from '../../parts/figures.ts'
import type { StripSeries } from '../../parts/strip.tsx'
import type { BudgetView } from '../../../src/admin/views/budgets-view.ts'

/** From this rate on a budget of 30 days is spent within two days: what pages people elsewhere. */
const fastBurn = 14.4

export type BudgetTone = 'up' | 'warn' | 'bad' | 'off'

/** How a pool stands: spent or about to be, spent faster than it comes back, or within its budget. */
export function toneOf({ target, errorBudgetLeft, burnRates }: BudgetView): BudgetTone {
  if (target === null || errorBudgetLeft === null) return 'off'
  const rate = burnRates['1h'] ?? 0
  if (errorBudgetLeft <= 0 || rate >= fastBurn) return 'bad'
  return rate > 1 ? 'warn' : 'up'
}

export function leftText({ target, errorBudgetLeft }: BudgetView): string {
  if (target === null) return 'no target'
  if (errorBudgetLeft === null) return 'not probed'
  return errorBudgetLeft <= 0 ? 'spent' : `${percent(errorBudgetLeft, 0)} left`
}

export function goneText({ target, goneAfterSeconds, burnRates }: BudgetView): string {
  if (target === null || burnRates['1h'] === null) return '–'
  if (goneAfterSeconds === null) return 'not within 30 d'
  return goneAfterSeconds === 0 ? 'gone now' : `in ${span(goneAfterSeconds)}`
}

export const burnText = (rate: number | null): string =>
  rate === null ? '–' : `${rate >= 10 ? Math.round(rate) : Math.round(rate * 10) / 10}\u2009×`

/** Those to look at first, in a sentence each; empty: all is within its budget. */
export function worries(
  pools: readonly BudgetView[],
): readonly { readonly pool: BudgetView; readonly says: string }[] {
  return pools.flatMap((pool) => {
    const tone = toneOf(pool)
    if (tone === 'up' || tone === 'off') return []
    const rate = pool.burnRates['1h'] ?? 0
    const now = rate > 0 ? `, and fails ${burnText(rate)} as much as it may in this hour` : ''
    if ((pool.errorBudgetLeft ?? 1) <= 0)
      return [{ pool, says: `has spent its budget of 30 days${now}.` }]
    const gone =
      pool.goneAfterSeconds === null ? '' : `: at this rate its budget is gone ${goneText(pool)}`
    return [{ pool, says: `fails ${burnText(rate)} as much as it may in this hour${gone}.` }]
  })
}

/** The course of a pool as bars: in each bucket within its target, above it, or ten times above. */
export function courseOf({ target, good, total }: BudgetView): StripSeries {
  const allowed = target === null ? 0 : 1 - target
  return {
    worst: total.map((all, i) => {
      if (all === 0) return null
      const failed = 1 - (good[i] ?? 0) / all
      if (failed === 0 || failed <= allowed) return 'up'
      return failed > 10 * allowed && target !== null ? 'down' : 'suspect'
    }),
    p50Ms: total.map(() => null),
    bad: total.map(() => 0),
  }
}

/** In each bucket, 0…1; null: nothing was probed. */
export const availabilities = ({ good, total }: BudgetView): readonly (number | null)[] =>
  total.map((all, i) => (all === 0 ? null : (good[i] ?? 0) / all))
