// What is known of questions that were asked before, by their very octets: name (its case too), type and class.
//
// A hash table over one arena of words, filled from its start; when it is full it is emptied, and fills again with what
// is asked now. So its bound is its size, whoever asks for what, and there is nothing for the garbage collector in it.
//
//   an entry   hash | octets of the question, octets of the message << 16 | kind | value | message
// The message is header, question and what follows; the header's ID is 0 and RD clear.

import { Flag, headerOctets, questionTailOctets } from '../../wire/header.ts'
import type { Query } from '../../wire/query.ts'
import type { Catalog } from '../../zone/zone.ts'

const headWords = 4

/** Where an entry's question starts: a header is three words long. */
const questionWord = headWords + headerOctets / 4

const smallestOctets = 1 << 20

const largestOctets = 1 << 25

/** Room for the message of a name of common length with an address or two. */
const octetsAName = 128

const octetsASlot = 32

/** Slots looked at for one question. Whoever made many of them meet in one place would else make each search a long one. */
const maxSteps = 16

/** What is longer is rare, and encoded anew each time. */
export const maxCachedOctets = 1024

export interface MessageCache {
  /** Forgets everything; its size goes by the catalog's. */
  clear(catalog: Catalog): void
  /** The entry of a question, or -1. */
  find(query: Query): number
  kind(entry: number): number
  value(entry: number): number
  /** Octets of the message. */
  octets(entry: number): number
  /** Copies the message; `out` must have room for it and three octets more. */
  copy(entry: number, out: Uint8Array, at: number): void
  /** Whether a message of so many octets may be kept without emptying all. */
  hasRoom(octets: number): boolean
  /** Keeps a message, its first `octets`; of a message that is too long nothing. */
  keep(query: Query, what: CachedMessage): void
}

interface CachedMessage {
  readonly kind: number
  readonly value: number
  readonly message: Uint8Array
  readonly at: number
  readonly octets: number
}

export const createMessageCache = (): MessageCache => new ArenaMessageCache()

export class WordCopier {
  /** The buffer last written to, and the same as words, where it starts at one. */
  #out: Uint8Array | null = null
  #outWords: Int32Array | null = null

  /**
   * `octets` of them from word `from` on to `at`, where there is room for three more. `source` is the memory of `words`.
   */
  copy(
    words: Int32Array,
    source: Uint8Array,
    from: number,
    octets: number,
    out: Uint8Array,
    at: number,
  ): void {
    if (out !== this.#out) this.#use(out)
    const outWords = this.#outWords
    if (outWords === null || (at & 3) !== 0) {
      const start = from * 4
      for (let i = 0; i < octets; i++) out[at + i] = source[start + i] as number
      return
    }
    const to = at >> 2
    const count = (octets + 3) >> 2
    for (let i = 0; i < count; i++) outWords[to + i] = words[from + i] as number
  }

  #use(out: Uint8Array): void {
    this.#out = out
    const isAligned = (out.byteOffset & 3) === 0
    this.#outWords = isAligned ? new Int32Array(out.buffer, out.byteOffset, out.length >> 2) : null
  }
}

/** Words of the question hashed last; what is left over is in the last one, the first octet lowest. */
const asked = new Int32Array(68)

const restMasks: readonly number[] = [0, 0xff, 0xffff, 0xff_ffff]

const wordsFor = (octets: number): number => headWords + ((octets + 3) >> 2)

class ArenaMessageCache implements MessageCache {
  /** Where an entry starts, in words, and one more; 0: free. */
  #slots = new Int32Array(0)
  #words = new Int32Array(0)
  #octets = new Uint8Array(0)
  #used = 0
  readonly #copy = new WordCopier()
  /** Of the question looked for last. */
  #hash = 0

  clear(catalog: Catalog): void {
    let names = 0
    for (const { nodes } of catalog.zones.values()) names += nodes.size
    let octets = smallestOctets
    while (octets < largestOctets && octets < names * octetsAName) octets *= 2
    if (octets !== this.#octets.length) {
      this.#octets = new Uint8Array(octets)
      this.#words = new Int32Array(this.#octets.buffer)
      this.#slots = new Int32Array(octets / octetsASlot)
    }
    this.#empty()
  }

