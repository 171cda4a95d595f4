// Feedback on all targets: what MTAs, and operators for them, report of their load and readiness. Bounded: one report for
// each target and writer. The effect of a target's reports is updated when one arrives, is withdrawn or expires. With a
// shared store the reports are those of all instances, the last one of each writer.

import {
  type Feedback,
  type FeedbackEffect,
  type FeedbackReport,
  type FeedbackWriter,
  feedbackEffect,
  applyReport,
  noFeedback,
} from '../health/feedback.ts'
import { type Clock, type Timer, systemTimer } from '../lib/clock.ts'
import type { FeedbackStore, SharedFeedback } from '../cluster/cluster-votes.ts'

/** Name of a target: its zone, without final dot, and its name in the zone. */
export interface NamedTarget {
  readonly zone: string
  readonly target: string
}

/** Feedback with its writer. */
export interface WriterFeedback extends Feedback {
  readonly writer: FeedbackWriter
}

export interface FeedbackRegistry {
  /** Drops the feedback on all targets but these. */
  retain(targets: readonly NamedTarget[]): void
  /** Takes a report that is in force for `forMs` milliseconds. Returns the feedback of its writer as it is now. */
  report(
    target: NamedTarget,
    writer: FeedbackWriter,
    report: FeedbackReport,
    forMs: number,
  ): Feedback
  /** Withdraws the feedback of a writer. Returns whether there was anything to withdraw. */
  withdraw(target: NamedTarget, writer: FeedbackWriter): boolean
  /** Returns the feedback in force on a target. */
  reports(target: NamedTarget): readonly WriterFeedback[]
  /** Returns the combined effect of a target's feedback. */
  effectOf(target: NamedTarget): FeedbackEffect
  /** Sets the one listener, called after any effect has changed: it writes the health table. */
  onChange(changed: () => void): void
  stop(): void
}

/** Called when the combined effect of a target's feedback has changed. */
export type OnFeedbackEffect = (target: NamedTarget, effect: FeedbackEffect) => void

/** The timer is set again after this time at the latest, since the wall clock may jump. */
const longestMs = 60_000

export const createFeedbackRegistry = (
  clock: Clock,
  timer: Timer = systemTimer,
  onEffect: OnFeedbackEffect = () => {},
  store: FeedbackStore | null = null,
): FeedbackRegistry => new TimedFeedbackRegistry({ clock, timer, onEffect, store })

interface FeedbackRegistryOptions {
  readonly clock: Clock
  readonly timer: Timer
  readonly onEffect: OnFeedbackEffect
  readonly store: FeedbackStore | null
}

interface Entry {
  readonly target: NamedTarget
  readonly feedback: Map<FeedbackWriter, Feedback>
  effect: FeedbackEffect
}

class TimedFeedbackRegistry implements FeedbackRegistry {
  readonly #clock: Clock
  readonly #timer: Timer
  readonly #onEffect: OnFeedbackEffect
  readonly #entries = new Map<string, Entry>()
  readonly #store: FeedbackStore | null
  readonly #unsubscribe: () => void
  #retained: ReadonlySet<string> = new Set()
  #changed: () => void = () => {}
  #cancel: (() => void) | null = null
  #plannedMs = Infinity

  constructor({ clock, timer, onEffect, store }: FeedbackRegistryOptions) {
    this.#clock = clock
    this.#timer = timer
    this.#onEffect = onEffect
    this.#store = store
    this.#unsubscribe = store?.subscribe(() => this.#readShared()) ?? (() => {})
  }

