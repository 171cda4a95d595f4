// Whole answers to steered questions: a hit copies the message of the outcome that was drawn, and counts its targets.
//
// One arena of 32-bit words, filled from its start and emptied when it is full. Messages of outcomes that a change of
// health has ended stay until then.
//
//   an entry   octets | words of counter cells << 16 | for how long targets are exposed, seconds | failed open
//              pairs of counter cells (counters.ts) | message, padded to whole words

import type { AnswerCounts } from '../counters.ts'
import { WordCopier } from './message-cache.ts'

const headWords = 3
const arenaOctets = 1 << 22

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
  #used = 0
  readonly #copier = new WordCopier()

  /** Changes whenever the arena is emptied: entries are valid for one lifetime. */
  lifetime = 1

  clear(): void {
    this.#used = 0
    this.lifetime++
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
    const from = entry + headWords
    const message = from + (lengths >>> 16)
    answerCounts.addPairs(this.#words, from, message, ttl < 0 ? 0 : nowMs + ttl * 1000)
    const octets = lengths & 0xffff
    this.#copier.copy(this.#words, this.#octets, message, octets, out, at)
    return at + octets
  }

  /** Stores a message of at most `maxCachedOctets`; returns its entry. */
  add({ message, cells, ttl, hasFailedOpen }: DrawnMessage): number {
    if (this.#words.length === 0) this.#allocate()
    const needed = headWords + cells.length + ((message.length + 3) >> 2)
    if (this.#used + needed > this.#words.length) this.clear()
    const entry = this.#used
    this.#used += needed
    this.#words[entry] = message.length | (cells.length << 16)
    this.#words[entry + 1] = ttl ?? -1
    this.#words[entry + 2] = hasFailedOpen ? 1 : 0
    this.#words.set(cells, entry + headWords)
    this.#octets.set(message, (entry + headWords + cells.length) * 4)
    return entry
  }

  #allocate(): void {
    this.#octets = new Uint8Array(arenaOctets)
    this.#words = new Int32Array(this.#octets.buffer)
  }
}
