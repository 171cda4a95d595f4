// Decodes a packet from the network: a query, a message to reject, or one to drop (RFC 1035 §4.1, RFC 6891 §6).
//
//   shorter than a header, or a response            drop: an answer could start a loop
//   several questions, records in the answer or
//   authority section, a name or record that ends
//   outside the packet, a second or misplaced OPT
//   or TSIG, a malformed option                     FORMERR
//   no question                                     FORMERR; its OPT is read, as it may request a cookie (RFC 7873 §5.4)
//   EDNS version above 0                            BADVERS, whatever its options
//   TSIG                                            NOTAUTH: the server has no keys (tsig.ts)
//   opcode NOTIFY or UPDATE about an SOA            REFUSED, about anything else FORMERR (RFC 1996 §3.7, 2136 §3.1.1)
//   any other opcode                                NOTIMP, whatever follows the header, but its OPT is read
//
// Octets behind the counted records are ignored, as other servers do. Every loop is bounded by the packet or by
// maxAdditionals.

import { type NameKey, maxLabelOctets, maxNameOctets, keyOfOctets } from './name.ts'
import { emptyOptions, readOptions, resetOptions, type EdnsOptions } from './edns.ts'
import {
  Flag,
  Opcode,
  headerOctets,
  opcodeOf,
  questionTailOctets,
  recordTailOctets,
} from './header.ts'
import { readUint16 } from './octets.ts'
import { Rcode } from './rcode.ts'
import { RRType } from './rrtype.ts'
import { emptyTsig, readTsig, type Tsig } from './tsig.ts'

/** The most records in the additional section: OPT, TSIG, and some that do not exist yet. */
const maxAdditionals = 8

/** A decoded query. The record is reused for every packet and must not be kept. */
export interface Query {
  packet: Uint8Array
  /** Where the message starts in `packet`. */
  offset: number
  id: number
  opcode: number
  /** The RD bit; false for other opcodes than QUERY, for which the bit has no meaning. */
  recursionDesired: boolean
  /** Where QNAME starts in `packet`, uncompressed and with its case. */
  qnameOffset: number
  /** The length of QNAME with its root label; 0: no question was read. */
  qnameOctets: number
  /** The key of QNAME, computed when it is first read: most answers do not need it. */
  readonly key: NameKey
  /** The key if it was computed, else null. */
  cachedKey: NameKey | null
  qtype: number
  qclass: number
  hasOpt: boolean
  /** The requestor's UDP payload size as sent, which may be below 512; only if `hasOpt`. */
  udpOctets: number
  /** The DO bit. */
  dnssecOk: boolean
  /** Where the rdata of the OPT stands in `packet`. */
  optionsOffset: number
  optionsOctets: number
  readonly options: EdnsOptions
  readonly tsig: Tsig
}

/** What a packet is, as the table above tells. */
export type Decoded =
  | { readonly kind: 'query'; readonly query: Query }
  /** The message is to be answered with `rcode`. `query` holds what was read before the error. */
  | { readonly kind: 'reject'; readonly query: Query; readonly rcode: Rcode }
  | { readonly kind: 'drop' }

type DecodeQuery = (packet: Uint8Array, offset: number, length: number) => Decoded

/**
 * A decoder of messages of `length` octets from `offset` in a packet; never throws. A result is valid until the next
 * call.
 */
export function createQueryDecoder(): DecodeQuery {
  const query = emptyQuery()
  const accepted: Decoded = { kind: 'query', query }
  const rejected = { kind: 'reject' as const, query, rcode: Rcode.FORMERR as Rcode }
  return (packet, offset, length) => {
    if (length < headerOctets || ((packet[offset + 2] as number) & Flag.QR) !== 0) return dropResult
    const rcode = decodeMessage(query, packet, offset, offset + length)
    if (rcode === Rcode.NOERROR) return accepted
    rejected.rcode = rcode
    return rejected
  }
}

const dropResult: Decoded = { kind: 'drop' }

