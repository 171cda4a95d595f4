// Warm-up: a new relay's share of its weight, which grows from day to day, so that receivers learn to trust its
// address (docs/zone-reference.md, `warmup`). Days are of UTC and counted from `from`:
//
//   before `from`       0: it takes no part, unless nothing else is left
//   day d of `days`     linear       start + (1 − start) × d / days
//                       exponential  start ^ (1 − d / days): the same growth, in per cent, every day
//   from day `days` on  1
//
// The wall clock is an argument, so that any day can be asked about.

export const warmUpCurves = ['linear', 'exponential'] as const
export type WarmUpCurve = (typeof warmUpCurves)[number]

export interface WarmUp {
  /** Midnight UTC that day 0 begins with, in milliseconds since the epoch. */
  readonly fromMs: number
  readonly days: number
  readonly curve: WarmUpCurve
  /** The share on day 0, above 0 and at most 1. */
  readonly start: number
}

export interface WarmUpStep {
  readonly share: number
  /** When the next step begins, milliseconds since the epoch; Infinity: it is over. */
  readonly untilMs: number
}

const dayMs = 86_400_000

export function warmUpStep(warmUp: WarmUp | null, wallMs: number): WarmUpStep {
  if (warmUp === null) return { share: 1, untilMs: Infinity }
  const { fromMs, days, curve, start } = warmUp
  if (wallMs < fromMs) return { share: 0, untilMs: fromMs }
  const day = Math.floor((wallMs - fromMs) / dayMs)
  if (day >= days) return { share: 1, untilMs: Infinity }
  const progress = day / days
  const share = curve === 'linear' ? start + (1 - start) * progress : start ** (1 - progress)
  return { share, untilMs: fromMs + (day + 1) * dayMs }
}