  #empty(): void {
    this.#slots.fill(0)
    this.#used = 0
  }

  find(query: Query): number {
    const { packet, qnameOffset } = query
    const octets = query.qnameOctets + questionTailOctets
    const hash = hashOf(packet, qnameOffset, octets)
    this.#hash = hash
    const slots = this.#slots
    const words = this.#words
    const mask = slots.length - 1
    for (let step = 0; step < maxSteps; step++) {
      const entry = (slots[(hash + step) & mask] as number) - 1
      if (entry < 0) return -1
      if (words[entry] !== hash || ((words[entry + 1] as number) & 0xffff) !== octets) continue
      if (this.#isSame(entry + questionWord, octets)) return entry
    }
    return -1
  }

  /** Whether the question hashed last is the one that is kept from word `at` on. */
  #isSame(at: number, octets: number): boolean {
    const words = this.#words
    const whole = octets >> 2
    for (let i = 0; i < whole; i++) if (words[at + i] !== asked[i]) return false
    const rest = restMasks[octets & 3] as number
    return (((words[at + whole] as number) ^ (asked[whole] as number)) & rest) === 0
  }

  kind(entry: number): number {
    return this.#words[entry + 2] as number
  }

  value(entry: number): number {
    return this.#words[entry + 3] as number
  }

  octets(entry: number): number {
    return (this.#words[entry + 1] as number) >>> 16
  }

  copy(entry: number, out: Uint8Array, at: number): void {
    const octets = this.octets(entry)
    this.#copy.copy(this.#words, this.#octets, entry + headWords, octets, out, at)
  }

  hasRoom(octets: number): boolean {
    return this.#used + wordsFor(octets) <= this.#words.length
  }

  keep(query: Query, { kind, value, message, at, octets }: CachedMessage): void {
    if (octets > maxCachedOctets) return
    if (!this.hasRoom(octets)) this.#empty()
    const entry = this.#used
    if (this.find(query) >= 0) return
    this.#used += wordsFor(octets)
    this.#words[entry] = this.#hash
    this.#words[entry + 1] = (query.qnameOctets + questionTailOctets) | (octets << 16)
    this.#words[entry + 2] = kind
    this.#words[entry + 3] = value
    const start = (entry + headWords) * 4
    for (let i = 0; i < octets; i++) this.#octets[start + i] = message[at + i] as number
    const mask = this.#slots.length - 1
    let step = 0
    // Where all are taken, the last one is given up.
    while (step < maxSteps - 1 && this.#slots[(this.#hash + step) & mask] !== 0) step++
    this.#slots[(this.#hash + step) & mask] = entry + 1
  }
}

/** Four octets a step, then mixed, for the lower bits are what the table goes by. */
export function hashOf(octets: Uint8Array, from: number, count: number): number {
  const end = from + count
  let hash = count
  let at = from
  let word = 0
  let place = 0
  for (; at + 4 <= end; at += 4) {
    word =
      (octets[at] as number) |
      ((octets[at + 1] as number) << 8) |
      ((octets[at + 2] as number) << 16) |
      ((octets[at + 3] as number) << 24)
    asked[place++] = word
    hash = Math.imul(hash ^ word, 0x9e37_79b1)
    hash ^= hash >>> 15
  }
  word = 0
  for (let shift = 0; at < end; at++, shift += 8) word |= (octets[at] as number) << shift
  asked[place] = word
  hash = Math.imul(hash ^ word, 0x0100_0193)
  hash ^= hash >>> 13
  hash = Math.imul(hash, 0x85eb_ca6b)
  return hash ^ (hash >>> 16)
}

// A message as it is kept: without what belongs to the one who asked, so that it can be told to anybody.

/** A copy of the first `octets` without ID, RD and the count of the OPT. */
export function withoutClientFields(
  out: Uint8Array,
  start: number,
  octets: number,
  query: Query,
): Uint8Array {
  const message = new Uint8Array(octets)
  for (let i = 0; i < octets; i++) message[i] = out[start + i] as number
  message[0] = 0
  message[1] = 0
  message[2] = (message[2] as number) & ~Flag.RD
  if (!query.hasOpt) return message
  const additionals = (((message[10] as number) << 8) | (message[11] as number)) - 1
  message[10] = additionals >> 8
  message[11] = additionals
  return message
}

// Copies messages four octets a step, where they lie on whole words: a copy is most of an answer that was kept ready.
