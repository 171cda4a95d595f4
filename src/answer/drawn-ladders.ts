// Whole answers of one question by the ladder that was drawn: few targets come in few orders, and then a copy is all
// there is to do. Where they come in too many it stops trying, for a while: that may have been health in a bad hour.
//
// Each order may lie in a few cells next to each other; a newcomer takes the last of them. Like the pieces they are made
// of (ladder-octets.ts), answers die with the generation of health.

import type { Target } from '../steer/policy.ts'
import type { Rung } from '../steer/selection.ts'

const cellCount = 64
const maxSteps = 4
/** How many orders are looked at before it is judged whether that was worth it. */
const trials = 1024
/** Askings until it is tried again. */
const pause = 65_536

interface Drawn {
  readonly generation: number
  readonly ttl: number
  readonly targets: readonly Target[]
  readonly preferences: readonly number[]
  /** The message, filled up to whole words. */
  readonly octets: Uint8Array
  readonly words: Int32Array
  readonly length: number
}

export class DrawnLadders {
  readonly #cells: (Drawn | undefined)[] = Array.from({ length: cellCount }, () => undefined)
  #hits = 0
  #misses = 0
  #skipped = 0
  #cell = 0

  /** Whether to ask here at all, this time. */
  isWorthwhile(): boolean {
    if (this.#misses < trials || this.#hits > this.#misses) return true
    if (++this.#skipped < pause) return false
    this.#skipped = 0
    this.#hits = 0
    this.#misses = 0
    return true
  }

  /** The message for these rungs, or null; then `keep` takes it. */
  find(rungs: readonly Rung[], ttl: number, generation: number): Drawn | null {
    let hash = 0
    for (let i = 0; i < rungs.length; i++)
      hash = Math.imul(hash ^ (rungs[i] as Rung).target.index, 0x9e37_79b1)
    for (let step = 0; step < maxSteps; step++) {
      this.#cell = ((hash >>> 16) + step) & (cellCount - 1)
      const drawn = this.#cells[this.#cell]
      if (drawn === undefined || drawn.generation !== generation) break
      if (isOf(drawn, rungs, ttl)) {
        this.#hits++
        return drawn
      }
    }
    this.#misses++
    return null
  }

  /** `rungs`: those of the last `find`. */
  // oxlint-disable-next-line max-params -- on the answering path: an object would be an allocation more
  keep(
    rungs: readonly Rung[],
    ttl: number,
    generation: number,
    message: Uint8Array,
    start: number,
    end: number,
  ): void {
    const length = end - start
    const octets = new Uint8Array((length + 3) & ~3)
    for (let i = 0; i < length; i++) octets[i] = message[start + i] as number
    const targets = rungs.map(({ target }) => target)
    const preferences = rungs.map(({ preference }) => preference)
    const words = new Int32Array(octets.buffer)
    this.#cells[this.#cell] = { generation, ttl, targets, preferences, octets, words, length }
  }
}

function isOf(
  { targets, preferences, ttl: its }: Drawn,
  rungs: readonly Rung[],
  ttl: number,
): boolean {
  if (its !== ttl || targets.length !== rungs.length) return false
  for (let i = 0; i < rungs.length; i++) {
    const { target, preference } = rungs[i] as Rung
    if (target !== targets[i] || preference !== preferences[i]) return false
  }
  return true
}
