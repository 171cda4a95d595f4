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

import { type WarmUp, warmUpStep } from './warm-up.ts'

export interface WeightFactors {
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
export interface RowShare {
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
