// What was decided for IPv4 networks of 24 bits: a table for each set of rules, filled by what is asked. Most of what 16 bits
// hold is decided alike, and has one word in its table; the rest has a page with a word for each network.
//
//   top    of 16 bits: 0, nothing is known; else where its cell is, or its page: place << 8 | mask of the bits that choose in it
//   cell   what was said, and one more; 0: nothing
//
// The first cells hold their own places, so that a top leads to a cell whichever it is, and nothing is asked that the
// processor could guess wrong. When there is no room for another page, all is forgotten.

const topBits = 16
const pageCells = 256
const pageMask = pageCells - 1
/** And as many cells that hold their own places. */
const words = 65_536
const scopeBits = 5

/** 8 MiB, of which there is as much as was written to: some 7,000 pages hold the world by country, for one set of rules. */
const maxCells = 1 << 22
/** Of a quarter of a megabyte each. */
const maxTables = 64

export const unknownNetwork = -1

export class DecidedNetworks {
  readonly #pages = new Pages()

  /** A table for whoever decides; null: there are too many. */
  join(): DecisionTable | null {
    return this.#pages.tops.length === maxTables ? null : new DecisionTable(this.#pages)
  }

  /** Forgets everything, and who joined: the tables must not be used any more. */
  clear(): void {
    this.#pages.tops = []
    this.#pages.used = words
  }
}

/** Of all tables. */
class Pages {
  cells: Uint16Array<ArrayBuffer> = new Uint16Array(0)
  used: number = words
  tops: Int32Array[] = []

  open(): Uint16Array {
    if (this.cells.length > 0) return this.cells
    this.cells = new Uint16Array(maxCells)
    for (let word = 0; word < words; word++) this.cells[word] = word
    return this.cells
  }

  /** Where an empty one starts. */
  take(): number {
    if (this.used + pageCells > maxCells) {
      for (const tops of this.tops) tops.fill(0)
      this.used = words
    }
    const page = this.used
    this.used += pageCells
    this.cells.fill(0, page, this.used)
    return page
  }
}

export class DecisionTable {
  readonly #tops = new Int32Array(1 << topBits)
  readonly #cells: Uint16Array
  readonly #pages: Pages

  constructor(pages: Pages) {
    this.#pages = pages
    this.#cells = pages.open()
    pages.tops.push(this.#tops)
  }

  /** Of the address that starts at `at`: the scope, and the decision times 32; or `unknownNetwork`. */
  recall(octets: Uint8Array, at: number): number {
    const high = ((octets[at] as number) << 8) | (octets[at + 1] as number)
    const top = this.#tops[high] as number
    return (this.#cells[(top >>> 8) + ((octets[at + 2] as number) & top)] as number) - 1
  }

  /** `octets`: an address. `scope`: 24 at most; whoever is in it is decided alike, and has it too. */
  keep(octets: Uint8Array, scope: number, decision: number): void {
    const cell = ((decision << scopeBits) | scope) + 1
    if (cell >= words) return
    const high = ((octets[0] as number) << 8) | (octets[1] as number)
    if (scope <= topBits) fillRange(this.#tops, cell << 8, high, topBits - scope)
    else fillRange(this.#cells, cell, this.#pageOf(high) + (octets[2] as number), 24 - scope)
  }

  #pageOf(at: number): number {
    const known = this.#tops[at] as number
    if ((known & pageMask) !== 0) return known >>> 8
    const page = this.#pages.take()
    this.#tops[at] = (page << 8) | pageMask
    return page
  }
}

/** All that differ from `at` in their lower `bits` alone. A page starts at a multiple of its size. */
function fillRange(cells: Int32Array | Uint16Array, value: number, at: number, bits: number): void {
  const from = at & -(1 << bits)
  cells.fill(value, from, from + (1 << bits))
}
