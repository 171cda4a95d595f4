// The answering workers as the control thread sees them: births, restarts with backoff, publishing, counters.
//
//   starting ── listening ──► serving ── exit ──► waiting (200 ms × 2ⁿ, at most 5 s) ──► starting
//   any      ── stop ──► stopped
// A worker that served for 10 s has earned a fresh backoff.

import { Worker } from 'node:worker_threads'

import { type Counters, createCounters } from '../answer/counters.ts'
import type { Clock } from '../lib/clock.ts'
import type { Catalog } from '../zone/zone.ts'
import type { FromWorker, ToWorker, WorkerBirth } from './messages.ts'

const firstBackoffMs = 200
const lastBackoffMs = 5000
const provenAfterMs = 10_000
const stopWithinMs = 3000

export type WorkerEvent =
  | {
      readonly kind: 'exited'
      readonly worker: number
      readonly why: string
      readonly backoffMs: number
    }
  | { readonly kind: 'restarted'; readonly worker: number }
  | { readonly kind: 'places-broken'; readonly worker: number; readonly why: string }

export interface WorkersOptions {
  readonly count: number
  readonly birth: Omit<WorkerBirth, 'countersBuffer'>
  readonly clock: Clock
  readonly onEvent: (event: WorkerEvent) => void
  /** For tests: another thread than the answering one. */
  readonly entry?: URL
}

export interface Workers {
  /** Resolves when all of them listen; rejects with the first failure. */
  readonly listening: Promise<void>
  /** Counters outlive their worker: a restart goes on counting. */
  readonly counters: readonly Counters[]
  publish(catalog: Catalog): void
  alive(): number
  restarts(): number
  stop(): Promise<void>
}

/** Where one worker sits: what stays when its thread is replaced. */
interface Seat {
  readonly index: number
  readonly counters: Counters
  thread: Worker | null
  isServing: boolean
  bornMs: number
  backoffMs: number
  retry: NodeJS.Timeout | null
}

// The entry has the ending of the file we run from: .ts from source, .js from dist.
const answeringEntry = new URL(
  import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js',
  import.meta.url,
)

export const startWorkers = (options: WorkersOptions): Workers => new SeatedWorkers(options)

class SeatedWorkers implements Workers {
  readonly listening: Promise<void>
  readonly counters: readonly Counters[]
  readonly #options: WorkersOptions
  readonly #seats: readonly Seat[]
  #catalog: Catalog
  #isStopping = false
  #restarts = 0

  constructor(options: WorkersOptions) {
    this.#options = options
    this.#catalog = options.birth.catalog
    this.#seats = Array.from({ length: options.count }, (_, index) => emptySeat(index))
    this.counters = this.#seats.map((seat) => seat.counters)
    this.listening = Promise.all(this.#seats.map((seat) => this.#spawn(seat))).then(() => {})
  }

  alive(): number {
    return this.#seats.filter((seat) => seat.isServing).length
  }

  restarts(): number {
    return this.#restarts
  }

  publish(catalog: Catalog): void {
    this.#catalog = catalog
    for (const { thread } of this.#seats)
      thread?.postMessage({ kind: 'catalog', catalog } satisfies ToWorker)
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    await Promise.all(this.#seats.map(stopSeat))
  }

  /** Puts a new thread on the seat. Resolves when it listens, rejects if it ends before that. */
  #spawn(seat: Seat): Promise<void> {
    const { birth, clock, entry = answeringEntry } = this.#options
    const data: WorkerBirth = {
      ...birth,
      catalog: this.#catalog,
      countersBuffer: seat.counters.buffer,
    }
    const thread = new Worker(entry, { workerData: data, name: `answer-${seat.index}` })
    seat.thread = thread
    seat.bornMs = clock.monotonicMs()
    return new Promise((resolve, reject) => {
      let why = 'it exited'
      thread.on('message', (message: FromWorker) => {
        if (message.kind === 'failed') why = `${message.code}: ${message.message}`
        this.#hear(seat, message, resolve, reject)
      })
      thread.on('error', (error) => {
        why = error instanceof Error ? error.message : String(error)
      })
      thread.on('exit', () => {
        seat.isServing = false
        seat.thread = null
        reject(new Error(why))
        this.#replace(seat, why)
      })
    })
  }

  #hear(
    seat: Seat,
    message: FromWorker,
    resolve: () => void,
    reject: (error: Error) => void,
  ): void {
    switch (message.kind) {
      case 'listening':
        seat.isServing = true
        return resolve()
      case 'failed':
        return reject(Object.assign(new Error(message.message), { code: message.code }))
      case 'places-broken':
        return this.#options.onEvent({
          kind: 'places-broken',
          worker: seat.index,
          why: message.why,
        })
      default:
        return message satisfies never
    }
  }

  #replace(seat: Seat, why: string): void {
    if (this.#isStopping) return
    const { clock, onEvent } = this.#options
    if (clock.monotonicMs() - seat.bornMs > provenAfterMs) seat.backoffMs = firstBackoffMs
    const { backoffMs } = seat
    seat.backoffMs = Math.min(backoffMs * 2, lastBackoffMs)
    onEvent({ kind: 'exited', worker: seat.index, why, backoffMs })
    seat.retry = setTimeout(() => {
      this.#restarts++
      const reborn = (): void => onEvent({ kind: 'restarted', worker: seat.index })
      // A failure to listen ends in another exit, which is where it is told.
      this.#spawn(seat).then(reborn, () => {})
    }, backoffMs)
  }
}

const emptySeat = (index: number): Seat => ({
  index,
  counters: createCounters(),
  thread: null,
  isServing: false,
  bornMs: 0,
  backoffMs: firstBackoffMs,
  retry: null,
})

async function stopSeat({ thread, retry }: Seat): Promise<void> {
  if (retry) clearTimeout(retry)
  if (!thread) return
  const exited = new Promise<void>((resolve) => thread.once('exit', () => resolve()))
  thread.postMessage({ kind: 'stop' } satisfies ToWorker)
  const overdue = setTimeout(() => void thread.terminate(), stopWithinMs)
  await exited
  clearTimeout(overdue)
}
