// Whether probes still start. Where one is due and none starts for several times the longest interval, the schedule has
// lost its timer or its jobs, by a bug of ours: it is begun anew, and if that does not help, it stalls.
//
// Nothing is due while there are no jobs, while another instance probes them all, or while all wait for one in flight.
// Time counts only as far as this watch has seen it pass: a process that was stopped, or a loop that lags, has started
// nothing meanwhile and yet is well.

import type { Clock } from '../lib/clock.ts'
import type { NextStart } from '../probe/schedule/scheduler.ts'

/** What is watched; see Scheduler. */
export interface StartSource {
  /** Whether a probe should have started by now. */
  nextStart(): NextStart
  /** Probes started so far. */
  startedCount(): number
  longestIntervalMs(): number
  /** Begins the schedule anew. */
  restart(): void
}

export type StartEvent =
  /** No probe has started for long: the schedule was begun anew. */
  | { readonly kind: 'restarted' }
  /** That has not helped. */
  | { readonly kind: 'stalled' }
  /** Probes start again, or there are none to start any more. */
  | { readonly kind: 'resumed' }

interface StartWatchOptions {
  readonly source: StartSource
  readonly clock: Clock
  readonly onEvent: (event: StartEvent) => void
}

const patienceIntervals = 3
const shortestPatienceMs = 60_000
/** How much of the time since the last look counts. */
const longestLookMs = 2000

export class StartWatch {
  readonly #options: StartWatchOptions
  #lookedAtMs: number
  #started = -1
  #waitedMs = 0
  #restarts = 0

  constructor(options: StartWatchOptions) {
    this.#options = options
    this.#lookedAtMs = options.clock.monotonicMs()
  }

  /** Whether no probe starts although the schedule was begun anew. */
  isStalled(): boolean {
    return this.#restarts > 1
  }

  /** To be called every second or so. */
  look(): void {
    const { source, clock, onEvent } = this.#options
    const nowMs = clock.monotonicMs()
    const passedMs = Math.min(nowMs - this.#lookedAtMs, longestLookMs)
    this.#lookedAtMs = nowMs
    const started = source.startedCount()
    const hasStarted = started !== this.#started
    this.#started = started
    const next = source.nextStart()
    if (hasStarted || next !== 'overdue') {
      this.#waitedMs = 0
      // A probe that is only planned again, as after a restart, says nothing: its time has not come.
      if (hasStarted || next === 'none') this.#resume()
      return
    }
    this.#waitedMs += passedMs
    const patienceMs = Math.max(shortestPatienceMs, patienceIntervals * source.longestIntervalMs())
    if (this.#waitedMs < patienceMs) return
    this.#waitedMs = 0
    this.#restarts++
    if (this.#restarts === 1) onEvent({ kind: 'restarted' })
    if (this.#restarts === 2) onEvent({ kind: 'stalled' })
    source.restart()
  }

  #resume(): void {
    const wasStalled = this.isStalled()
    this.#restarts = 0
    if (wasStalled) this.#options.onEvent({ kind: 'resumed' })
  }
}
