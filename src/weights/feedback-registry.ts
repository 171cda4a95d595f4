// The words of all targets that say something of themselves. Bounded by the targets there are, three words each.
// Who wants to know is told when what they come to has changed, their end included. With an exchange they are the words
// of all instances: the last one that a writer told to any of them.

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

export interface NamedTarget {
  readonly zone: string
  readonly target: string
}

export interface WriterFeedback extends Feedback {
  readonly writer: FeedbackWriter
}

export interface FeedbackRegistry {
  /** Forgets what others than these targets have said. */
  retain(targets: readonly NamedTarget[]): void
  report(of: NamedTarget, writer: FeedbackWriter, word: FeedbackReport, forMs: number): Feedback
  /** Whether there was anything to withdraw. */
  withdraw(of: NamedTarget, writer: FeedbackWriter): boolean
  reports(of: NamedTarget): readonly WriterFeedback[]
  effectOf(of: NamedTarget): FeedbackEffect
  /** One listener: who writes the health table. */
  onChange(changed: () => void): void
  stop(): void
}

/** Told of every change of what a target's words come to. */
export type OnFeedbackEffect = (of: NamedTarget, effect: FeedbackEffect) => void

/** The wall clock may jump: look again now and then. */
const longestMs = 60_000

export const createFeedbackRegistry = (
  clock: Clock,
  timer: Timer = systemTimer,
  onEffect: OnFeedbackEffect = () => {},
  exchange: FeedbackStore | null = null,
): FeedbackRegistry => new TimedFeedbackRegistry({ clock, timer, onEffect, store: exchange })

interface FeedbackRegistryOptions {
  readonly clock: Clock
  readonly timer: Timer
  readonly onEffect: OnFeedbackEffect
  readonly store: FeedbackStore | null
}

interface Entry {
  readonly of: NamedTarget
  readonly words: Map<FeedbackWriter, Feedback>
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

  constructor({ clock, timer, onEffect, store: exchange }: FeedbackRegistryOptions) {
    this.#clock = clock
    this.#timer = timer
    this.#onEffect = onEffect
    this.#store = exchange
    this.#unsubscribe = exchange?.subscribe(() => this.#readShared()) ?? (() => {})
  }

  retain(targets: readonly NamedTarget[]): void {
    const kept = new Set(targets.map(keyOf))
    for (const key of this.#entries.keys()) if (!kept.has(key)) this.#entries.delete(key)
    this.#retained = kept
    this.#readShared()
  }

  report(of: NamedTarget, writer: FeedbackWriter, word: FeedbackReport, forMs: number): Feedback {
    const nowMs = this.#clock.wallMs()
    const entry = this.#entryOf(of)
    const before = entry.words.get(writer) ?? null
    const isOver = before !== null && before.untilMs <= nowMs
    const told = applyReport(isOver ? null : before, word, { nowMs, untilMs: nowMs + forMs })
    entry.words.set(writer, told)
    this.#store?.write({ ...of, writer }, told)
    if (this.#updateEffect(entry, nowMs)) this.#changed()
    this.#plan(told.untilMs)
    return told
  }

  withdraw(of: NamedTarget, writer: FeedbackWriter): boolean {
    const entry = this.#entries.get(keyOf(of))
    if (!entry?.words.delete(writer)) return false
    this.#store?.write({ ...of, writer }, null)
    if (this.#updateEffect(entry, this.#clock.wallMs())) this.#changed()
    return true
  }

  reports(of: NamedTarget): readonly WriterFeedback[] {
    const nowMs = this.#clock.wallMs()
    return [...(this.#entries.get(keyOf(of))?.words ?? [])]
      .filter(([, word]) => word.untilMs > nowMs)
      .map(([writer, word]) => ({ writer, ...word }))
  }

  effectOf(of: NamedTarget): FeedbackEffect {
    return this.#entries.get(keyOf(of))?.effect ?? noFeedback
  }

  onChange(changed: () => void): void {
    this.#changed = changed
  }

  stop(): void {
    this.#unsubscribe()
    this.#cancel?.()
    this.#cancel = null
  }

  /** In place of all words: ours are among them. Those of targets that no zone here has wait for it. */
  #readShared(): void {
    if (this.#store === null) return
    const byTarget = Map.groupBy(this.#store.list(), keyOf)
    const touched = new Set([...byTarget.keys(), ...this.#entries.keys()])
    const nowMs = this.#clock.wallMs()
    let isChanged = false
    for (const key of touched) {
      const words = byTarget.get(key) ?? []
      const [of] = words
      const entry = this.#entries.get(key) ?? (of && this.#retained.has(key) && this.#entryOf(of))
      if (!entry) continue
      entry.words.clear()
      for (const { writer, feedback: told } of words) entry.words.set(writer, told)
      if (this.#updateEffect(entry, nowMs)) isChanged = true
      if (entry.words.size === 0) this.#entries.delete(key)
    }
    if (isChanged) this.#changed()
    this.#plan(Math.min(Infinity, ...soonestEnds(this.#store.list(), nowMs)))
  }

  #entryOf({ zone, target }: NamedTarget): Entry {
    const of = { zone, target }
    const known = this.#entries.get(keyOf(of))
    if (known) return known
    const entry: Entry = { of, words: new Map(), effect: noFeedback }
    this.#entries.set(keyOf(of), entry)
    return entry
  }

  /** Whether what they come to is another than before. */
  #updateEffect(entry: Entry, nowMs: number): boolean {
    const effect = feedbackEffect(entry.words.values(), nowMs)
    const { factor, standing } = entry.effect
    if (effect.factor === factor && effect.standing === standing) return false
    entry.effect = effect
    this.#onEffect(entry.of, effect)
    return true
  }

  /** The soonest end of what is left; Infinity: nothing is. */
  #expire(): number {
    const nowMs = this.#clock.wallMs()
    let isChanged = false
    let soonestMs = Infinity
    for (const [key, entry] of this.#entries) {
      for (const [writer, word] of entry.words)
        if (word.untilMs <= nowMs) entry.words.delete(writer)
        else soonestMs = Math.min(soonestMs, word.untilMs)
      if (this.#updateEffect(entry, nowMs)) isChanged = true
      if (entry.words.size === 0) this.#entries.delete(key)
    }
    if (isChanged) this.#changed()
    return soonestMs
  }

  /** One timer for all words, for the soonest end. */
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

const soonestEnds = (words: readonly SharedFeedback[], nowMs: number): readonly number[] =>
  words.map(({ feedback: told }) => told.untilMs).filter((untilMs) => untilMs > nowMs)

const keyOf = ({ zone, target }: NamedTarget): string => `${zone} ${target}`
