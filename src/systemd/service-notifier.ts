// What the service manager is told (sd_notify(3)), and when.
//
//   READY=1       sockets answer
//   WATCHDOG=1    three times in its time, each after a look that found every socket answering: one that is deaf has this
//                 process ended and started again. No look, no word: what hangs this thread does the same. A thousand
//                 answers since the last look will do too: in a flood our own question may be among those lost, and
//                 to start anew would help whoever sends it
//   RELOADING=1   with the time on CLOCK_MONOTONIC, then READY=1 when that is done
//   STOPPING=1    at SIGTERM, with the time that it will take; the watchdog is fed until the sockets close

import type { SendWords } from './notify-socket.ts'

export interface ServiceOptions {
  readonly send: SendWords
  /** null: there is no watchdog. */
  readonly watchdogMs: number | null
  /** Whether every socket answers; it takes a second at most. */
  readonly answers: () => Promise<boolean>
  /** Answers given so far, to anybody. */
  readonly answered: () => number
  readonly monotonicMs: () => number
  readonly onEvent: (event: ServiceEvent) => void
}

export type ServiceEvent =
  /** Told each time that it begins. */
  | { readonly kind: 'deaf' }
  | { readonly kind: 'hearing' }
  | { readonly kind: 'unsent'; readonly why: string }

export interface ServiceNotifier {
  ready(status: string): void
  reloading(): void
  /** `forMs`: it is gone by then. */
  stopping(forMs: number): void
  /** Feeds no more. */
  end(): void
}

const feedsATime = 3
const manyAnswers = 1000
/** Beside the time that stopping takes by itself. */
const spareMs = 10_000

export const createServiceNotifier = (options: ServiceOptions): ServiceNotifier =>
  new Notifier(options)

class Notifier implements ServiceNotifier {
  readonly #options: ServiceOptions
  #timer: ReturnType<typeof setTimeout> | undefined
  #isEnded = false
  #isDeaf = false
  #answered = 0
  #unsentWhy: string | null = null

  constructor(options: ServiceOptions) {
    this.#options = options
    this.#later()
  }

  ready(status: string): void {
    this.#tell('READY=1', `STATUS=${status}`)
  }

  reloading(): void {
    const micros = Math.round(this.#options.monotonicMs() * 1000)
    this.#tell('RELOADING=1', `MONOTONIC_USEC=${micros}`, 'STATUS=Reading zone files')
  }

  stopping(forMs: number): void {
    const micros = Math.round((forMs + spareMs) * 1000)
    this.#tell('STOPPING=1', `EXTEND_TIMEOUT_USEC=${micros}`, 'STATUS=Stopping')
  }

  end(): void {
    this.#isEnded = true
    clearTimeout(this.#timer)
  }

  #later(): void {
    const { watchdogMs } = this.#options
    if (watchdogMs === null || this.#isEnded) return
    this.#timer = setTimeout(() => {
      void this.#feed().then(() => this.#later())
    }, watchdogMs / feedsATime)
    this.#timer.unref()
  }

  async #feed(): Promise<void> {
    const { answers, answered, onEvent } = this.#options
    const doAnswer = await answers()
    const before = this.#answered
    this.#answered = answered()
    const isDeaf = !doAnswer && this.#answered - before < manyAnswers
    if (this.#isEnded) return
    if (isDeaf !== this.#isDeaf) onEvent({ kind: isDeaf ? 'deaf' : 'hearing' })
    this.#isDeaf = isDeaf
    if (!isDeaf) this.#tell('WATCHDOG=1')
  }

  #tell(...words: readonly string[]): void {
    const why = this.#options.send(words)
    if (why !== null && why !== this.#unsentWhy) this.#options.onEvent({ kind: 'unsent', why })
    this.#unsentWhy = why
  }
}
