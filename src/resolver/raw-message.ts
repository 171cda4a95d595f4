// Messages with DNSSEC records, for questions with DO (RFC 3225): dns2 knows none of them. Rdata stays as octets, with its
// names uncompressed, so that signatures over it can be verified.

import { Flag, headerOctets, questionTailOctets, recordTailOctets } from '../wire/header.ts'
import { keyOfName, maxNameOctets, type Name, type NameKey } from '../wire/name.ts'
import { readUint16, writeUint16 } from '../wire/octets.ts'
import { RRClass, RRType } from '../wire/rrtype.ts'

export interface RawQuestion {
  readonly name: Name
  readonly type: number
}

export interface RawRecord {
  readonly owner: NameKey
  /** The owner with its letters as they came. */
  readonly name: Name
  readonly type: number
  readonly ttlSeconds: number
  /** Names in it are uncompressed. */
  readonly rdata: Uint8Array
}

export interface RawReply {
  readonly kind: 'reply'
  readonly rcode: number
  readonly isAuthoritative: boolean
  readonly isTruncated: boolean
  /** AD: whoever answers has validated it (RFC 4035 §3.2.3). */
  readonly isAuthentic: boolean
  readonly answers: readonly RawRecord[]
  readonly authority: readonly RawRecord[]
}

export interface QueryBits {
  /** RD: the server is a resolver. */
  readonly isRecursive: boolean
  /** CD: the resolver is to answer without validation (RFC 4035 §3.2.2). */
  readonly isUnchecked: boolean
}

const bits = { response: 0x80, authentic: 0x20, unchecked: 0x10, rcode: 0x0f, opcode: 0x78 }

/** What passes through every network without fragments. */
const udpOctets = 1232

const dnssecOk = 0x8000

/** A query with DO, and with AD, which has resolvers set AD themselves (RFC 6840 §5.7). */
export function buildRawQuery(
  { name, type }: RawQuestion,
  id: number,
  { isRecursive, isUnchecked }: QueryBits,
): Uint8Array {
  const questionEnd = headerOctets + name.length + questionTailOctets
  const message = new Uint8Array(questionEnd + 1 + recordTailOctets)
  writeUint16(message, 0, id)
  message[2] = isRecursive ? Flag.RD : 0
  message[3] = bits.authentic | (isUnchecked ? bits.unchecked : 0)
  writeUint16(message, 4, 1)
  writeUint16(message, 10, 1)
  message.set(name, headerOctets)
  writeUint16(message, headerOctets + name.length, type)
  writeUint16(message, headerOctets + name.length + 2, RRClass.IN)
  writeUint16(message, questionEnd + 1, RRType.OPT)
  writeUint16(message, questionEnd + 3, udpOctets)
  writeUint16(message, questionEnd + 7, dnssecOk)
  return message
}

/** Whether a message is a response to the query: with its ID, and its question unless it reports an error. */
export function isResponseTo(
  message: Uint8Array,
  query: Uint8Array,
  { name }: RawQuestion,
): boolean {
  if (message.length < headerOctets || readUint16(message, 0) !== readUint16(query, 0)) return false
  const flags = message[2] as number
  if ((flags & bits.response) === 0 || (flags & bits.opcode) !== 0) return false
  if (readUint16(message, 4) === 0) return ((message[3] as number) & bits.rcode) !== 0
  const end = headerOctets + name.length
  if (readUint16(message, 4) !== 1 || message.length < end + questionTailOctets) return false
  const tail = (octets: Uint8Array): string => octets.subarray(end, end + questionTailOctets).join()
  const asked = keyOfName(message.subarray(headerOctets, end))
  return asked === keyOfName(name) && tail(message) === tail(query)
}

/** Records read of a section at most: what is asked here has some dozens. */
const recordLimit = 512

