// One line of an SMTP reply (RFC 5321 §4.2): three digits, then `-` where more lines follow.
// The text after the code is free: servers send 8-bit octets, NULs and lower case, and still take mail.

import { Buffer } from 'node:buffer'

export interface ReplyLine {
  readonly code: number
  readonly isLast: boolean
  /** An enhanced code x.7.x (RFC 3463 §3.8): security or policy, so perhaps it is us they refuse. */
  readonly isPolicy: boolean
}

const zero = 48
const hyphen = 45
const space = 32

const digit = (octets: Uint8Array, at: number): number => {
  const value = (octets[at] ?? 0) - zero
  return value >= 0 && value <= 9 ? value : -1
}

export function parseReplyLine(octets: Uint8Array): ReplyLine | null {
  if (octets.length < 3 || !canBeReply(octets)) return null
  const code = digit(octets, 0) * 100 + digit(octets, 1) * 10 + digit(octets, 2)
  return { code, isLast: octets[3] !== hyphen, isPolicy: isPolicy(octets) }
}

/** What follows the code, lower case; one character an octet. */
export const textOf = (line: Uint8Array): string => latin1(line, 4).toLowerCase()

/** One character an octet. Without an iterator over them: hundreds of lines a second come by. */
export const latin1 = (octets: Uint8Array, start = 0, end: number = octets.length): string =>
  Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('latin1', start, end)

/** Whether a line that starts so can be a reply at all; true of a line with no octets yet. */
export function canBeReply(start: Uint8Array): boolean {
  const [first, , , mark] = start
  if (first !== undefined && (first < zero + 2 || first > zero + 5)) return false
  if (start.length > 1 && digit(start, 1) < 0) return false
  if (start.length > 2 && digit(start, 2) < 0) return false
  return mark === undefined || mark === space || mark === hyphen || mark === 13
}

/** What a line that is no reply comes from, as far as its first octets tell. */
export function nameStranger(start: Uint8Array): 'tls' | 'http' | 'not-smtp' {
  // TLS records: alert 21 or handshake 22, then major version 3 (RFC 8446 §5.1).
  if ((start[0] === 21 || start[0] === 22) && start[1] === 3) return 'tls'
  const word = latin1(start, 0, 5)
  return word === 'HTTP/' ? 'http' : 'not-smtp'
}

function isPolicy(octets: Uint8Array): boolean {
  const dot = 46
  return octets[4] === octets[0] && octets[5] === dot && digit(octets, 6) === 7 && octets[7] === dot
}
