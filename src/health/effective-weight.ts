// Everything that changes a weight, multiplied together:
//
//   configured × warm-up × override × feedback × reputation    share of the member's row in the health table
//              × slow start × shed                             factor of the address's slot
//
// Each factor is 0 or more; a member with a product of 0 is not selected. An operator's weight multiplies the warm-up,
// it does not end it. A drained or disabled member keeps its weight: its standing takes it out. Warm-up and slow start are
// defined below, shedding, overrides and feedback in the files of these names, reputation in reputation/.
//
// Readers of the table have no clock and take the hold as written, so a row whose share is going to change has to be
// rewritten on the way there: `rewriteAfterMs` keeps TTLs that rest on it from outliving the change by more than an
// eighth of what was left, or a second.

interface WeightFactors {
  readonly warmUp: number
  readonly override: number
  readonly feedback: number
  readonly slowStart: number
  readonly shed: number
  readonly reputation: number
}

/** The weight of one address in a selection: the configured weight times every factor. */
export const effectiveWeight = (
  configured: number,
  { warmUp, override, feedback, slowStart, shed, reputation }: WeightFactors,
): number => configured * warmUp * override * feedback * slowStart * shed * reputation

/** Share and hold of a member's row in the health table. */
interface RowShare {
  readonly share: number
  readonly holdSeconds: number
}

/**
 * Share and hold of a row from warm-up and override. The hold lasts until the first of them changes; `endsInMs` is the
 * time left to the override in force, Infinity if there is none or it does not end.
 */
export function rowShare(
  warmUp: WarmUp | null,
  override: { readonly share: number; readonly endsInMs: number },
  wallMs: number,
): RowShare {
  const step = warmUpStep(warmUp, wallMs)
  const holdMs = Math.max(0, Math.min(step.untilMs - wallMs, override.endsInMs))
  return { share: step.share * override.share, holdSeconds: holdMs / 1000 }
}

const minRewriteMs = 1000

const maxRewriteMs = 60_000

/** Milliseconds after which a row with this hold has to be written again (1 s to 60 s). */
export const rewriteAfterMs = (holdSeconds: number): number =>
  Math.min(maxRewriteMs, Math.max(minRewriteMs, (holdSeconds * 1000) / 8))

// Slow start: a recovered target starts at a tenth of its weight and reaches all of it after `slowStartSeconds`, in steps
// of a twentieth, so that the health table is written at most 18 times per recovery. Only an observed recovery starts
// slowly: a target that is up at the first probe may have been up for years.

const firstShare = 0.1

const stepsPerWhole = 20

const steps = (1 - firstShare) * stepsPerWhole

/** The slow-start factor, 0.1…1. `recoveredAtMs` is null if no recovery was observed; the factor is 1 then. */
export function slowStartFactor(
  recoveredAtMs: number | null,
  slowStartSeconds: number,
  nowMs: number,
): number {
  if (recoveredAtMs === null || slowStartSeconds <= 0) return 1
  const progress = (nowMs - recoveredAtMs) / (slowStartSeconds * 1000)
  if (progress >= 1) return 1
  const share = firstShare + (1 - firstShare) * Math.max(0, progress)
  // Slightly more than the product, lest rounding errors let 0.15 × 20 be floored to 2.
  return Math.floor(share * stepsPerWhole + 1e-6) / stepsPerWhole
}

/** Duration of one step in milliseconds: when to compute the factor again. */
export const slowStartStepMs = (slowStartSeconds: number): number =>
  (slowStartSeconds * 1000) / steps

// Warm-up: a new relay gets a share of its weight that grows daily, so that receivers learn to trust its address
// (docs/zone-reference.md, `warmup`). Days are UTC days, counted from `from`:
//
//   before `from`       0: it is not selected, unless nothing else is left
//   day d of `days`     linear       start + (1 − start) × d / days
//                       exponential  start ^ (1 − d / days): the same growth in per cent every day
//   from day `days` on  1
//
// The wall clock is an argument, so that the step of any day can be computed.

export const warmUpCurves = ['linear', 'exponential'] as const

type WarmUpCurve = (typeof warmUpCurves)[number]

/** The warm-up schedule that a zone file configures. */
export interface WarmUp {
  /** Midnight UTC at which day 0 begins, in milliseconds since the epoch. */
  readonly fromMs: number
  readonly days: number
  readonly curve: WarmUpCurve
  /** Share on day 0, above 0 and at most 1. */
  readonly start: number
}

/** The share that holds at some time, 0…1. */
interface WarmUpStep {
  readonly share: number
  /** When the next step begins, in milliseconds since the epoch; Infinity once the warm-up is over. */
  readonly untilMs: number
}

const dayMs = 86_400_000

/** The step in force at `wallMs`; without a warm-up the whole share for ever. */
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
