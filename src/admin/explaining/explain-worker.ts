// The thread that explains answers, as the control thread sees it: one question at a time, a few more
// waiting, each with a deadline. It is started with the first question and ends after a minute without
// any. A thread that dies or does not answer is ended, and until the backoff has passed nothing is
// explained:
//
//   none ── question ──► working ── explained ──► waiting for questions ── 60 s ──► none
//   working ── dead, or no answer in time ──► backoff (200 ms × 2ⁿ, at most 5 s) ──► none

import { setTimeout as setTimeoutPromise } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'

import type { Clock } from '../../lib/clock.ts'
import type {
  Asked,
  ExplainInit,
  FromExplainer,
  NoteKeys,
  Notes,
  ToExplainer,
  World,
} from './messages.ts'

export type ExplainOutcome =
  | Extract<FromExplainer, { kind: 'explained' | 'refused' }>
  /** As many questions are waiting as may. */
  | { readonly kind: 'busy' }
  /** The thread ended or did not answer in time. */
  | { readonly kind: 'unavailable'; readonly why: string; readonly afterMs: number }

export interface ExplainWorker {
  /** Never rejects. */
  explain(asked: Asked): Promise<ExplainOutcome>
  close(): Promise<void>
}

export interface ExplainWorkerOptions {
  readonly healthBuffer: SharedArrayBuffer
  /** What is in force now; the same objects as long as nothing changed. */
  readonly world: () => World
  readonly notes: (keys: NoteKeys) => Notes
  readonly clock: Pick<Clock, 'monotonicMs'>
  /** The thread ended by itself, or was ended since it did not answer. */
  readonly onExit: (why: string, backoffMs: number) => void
  /** It explains again. */
  readonly onRestart: () => void
  /** For tests: the module of the thread. */
  readonly entry?: URL
  /** How long a question may take, of the thread's CPU time. */
  readonly deadlineMs?: number
  /** How much longer the first question of a thread may take, which has to load its modules. */
  readonly startingMs?: number
  /** How many questions may wait beside the one under way. */
  readonly waiting?: number
}

/**
 * On a machine with more to do than it has cores for, a thread gets its CPU time late: to end it then would begin everything anew.
 * `patience`: after so many times its CPU time by the clock it is ended all the same.
 */
const limits = { waiting: 8, deadlineMs: 8000, patience: 6, idleMs: 60_000, heapMebibytes: 512 }
/** Between two looks at what a thread has spent. */
const leastWaitMs = 50
const backoff = { firstMs: 200, mostMs: 5000 }

// The entry has the same extension as this file: .ts when run from source, .js from dist.
const defaultEntry = new URL(
  import.meta.url.endsWith('.ts') ? './explain-thread.ts' : './explain-thread.js',
  import.meta.url,
)

export const createExplainWorker = (options: ExplainWorkerOptions): ExplainWorker =>
  new Explainer(options)

interface Job {
  readonly asked: Asked
  readonly resolve: (outcome: ExplainOutcome) => void
}

class Explainer implements ExplainWorker {
  readonly #options: ExplainWorkerOptions
  #thread: Worker | null = null
  /** What the thread was sent last. */
  #sent: World | null = null
  /** The first one is with the thread. */
  #jobs: Job[] = []
  #timer: NodeJS.Timeout | undefined
  #backoffMs = backoff.firstMs
  /** Until then nothing is started, on the monotonic clock. */
  #retryAtMs = -Infinity
  #hasFailed = false

  constructor(options: ExplainWorkerOptions) {
    this.#options = options
  }

