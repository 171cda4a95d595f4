// Runs turns one at a time, each as soon as the earliest that was asked for; what is asked for during a turn comes after.

import type { Clock } from '../lib/clock.ts'

export class Turns {
  readonly #clock: Clock
  /** How soon the next one is due; what is asked for meanwhile may be sooner. */
  readonly #turn: () => Promise<number>
  #timer: ReturnType<typeof setTimeout> | undefined
  #atMs = Infinity
  #isBusy = false
  #isStopped = false

  constructor(clock: Clock, turn: () => Promise<number>) {
    this.#clock = clock
    this.#turn = turn
  }

  soon(inMs: number): void {
    const atMs = this.#clock.monotonicMs() + inMs
    if (this.#isStopped || atMs >= this.#atMs) return
    this.#atMs = atMs
    clearTimeout(this.#timer)
    if (!this.#isBusy) this.#timer = setTimeout(() => void this.#run(), inMs)
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  async #run(): Promise<void> {
    this.#atMs = Infinity
    this.#isBusy = true
    const dueInMs = await this.#turn()
    this.#isBusy = false
    const askedMs = this.#atMs - this.#clock.monotonicMs()
    this.#atMs = Infinity
    this.soon(Math.max(0, Math.min(dueInMs, askedMs)))
  }
}