/** null: the message is malformed, or a section has more than `maxRecords`. */
export function readRawReply(
  message: Uint8Array,
  maxRecords: number = recordLimit,
): RawReply | null {
  let at: number | null = headerOctets
  for (let left = readUint16(message, 4); left > 0 && at !== null; left--) {
    const name = readName(message, at)
    at = name === null ? null : name.end + questionTailOctets
  }
  if (at === null) return null
  const [flags, more] = [message[2] as number, message[3] as number]
  const counts = [readUint16(message, 6), readUint16(message, 8)] as const
  if (Math.max(...counts) > maxRecords) return null
  const answers = readRecords(message, at, counts[0])
  const authority = answers && readRecords(message, answers.end, counts[1])
  if (answers === null || authority === null) return null
  return {
    kind: 'reply',
    rcode: more & bits.rcode,
    isAuthoritative: (flags & Flag.AA) !== 0,
    isTruncated: (flags & Flag.TC) !== 0,
    isAuthentic: (more & bits.authentic) !== 0,
    answers: answers.records,
    authority: authority.records,
  }
}

interface Section {
  readonly records: readonly RawRecord[]
  readonly end: number
}

function readRecords(message: Uint8Array, from: number, count: number): Section | null {
  const records: RawRecord[] = []
  let at = from
  for (let left = count; left > 0; left--) {
    const owner = readName(message, at)
    if (owner === null || owner.end + recordTailOctets > message.length) return null
    const view = new DataView(message.buffer, message.byteOffset + owner.end, recordTailOctets)
    const start = owner.end + recordTailOctets
    at = start + view.getUint16(8)
    if (at > message.length) return null
    const type = view.getUint16(0)
    const rdata = expandedRdata(message, type, start, at)
    if (rdata === null) return null
    if (view.getUint16(2) !== RRClass.IN) continue
    const ttlSeconds = view.getUint32(4)
    records.push({ owner: keyOfName(owner.name), name: owner.name, type, ttlSeconds, rdata })
  }
  return { records, end: at }
}

/**
 * Types whose names may be compressed, and those that a receiver decompresses although no sender should compress them
 * (RFC 3597 §4): octets before the first name, and how many names there are.
 */
const compressedTypes: ReadonlyMap<number, readonly [number, number]> = new Map([
  [RRType.NS, [0, 1]],
  [RRType.CNAME, [0, 1]],
  [RRType.SOA, [0, 2]],
  [RRType.PTR, [0, 1]],
  [RRType.MX, [2, 1]],
  [RRType.RP, [0, 2]],
  [RRType.AFSDB, [2, 1]],
  [RRType.SRV, [6, 1]],
  [RRType.KX, [2, 1]],
  [RRType.DNAME, [0, 1]],
])

function expandedRdata(
  message: Uint8Array,
  type: number,
  start: number,
  end: number,
): Uint8Array | null {
  const [skip, names] = compressedTypes.get(type) ?? [0, 0]
  if (names === 0) return message.slice(start, end)
  const parts: Uint8Array[] = [message.subarray(start, start + skip)]
  let at = start + skip
  for (let left = names; left > 0; left--) {
    const name = readName(message, at)
    if (name === null || name.end > end) return null
    parts.push(name.name)
    at = name.end
  }
  return Buffer.concat([...parts, message.subarray(at, end)])
}

interface NameRead {
  readonly name: Name
  /** Where the next field begins. */
  readonly end: number
}

/** null: the name ends outside, has more than 255 octets, or a pointer that does not lead strictly backwards. */
function readName(message: Uint8Array, from: number): NameRead | null {
  const octets: number[] = []
  let end: number | null = null
  let limit = message.length
  let at = from
  for (;;) {
    const length = message[at]
    if (length === undefined || at >= limit) return null
    if (length >= 0xc0) {
      const target = ((length & 0x3f) << 8) | (message[at + 1] ?? 0xff)
      end ??= at + 2
      if (target >= at || at + 2 > message.length) return null
      limit = at
      at = target
      continue
    }
    if (length >= 0x40 || at + 1 + length > message.length) return null
    for (let i = at; i <= at + length; i++) octets.push(message[i] as number)
    if (octets.length > maxNameOctets) return null
    at += 1 + length
    if (length === 0) return { name: Uint8Array.from(octets), end: end ?? at }
  }
}
