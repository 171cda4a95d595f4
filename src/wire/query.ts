// One packet from the network → a query, a rejection, or nothing to say. RFC 1035 §4.1, RFC 6891 §6.
//
//   shorter than a header, or a response            drop: an answer could start a loop
//   not exactly one question, records before it
//   has been answered, a name or record that ends
//   outside the packet, a second or misplaced OPT
//   or TSIG, an option that is wrong                FORMERR
//   no question at all                              FORMERR, its OPT read for who wants a cookie (RFC 7873 §5.4)
//   EDNS version above 0                            BADVERS, whatever the options are
//   TSIG                                            NOTAUTH: no key is known here (tsig.ts)
//   opcode NOTIFY or UPDATE about an SOA            REFUSED, about anything else FORMERR (RFC 1996 §3.7, 2136 §3.1.1)
//   any other opcode                                NOTIMP, on the header and OPT alone
//
// Octets after the counted records are ignored, as other servers do. Every loop is bounded by the packet or by maxAdditional.

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

/** OPT, TSIG, and room for what may come; more is no query that anyone means. */
const maxAdditional = 8

/** What was asked. One record is refilled for every packet: nothing may hold on to it. */
export interface Query {
  packet: Uint8Array
  /** Where the message starts in `packet`. */
  offset: number
  id: number
  opcode: number
  /** False for any opcode but QUERY: the bit has no meaning there. */
  recursionDesired: boolean
  /** Where the name asked for starts in `packet`, case kept; `qnameOctets` is 0 as long as no question was read. */
  qnameOffset: number
  qnameOctets: number
  /** Made when first asked for: most answers need no string. */
  readonly key: NameKey
  /** The key once it was made, null until then. */
  cachedKey: NameKey | null
  qtype: number
  qclass: number
  hasOpt: boolean
  /** The requestor's UDP payload size, as given. */
  udpOctets: number
  dnssecOk: boolean
  /** The OPT's RDATA in `packet`, and what it says. */
  optionsOffset: number
  optionsOctets: number
  readonly options: EdnsOptions
  readonly tsig: Tsig
}

export type Decoded =
  | { readonly kind: 'query'; readonly query: Query }
  /** `query` holds what was understood before the mistake. */
  | { readonly kind: 'reject'; readonly query: Query; readonly rcode: Rcode }
  | { readonly kind: 'drop' }

type DecodeQuery = (packet: Uint8Array, offset: number, length: number) => Decoded

/** A decoder with its own record; what it returns is valid until its next call. */
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

/** A class, since an accessor in a literal would make a dictionary of it, and each access a search. */
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
  // IXFR carries the client's SOA in the authority section (RFC 1995 §3); nothing else carries anything there.
  const authorities = readUint16(packet, offset + 8)
  if (authorities > (query.qtype === RRType.IXFR ? 1 : 0)) return Rcode.FORMERR
  const additionals = readUint16(packet, offset + 10)
  if (additionals > maxAdditional) return Rcode.FORMERR
  return authorities + additionals === 0
    ? Rcode.NOERROR
    : readRecords(query, at, end, { before: authorities, additionals })
}

/** No question: never a query, but it may come for a cookie. */
function decodeWithoutQuestion(query: Query, end: number): Rcode {
  const { packet, offset } = query
  const before = readUint16(packet, offset + 6) + readUint16(packet, offset + 8)
  const additionals = readUint16(packet, offset + 10)
  if (before > 0 || additionals > maxAdditional) return Rcode.FORMERR
  const rcode = readRecords(query, offset + headerOctets, end, { before, additionals })
  return rcode === Rcode.NOERROR ? Rcode.FORMERR : rcode
}

/** Opcodes that are never served. Their records are stepped over for the OPT, which the answer needs one for. */
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

/** Where the question ends, or -1. */
function readQuestion(query: Query, from: number, end: number): number {
  const { packet } = query
  const nameEnd = skipLabels(packet, from, end)
  // A pointer cannot be right here: before the first name there is none to point to.
  if (nameEnd < 0 || packet[nameEnd - 1] !== 0 || nameEnd + questionTailOctets > end) return -1
  query.qnameOffset = from
  query.qnameOctets = nameEnd - from
  query.qtype = readUint16(packet, nameEnd)
  query.qclass = readUint16(packet, nameEnd + 2)
  return nameEnd + questionTailOctets
}

/** The end of a name without pointers, its root label included, or -1. */
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

interface Counts {
  /** Records of the sections before the additional one. */
  readonly before: number
  readonly additionals: number
}

function readRecords(query: Query, from: number, end: number, counts: Counts): Rcode {
  const { packet, tsig } = query
  let at = from
  let version = 0
  for (let left = counts.before + counts.additionals; left > 0; left--) {
    const tail = skipOwner(packet, at, end)
    if (tail < 0 || tail + recordTailOctets > end) return Rcode.FORMERR
    const next = tail + recordTailOctets + readUint16(packet, tail + 8)
    if (next > end) return Rcode.FORMERR
    const type = readUint16(packet, tail)
    const misplaced = left > counts.additionals
    if (type === RRType.OPT) {
      if (misplaced || packet[at] !== 0 || query.hasOpt) return Rcode.FORMERR
      readOpt(query, tail, next)
      version = packet[tail + 5] as number
    } else if (type === RRType.TSIG) {
      // RFC 8945 §5.1: one, and the last of all.
      if (misplaced || left > 1 || !readTsig(tsig, packet, at, tail, next)) return Rcode.FORMERR
    }
    at = next
  }
  if (version !== 0) return Rcode.BADVERS
  const { options, optionsOffset, optionsOctets } = query
  const rcode = readOptions(options, packet, optionsOffset, optionsOffset + optionsOctets)
  if (rcode !== Rcode.NOERROR) {
    resetOptions(options)
    return rcode
  }
  return tsig.isPresent ? Rcode.NOTAUTH : Rcode.NOERROR
}

/** CLASS is the UDP payload size, TTL is extended rcode, version and flags (RFC 6891 §6.1.2, §6.1.3). */
function readOpt(query: Query, tail: number, next: number): void {
  query.hasOpt = true
  query.udpOctets = readUint16(query.packet, tail + 2)
  query.dnssecOk = ((query.packet[tail + 6] as number) & 0x80) !== 0
  query.optionsOffset = tail + recordTailOctets
  query.optionsOctets = next - query.optionsOffset
}

/** The end of an owner name that nobody needs to know: a pointer ends it and is not followed. */
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
