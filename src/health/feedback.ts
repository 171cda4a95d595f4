// Feedback: what MTAs say of themselves, each target by up to three writers, whose words stand beside each other.
//
//   word             factor                                                     standing
//   share            it; at 0 the whole weight                                  drained at 0
//   load             1 until it passes a quarter of the way from low to high,   normal
//                    then 1 − 0.9 × that way, until it is below low again
//   agent 75%        0.75, at most 1                                            drained at 0 %
//   agent drain      –                                                          drained until `ready`
//   agent maint      –                                                          disabled until `ready`
//   agent down       0: it takes no part, unless nobody else is left            normal until `up`
//
// Loads are followed with a time constant of half a minute, in steps of a twentieth and with a tenth as the floor:
// weights that jump make load that jumps. Several words: factors are multiplied, the strictest standing holds. What
// a writer said ends by itself or by its writer, never by another one's word. Times are of the wall clock. When a
// word will end does not cap TTLs: writers repeat themselves long before.

import type { OverrideEffect } from './overrides.ts'
import { Standing } from './table.ts'

export const feedbackWriters = ['agent', 'load-token', 'admin'] as const
export type FeedbackWriter = (typeof feedbackWriters)[number]

/** A line of an agent; null: it does not say, and what it said before stands. */
export interface AgentReply {
  readonly share: number | null
  readonly mode: 'ready' | 'drain' | 'maint' | null
  readonly isDown: boolean | null
  /** What it says about `down`. */
  readonly reason: string
}

export type FeedbackReport =
  | { readonly kind: 'share'; readonly share: number }
  /** `low` < `high`, on the writer's own scale. */
  | { readonly kind: 'load'; readonly load: number; readonly low: number; readonly high: number }
  | ({ readonly kind: 'agent' } & AgentReply)

export interface Feedback {
  readonly factor: number
  /** By words alone; a factor of 0 drains too. */
  readonly standing: Standing
  readonly isDown: boolean
  readonly reason: string
  /** As it is followed; null: no load was told. */
  readonly load: number | null
  readonly isShedding: boolean
  readonly reportedMs: number
  readonly untilMs: number
}

interface FeedbackTimes {
  readonly nowMs: number
  readonly untilMs: number
}

const memoryMs = 30_000
const shedFrom = 0.25
const floor = 0.1
const stepsPerWhole = 20

const silent: Omit<Feedback, 'reportedMs' | 'untilMs'> = {
  factor: 1,
  standing: Standing.normal,
  isDown: false,
  reason: '',
  load: null,
  isShedding: false,
}

/** `before`: what the same writer said last; null: nothing, or it has ended. */
export function applyReport(
  before: Feedback | null,
  word: FeedbackReport,
  { nowMs, untilMs }: FeedbackTimes,
): Feedback {
  const times = { reportedMs: nowMs, untilMs }
  switch (word.kind) {
    case 'share':
      return { ...silent, ...times, factor: within(word.share) }
    case 'load':
      return { ...silent, ...times, ...follow(before, word, nowMs) }
    case 'agent':
      return { ...heedAgent(before ?? { ...silent, ...times }, word), ...times }
    default:
      return word satisfies never
  }
}

const within = (share: number): number => Math.min(1, Math.max(0, share))

function follow(
  before: Feedback | null,
  { load: told, low, high }: FeedbackReport & { readonly kind: 'load' },
  nowMs: number,
): Pick<Feedback, 'factor' | 'load' | 'isShedding'> {
  const last = before?.load ?? told
  const passedMs = Math.max(0, nowMs - (before?.reportedMs ?? nowMs))
  const load = last + (told - last) * (1 - Math.exp(-passedMs / memoryMs))
  const way = Math.min(1, (load - low) / (high - low))
  const isShedding = way > (before?.isShedding === true ? 0 : shedFrom)
  const factor = isShedding ? 1 - (1 - floor) * way : 1
  return { factor: Math.round(factor * stepsPerWhole) / stepsPerWhole, load, isShedding }
}

function heedAgent(before: Feedback, { share, mode, isDown, reason }: AgentReply): Feedback {
  const down = isDown ?? before.isDown
  return {
    ...before,
    factor: share === null ? before.factor : within(share),
    standing: mode === null ? before.standing : modes[mode],
    isDown: down,
    reason: down ? reason || before.reason : '',
  }
}

const modes = { ready: Standing.normal, drain: Standing.drained, maint: Standing.disabled } as const

/** What all words of a target come to. */
export interface FeedbackEffect {
  readonly factor: number
  readonly standing: Standing
}

export const noFeedback: FeedbackEffect = { factor: 1, standing: Standing.normal }

export function feedbackEffect(words: Iterable<Feedback>, nowMs: number): FeedbackEffect {
  let { factor, standing } = noFeedback
  for (const word of words) {
    if (word.untilMs <= nowMs) continue
    // Who is drained keeps its weight: it is out by its standing, and back with all of it.
    factor *= word.isDown ? 0 : word.factor || 1
    const own = word.factor === 0 ? Math.max(word.standing, Standing.drained) : word.standing
    standing = Math.max(standing, own) as Standing
  }
  return { factor, standing }
}

/** What operators say goes before what MTAs say: who is forced up is up, and has its whole weight. */
export interface MemberEffect extends OverrideEffect {
  readonly feedback: number
}

export function withFeedback(effect: OverrideEffect, feedback: FeedbackEffect): MemberEffect {
  if (effect.standing === Standing.forced) return { ...effect, feedback: 1 }
  const standing = effect.standing === Standing.normal ? feedback.standing : effect.standing
  return { ...effect, standing, feedback: feedback.factor }
}
