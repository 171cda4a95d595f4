// What is known of questions of class IN that were asked before, by name (in any case) and type.
//
// A hash table over one arena of 32-bit words, filled from its start; when it is full it is emptied, and fills again with
// what is asked now. So its size is its bound, whatever is asked, and there is nothing in it for the garbage collector.
//
//   an entry   hash | octets of the qname, octets of the message << 16 | type | value | message
//
// The message is a header with ID 0 and RD clear, the question with its name in lower case, and the records. Names in the
// records are compressed against the question regardless of case (encode.ts), so the records are the same in every
// spelling of it, and `spell` is all that a spelling takes.

import { Flag, headerOctets } from '../../wire/header.ts'
import { lowerOctet } from '../../wire/name.ts'
import type { Query } from '../../wire/query.ts'
import type { Catalog } from '../../zone/zone.ts'

const headWords = 4

/** Where an entry's qname starts, in words from the entry: the message header has three. */
const qnameWord = headWords + headerOctets / 4

const minArenaOctets = 1 << 20
const maxArenaOctets = 1 << 25

/** Room for the message of a name of common length with one or two addresses. */
const octetsPerName = 128

const octetsPerBucket = 32

/**
 * Buckets examined for one question: a client that makes many questions collide would else make every lookup a long one.
 */
const maxProbes = 16

/** A ladder of four with its addresses, all signed. Longer messages are rare, and encoded again for each query. */
export const maxCachedOctets = 1400

/** Words of the longest name, 255 octets. */
const maxQnameWords = 64

/** Copies messages four octets at a time where the output is aligned: most of the work of a cached answer is this copy. */
export class WordCopier {
  /** The buffer last written to, and a view of it in words; null where it is not aligned to words. */
  #out: Uint8Array | null = null
  #outWords: Int32Array | null = null

  /**
   * Copies `octets` octets from word `from` of the source to `at`; up to three octets beyond are overwritten. `words` and
   * `source` are views of the same memory.
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

/** By the number of octets in the last, partial word: the bits of them. */
const restMasks: readonly number[] = [0, 0xff, 0xffff, 0xff_ffff]

const wordsFor = (octets: number): number => headWords + ((octets + 3) >> 2)

export class MessageCache {
  /** By hash: word offset of an entry + 1; 0: free. */
  #buckets = new Int32Array(0)
  #words = new Int32Array(0)
  #octets = new Uint8Array(0)
  #used = 0
  readonly #copier = new WordCopier()
  /** Of the question last looked for: the words of its qname as it was spelled, and its hash. */
  readonly #qname = new Int32Array(maxQnameWords)
  readonly #qnameOctets = new Uint8Array(this.#qname.buffer)
  #hash = 0
  /** Of the question last found: which bits of its words are not as they are stored. */
  #difference = 0

  /** Empties the cache and sizes it by the number of names in the catalog. */
  clear(catalog: Catalog): void {
    let names = 0
    for (const { nodes } of catalog.zones.values()) names += nodes.size
    let octets = minArenaOctets
    while (octets < maxArenaOctets && octets < names * octetsPerName) octets *= 2
    if (octets !== this.#octets.length) {
      this.#octets = new Uint8Array(octets)
      this.#words = new Int32Array(this.#octets.buffer)
      this.#buckets = new Int32Array(octets / octetsPerBucket)
    }
    this.#empty()
  }

  #empty(): void {
    this.#buckets.fill(0)
    this.#used = 0
  }