export const emptyQuery = (): Query => new PacketQuery()

/** A class: V8 gives an object literal with an accessor dictionary properties, which are slow to read. */
class PacketQuery implements Query {
  packet = new Uint8Array(0)
  offset = 0
  id = 0
  opcode: number = Opcode.QUERY
  recursionDesired = false
  qnameOffset = 0
  qnameOctets = 0
  cachedKey: NameKey | null = null
  qtype = 0
  qclass = 0
  hasOpt = false
  udpOctets = 0
  dnssecOk = false
  optionsOffset = 0
  optionsOctets = 0
  readonly options: EdnsOptions = emptyOptions()
  readonly tsig: Tsig = emptyTsig()

  get key(): NameKey {
    const { packet, qnameOffset, qnameOctets } = this
    return (this.cachedKey ??= keyOfOctets(packet, qnameOffset, qnameOffset + qnameOctets))
  }
}

/** Fills `query` from the message between `offset` and `end`. Returns NOERROR for a query to answer, else its RCODE. */
function decodeMessage(query: Query, packet: Uint8Array, offset: number, end: number): Rcode {
  const flags = packet[offset + 2] as number
  query.packet = packet
  query.offset = offset
  query.id = readUint16(packet, offset)
  query.opcode = opcodeOf(flags)
  query.recursionDesired = query.opcode === Opcode.QUERY && (flags & Flag.RD) !== 0
  query.qnameOctets = 0
  query.cachedKey = null
  query.hasOpt = false
  query.dnssecOk = false
  query.optionsOctets = 0
  resetOptions(query.options)
  query.tsig.isPresent = false
  if (query.opcode !== Opcode.QUERY) return decodeOtherOpcode(query, end)
  const questions = readUint16(packet, offset + 4)
  if (questions === 0) return decodeWithoutQuestion(query, end)
  if (questions > 1) return Rcode.FORMERR
  const at = readQuestion(query, offset + headerOctets, end)
  if (at < 0 || readUint16(packet, offset + 6) !== 0) return Rcode.FORMERR
  // IXFR carries the client's SOA in the authority section (RFC 1995 §3); other queries have nothing there.
  const authorities = readUint16(packet, offset + 8)
  if (authorities > (query.qtype === RRType.IXFR ? 1 : 0)) return Rcode.FORMERR
  const additionals = readUint16(packet, offset + 10)
  if (additionals > maxAdditionals) return Rcode.FORMERR
  return authorities + additionals === 0
    ? Rcode.NOERROR
    : readRecords(query, at, end, { before: authorities, additionals })
}

/** A message without a question: FORMERR or another error, but its OPT is read, as it may request a cookie. */
function decodeWithoutQuestion(query: Query, end: number): Rcode {
  const { packet, offset } = query
  const before = readUint16(packet, offset + 6) + readUint16(packet, offset + 8)
  const additionals = readUint16(packet, offset + 10)
  if (before > 0 || additionals > maxAdditionals) return Rcode.FORMERR
  const rcode = readRecords(query, offset + headerOctets, end, { before, additionals })
  return rcode === Rcode.NOERROR ? Rcode.FORMERR : rcode
}

/**
 * A message of an opcode that is not served. Its records are skipped to find an OPT: then the answer needs one as well.
 */
function decodeOtherOpcode(query: Query, end: number): Rcode {
  const { packet, offset, opcode } = query
  const isKnown = opcode === Opcode.NOTIFY || opcode === Opcode.UPDATE
  const at =
    readUint16(packet, offset + 4) === 1 ? readQuestion(query, offset + headerOctets, end) : -1
  const before = readUint16(packet, offset + 6) + readUint16(packet, offset + 8)
  const counts = { before, additionals: readUint16(packet, offset + 10) }
  const rcode = at < 0 ? Rcode.FORMERR : readRecords(query, at, end, counts)
  if (isKnown && rcode !== Rcode.NOERROR) return rcode
  if (isKnown) return query.qtype === RRType.SOA ? Rcode.REFUSED : Rcode.FORMERR
  query.qnameOctets = 0
  query.tsig.isPresent = false
  return Rcode.NOTIMP
}

