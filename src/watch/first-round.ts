// The first round of probes after the start. Until every address of the first set has been probed once, none is down,
// so that a restart does not empty answers on incomplete knowledge. After 30 seconds what is known has to do. A state
// that was restored, or that other instances vote for, holds at once.

import type { Timer } from '../lib/clock.ts'

const limitMs = 30_000

export class FirstRound<Item> {
  readonly #unprobed = new Set<Item>()
  readonly #timer: Timer
  readonly #onAcceptDown: () => void
  #isStarted = false
  #isDone = false
  #acceptsDown = false
  #hasKnownState = false
  #cancel: () => void = () => {}

  /** `onAcceptDown` is called once, when the first round is done or its time is up: all have to be judged again. */
  constructor(timer: Timer, onAcceptDown: () => void) {
    this.#timer = timer
    this.#onAcceptDown = onAcceptDown
  }

  /** Whether every item of the first set has had a finished probe; stays true over reloads. */
  get isDone(): boolean {
    return this.#isDone
  }

  /** Whether items may be down: the first round is done, or its time is up. */
  get acceptsDown(): boolean {
    return this.#acceptsDown
  }

  /** Whether no item may be up before the others: those probed first would get the mail of those not probed yet. */
  get treatsAllAlike(): boolean {
    return !this.#acceptsDown && !this.#hasKnownState
  }

  /** Records that the state of some item is known without a probe of this process. */
  markKnown(): void {
    this.#hasKnownState = true
  }

  /** Adds an item that has to be probed. */
  add(item: Item): void {
    this.#unprobed.add(item)
  }

  /** Starts the time limit, at the first call, and ends the round if there is nothing left to probe. */
  start(): void {
    if (!this.#isStarted) {
      this.#isStarted = true
      this.#cancel = this.#timer(limitMs, () => this.#acceptDown())
    }
    this.#check()
  }

  /** Records the first finished probe of the item. */
  complete(item: Item): void {
    this.#unprobed.delete(item)
    this.#check()
  }

  /** Takes out an item that is not probed here any more; does not end the round. */
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
    this.#acceptDown()
  }

  #acceptDown(): void {
    if (this.#acceptsDown) return
    this.#acceptsDown = true
    this.#onAcceptDown()
  }
}
