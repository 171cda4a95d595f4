// Everything that moves a weight, multiplied into one:
//
//   configured × warm-up × override × feedback × reputation    share of the member's row in the health table
//              × slow start × shed                             factor of the address's slot
//
// All of them are 0 and up; a product of 0 means that the member takes no part. An operator's weight multiplies the
// calendar's, it does not stop it. Who is drained or disabled keeps its weight and is out by its standing.
//
// Readers know no time and take a hold as it was written, so a row whose share will change has to be written again
// on the way there: `rewriteAfterMs` keeps the TTLs that rest on it from running past the change by more than an
// eighth of what was left, or a second.

interface WeightFactors {
  readonly warmUp: number
  readonly override: number
  readonly feedback: number
  readonly slowStart: number
  readonly shed: number
}

export const effectiveWeight = (
  configured: number,
  { warmUp, override, feedback, slowStart, shed }: WeightFactors,
): number => configured * warmUp * override * feedback * slowStart * shed

/** What a member's row says, out of the calendar and what an operator wants. */
interface RowShare {
  readonly share: number
  readonly holdSeconds: number
}

/** `endsInMs`: how long the override in force still has; Infinity: there is none, or it has no end. */
export function rowShare(
  warmUp: WarmUp | null,
  override: { readonly share: number; readonly endsInMs: number },
  wallMs: number,
): RowShare {
  const step = warmUpStep(warmUp, wallMs)
  const holdMs = Math.max(0, Math.min(step.untilMs - wallMs, override.endsInMs))
  return { share: step.share * override.share, holdSeconds: holdMs / 1000 }
}

const shortestRewriteMs = 1000

const longestRewriteMs = 60_000

/** How soon a row with this hold is to be written again. */
export const rewriteAfterMs = (holdSeconds: number): number =>
  Math.min(longestRewriteMs, Math.max(shortestRewriteMs, (holdSeconds * 1000) / 8))

// Slow start: the share of its weight that a recovered target is worth. A tenth at first, all of it after
// `slowStartSeconds`, in steps of a twentieth, so that the health table is written at most 18 times.
// Only a recovery that was observed starts slowly: a target first seen up may have been up for years.

const firstShare = 0.1

const stepsPerWhole = 20

const steps = (1 - firstShare) * stepsPerWhole

/** `recoveredAtMs`: null where no recovery was seen. */
export function slowStartFactor(
  recoveredAtMs: number | null,
  slowStartSeconds: number,
  nowMs: number,
): number {
  if (recoveredAtMs === null || slowStartSeconds <= 0) return 1
  const progress = (nowMs - recoveredAtMs) / (slowStartSeconds * 1000)
  if (progress >= 1) return 1
  const share = firstShare + (1 - firstShare) * Math.max(0, progress)
  // A hair more than the product: 0.15 × 20 must not be floored to 2.
  return Math.floor(share * stepsPerWhole + 1e-6) / stepsPerWhole
}

/** How long one step lasts: when to look again. */
export const slowStartStepMs = (slowStartSeconds: number): number =>
  (slowStartSeconds * 1000) / steps

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

type WarmUpCurve = (typeof warmUpCurves)[number]

export interface WarmUp {
  /** Midnight UTC that day 0 begins with, in milliseconds since the epoch. */
  readonly fromMs: number
  readonly days: number
  readonly curve: WarmUpCurve
  /** The share on day 0, above 0 and at most 1. */
  readonly start: number
}

interface WarmUpStep {
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
