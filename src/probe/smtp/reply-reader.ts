// Reads whole SMTP replies (RFC 5321 §4.2) from octets that arrive split at any point.
//
// The lines of a reply must have one code, except that a 4xx or 5xx may end a reply that began with 2xx or 3xx: postscreen
// and others send a 220- teaser before they refuse.

import { Buffer } from 'node:buffer'
import type { Reply } from './smtp-script.ts'

type Excess = 'line-too-long' | 'too-many-lines' | 'too-many-octets'

type NextLine =
  /** The octets are valid until the next call. */
  | { readonly kind: 'line'; readonly octets: Uint8Array }
  | { readonly kind: 'more' }
  | { readonly kind: 'excess'; readonly reason: Exclude<Excess, 'too-many-lines'> }

export type NextReply =
  | { readonly kind: 'reply'; readonly reply: Reply }
  | { readonly kind: 'more' }
  | { readonly kind: 'excess'; readonly reason: Excess }
  /** The lines of the reply have different codes; `code` is that of the last. */
  | { readonly kind: 'mixed'; readonly code: number }
  /** A line, or the beginning of one, that is not of SMTP. */
  | { readonly kind: 'not-smtp'; readonly octets: Uint8Array }

/** A line without end is checked once it is this long: enough to recognise TLS and HTTP. */
const checkedFromOctets = 8

const nothing = new Uint8Array(0)

export const totalLimitOctets = 16_384

const lf = 10

const lineLimitOctets = 2048

const firstOctets = 64

const replyLineLimit = 100

const cr = 13

/**
 * Reads lines from octets that arrive split at any point, within the limits of one probe:
 *
 *   one line    ≤ 2048 octets, its end included (RFC 5321 §4.5.3.1.5 grants 512; real banners exceed it)
 *   one reply   ≤ 100 lines, greetings included
 *   all octets  ≤ 16 KiB
 *
 * A line ends at LF; a CR before it is dropped. The reader copies one line at most and keeps no chunk, so that hundreds of
 * probes in flight cost little memory.
 */
class LineReader {
  #line: Uint8Array = nothing
  #length = 0
  #octets = 0
  #chunk: Uint8Array = nothing
  #at = 0

  /** Sets the octets to read; call `next` until it returns `more`, which means that the chunk is consumed. */
  push(chunk: Uint8Array): void {
    this.#chunk = chunk
    this.#at = 0
  }

