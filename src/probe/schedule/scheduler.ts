// Decides when each job is probed: one heap and one timer for all jobs.
//
//   first probe    spread over min(interval, max(1 s, 1 ms × jobs added))
//   regular        a grid of its own for each job, phase = hash(instance, key) mod interval, ± 10 % jitter a round
//   undecided      `fastIntervalMs` ± 10 % after the last probe ended
//
// No catch-up: a probe that outlasts its round, or a stalled process, skips rounds to the next point of the
// grid; an undecided job that was stalled is spread over its fast interval again. Limits (in-flight-limiter.ts): 4000
// probes in flight, 4 to one destination, 20 to one network, 1 a job. A job over a limit starts once there is room.
//
// From 500 jobs on, they start on the next hundredth of a second: fewer turns of the event loop for as many dialogues make
// each of them a sixth cheaper.

import type { Timer, Clock, Random } from '../../lib/clock.ts'
import { hashFraction } from '../../lib/hash.ts'
import { raiseLater } from '../../lib/raise-later.ts'
import {
  defaultInFlightLimits,
  InFlightLimiter,
  type InFlightLimits,
  networkOf,
} from './in-flight-limiter.ts'

export interface ScheduledProbe {
  /** The phase is a hash of it; stays the same over reloads. */
  readonly key: string
  /** The probed address, by which probes in flight are limited. */
  readonly destination: string
  readonly intervalMs: number
  readonly fastIntervalMs: number
  /** Whether the fast interval applies. */
  isUndecided(): boolean
  /** Starts the probe; `done` is called once, when it has ended. */
  run(done: () => void): void
}

export interface SchedulerCounters {
  readonly inFlight: number
  readonly started: number
  /** Started more than a second after they were due. */
  readonly late: number
  /** Starts delayed by the limit of a destination or a network. */
  readonly capped: number
  /** Rounds skipped after a stall or a long probe. */
  readonly skipped: number
  /** Times the process slept through a due time by more than 250 ms. */
  readonly stalls: number
}

interface SchedulerOptions {
  readonly clock: Clock
  readonly random: Random
  readonly timer: Timer
  /** Name of this instance, part of the phase: instances probe at different times. */
  readonly instance?: string
  readonly limits?: Partial<InFlightLimits>
  /** Called at each start with the milliseconds since it was due. */
  readonly onStart?: ((lateMs: number) => void) | undefined
}

/** `none`: there is nothing to start before a probe in flight has ended, or at all. */
export type NextStart = 'overdue' | 'planned' | 'none'

interface Job extends Due {
  readonly probe: ScheduledProbe
  readonly destination: string
  readonly network: string
  readonly share: number
  startedMs: number
  isRemoved: boolean
}

const stallMs = 250

const lateMs = 1000

const jitter = 0.1

const manyJobs = 500

const batchMs = 10

/** Binary heap by due time. Items know their index, so that they can be removed from anywhere. */
export class DueHeap<Item extends Due> {
  readonly #items: Item[] = []

  get size(): number {
    return this.#items.length
  }

  peek(): Item | undefined {
    return this.#items[0]
  }

  add(item: Item): void {
    this.#place(item, this.#items.length)
    this.#up(item)
  }

  remove(item: Item): void {
    const at = item.heapIndex
    if (at < 0) return
    item.heapIndex = -1
    const last = this.#items.pop() as Item
    if (last === item) return
    this.#place(last, at)
    this.#up(last)
    this.#down(last)
  }

  #place(item: Item, at: number): void {
    this.#items[at] = item
    item.heapIndex = at
  }

  #up(item: Item): void {
    let at = item.heapIndex
    while (at > 0) {
      const parent = this.#items[(at - 1) >> 1] as Item
      if (parent.dueMs <= item.dueMs) break
      this.#place(parent, at)
      at = (at - 1) >> 1
    }
    this.#place(item, at)
  }

  #down(item: Item): void {
    let at = item.heapIndex
    for (;;) {
      const left = this.#items[2 * at + 1]
      const right = this.#items[2 * at + 2]
      const child = left && right && right.dueMs < left.dueMs ? right : left
      if (!child || child.dueMs >= item.dueMs) break
      const childAt = child.heapIndex
      this.#place(child, at)
      at = childAt
    }
    this.#place(item, at)
  }
}

export class Scheduler {
  readonly #options: SchedulerOptions
  readonly #jobs = new Map<ScheduledProbe, Job>()
  readonly #due = new DueHeap<Job>()
  readonly #limiter: InFlightLimiter<Job>
  readonly #counters = { started: 0, late: 0, capped: 0, skipped: 0, stalls: 0 }
  #cancelTimer: () => void = () => {}
  #armedForMs = Infinity

  constructor(options: SchedulerOptions) {
    this.#options = options
    this.#limiter = new InFlightLimiter({ ...defaultInFlightLimits, ...options.limits })
  }

  add(probes: readonly ScheduledProbe[]): void {
    const nowMs = this.#options.clock.monotonicMs()
    for (const probe of probes) {
      const job = this.#job(probe)
      job.dueMs = nowMs + job.share * Math.min(probe.intervalMs, Math.max(1000, probes.length))
      this.#jobs.set(probe, job)
      this.#due.add(job)
    }
    this.#arm(nowMs)
  }

  /** Removes a job. A probe in flight goes on until it calls `done`. */
  remove(probe: ScheduledProbe): void {
    const job = this.#jobs.get(probe)
    if (!job) return
    job.isRemoved = true
    this.#jobs.delete(probe)
    this.#due.remove(job)
    this.#requeue(this.#limiter.remove(job))
    this.#arm(this.#options.clock.monotonicMs())
  }

