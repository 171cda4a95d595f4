// Reads whole SMTP replies (RFC 5321 §4.2) from octets that arrive split at any point.
//
// The lines of a reply must have one code, except that a 4xx or 5xx may end a reply that began with 2xx or 3xx: postscreen
// and others send a 220- teaser before they refuse.

import { Buffer } from 'node:buffer'
import type { Reply } from './smtp-script.ts'

interface Excess {
  readonly kind: 'excess'
  readonly reason: 'line-too-long' | 'too-many-lines' | 'too-many-octets'
}

/** Texts have one character for each octet. */
export type NextReply =
  | { readonly kind: 'reply'; readonly reply: Reply }
  | { readonly kind: 'more' }
  | Excess
  /** The lines of the reply have different codes; `code` is that of the last. */
  | { readonly kind: 'mixed'; readonly code: number }
  /** A line, or the beginning of one, that is not of SMTP. */
  | { readonly kind: 'not-smtp'; readonly text: string }

/** A line without end is checked once it is this long: enough to recognise TLS and HTTP. */
const checkedFromOctets = 8

export const totalLimitOctets = 16_384

const lineLimitOctets = 2048

const replyLineLimit = 100

const cr = 13

const more: NextReply = { kind: 'more' }

const lineTooLong: Excess = { kind: 'excess', reason: 'line-too-long' }

const tooManyLines: Excess = { kind: 'excess', reason: 'too-many-lines' }

const tooManyOctets: Excess = { kind: 'excess', reason: 'too-many-octets' }

/**
 * Reads lines from octets that arrive split at any point, within the limits of one probe:
 *
 *   one line    ≤ 2048 octets, its end included (RFC 5321 §4.5.3.1.5 grants 512; real banners exceed it)
 *   one reply   ≤ 100 lines, greetings included
 *   all octets  ≤ 16 KiB
 *
 * A line ends at LF; a CR before it is dropped. Octets are decoded once a chunk, as far as the limit: lines are parts of
 * that text, and cost hardly any memory of their own.
 */
class LineReader {
  #partial = ''
  #octets = 0
  #chunk = ''
  #at = 0
  /** Octets of the chunk beyond the limit, which are not decoded. */
  #unread = 0

  /** Sets the octets to read; call `next` until it returns null, which means that the chunk is consumed. */
  push(chunk: Uint8Array): void {
    this.#chunk = latin1(chunk, totalLimitOctets - this.#octets + 1)
    this.#at = 0
    this.#unread = chunk.length - this.#chunk.length
  }

  /** The next line, or null if the chunk has no further end of a line. */
  next(): string | Excess | null {
    const lf = this.#chunk.indexOf('\n', this.#at)
    const end = lf < 0 ? this.#chunk.length : lf
    const taken = end - this.#at + (lf < 0 ? 0 : 1)
    const lineRoom = lineLimitOctets - 1 - this.#partial.length
    const room = totalLimitOctets - this.#octets
    if (end - this.#at > lineRoom || taken > room) {
      this.#partial += this.#chunk.slice(this.#at, this.#at + Math.min(lineRoom, room))
      return room <= lineRoom ? tooManyOctets : lineTooLong
    }
    this.#octets += taken
    const line = this.#partial + this.#chunk.slice(this.#at, end)
    this.#at += taken
    this.#partial = lf < 0 ? line : ''
    if (lf < 0) return null
    return line.charCodeAt(line.length - 1) === cr ? line.slice(0, -1) : line
  }

  /** Returns the line that has no end yet. */
  partial(): string {
    return this.#partial
  }

  /** Drops the octets that were not read. Returns their number. */
  discard(): number {
    const count = this.#chunk.length - this.#at + this.#unread + this.#partial.length
    this.#chunk = ''
    this.#at = 0
    this.#unread = 0
    this.#partial = ''
    return count
  }
}

/** Decodes at most `maxOctets`, one character an octet. */
const latin1 = (octets: Uint8Array, maxOctets: number): string => {
  const { buffer, byteOffset, length } = octets
  const readable = octets instanceof Buffer ? octets : Buffer.from(buffer, byteOffset, length)
  return readable.toString('latin1', 0, maxOctets)
}

const digit = (text: string, at: number): number => {
  const value = text.charCodeAt(at) - zero
  return value >= 0 && value <= 9 ? value : -1
}

const zero = 48

export class ReplyReader {
  readonly #lines = new LineReader()
  readonly #onLine: (text: string, code: number) => boolean
  #code: number | null = null
  #lineCount = 0
  #texts: string[] = []

  /** `onLine` is called with every line of a reply as it arrives, and returns whether the reply has to keep its text. */
  constructor(onLine: (text: string, code: number) => boolean) {
    this.#onLine = onLine
  }

  /** Sets the octets to read; call `next` until it returns something other than `reply`. */
  push(chunk: Uint8Array): void {
    this.#lines.push(chunk)
  }

  next(): NextReply {
    for (;;) {
      const line = this.#lines.next()
      if (line === null) return this.#checkPartial()
      if (typeof line !== 'string') return line
      const reply = this.#take(line)
      if (reply !== null) return reply
    }
  }

  /** Returns the line that has no end yet. */
  partial(): string {
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
    const text = this.partial()
    return text.length >= checkedFromOctets && this.isNotSmtp() ? { kind: 'not-smtp', text } : more
  }

  /**
   * Takes one line: three digits, then `-` if more lines follow. The text is not checked: servers send 8-bit octets, NULs and
   * lower case, and still accept mail. Returns null while the reply goes on.
   */
  #take(text: string): NextReply | null {
    if (++this.#lineCount > replyLineLimit) return tooManyLines
    if (text.length < 3 || !canBeReply(text)) return { kind: 'not-smtp', text }
    const code = digit(text, 0) * 100 + digit(text, 1) * 10 + digit(text, 2)
    if (this.#onLine(text, code)) this.#texts.push(text.slice(4).toLowerCase())
    const before = this.#code
    const isRefusalAfterTeaser = before !== null && before < 400 && code >= 400
    if (before !== null && before !== code && !isRefusalAfterTeaser) return { kind: 'mixed', code }
    this.#code = code
    if (text[3] === '-') return null
    const reply = { code, isPolicy: isPolicy(text), texts: this.#texts }
    this.#code = null
    this.#lineCount = 0
    this.#texts = []
    return { kind: 'reply', reply }
  }
}

/** Whether a line that starts like this can be a line of a reply; true for an empty one. */
function canBeReply(start: string): boolean {
  const { length } = start
  if (length > 0 && (digit(start, 0) < 2 || digit(start, 0) > 5)) return false
  if (length > 1 && digit(start, 1) < 0) return false
  if (length > 2 && digit(start, 2) < 0) return false
  const mark = start[3]
  return mark === undefined || mark === ' ' || mark === '-' || mark === '\r'
}

/** Protocol of a line that is not of SMTP, by its beginning. */
export function identifyProtocol(start: string): 'tls' | 'http' | 'not-smtp' {
  // TLS records: alert 21 or handshake 22, then major version 3 (RFC 8446 §5.1).
  const first = start.charCodeAt(0)
  if ((first === 21 || first === 22) && start.charCodeAt(1) === 3) return 'tls'
  return start.startsWith('HTTP/') ? 'http' : 'not-smtp'
}

/** Whether a line has an enhanced code x.7.x (RFC 3463 §3.8): security or policy, so that it may concern only the prober. */
const isPolicy = (text: string): boolean =>
  text[4] === text[0] && text[5] === '.' && text[6] === '7' && text[7] === '.'