  next(): NextLine {
    while (this.#at < this.#chunk.length) {
      const octet = this.#chunk[this.#at++] as number
      if (++this.#octets > totalLimitOctets) return { kind: 'excess', reason: 'too-many-octets' }
      if (octet === lf) return { kind: 'line', octets: this.#take() }
      if (this.#length === lineLimitOctets - 1) return { kind: 'excess', reason: 'line-too-long' }
      if (this.#length === this.#line.length) this.#grow()
      this.#line[this.#length++] = octet
    }
    this.#chunk = nothing
    this.#at = 0
    return { kind: 'more' }
  }

  /** Returns the octets of the line that has no end yet. Valid until the next call. */
  partial(): Uint8Array {
    return this.#line.subarray(0, this.#length)
  }

  /** Drops the octets that were not read. Returns their number. */
  discard(): number {
    const count = this.#chunk.length - this.#at + this.#length
    this.#chunk = nothing
    this.#at = 0
    this.#length = 0
    return count
  }

  #grow(): void {
    const longer = new Uint8Array(Math.max(firstOctets, this.#line.length * 2))
    longer.set(this.#line)
    this.#line = longer
  }

  #take(): Uint8Array {
    const end = this.#length > 0 && this.#line[this.#length - 1] === cr ? -1 : 0
    const octets = this.#line.subarray(0, this.#length + end)
    this.#length = 0
    return octets
  }
}

/** Text after the code in lower case, one character an octet. */
const textOf = (line: Uint8Array): string => latin1(line, 4).toLowerCase()

/** Decodes one character an octet; without an iterator, since hundreds of lines arrive a second. */
export const latin1 = (octets: Uint8Array, start = 0, end: number = octets.length): string =>
  Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('latin1', start, end)

const digit = (octets: Uint8Array, at: number): number => {
  const value = (octets[at] ?? 0) - zero
  return value >= 0 && value <= 9 ? value : -1
}

const zero = 48

const hyphen = 45

const space = 32

export class ReplyReader {
  readonly #lines = new LineReader()
  readonly #onLine: (octets: Uint8Array, code: number) => boolean
  #code: number | null = null
  #lineCount = 0
  #texts: string[] = []

  /** `onLine` is called with every line of a reply as it arrives, and returns whether the reply has to keep its text. */
  constructor(onLine: (octets: Uint8Array, code: number) => boolean) {
    this.#onLine = onLine
  }

  /** Sets the octets to read; call `next` until it returns something other than `reply`. */
  push(chunk: Uint8Array): void {
    this.#lines.push(chunk)
  }

  next(): NextReply {
    for (;;) {
      const next = this.#lines.next()
      if (next.kind === 'excess') return next
      if (next.kind === 'more') return this.#checkPartial()
      const reply = this.#take(next.octets)
      if (reply !== null) return reply
    }
  }

  /** Returns the octets of the line that has no end yet. Valid until the next call. */
  partial(): Uint8Array {
    return this.#lines.partial()
  }

  /** Whether the line without end cannot be the beginning of a reply. */
  isNotSmtp(): boolean {
    return !canBeReply(this.partial())
  }

  /** Drops the octets that were not read. Returns their number. */
  discard(): number {
    return this.#lines.discard()
  }

  #checkPartial(): NextReply {
    const octets = this.partial()
    return octets.length >= checkedFromOctets && this.isNotSmtp()
      ? { kind: 'not-smtp', octets }
      : { kind: 'more' }
  }

  /** Takes one line. Returns null while the reply goes on. */
  #take(octets: Uint8Array): NextReply | null {
    if (++this.#lineCount > replyLineLimit) return { kind: 'excess', reason: 'too-many-lines' }
    const line = parseReplyLine(octets)
    if (line === null) return { kind: 'not-smtp', octets }
    const { code, isPolicy } = line
    if (this.#onLine(octets, code)) this.#texts.push(textOf(octets))
    const before = this.#code
    const isRefusalAfterTeaser = before !== null && before < 400 && code >= 400
    if (before !== null && before !== code && !isRefusalAfterTeaser) return { kind: 'mixed', code }
    this.#code = code
    if (!line.isLast) return null
    const reply = { code, isPolicy, texts: this.#texts }
    this.#code = null
    this.#lineCount = 0
    this.#texts = []
    return { kind: 'reply', reply }
  }
}

/**
 * One line of a reply: three digits, then `-` if more lines follow. The text is not checked: servers send 8-bit octets, NULs
 * and lower case, and still accept mail.
 */
interface ReplyLine {
  readonly code: number
  readonly isLast: boolean
  /** Whether it has an enhanced code x.7.x (RFC 3463 §3.8): security or policy, so that it may concern only the prober. */
  readonly isPolicy: boolean
}

function parseReplyLine(octets: Uint8Array): ReplyLine | null {
  if (octets.length < 3 || !canBeReply(octets)) return null
  const code = digit(octets, 0) * 100 + digit(octets, 1) * 10 + digit(octets, 2)
  return { code, isLast: octets[3] !== hyphen, isPolicy: isPolicy(octets) }
}

/** Whether a line that starts with these octets can be a line of a reply; true for no octets. */
function canBeReply(start: Uint8Array): boolean {
  const [first, , , mark] = start
  if (first !== undefined && (first < zero + 2 || first > zero + 5)) return false
  if (start.length > 1 && digit(start, 1) < 0) return false
  if (start.length > 2 && digit(start, 2) < 0) return false
  return mark === undefined || mark === space || mark === hyphen || mark === 13
}

/** Protocol of a line that is not of SMTP, by its first octets. */
export function identifyProtocol(start: Uint8Array): 'tls' | 'http' | 'not-smtp' {
  // TLS records: alert 21 or handshake 22, then major version 3 (RFC 8446 §5.1).
  if ((start[0] === 21 || start[0] === 22) && start[1] === 3) return 'tls'
  const word = latin1(start, 0, 5)
  return word === 'HTTP/' ? 'http' : 'not-smtp'
}

function isPolicy(octets: Uint8Array): boolean {
  const dot = 46
  return octets[4] === octets[0] && octets[5] === dot && digit(octets, 6) === 7 && octets[7] === dot
}