/** Reads the question; returns where it ends, or -1 if it is malformed. */
function readQuestion(query: Query, from: number, end: number): number {
  const { packet } = query
  const nameEnd = skipLabels(packet, from, end)
  // A compression pointer cannot be valid here: there is no name before the first one.
  if (nameEnd < 0 || packet[nameEnd - 1] !== 0 || nameEnd + questionTailOctets > end) return -1
  query.qnameOffset = from
  query.qnameOctets = nameEnd - from
  query.qtype = readUint16(packet, nameEnd)
  query.qclass = readUint16(packet, nameEnd + 2)
  return nameEnd + questionTailOctets
}

/** The end of an uncompressed name, behind its root label; -1 if it is malformed. */
function skipLabels(packet: Uint8Array, from: number, end: number): number {
  let at = from
  while (at < end && at - from < maxNameOctets) {
    const label = packet[at] as number
    if (label === 0) return at + 1
    if (label > maxLabelOctets) return -1
    at += 1 + label
  }
  return -1
}

/** Counts of the header. */
interface Counts {
  /** Records of the answer and authority sections. */
  readonly before: number
  readonly additionals: number
}

/** Reads the records from `from` on for OPT and TSIG, and the options of the OPT. Returns NOERROR or the RCODE. */
function readRecords(query: Query, from: number, end: number, counts: Counts): Rcode {
  const { packet, tsig } = query
  let at = from
  let ednsVersion = 0
  for (let left = counts.before + counts.additionals; left > 0; left--) {
    const tail = skipOwner(packet, at, end)
    if (tail < 0 || tail + recordTailOctets > end) return Rcode.FORMERR
    const next = tail + recordTailOctets + readUint16(packet, tail + 8)
    if (next > end) return Rcode.FORMERR
    const type = readUint16(packet, tail)
    const isMisplaced = left > counts.additionals
    if (type === RRType.OPT) {
      if (isMisplaced || packet[at] !== 0 || query.hasOpt) return Rcode.FORMERR
      readOpt(query, tail, next)
      ednsVersion = packet[tail + 5] as number
    } else if (type === RRType.TSIG) {
      // At most one, as the last record of the message (RFC 8945 §5.1).
      if (isMisplaced || left > 1 || !readTsig(tsig, packet, at, tail, next)) return Rcode.FORMERR
    }
    at = next
  }
  if (ednsVersion !== 0) return Rcode.BADVERS
  const { options, optionsOffset, optionsOctets } = query
  const rcode = readOptions(options, packet, optionsOffset, optionsOffset + optionsOctets)
  if (rcode !== Rcode.NOERROR) {
    resetOptions(options)
    return rcode
  }
  return tsig.isPresent ? Rcode.NOTAUTH : Rcode.NOERROR
}

/**
 * Reads the OPT whose fixed fields start at `tail`: CLASS is the UDP payload size, TTL holds the extended RCODE, the
 * version and the flags (RFC 6891 §6.1.2, §6.1.3).
 */
function readOpt(query: Query, tail: number, next: number): void {
  query.hasOpt = true
  query.udpOctets = readUint16(query.packet, tail + 2)
  query.dnssecOk = ((query.packet[tail + 6] as number) & 0x80) !== 0
  query.optionsOffset = tail + recordTailOctets
  query.optionsOctets = next - query.optionsOffset
}

/** The end of an owner name, which is not read: a compression pointer ends it and is not followed. -1: malformed. */
function skipOwner(packet: Uint8Array, from: number, end: number): number {
  let at = from
  while (at < end && at - from < maxNameOctets) {
    const label = packet[at] as number
    if (label === 0) return at + 1
    if (label >= 0xc0) return at + 2 <= end ? at + 2 : -1
    if (label > maxLabelOctets) return -1
    at += 1 + label
  }
  return -1
}
