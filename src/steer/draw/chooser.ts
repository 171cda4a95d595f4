// Where a selection leaves something to chance, it asks a chooser: one of these weights, in proportion. `RandomChooser` draws;
// `Enumerator` (outcomes.ts) goes through all that could be drawn. So a selection is written once, and what is known of
// its outcomes cannot differ from what it does.

import type { Random } from '../../lib/clock.ts'

export interface Chooser {
  /** Choices made so far between two options or more; it wraps around. */
  readonly choices: number
  /** A selection begins. */
  begin(): void
  /**
   * The index of one of the weights in [from, to), chosen in proportion to them. All are above zero, and `sum` is their
   * sum. A single one is no choice.
   */
  weighted(weights: Float64Array, from: number, to: number, sum: number): number
  /** An index in [0, count), all of them equally likely. Only the order of records may depend on it, or who is beside whom. */
  equal(count: number): number
}

/** The largest number below 1. */
const belowOne = 1 - 2 ** -53

/** What is left of a random number after choices this unlikely still has 23 bits. Then another one is taken. */
const minSpan = 2 ** -30

/**
 * Draws. What a choice leaves of its random number, where in the winner's part of the range it fell, is uniformly
 * distributed too and decides the next choice: one number decides nearly every selection.
 */
export class RandomChooser implements Chooser {
  readonly #random: Random
  /** In [0, 1). */
  #left = 0
  /** The share of the whole range that `#left` was stretched from; 0: nothing is left. */
  #span = 0
  choices = 0

  constructor(random: Random) {
    this.#random = random
  }

  begin(): void {
    this.#span = 0
  }

  weighted(weights: Float64Array, from: number, to: number, sum: number): number {
    if (to - from === 1) return from
    const point = this.#next() * sum
    let at = from
    let along = weights[from] as number
    while (point >= along && at < to - 1) along += weights[++at] as number
    const weight = weights[at] as number
    this.#leave((point - (along - weight)) / weight, weight / sum)
    return at
  }

  equal(count: number): number {
    if (count === 1) return 0
    const point = this.#next() * count
    const at = Math.floor(point)
    this.#leave(point - at, 1 / count)
    return at
  }

  #next(): number {
    this.choices = (this.choices + 1) | 0
    if (this.#span < minSpan) {
      this.#left = this.#random()
      this.#span = 1
    }
    return this.#left
  }

  /** Rounding may take a number out of the range by its last bit. */
  #leave(left: number, share: number): void {
    this.#left = left > 0 ? Math.min(left, belowOne) : 0
    this.#span *= share
  }
}
