// From a random number straight to a cached message: the outcomes of one draw (draw/outcomes.ts) with the entries of their
// messages (drawn-messages.ts), for the question that claimed them first.
//
// The range of numbers is cut into equal parts, at least four times as many as there are outcomes: rarely does more than
// one outcome end in a part. A part therefore has the end of its first outcome, and the entries of this one and of the
// next. Where more outcomes end in it, it has none, and the caller searches the table.

import { type OutcomeTable, outcomeIndexAt, randomBits } from '../../steer/draw/outcomes.ts'

/** A part: end | entry before it, + 1 | entry from there on, + 1 | unused. 0: no entry. */
const wordsPerPart = 4

export class OutcomeIndex {
  readonly outcomes: OutcomeTable
  /** By outcome: the entry of its message + 1; 0: none. */
  readonly #entries: Int32Array
  readonly #parts: Int32Array
  /** Shift that makes a random number the index of its part. */
  readonly #shift: number
  /** There is one outcome, and nothing to draw. */
  readonly #isCertain: boolean
  /** The question that the entries belong to, and the lifetime of the arena that they lie in; 0: none. */
  #question = 0
  #lifetime = 0

  constructor(outcomes: OutcomeTable) {
    this.outcomes = outcomes
    this.#isCertain = outcomes.ends.length === 1
    let partBits = 3
    while (2 ** partBits < 4 * outcomes.ends.length) partBits++
    this.#shift = randomBits - partBits
    this.#entries = new Int32Array(outcomes.ends.length)
    this.#parts = new Int32Array(wordsPerPart << partBits)
  }

  /** Words of 32 bits that its parts take. */
  get words(): number {
    return this.#parts.length
  }

  /** Whether the entries belong to the question. */
  isOwnedBy(question: number, lifetime: number): boolean {
    return this.#question === question && this.#lifetime === lifetime
  }

  /** Claims the index for a question; false where another one has it. A new `lifetime` drops the entries of the old one. */
  claim(question: number, lifetime: number): boolean {
    if (this.#lifetime === lifetime) return this.#question === question
    this.#entries.fill(0)
    this.#parts.fill(0)
    this.#question = question
    this.#lifetime = lifetime
    return true
  }

  /** A random number of 31 bits for `entryAt`; none is taken where there is one outcome. */
  draw(randomUint31: () => number): number {
    return this.#isCertain ? 0 : randomUint31()
  }

  /** The entry + 1 of the outcome that a random number leads to; 0: not known here. */
  entryAt(uint31: number): number {
    const parts = this.#parts
    const at = (uint31 >>> this.#shift) * wordsPerPart
    // Without a branch to mispredict: whether the number is beyond the end is the sign of a difference.
    return parts[at + 1 + (((parts[at] as number) - 1 - uint31) >>> 31)] as number
  }

  /** The entry + 1 of an outcome's message; 0: none. */
  entryOf(outcome: number): number {
    return this.#entries[outcome] as number
  }

  /** Sets the entry of an outcome, and of the others that have the same members in the same order. */
  set(outcome: number, entry: number): void {
    for (let other = 0; other < this.#entries.length; other++) {
      if (!this.#hasSameMembers(outcome, other)) continue
      this.#entries[other] = entry + 1
      this.#fillPartsOf(other)
    }
  }

  #hasSameMembers(outcome: number, other: number): boolean {
    const { members, count } = this.outcomes
    for (let i = 0; i < count; i++)
      if (members[outcome * count + i] !== members[other * count + i]) return false
    return true
  }

  #fillPartsOf(outcome: number): void {
    const { ends } = this.outcomes
    const from = outcome === 0 ? 0 : (ends[outcome - 1] as number)
    const end = ends[outcome] as number
    if (end <= from) return
    const last = (end - 1) >>> this.#shift
    for (let part = from >>> this.#shift; part <= last; part++) this.#fillPart(part)
  }

  #fillPart(part: number): void {
    const from = part << this.#shift
    const first = outcomeIndexAt(this.outcomes, from)
    const last = outcomeIndexAt(this.outcomes, from | ((1 << this.#shift) - 1))
    if (last - first > 1) return
    const at = part * wordsPerPart
    this.#parts[at] = this.outcomes.ends[first] as number
    this.#parts[at + 1] = this.#entries[first] as number
    this.#parts[at + 2] = this.#entries[last] as number
  }
}
