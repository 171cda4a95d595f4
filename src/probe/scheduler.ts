// When to probe what: one heap and one timer for all jobs.
//
//   first probe    spread over min(interval, max(1 s, 1 ms × jobs added))
//   regular        a grid of its own for each job, phase = hash(key) mod interval, ± 10 % jitter a round
//   undecided      `fastIntervalMs` ± 10 % after the last probe ended
//
// No catch-up: a probe that outlasts its round, or a stalled process, skips rounds to the next point of the
// grid; an undecided job that was stalled is spread over its fast interval again. Caps: 2000 probes in
// flight, 4 to one destination, 1 a job. What a cap holds back starts in order of due time as places fall free.

import type { Clock, Random } from '../lib/clock.ts'
import type { Alarm } from './alarm.ts'
import type { Due } from './due-heap.ts'
import { DueHeap } from './due-heap.ts'
import { hashShare } from './slot-key.ts'

export interface ScheduledProbe {
  /** Decides the phase; the same over reloads. */
  readonly key: string
  /** The address that the per-destination cap counts. */
  readonly destination: string
  readonly intervalMs: number
  readonly fastIntervalMs: number
  isUndecided(): boolean
  /** Starts the probe; `done` is called once, when it has ended. */
  run(done: () => void): void
}

export interface SchedulerCounters {
  readonly inFlight: number
  readonly started: number
  /** Started more than a second after they were due. */
  readonly late: number
  /** Rounds left out. */
  readonly skipped: number
  /** Times the process slept through a due time by more than 250 ms. */
  readonly stalls: number
}

interface SchedulerOptions {
  readonly clock: Clock
  readonly random: Random
  readonly alarm: Alarm
  readonly inFlightLimit?: number
  readonly perDestinationLimit?: number
}

interface Job extends Due {
  readonly probe: ScheduledProbe
  readonly share: number
  startedMs: number
  isRemoved: boolean
}

const stallMs = 250
const lateMs = 1000
const jitter = 0.1

export class Scheduler {
  readonly #options: SchedulerOptions
  readonly #inFlightLimit: number
  readonly #perDestinationLimit: number
  readonly #jobs = new Map<ScheduledProbe, Job>()
  readonly #due = new DueHeap<Job>()
  readonly #destinations = new Map<string, { inFlight: number; readonly waiting: Set<Job> }>()
  readonly #counters = { inFlight: 0, started: 0, late: 0, skipped: 0, stalls: 0 }
  #disarm: () => void = () => {}
  #armedForMs = Infinity

  constructor(options: SchedulerOptions) {
    this.#options = options
    this.#inFlightLimit = options.inFlightLimit ?? 2000
    this.#perDestinationLimit = options.perDestinationLimit ?? 4
  }

  add(probes: readonly ScheduledProbe[]): void {
    const nowMs = this.#options.clock.monotonicMs()
    for (const probe of probes) {
      const share = hashShare(probe.key)
      const rampMs = Math.min(probe.intervalMs, Math.max(1000, probes.length))
      const dueMs = nowMs + share * rampMs
      const job = { probe, share, dueMs, heapIndex: -1, startedMs: -Infinity, isRemoved: false }
      this.#jobs.set(probe, job)
      this.#due.add(job)
    }
    this.#arm(nowMs)
  }

  /** Its probe in flight, if any, goes on until it calls `done`. */
  remove(probe: ScheduledProbe): void {
    const job = this.#jobs.get(probe)
    if (!job) return
    job.isRemoved = true
    this.#jobs.delete(probe)
    this.#due.remove(job)
    this.#destinations.get(probe.destination)?.waiting.delete(job)
    this.#admit(probe.destination)
    this.#arm(this.#options.clock.monotonicMs())
  }