  explain(asked: Asked): Promise<ExplainOutcome> {
    const afterMs = this.#retryAtMs - this.#options.clock.monotonicMs()
    if (afterMs > 0)
      return Promise.resolve({ kind: 'unavailable', why: 'it is being started again', afterMs })
    const { waiting = limits.waiting } = this.#options
    if (this.#jobs.length > waiting) return Promise.resolve({ kind: 'busy' })
    return new Promise((resolve) => {
      this.#jobs.push({ asked, resolve })
      if (this.#jobs.length === 1) this.#begin()
    })
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer)
    await this.#end()?.terminate()
    this.#finishAll({ kind: 'unavailable', why: 'the server is stopping', afterMs: 1000 })
  }

  /** Gives the first job to the thread, or waits for one. */
  #begin(): void {
    clearTimeout(this.#timer)
    const [job] = this.#jobs
    if (job === undefined) {
      this.#timer = setTimeout(() => void this.#end()?.terminate(), limits.idleMs).unref()
      return
    }
    const { deadlineMs = limits.deadlineMs, startingMs = 0 } = this.#options
    const withinMs = deadlineMs + (this.#thread === null ? startingMs : 0)
    const mostMs = limits.patience * withinMs
    this.#timer = setTimeout(() => this.#fail(noAnswer(mostMs)), mostMs)
    try {
      this.#thread ??= this.#start()
      void this.#watch(this.#thread, job, withinMs)
      const world = this.#options.world()
      if (!isSame(world, this.#sent)) this.#post({ kind: 'world', world })
      this.#sent = world
      this.#post({ kind: 'question', asked: job.asked })
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error))
    }
  }

  /** Ends the thread where a question has taken too much of its CPU time. */
  async #watch(thread: Worker, job: Job, withinMs: number): Promise<void> {
    const isUnderWay = (): boolean => thread === this.#thread && job === this.#jobs[0]
    const before = await spentMsOf(thread)
    let leftMs = withinMs
    while (isUnderWay() && leftMs > 0) {
      await setTimeoutPromise(Math.max(leftMs, leastWaitMs), undefined, { ref: false })
      leftMs = withinMs - ((await spentMsOf(thread)) - before)
    }
    if (isUnderWay()) this.#fail(noAnswer(withinMs))
  }

  #start(): Worker {
    const { healthBuffer, entry = defaultEntry } = this.#options
    const thread = new Worker(entry, {
      workerData: { healthBuffer } satisfies ExplainInit,
      name: 'explain',
      resourceLimits: { maxOldGenerationSizeMb: limits.heapMebibytes },
    })
    let why = 'it exited'
    const isCurrent = (): boolean => thread === this.#thread
    thread.on('message', (message: FromExplainer) => isCurrent() && this.#receive(message))
    thread.on('error', (error) => (why = error instanceof Error ? error.message : String(error)))
    thread.on('exit', () => isCurrent() && this.#fail(why))
    thread.unref()
    return thread
  }

  #receive(message: FromExplainer): void {
    switch (message.kind) {
      case 'needs':
        return this.#post({ kind: 'notes', notes: this.#options.notes(message.keys) })
      case 'explained':
      case 'refused': {
        this.#jobs.shift()?.resolve(message)
        if (this.#hasFailed) this.#options.onRestart()
        this.#hasFailed = false
        this.#backoffMs = backoff.firstMs
        return this.#begin()
      }
      default:
        return message satisfies never
    }
  }

  #post(message: ToExplainer): void {
    this.#thread?.postMessage(message)
  }

  #fail(why: string): void {
    clearTimeout(this.#timer)
    void this.#end()?.terminate()
    const afterMs = this.#backoffMs
    this.#retryAtMs = this.#options.clock.monotonicMs() + afterMs
    this.#backoffMs = Math.min(2 * afterMs, backoff.mostMs)
    this.#hasFailed = true
    this.#options.onExit(why, afterMs)
    this.#finishAll({ kind: 'unavailable', why, afterMs })
  }

  /** The thread that is no longer the one in use. */
  #end(): Worker | null {
    const thread = this.#thread
    this.#thread = null
    this.#sent = null
    return thread
  }

  #finishAll(outcome: ExplainOutcome): void {
    const jobs = this.#jobs
    this.#jobs = []
    for (const { resolve } of jobs) resolve(outcome)
  }
}

const noAnswer = (ms: number): string => `no answer within ${ms / 1000} s`

/** By the clock before Node 24.6, which does not say what a thread has spent. */
async function spentMsOf(thread: Worker): Promise<number> {
  if (typeof thread.cpuUsage !== 'function') return performance.now()
  // It rejects where the thread has ended: that has its own event.
  const { user, system } = await thread.cpuUsage().catch(() => ({ user: 0, system: 0 }))
  return (user + system) / 1000
}

const isSame = (world: World, sent: World | null): boolean =>
  sent !== null && world.catalog === sent.catalog && world.places === sent.places