  /** The entry of the query's question, or -1. */
  find(query: Query): number {
    const { packet, qnameOffset, qnameOctets, qtype } = query
    const hash = hashOf(packet, qnameOffset, qnameOctets, qtype, this.#qname)
    this.#hash = hash
    const buckets = this.#buckets
    const words = this.#words
    const mask = buckets.length - 1
    for (let probe = 0; probe < maxProbes; probe++) {
      const entry = (buckets[(hash + probe) & mask] as number) - 1
      if (entry < 0) return -1
      if (words[entry] !== hash || ((words[entry + 1] as number) & 0xffff) !== qnameOctets) continue
      if (words[entry + 2] !== qtype) continue
      if (this.#isQnameAt(entry + qnameWord, qnameOctets)) return entry
    }
    return -1
  }

  /** Whether the qname last hashed is the one stored from word `at` on, in any case; notes the difference. */
  #isQnameAt(at: number, octets: number): boolean {
    const words = this.#words
    const qname = this.#qname
    const whole = octets >> 2
    let difference = 0
    for (let i = 0; i <= whole; i++) {
      const stored = words[at + i] as number
      const asked = qname[i] as number
      let bits = stored ^ asked
      if (i === whole) bits &= restMasks[octets & 3] as number
      if (bits === 0) continue
      if ((asked ^ bits) !== lowerWord(asked)) return false
      difference |= bits
    }
    this.#difference = difference
    return true
  }

  /** Gives the qname of a message at `at` the letters of the query found last. */
  spell({ packet, qnameOffset, qnameOctets }: Query, out: Uint8Array, at: number): void {
    if (this.#difference === 0) return
    const to = at + headerOctets
    const inWords = qnameOctets & ~3
    this.#copier.copy(this.#qname, this.#qnameOctets, 0, inWords, out, to)
    for (let i = inWords; i < qnameOctets; i++) out[to + i] = packet[qnameOffset + i] as number
  }

  /** The entry's `value`, as it was stored. */
  value(entry: number): number {
    return this.#words[entry + 3] as number
  }

  /** Length of the entry's message in octets. */
  octets(entry: number): number {
    return (this.#words[entry + 1] as number) >>> 16
  }

  /** Copies the entry's message to `at`; up to three octets beyond its end are overwritten. */
  copy(entry: number, out: Uint8Array, at: number): void {
    const octets = this.octets(entry)
    this.#copier.copy(this.#words, this.#octets, entry + headWords, octets, out, at)
  }

  usedOctets(): number {
    return this.#used * 4
  }

  /** Whether a message of this length fits without emptying the cache. */
  hasRoom(octets: number): boolean {
    return this.#used + wordsFor(octets) <= this.#words.length
  }

  /** Stores a message and a number under the query's question; those over `maxCachedOctets` are ignored. */
  store(query: Query, value: number, message: Uint8Array): void {
    const octets = message.length
    if (octets > maxCachedOctets) return
    if (!this.hasRoom(octets)) this.#empty()
    const entry = this.#used
    if (this.find(query) >= 0) return
    this.#used += wordsFor(octets)
    this.#words[entry] = this.#hash
    this.#words[entry + 1] = query.qnameOctets | (octets << 16)
    this.#words[entry + 2] = query.qtype
    this.#words[entry + 3] = value
    this.#octets.set(message, (entry + headWords) * 4)
    const mask = this.#buckets.length - 1
    let probe = 0
    // Where all are in use, the last one is replaced.
    while (probe < maxProbes - 1 && this.#buckets[(this.#hash + probe) & mask] !== 0) probe++
    this.#buckets[(this.#hash + probe) & mask] = entry + 1
  }
}

/** The bit that tells a small letter from its capital, in each octet of a word. */
const caseBits = 0x2020_2020

/**
 * A word of four octets of a name with ASCII letters in lower case: `lowerOctet` of each, without a branch. Length octets
 * are below `A` and stay as they are.
 */
function lowerWord(word: number): number {
  const low = word & 0x7f7f_7f7f
  // The upper bit of an octet: whether it is `A` or above, and whether it is above `Z`; no carry leaves an octet.
  const isCapital = (low + 0x3f3f_3f3f) & ~(low + 0x2525_2525) & ~word & 0x8080_8080
  return word | (isCapital >>> 2)
}

/**
 * Hash of a name of `count` octets and a type, four octets at a time, and mixed at the end because the table uses the lower
 * bits. Fills `words` with the octets as little-endian words. Equal for all spellings of a name: the bits of case are left
 * out of every octet, letter or not, which is one step a word; names that differ in nothing else are told apart by their
 * octets.
 */
export function hashOf(
  octets: Uint8Array,
  from: number,
  count: number,
  qtype: number,
  words: Int32Array,
): number {
  const end = from + count
  let hash = count ^ (qtype << 8)
  let at = from
  let word = 0
  let index = 0
  for (; at + 4 <= end; at += 4) {
    word =
      (octets[at] as number) |
      ((octets[at + 1] as number) << 8) |
      ((octets[at + 2] as number) << 16) |
      ((octets[at + 3] as number) << 24)
    words[index++] = word
    hash = Math.imul(hash ^ (word | caseBits), 0x9e37_79b1)
    hash ^= hash >>> 15
  }
  word = 0
  for (let shift = 0; at < end; at++, shift += 8) word |= (octets[at] as number) << shift
  words[index] = word
  hash = Math.imul(hash ^ (word | caseBits), 0x0100_0193)
  hash ^= hash >>> 13
  hash = Math.imul(hash, 0x85eb_ca6b)
  return hash ^ (hash >>> 16)
}

/**
 * A copy of a message, its first `octets`, without what belongs to one client: ID, RD, the spelling of the qname, and the
 * OPT in the count.
 */
export function withoutClientFields(
  out: Uint8Array,
  start: number,
  octets: number,
  query: Query,
): Uint8Array {
  const message = new Uint8Array(octets)
  for (let i = 0; i < octets; i++) message[i] = out[start + i] as number
  for (let i = headerOctets; i < headerOctets + query.qnameOctets; i++)
    message[i] = lowerOctet(message[i] as number)
  message[0] = 0
  message[1] = 0
  message[2] = (message[2] as number) & ~Flag.RD
  if (!query.hasOpt) return message
  const additionals = (((message[10] as number) << 8) | (message[11] as number)) - 1
  message[10] = additionals >> 8
  message[11] = additionals
  return message
}
