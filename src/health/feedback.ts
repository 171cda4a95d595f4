// Feedback: what MTAs report about themselves. A target has up to three writers, whose reports stand side by side.
//
//   report           factor                                                     standing
//   share            the share; the whole weight at 0                           drained at 0
//   load             1 until it is a quarter of the way from low to high, then  normal
//                    1 − 0.9 × that way, until it is below low again
//   agent 75%        0.75, at most 1                                            drained at 0 %
//   agent drain      –                                                          drained until `ready`
//   agent maint      –                                                          disabled until `ready`
//   agent down       0: not selected, unless nothing else is left               normal until `up`
//
// Loads are smoothed with a time constant of 30 s, in steps of a twentieth and with a floor of a tenth: weights that
// jump make load that jumps. With several writers, factors are multiplied and the strictest standing applies. A report
// ends at its expiry or when its writer replaces or withdraws it, never through another writer. Times are wall-clock
// milliseconds. The expiry of a report does not cap TTLs: writers repeat themselves long before.

import type { OverrideEffect } from './overrides.ts'
import { Standing } from './table.ts'

/** Source of feedback on a target: its agent port, a holder of a load token, or the admin interface. */
export const feedbackWriters = ['agent', 'load-token', 'admin'] as const
export type FeedbackWriter = (typeof feedbackWriters)[number]

/** One line of an agent check. A null field was not mentioned, so that its previous value stands. */
export interface AgentReply {
  readonly share: number | null
  readonly mode: 'ready' | 'drain' | 'maint' | null
  readonly isDown: boolean | null
  /** Free text that the agent gave with `down`; empty if none. */
  readonly reason: string
}

/** One report as it arrives, before it is combined with the previous one. */
export type FeedbackReport =
  | { readonly kind: 'share'; readonly share: number }
  /** `load`, `low` and `high` are on the writer's own scale; `low` < `high`. */
  | { readonly kind: 'load'; readonly load: number; readonly low: number; readonly high: number }
  | ({ readonly kind: 'agent' } & AgentReply)

/** The reports of one writer on one target, evaluated. */
export interface Feedback {
  /** Multiplies the configured weight, 0…1. */
  readonly factor: number
  /** As reported explicitly; a factor of 0 drains as well. */
  readonly standing: Standing
  readonly isDown: boolean
  readonly reason: string
  /** Smoothed load; null if no load was reported. */
  readonly load: number | null
  readonly isShedding: boolean
  /** When the last report arrived. */
  readonly reportedMs: number
  /** Wall-clock time at which the feedback expires, in milliseconds. */
  readonly untilMs: number
}

interface FeedbackTimes {
  readonly nowMs: number
  readonly untilMs: number
}

const timeConstantMs = 30_000
const shedFrom = 0.25
const floor = 0.1
const stepsPerWhole = 20

const neutral: Omit<Feedback, 'reportedMs' | 'untilMs'> = {
  factor: 1,
  standing: Standing.normal,
  isDown: false,
  reason: '',
  load: null,
  isShedding: false,
}

/** Evaluates a report. `before` is the unexpired feedback of the same writer, null if there is none. */
export function applyReport(
  before: Feedback | null,
  report: FeedbackReport,
  { nowMs, untilMs }: FeedbackTimes,
): Feedback {
  const times = { reportedMs: nowMs, untilMs }
  switch (report.kind) {
    case 'share':
      return { ...neutral, ...times, factor: clampShare(report.share) }
    case 'load':
      return { ...neutral, ...times, ...followLoad(before, report, nowMs) }
    case 'agent':
      return { ...applyAgentReply(before ?? { ...neutral, ...times }, report), ...times }
    default:
      return report satisfies never
  }
}

const clampShare = (share: number): number => Math.min(1, Math.max(0, share))

function followLoad(
  before: Feedback | null,
  { load: reported, low, high }: FeedbackReport & { readonly kind: 'load' },
  nowMs: number,
): Pick<Feedback, 'factor' | 'load' | 'isShedding'> {
  const last = before?.load ?? reported
  const passedMs = Math.max(0, nowMs - (before?.reportedMs ?? nowMs))
  const load = last + (reported - last) * (1 - Math.exp(-passedMs / timeConstantMs))
  const progress = Math.min(1, (load - low) / (high - low))
  const isShedding = progress > (before?.isShedding === true ? 0 : shedFrom)
  const factor = isShedding ? 1 - (1 - floor) * progress : 1
  return { factor: Math.round(factor * stepsPerWhole) / stepsPerWhole, load, isShedding }
}

function applyAgentReply(before: Feedback, { share, mode, isDown, reason }: AgentReply): Feedback {
  const down = isDown ?? before.isDown
  return {
    ...before,
    factor: share === null ? before.factor : clampShare(share),
    standing: mode === null ? before.standing : modes[mode],
    isDown: down,
    reason: down ? reason || before.reason : '',
  }
}

const modes = { ready: Standing.normal, drain: Standing.drained, maint: Standing.disabled } as const

/** Combined effect of all feedback on a target. */
export interface FeedbackEffect {
  readonly factor: number
  readonly standing: Standing
}

export const noFeedback: FeedbackEffect = { factor: 1, standing: Standing.normal }

/** Combines the feedback of all writers of a target, leaving out what has expired. */
export function feedbackEffect(all: Iterable<Feedback>, nowMs: number): FeedbackEffect {
  let { factor, standing } = noFeedback
  for (const feedback of all) {
    if (feedback.untilMs <= nowMs) continue
    // A drained target keeps its weight: its standing takes it out, and it comes back with all of it.
    factor *= feedback.isDown ? 0 : feedback.factor || 1
    const isDrained = feedback.factor === 0
    const own = isDrained ? Math.max(feedback.standing, Standing.drained) : feedback.standing
    standing = Math.max(standing, own) as Standing
  }
  return { factor, standing }
}

/** Effect of overrides and feedback on a member; `feedback` is the factor of the latter. */
export interface MemberEffect extends OverrideEffect {
  readonly feedback: number
}

/** Overrides take precedence over feedback: a member that is forced up has its whole weight. */
export function withFeedback(effect: OverrideEffect, feedback: FeedbackEffect): MemberEffect {
  if (effect.standing === Standing.forced) return { ...effect, feedback: 1 }
  const standing = effect.standing === Standing.normal ? feedback.standing : effect.standing
  return { ...effect, standing, feedback: feedback.factor }
}