  /** Has a job start now, or once the limits let it; its grid stays. Returns false where there is no such job. */
  startNow(probe: ScheduledProbe): boolean {
    const job = this.#jobs.get(probe)
    if (!job) return false
    // One that is in flight, or waits for room, is on its way.
    if (job.heapIndex < 0) return true
    const nowMs = this.#options.clock.monotonicMs()
    this.#due.remove(job)
    job.dueMs = nowMs
    this.#due.add(job)
    this.#arm(nowMs)
    return true
  }

  stop(): void {
    for (const probe of this.#jobs.keys()) this.remove(probe)
    this.#cancelTimer()
    this.#armedForMs = Infinity
  }

  /** Milliseconds until the next start; null while in flight, or delayed by a limit. */
  nextInMs(probe: ScheduledProbe): number | null {
    const job = this.#jobs.get(probe)
    if (!job || job.heapIndex < 0) return null
    return Math.max(0, job.dueMs - this.#options.clock.monotonicMs())
  }

  /** Jobs that are neither planned nor in flight are overdue. */
  nextStart(): NextStart {
    if (this.#jobs.size === 0 || this.#limiter.isFull()) return 'none'
    const first = this.#due.peek()
    if (!first) return this.#limiter.inFlight === 0 ? 'overdue' : 'none'
    return first.dueMs < this.#options.clock.monotonicMs() ? 'overdue' : 'planned'
  }

  startedCount(): number {
    return this.#counters.started
  }

  longestIntervalMs(): number {
    let longestMs = 0
    for (const { intervalMs } of this.#jobs.keys()) longestMs = Math.max(longestMs, intervalMs)
    return longestMs
  }

  /** Sets the timer anew, in case that it was lost; and with nothing in flight plans the jobs that nothing plans. */
  restart(): void {
    const nowMs = this.#options.clock.monotonicMs()
    if (this.#limiter.inFlight === 0)
      for (const job of this.#jobs.values())
        if (job.heapIndex < 0) {
          job.dueMs = nowMs + job.share * job.probe.fastIntervalMs
          this.#due.add(job)
        }
    this.#cancelTimer()
    this.#armedForMs = Infinity
    this.#arm(nowMs)
  }

  counters(): SchedulerCounters {
    return { ...this.#counters, inFlight: this.#limiter.inFlight }
  }

  #job(probe: ScheduledProbe): Job {
    const { destination, key } = probe
    const share = hashFraction(`${this.#options.instance ?? ''}|${key}`)
    const network = networkOf(destination)
    const times = { dueMs: 0, startedMs: -Infinity }
    return { probe, destination, network, share, ...times, heapIndex: -1, isRemoved: false }
  }

  #drain(): void {
    const nowMs = this.#options.clock.monotonicMs()
    if (nowMs - this.#armedForMs > stallMs) this.#skipOverdue(nowMs)
    while (!this.#limiter.isFull()) {
      const job = this.#due.peek()
      if (!job || job.dueMs > nowMs) break
      this.#due.remove(job)
      this.#startOrWait(job, nowMs)
    }
    this.#arm(nowMs)
  }

  #onTimer(): void {
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
    if (!this.#limiter.tryAcquire(job)) {
      this.#counters.capped++
      this.#requeue(this.#limiter.admit(job))
      return
    }
    this.#counters.started++
    if (nowMs - job.dueMs > lateMs) this.#counters.late++
    const waitedMs = nowMs - job.dueMs
    job.startedMs = nowMs
    // Whoever counts starts is not to prevent them: the probe counts as started.
    try {
      this.#options.onStart?.(waitedMs)
    } catch (error) {
      raiseLater(error)
    }
    try {
      job.probe.run(() => this.#ended(job))
    } catch (error) {
      raiseLater(error)
      this.#ended(job)
    }
  }

  #ended(job: Job): void {
    this.#requeue(this.#limiter.release(job))
    if (job.isRemoved) this.#requeue(this.#limiter.remove(job))
    else this.#plan(job)
    this.#drain()
  }

  /** Puts jobs back into the heap, overdue, so that they start next. */
  #requeue(jobs: readonly Job[]): void {
    for (const job of jobs) this.#due.add(job)
  }

  #plan(job: Job): void {
    const nowMs = this.#options.clock.monotonicMs()
    const { intervalMs, fastIntervalMs } = job.probe
    const swing = (this.#options.random() * 2 - 1) * jitter
    if (job.probe.isUndecided()) job.dueMs = nowMs + fastIntervalMs * (1 + swing)
    else {
      // At least half an interval later, so that a grid point that jitter brought forward is not used twice.
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

  #batchedMs(dueMs: number, nowMs: number): number {
    const isMany = this.#jobs.size >= manyJobs
    return Math.max(nowMs, isMany ? Math.ceil(dueMs / batchMs) * batchMs : dueMs)
  }

  #arm(nowMs: number): void {
    const first = this.#due.peek()
    const dueMs = first && !this.#limiter.isFull() ? this.#batchedMs(first.dueMs, nowMs) : Infinity
    if (dueMs === this.#armedForMs) return
    this.#cancelTimer()
    this.#armedForMs = dueMs
    if (dueMs === Infinity) return
    this.#cancelTimer = this.#options.timer(dueMs - nowMs, () => this.#onTimer())
  }
}

export interface Due {
  dueMs: number
  /** Index in the heap, maintained by it; -1 outside. */
  heapIndex: number
}
