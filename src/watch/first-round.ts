// The first round: until every slot of the first set has had one finished probe, nothing is taken as down, since a
// restart must not empty answers on half a picture. After 30 seconds what is known must do. What was known before the
// start, or is known to other instances, is believed at once.

import type { Timer } from '../lib/clock.ts'

const limitMs = 30_000

export class FirstRound<Item> {
  readonly #unprobed = new Set<Item>()
  readonly #timer: Timer
  readonly #onBelieve: () => void
  #isStarted = false
  #isDone = false
  #believesDown = false
  #hasKnownState = false
  #cancel: () => void = () => {}

  constructor(timer: Timer, onBelieve: () => void) {
    this.#timer = timer
    this.#onBelieve = onBelieve
  }

  /** Every one has had its probe; stays true over reloads. */
  get isDone(): boolean {
    return this.#isDone
  }

  get believesDown(): boolean {
    return this.#believesDown
  }

  /** All are taken alike: who was probed first must not get the mail of those that are not probed yet. */
  get treatsAllAlike(): boolean {
    return !this.#believesDown && !this.#hasKnownState
  }

  /** Something is known from before the start. */
  markKnown(): void {
    this.#hasKnownState = true
  }

  add(item: Item): void {
    this.#unprobed.add(item)
  }

  /** The set is known. */
  start(): void {
    if (!this.#isStarted) {
      this.#isStarted = true
      this.#cancel = this.#timer(limitMs, () => this.#believe())
    }
    this.#check()
  }

  /** It has had its probe. */
  complete(item: Item): void {
    this.#unprobed.delete(item)
    this.#check()
  }

  /** It is not watched any more. */
  remove(item: Item): void {
    this.#unprobed.delete(item)
  }

  stop(): void {
    this.#cancel()
  }

  #check(): void {
    if (this.#isDone || this.#unprobed.size > 0) return
    this.#isDone = true
    this.#cancel()
    this.#believe()
  }

  #believe(): void {
    if (this.#believesDown) return
    this.#believesDown = true
    this.#onBelieve()
  }
}
