// Which message each client network gets of a sticky set. What is selected for a network follows from its hash, the rule and
// health (steer/draw/sticky.ts): selected once, it is what would be selected again. Networks with the same selection share a
// message.
//
// One hash table for all sticky sets: a network has two candidate cells, and the older of the two is replaced. Clients can
// choose networks that collide: that costs them slow answers, and nobody a long search.
//
//   a cell   table | hash of the client's network | entry of its message (drawn-messages.ts)

const cellCount = 65_536
const cellWords = 3

export class StickyMessages {
  /** Allocated with the first message. */
  #cells = new Int32Array(0)
  #tables = 0
  /** By table and selection: no more than the arena has messages, since both are emptied together. */
  readonly #entries = new Map<string, number>()

  /** The arena was emptied. The cells lead nowhere then, since no table has the number of an earlier one. */
  clear(): void {
    this.#entries.clear()
  }

  /** Number of a new, empty table. One is for a question under a rule, for as long as its selections stay the same. */
  addTable(): number {
    return ++this.#tables
  }

  /** The entry of the message for a client, given by its hash; 0: there is none. */
  entryFor(table: number, client: number): number {
    const cells = this.#cells
    if (cells.length === 0) return 0
    const cell = cellOf(table, client)
    for (let probe = 0; probe < 2; probe++) {
      const at = (cell ^ probe) * cellWords
      if (cells[at] === table && cells[at + 1] === (client | 0)) return cells[at + 2] as number
    }
    return 0
  }

  /** The entry of the message of a selection, given by its key; 0: there is none. */
  entryOf(table: number, key: string): number {
    return this.#entries.get(`${table} ${key}`) ?? 0
  }

  /** Gives a client the message at `entry`, which is that of the selection. */
  store(table: number, client: number, key: string, entry: number): void {
    if (this.#cells.length === 0) this.#cells = new Int32Array(cellCount * cellWords)
    this.#entries.set(`${table} ${key}`, entry)
    const cell = cellOf(table, client)
    const at = cell * cellWords
    this.#cells.copyWithin((cell ^ 1) * cellWords, at, at + cellWords)
    this.#cells[at] = table
    this.#cells[at + 1] = client
    this.#cells[at + 2] = entry
  }
}

/** By multiplicative hashing: the upper 16 bits of the product are the best mixed. */
const cellOf = (table: number, client: number): number =>
  Math.imul(Math.imul(table, 0x9e37_79b1) ^ client, 0x85eb_ca6b) >>> 16