  stop(): void {
    for (const probe of this.#jobs.keys()) this.remove(probe)
    this.#disarm()
    this.#armedForMs = Infinity
  }

  /** Milliseconds until the next start; null while in flight, or held back by a cap. */
  nextInMs(probe: ScheduledProbe): number | null {
    const job = this.#jobs.get(probe)
    if (!job || job.heapIndex < 0) return null
    return Math.max(0, job.dueMs - this.#options.clock.monotonicMs())
  }

  counters(): SchedulerCounters {
    return { ...this.#counters }
  }

  #drain(): void {
    const nowMs = this.#options.clock.monotonicMs()
    if (nowMs - this.#armedForMs > stallMs) this.#skipOverdue(nowMs)
    while (this.#counters.inFlight < this.#inFlightLimit) {
      const job = this.#due.peek()
      if (!job || job.dueMs > nowMs) break
      this.#due.remove(job)
      this.#startOrWait(job, nowMs)
    }
    this.#arm(nowMs)
  }

  #ring(): void {
    const nowMs = this.#options.clock.monotonicMs()
    const isStalled = nowMs - this.#armedForMs > stallMs
    this.#armedForMs = Infinity
    if (isStalled) this.#skipOverdue(nowMs)
    this.#drain()
  }

  #skipOverdue(nowMs: number): void {
    this.#counters.stalls++
    for (let job = this.#due.peek(); job && job.dueMs < nowMs; job = this.#due.peek()) {
      this.#due.remove(job)
      const isFast = job.probe.isUndecided() && job.startedMs > -Infinity
      const fastMs = nowMs + job.share * job.probe.fastIntervalMs
      job.dueMs = isFast ? fastMs : this.#gridMs(job, nowMs)
      this.#counters.skipped++
      this.#due.add(job)
    }
  }

  #startOrWait(job: Job, nowMs: number): void {
    const { destination } = job.probe
    const place = this.#destinations.get(destination) ?? { inFlight: 0, waiting: new Set() }
    this.#destinations.set(destination, place)
    if (place.inFlight >= this.#perDestinationLimit) {
      place.waiting.add(job)
      return
    }
    place.inFlight++
    this.#counters.inFlight++
    this.#counters.started++
    if (nowMs - job.dueMs > lateMs) this.#counters.late++
    job.startedMs = nowMs
    job.probe.run(() => this.#ended(job))
  }

  #ended(job: Job): void {
    const { destination } = job.probe
    const place = this.#destinations.get(destination)
    if (place) place.inFlight--
    this.#counters.inFlight--
    this.#admit(destination)
    if (!job.isRemoved) this.#plan(job)
    this.#drain()
  }

  /** Lets one waiting job back into the heap where its destination has room; forgets idle destinations. */
  #admit(destination: string): void {
    const place = this.#destinations.get(destination)
    if (!place || place.inFlight >= this.#perDestinationLimit) return
    for (const job of place.waiting) {
      place.waiting.delete(job)
      this.#due.add(job)
      return
    }
    if (place.inFlight === 0) this.#destinations.delete(destination)
  }

  #plan(job: Job): void {
    const nowMs = this.#options.clock.monotonicMs()
    const { intervalMs, fastIntervalMs } = job.probe
    const swing = (this.#options.random() * 2 - 1) * jitter
    if (job.probe.isUndecided()) job.dueMs = nowMs + fastIntervalMs * (1 + swing)
    else {
      // Half an interval of rest, so that the grid point just passed early by jitter does not count twice.
      const gridMs = this.#gridMs(job, Math.max(nowMs, job.startedMs + intervalMs / 2))
      this.#counters.skipped += Math.max(0, Math.round((gridMs - job.startedMs) / intervalMs) - 1)
      job.dueMs = Math.max(nowMs, gridMs + intervalMs * swing)
    }
    this.#due.add(job)
  }

  /** The first point of the job's grid after `afterMs`. */
  #gridMs(job: Job, afterMs: number): number {
    const { intervalMs } = job.probe
    const phaseMs = job.share * intervalMs
    return (Math.floor((afterMs - phaseMs) / intervalMs) + 1) * intervalMs + phaseMs
  }

  #arm(nowMs: number): void {
    const first = this.#due.peek()
    const isFull = this.#counters.inFlight >= this.#inFlightLimit
    const dueMs = first && !isFull ? Math.max(nowMs, first.dueMs) : Infinity
    if (dueMs === this.#armedForMs) return
    this.#disarm()
    this.#armedForMs = dueMs
    if (dueMs === Infinity) return
    this.#disarm = this.#options.alarm(dueMs - nowMs, () => this.#ring())
  }
}
