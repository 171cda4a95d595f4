// Whole answers to steered questions, and the tables that lead to them: a hit draws a part of a table, copies the message of
// that part, and counts its targets.
//
// One arena of 32-bit words, filled from its start and emptied when it is full, so that what a hit reads lies close
// together. What a change of health has ended stays until then.
//
//   a table     generation of health | answers left | parts | unused
//               the end of each part in [0, 1], doubles | the guide (steer/draw/outcomes.ts) | the entry of each part's
//               message; 0: there is none
//   an entry    octets | words of counter cells << 16 | for how long targets are exposed, seconds | failed open
//               pairs of counter cells (counters.ts) | message, padded to whole words

import type { Random } from '../../lib/clock.ts'
import type { Outcomes } from '../../steer/draw/outcomes.ts'
import type { AnswerCounts, Counters } from '../counters.ts'
import { WordCopier } from './message-cache.ts'

const entryWords = 3
const tableWords = 4
const arenaOctets = 1 << 22

/** Where the entries of a table begin: the guide is one word longer than there are parts. */
const entriesAt = (table: number, parts: number): number => table + tableWords + 3 * parts + 1

export interface DrawnMessage {
  /** With ID and RD clear. */
  readonly message: Uint8Array
  /** Counter cells of the targets answered, in pairs (counters.ts). */
  readonly cells: readonly number[]
  /** How long resolvers may cache it, in seconds, where that exposes its targets; null: it does not. */
  readonly ttl: number | null
  readonly hasFailedOpen: boolean
}

export class DrawnMessages {
  #words = new Int32Array(0)
  #octets = new Uint8Array(0)
  #doubles = new Float64Array(0)
  /** Never 0: a table or an entry at 0 is none. */
  #used = 2
  readonly #copier = new WordCopier()
  readonly #counters: Counters
  readonly #answersPerDeck: number

  /** `answersPerDeck`: so many answers later a deck is used up. */
  constructor(counters: Counters, answersPerDeck: number) {
    this.#counters = counters
    this.#answersPerDeck = answersPerDeck
  }

  /** Changes whenever the arena is emptied: tables and entries are valid for one lifetime. */
  lifetime = 1

  clear(): void {
    this.#used = 2
    this.lifetime++
  }

  usedOctets(): number {
    return this.#used * 4
  }

  /** A table of outcomes, without messages yet. `generation`: of health, in which they hold. */
  addTable({ ends, guide, isDeck }: Outcomes<unknown>, generation: number): number {
    const table = this.#take(tableWords + 3 * ends.length + guide.length)
    this.#words[table] = generation
    this.#words[table + 1] = isDeck ? this.#answersPerDeck : -1
    this.#words[table + 2] = ends.length
    this.#doubles.set(ends, (table + tableWords) >> 1)
    const guideAt = table + tableWords + 2 * ends.length
    this.#words.set(guide, guideAt)
    this.#words.fill(0, guideAt + guide.length, guideAt + guide.length + ends.length)
    return table
  }

  /** Its outcomes hold in another generation as well; false: it is a deck that is used up. */
  renew(table: number, generation: number): boolean {
    this.#words[table] = generation
    return this.#words[table + 1] !== 0
  }

  /** Whether the table's outcomes hold, and a deck is not used up. */
  isValid(table: number, generation: number): boolean {
    const words = this.#words
    return words[table] === generation && words[table + 1] !== 0
  }

  /** Draws a part of the table; without a random number where there is one alone. */
  draw(table: number, random: Random): number {
    const words = this.#words
    const parts = words[table + 2] as number
    if ((words[table + 1] as number) > 0) words[table + 1] = (words[table + 1] as number) - 1
    if (parts === 1) return 0
    const randomNumber = random()
    const guideAt = table + tableWords + 2 * parts
    let part = words[guideAt + ((randomNumber * parts) | 0)] as number
    const first = (table + tableWords) >> 1
    while (randomNumber >= (this.#doubles[first + part] as number)) part++
    return part
  }

  /** The entry of the part's message; 0: there is none. */
  entryAt(table: number, part: number): number {
    const words = this.#words
    return words[entriesAt(table, words[table + 2] as number) + part] as number
  }

  /** Makes `entry` that of every part with the same selection. */
  setEntry(table: number, { indexes }: Outcomes<unknown>, part: number, entry: number): void {
    const entries = entriesAt(table, indexes.length)
    for (let other = 0; other < indexes.length; other++)
      if (indexes[other] === indexes[part]) this.#words[entries + other] = entry
  }

  /** Length of the entry's message in octets. */
  octets(entry: number): number {
    return (this.#words[entry] as number) & 0xffff
  }

  hasFailedOpen(entry: number): boolean {
    return this.#words[entry + 2] === 1
  }

  /**
   * Copies the message to `at` and counts its targets. Returns the offset of its end; up to three octets beyond that are
   * overwritten. `nowMs`: milliseconds since the epoch.
   */
  copy(
    entry: number,
    out: Uint8Array,
    at: number,
    answerCounts: AnswerCounts,
    nowMs: number,
  ): number {
    const lengths = this.#words[entry] as number
    const ttl = this.#words[entry + 1] as number
    const from = entry + entryWords
    const message = from + (lengths >>> 16)
    answerCounts.addPairs(this.#words, from, message, ttl < 0 ? 0 : nowMs + ttl * 1000)
    const octets = lengths & 0xffff
    this.#copier.copy(this.#words, this.#octets, message, octets, out, at)
    return at + octets
  }

  /** Stores a message of at most `maxCachedOctets`; returns its entry. */
  add({ message, cells, ttl, hasFailedOpen }: DrawnMessage): number {
    const entry = this.#take(entryWords + cells.length + ((message.length + 3) >> 2))
    this.#words[entry] = message.length | (cells.length << 16)
    this.#words[entry + 1] = ttl ?? -1
    this.#words[entry + 2] = hasFailedOpen ? 1 : 0
    this.#words.set(cells, entry + entryWords)
    this.#octets.set(message, (entry + entryWords + cells.length) * 4)
    return entry
  }

  /** Offset of so many words, which begin at a double. Where there is no room, all are taken back first. */
  #take(words: number): number {
    if (this.#words.length === 0) this.#allocate()
    const taken = (words + 1) & ~1
    if (this.#used + taken > this.#words.length) {
      this.#counters.add('drawnEmptied')
      this.clear()
    }
    const at = this.#used
    this.#used += taken
    return at
  }

  #allocate(): void {
    this.#octets = new Uint8Array(arenaOctets)
    this.#words = new Int32Array(this.#octets.buffer)
    this.#doubles = new Float64Array(this.#octets.buffer)
  }
}
