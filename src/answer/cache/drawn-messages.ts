// Whole answers to steered questions by the outcome of their draw: few targets come in few orders, and a hit only copies
// the message and counts its targets.
//
// A hash table over one arena of 32-bit words, as message-cache.ts: filled from its start and emptied when it is full.
// Messages of draws that a change of health has ended stay until then; no draw has their number any more.
//
//   an entry   question | number of the draw | code of the outcome | octets, words of counter cells << 16
//              pairs of counter cells (counters.ts) | message, padded to whole words

import type { AnswerCounts } from '../counters.ts'
import { WordCopier } from './message-cache.ts'

const headWords = 4
const arenaOctets = 1 << 22
const bucketCount = 1 << 16
/** Buckets examined for one message. */
const maxProbes = 8

export interface DrawnMessage {
  readonly message: Uint8Array
  readonly start: number
  readonly octets: number
  /** Counter cells of the targets answered, in pairs (counters.ts). */
  readonly cells: readonly number[]
}

export class DrawnMessages {
  /** By hash: word offset of an entry + 1; 0: free. */
  #buckets = new Int32Array(0)
  #words = new Int32Array(0)
  #octets = new Uint8Array(0)
  #used = 0
  readonly #copier = new WordCopier()

  /** Changes whenever the arena is emptied: entries are valid for one lifetime. */
  lifetime = 1

  clear(): void {
    this.#buckets.fill(0)
    this.#used = 0
    this.lifetime++
  }

  /** The entry of an outcome, or -1. `question`: a number that identifies the question. */
  find(question: number, draw: number, code: number): number {
    const buckets = this.#buckets
    if (buckets.length === 0) return -1
    const words = this.#words
    const mask = buckets.length - 1
    const hash = hashOf(question, draw, code)
    for (let probe = 0; probe < maxProbes; probe++) {
      const entry = (buckets[(hash + probe) & mask] as number) - 1
      if (entry < 0) return -1
      const isMatch =
        words[entry] === question && words[entry + 1] === draw && words[entry + 2] === code
      if (isMatch) return entry
    }
    return -1
  }

  /** Length of the entry's message in octets. */
  octets(entry: number): number {
    return (this.#words[entry + 3] as number) & 0xffff
  }

  /**
   * Copies the message, its ID and RD clear, to `at` and counts its targets. Returns the offset of its end; up to three
   * octets beyond that are overwritten.
   */
  copy(
    entry: number,
    out: Uint8Array,
    at: number,
    answerCounts: AnswerCounts,
    untilMs: number,
  ): number {
    const lengths = this.#words[entry + 3] as number
    const from = entry + headWords
    const message = from + (lengths >>> 16)
    answerCounts.addPairs(this.#words, from, message, untilMs)
    const octets = lengths & 0xffff
    this.#copier.copy(this.#words, this.#octets, message, octets, out, at)
    return at + octets
  }

  /** Stores a message of at most `maxCachedOctets` for `find`, which has not found one. */
  store(question: number, draw: number, code: number, message: DrawnMessage): void {
    const entry = this.add(message)
    const hash = hashOf(question, draw, code)
    const mask = this.#buckets.length - 1
    let probe = 0
    // Where all are in use, the last one is replaced.
    while (probe < maxProbes - 1 && this.#buckets[(hash + probe) & mask] !== 0) probe++
    this.#buckets[(hash + probe) & mask] = entry + 1
    this.#words[entry] = question
    this.#words[entry + 1] = draw
    this.#words[entry + 2] = code
  }

  /** Stores a message of at most `maxCachedOctets` that `find` does not find; returns its entry. */
  add({ message, start, octets, cells }: DrawnMessage): number {
    if (this.#words.length === 0) this.#allocate()
    const needed = headWords + cells.length + ((octets + 3) >> 2)
    if (this.#used + needed > this.#words.length) this.clear()
    const entry = this.#used
    this.#used += needed
    this.#words[entry + 3] = octets | (cells.length << 16)
    this.#words.set(cells, entry + headWords)
    const to = (entry + headWords + cells.length) * 4
    for (let i = 0; i < octets; i++) this.#octets[to + i] = message[start + i] as number
    return entry
  }

  #allocate(): void {
    this.#buckets = new Int32Array(bucketCount)
    this.#octets = new Uint8Array(arenaOctets)
    this.#words = new Int32Array(this.#octets.buffer)
  }
}

function hashOf(question: number, draw: number, code: number): number {
  let hash = Math.imul(question, 0x9e37_79b1) ^ draw
  hash = Math.imul(hash ^ (hash >>> 15), 0x85eb_ca6b) ^ code
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35)
  return hash ^ (hash >>> 16)
}

/** Misses before the ratio is judged. */
const trialMisses = 1024
/** Queries not cached until it is tried again: too many outcomes may have been a passing state of health. */
const pauseQueries = 65_536

/** Whether the outcomes of one question recur often enough to be worth storing. */
export class HitRatio {
  #hits = 0
  #misses = 0
  #skipped = 0

  /** Call once a query: where it returns false, it counts towards the pause. */
  isWorthCaching(): boolean {
    if (this.#misses < trialMisses || this.#hits > this.#misses) return true
    if (++this.#skipped < pauseQueries) return false
    this.#skipped = 0
    this.#hits = 0
    this.#misses = 0
    return true
  }

  note(isHit: boolean): void {
    if (isHit) this.#hits++
    else this.#misses++
  }
}