  retain(targets: readonly NamedTarget[]): void {
    const kept = new Set(targets.map(keyOf))
    for (const key of this.#entries.keys()) if (!kept.has(key)) this.#entries.delete(key)
    this.#retained = kept
    this.#store?.setTargets(targets)
    this.#readShared()
  }

  report(
    target: NamedTarget,
    writer: FeedbackWriter,
    report: FeedbackReport,
    forMs: number,
  ): Feedback {
    const nowMs = this.#clock.wallMs()
    const entry = this.#entryOf(target)
    const before = entry.feedback.get(writer) ?? null
    const isOver = before !== null && before.untilMs <= nowMs
    const feedback = applyReport(isOver ? null : before, report, { nowMs, untilMs: nowMs + forMs })
    entry.feedback.set(writer, feedback)
    this.#store?.write({ ...target, writer }, feedback)
    if (this.#updateEffect(entry, nowMs)) this.#changed()
    this.#plan(feedback.untilMs)
    return feedback
  }

  withdraw(target: NamedTarget, writer: FeedbackWriter): boolean {
    const entry = this.#entries.get(keyOf(target))
    if (!entry?.feedback.delete(writer)) return false
    this.#store?.write({ ...target, writer }, null)
    if (this.#updateEffect(entry, this.#clock.wallMs())) this.#changed()
    return true
  }

  reports(target: NamedTarget): readonly WriterFeedback[] {
    const nowMs = this.#clock.wallMs()
    return [...(this.#entries.get(keyOf(target))?.feedback ?? [])]
      .filter(([, feedback]) => feedback.untilMs > nowMs)
      .map(([writer, feedback]) => ({ writer, ...feedback }))
  }

  effectOf(target: NamedTarget): FeedbackEffect {
    return this.#entries.get(keyOf(target))?.effect ?? noFeedback
  }

  onChange(changed: () => void): void {
    this.#changed = changed
  }

  stop(): void {
    this.#unsubscribe()
    this.#cancel?.()
    this.#cancel = null
  }

  /** Replaces all feedback by the store's, which has that of this instance too, for the targets that zones here have. */
  #readShared(): void {
    if (this.#store === null) return
    const byTarget = Map.groupBy(this.#store.list(), keyOf)
    const touched = new Set([...byTarget.keys(), ...this.#entries.keys()])
    const nowMs = this.#clock.wallMs()
    let isChanged = false
    for (const key of touched) {
      const shared = byTarget.get(key) ?? []
      const [target] = shared
      const entry =
        this.#entries.get(key) ?? (target && this.#retained.has(key) && this.#entryOf(target))
      if (!entry) continue
      entry.feedback.clear()
      for (const { writer, feedback } of shared) entry.feedback.set(writer, feedback)
      if (this.#updateEffect(entry, nowMs)) isChanged = true
      if (entry.feedback.size === 0) this.#entries.delete(key)
    }
    if (isChanged) this.#changed()
    this.#plan(Math.min(Infinity, ...soonestEnds(this.#store.list(), nowMs)))
  }

  #entryOf(named: NamedTarget): Entry {
    const target = { zone: named.zone, target: named.target }
    const known = this.#entries.get(keyOf(target))
    if (known) return known
    const entry: Entry = { target, feedback: new Map(), effect: noFeedback }
    this.#entries.set(keyOf(target), entry)
    return entry
  }

  /** Combines the feedback of a target anew. Returns whether the effect has changed. */
  #updateEffect(entry: Entry, nowMs: number): boolean {
    const effect = feedbackEffect(entry.feedback.values(), nowMs)
    const { factor, standing } = entry.effect
    if (effect.factor === factor && effect.standing === standing) return false
    entry.effect = effect
    this.#onEffect(entry.target, effect)
    return true
  }

  /** Drops expired feedback. Returns when the next one expires; Infinity if there is none. */
  #expire(): number {
    const nowMs = this.#clock.wallMs()
    let isChanged = false
    let soonestMs = Infinity
    for (const [key, entry] of this.#entries) {
      for (const [writer, feedback] of entry.feedback)
        if (feedback.untilMs <= nowMs) entry.feedback.delete(writer)
        else soonestMs = Math.min(soonestMs, feedback.untilMs)
      if (this.#updateEffect(entry, nowMs)) isChanged = true
      if (entry.feedback.size === 0) this.#entries.delete(key)
    }
    if (isChanged) this.#changed()
    return soonestMs
  }

  /** Sets the one timer to the soonest expiry. */
  #plan(untilMs: number): void {
    if (untilMs >= this.#plannedMs) return
    this.#cancel?.()
    this.#plannedMs = untilMs
    const delayMs = Math.max(0, untilMs - this.#clock.wallMs())
    this.#cancel = this.#timer(Math.min(longestMs, delayMs), () => {
      this.#cancel = null
      this.#plannedMs = Infinity
      this.#plan(this.#expire())
    })
  }
}

const soonestEnds = (reports: readonly SharedFeedback[], nowMs: number): readonly number[] =>
  reports.map(({ feedback }) => feedback.untilMs).filter((untilMs) => untilMs > nowMs)

const keyOf = ({ zone, target }: NamedTarget): string => `${zone} ${target}`
