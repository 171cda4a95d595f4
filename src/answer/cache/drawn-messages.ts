// Whole answers to steered questions, by who was drawn: few targets come in few orders, and then there is nothing to do
// but to copy one and to count whom it names.
//
// A hash table over one arena of words, as message-cache.ts: filled from its start, emptied when it is full. Answers of
// draws that health has put an end to lie there until then; no draw has their number any more.
//
//   an entry   question | number of the draw | code of the drawing | octets, words of hand-outs << 16
//              a pair of cells for each hand-out (counters.ts) | message, filled up to whole words

import type { AnswerCounts } from '../counters.ts'
import { WordCopier } from './message-cache.ts'

const headWords = 4
const arenaOctets = 1 << 22
const slotCount = 1 << 16
/** Slots looked at for one answer. */
const maxSteps = 8

/** Made once, and given to no query. */
export interface DrawnMessage {
  readonly message: Uint8Array
  readonly start: number
  readonly octets: number
  /** Cells of who is handed out (counters.ts). */
  readonly pairs: readonly number[]
}

export class DrawnMessages {
  /** Where an entry starts, in words, and one more; 0: free. */
  #slots = new Int32Array(0)
  #words = new Int32Array(0)
  #octets = new Uint8Array(0)
  #used = 0
  readonly #copy = new WordCopier()

  /** Moves whenever all is forgotten: entries are good as long as it stays. */
  lifetime = 1

  clear(): void {
    this.#slots.fill(0)
    this.#used = 0
    this.lifetime++
  }

  /** `question`: a number that no other has. The entry, or -1. */
  find(question: number, draw: number, code: number): number {
    const slots = this.#slots
    if (slots.length === 0) return -1
    const words = this.#words
    const mask = slots.length - 1
    const hash = hashOf(question, draw, code)
    for (let step = 0; step < maxSteps; step++) {
      const entry = (slots[(hash + step) & mask] as number) - 1
      if (entry < 0) return -1
      const isIt =
        words[entry] === question && words[entry + 1] === draw && words[entry + 2] === code
      if (isIt) return entry
    }
    return -1
  }

  /** Octets of the message. */
  octets(entry: number): number {
    return (this.#words[entry + 3] as number) & 0xffff
  }

  /**
   * Copies the message, its ID and RD still clear, and counts whom it names: where it ends. Room for three octets more is
   * needed.
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
    this.#copy.copy(this.#words, this.#octets, message, octets, out, at)
    return at + octets
  }

  /** Keeps one that `find` did not find, for it to be found. */
  keep(question: number, draw: number, code: number, answer: DrawnMessage): void {
    const entry = this.add(answer)
    const hash = hashOf(question, draw, code)
    const mask = this.#slots.length - 1
    let step = 0
    // Where all are taken, the last one is given up.
    while (step < maxSteps - 1 && this.#slots[(hash + step) & mask] !== 0) step++
    this.#slots[(hash + step) & mask] = entry + 1
    this.#words[entry] = question
    this.#words[entry + 1] = draw
    this.#words[entry + 2] = code
  }

  /** Keeps one of `maxStoredOctets` at most, for who remembers its entry. */
  add({ message, start, octets, pairs }: DrawnMessage): number {
    if (this.#words.length === 0) this.#open()
    const needed = headWords + pairs.length + ((octets + 3) >> 2)
    if (this.#used + needed > this.#words.length) this.clear()
    const entry = this.#used
    this.#used += needed
    this.#words[entry + 3] = octets | (pairs.length << 16)
    this.#words.set(pairs, entry + headWords)
    const to = (entry + headWords + pairs.length) * 4
    for (let i = 0; i < octets; i++) this.#octets[to + i] = message[start + i] as number
    return entry
  }

  #open(): void {
    this.#slots = new Int32Array(slotCount)
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

/** How many drawings are looked at before it is judged whether that was worth it. */
const trials = 1024
/** Askings until it is tried again: many orders may have been one bad hour of health. */
const pause = 65_536

/** Of one question: whether what is drawn comes again often enough to be kept. */
export class HitRatio {
  #hits = 0
  #misses = 0
  #skipped = 0

  isWorthwhile(): boolean {
    if (this.#misses < trials || this.#hits > this.#misses) return true
    if (++this.#skipped < pause) return false
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
