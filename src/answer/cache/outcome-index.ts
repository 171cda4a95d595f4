// All that one draw can come to, and where the whole answers to that are kept (drawn-messages.ts), for the question that took it
// first: from a random number to an entry.
//
// The numbers are cut into equal parts, four times as many as there are orders or a little more: hardly ever does more than
// one order end in one of them. So a part says where its order ends, and the entries of that order and of the next. Where
// more end in it, it says nothing, and who asks searches.

import { outcomeIndexAt, randomBits, type OutcomeTable } from '../../steer/draw/outcomes.ts'

/** Entries, and one more; 0: none was kept. A part: end | entry before it | entry from there on | - */
const cellWords = 4

export class OutcomeIndex {
  readonly orders: OutcomeTable
  /** Of each order. */
  readonly #entries: Int32Array
  readonly #cells: Int32Array
  /** From a point to its part. */
  readonly #shift: number
  /** There is but one order, and no chance. */
  readonly #isCertain: boolean
  /** Whose the entries are; 0: nobody's yet. */
  #question = 0
  #lifetime = 0

  constructor(orders: OutcomeTable) {
    this.orders = orders
    this.#isCertain = orders.ends.length === 1
    let partBits = 3
    while (2 ** partBits < 4 * orders.ends.length) partBits++
    this.#shift = randomBits - partBits
    this.#entries = new Int32Array(orders.ends.length)
    this.#cells = new Int32Array(cellWords << partBits)
  }

  /** In cells. */
  get size(): number {
    return this.#cells.length
  }

  /** Whether the entries are the question's. */
  isOf(question: number, lifetime: number): boolean {
    return this.#question === question && this.#lifetime === lifetime
  }

  /** Takes it for the question: false where another has it. `lifetime`: of what is kept; what was kept before is gone. */
  take(question: number, lifetime: number): boolean {
    if (this.#lifetime === lifetime) return this.#question === question
    this.#entries.fill(0)
    this.#cells.fill(0)
    this.#question = question
    this.#lifetime = lifetime
    return true
  }

  /** Draws: a point that `orderAt` knows. */
  draw(point: () => number): number {
    return this.#isCertain ? 0 : point()
  }

  /** The entry of the order that a point leads to, and one more; 0: it is not known here. */
  entryAt(point: number): number {
    const cells = this.#cells
    const at = (point >>> this.#shift) * cellWords
    // Nothing that the processor could guess wrong: whether the point is beyond the end is the sign of a difference.
    return cells[at + 1 + (((cells[at] as number) - 1 - point) >>> 31)] as number
  }

  entryOf(order: number): number {
    return this.#entries[order] as number
  }

  /** For the order, and wherever else the same are drawn. */
  keep(order: number, entry: number): void {
    for (let other = 0; other < this.#entries.length; other++) {
      if (!this.#isSame(order, other)) continue
      this.#entries[other] = entry + 1
      this.#fillOf(other)
    }
  }

  #isSame(order: number, other: number): boolean {
    const { members, count } = this.orders
    for (let i = 0; i < count; i++)
      if (members[order * count + i] !== members[other * count + i]) return false
    return true
  }

  #fillOf(order: number): void {
    const { ends } = this.orders
    const from = order === 0 ? 0 : (ends[order - 1] as number)
    const end = ends[order] as number
    if (end <= from) return
    const last = (end - 1) >>> this.#shift
    for (let part = from >>> this.#shift; part <= last; part++) this.#fill(part)
  }

  #fill(part: number): void {
    const from = part << this.#shift
    const first = outcomeIndexAt(this.orders, from)
    const last = outcomeIndexAt(this.orders, from | ((1 << this.#shift) - 1))
    if (last - first > 1) return
    const at = part * cellWords
    this.#cells[at] = this.orders.ends[first] as number
    this.#cells[at + 1] = this.#entries[first] as number
    this.#cells[at + 2] = this.#entries[last] as number
  }
}
