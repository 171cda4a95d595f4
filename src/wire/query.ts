// One packet from the network → a query, a rejection, or nothing to say. RFC 1035 §4.1, RFC 6891 §6.
//
//   shorter than a header, or a response            drop: an answer could start a loop
//   opcode other than QUERY                         NOTIMP, on the header alone
//   not exactly one question, records before it
//   has been answered, a name or record that ends
//   outside the packet, a second or misplaced OPT   FORMERR
//   EDNS version above 0                            BADVERS
//
// Octets after the counted records are ignored, as other servers do. Every loop is bounded by the packet or by maxAdditional.

import type { NameKey } from '../zone/zone.ts'
import { Flag, headerOctets, opcodeOf, opcodeQuery } from './header.ts'
import { questionTailOctets, recordTailOctets } from './header.ts'
import { keyOfOctets } from './key.ts'
import { maxLabelOctets, maxNameOctets } from './name.ts'
import { Rcode } from './rcode.ts'
import { RRType } from './rrtype.ts'

/** OPT, TSIG, and room for what may come; more is no query that anyone means. */
const maxAdditional = 8

/** What was asked. One record is refilled for every packet: nothing may hold on to it. */
export interface Query {
  packet: Uint8Array
  id: number
  opcode: number
  recursionDesired: boolean
  /** Where the name asked for starts in `packet`, case kept; `qnameOctets` is 0 as long as no question was read. */
  qnameOffset: number
  qnameOctets: number
  key: NameKey
  qtype: number
  qclass: number
  hasOpt: boolean
  /** The requestor's UDP payload size, as given. */
  udpOctets: number
  dnssecOk: boolean
  /** EDNS options, undecoded: octets of `packet`. */
  optionsOffset: number
  optionsOctets: number
}

export type Decoded =
  | { readonly kind: 'query'; readonly query: Query }
  /** `query` holds what was understood before the mistake. */
  | { readonly kind: 'reject'; readonly query: Query; readonly rcode: Rcode }
  | { readonly kind: 'drop' }

export type DecodeQuery = (packet: Uint8Array, offset: number, length: number) => Decoded

/** A decoder with its own record; what it returns is valid until its next call. */
export function createQueryDecoder(): DecodeQuery {
  const query = emptyQuery()
  const accepted: Decoded = { kind: 'query', query }
  const rejected = { kind: 'reject' as const, query, rcode: Rcode.FORMERR as Rcode }
  return (packet, offset, length) => {
    if (length < headerOctets || ((packet[offset + 2] as number) & Flag.QR) !== 0) return dropped
    const rcode = fill(query, packet, offset, offset + length)
    if (rcode === Rcode.NOERROR) return accepted
    rejected.rcode = rcode
    return rejected
  }
}

const dropped: Decoded = { kind: 'drop' }

export const emptyQuery = (): Query => ({
  packet: new Uint8Array(0),
  id: 0,
  opcode: opcodeQuery,
  recursionDesired: false,
  qnameOffset: 0,
  qnameOctets: 0,
  key: '\0',
  qtype: 0,
  qclass: 0,
  hasOpt: false,
  udpOctets: 0,
  dnssecOk: false,
  optionsOffset: 0,
  optionsOctets: 0,
})

function fill(query: Query, packet: Uint8Array, offset: number, end: number): Rcode {
  const flags = packet[offset + 2] as number
  query.packet = packet
  query.id = u16(packet, offset)
  query.opcode = opcodeOf(flags)
  query.recursionDesired = (flags & Flag.RD) !== 0
  query.qnameOctets = 0
  query.hasOpt = false
  query.dnssecOk = false
  query.optionsOctets = 0
  if (query.opcode !== opcodeQuery) return Rcode.NOTIMP
  if (u16(packet, offset + 4) !== 1) return Rcode.FORMERR
  const at = readQuestion(query, offset + headerOctets, end)
  if (at < 0 || u16(packet, offset + 6) !== 0) return Rcode.FORMERR
  // IXFR carries the client's SOA in the authority section (RFC 1995 §3); nothing else carries anything there.
  const authorities = u16(packet, offset + 8)
  if (authorities > (query.qtype === RRType.IXFR ? 1 : 0)) return Rcode.FORMERR
  const additionals = u16(packet, offset + 10)
  if (additionals > maxAdditional) return Rcode.FORMERR
  return authorities + additionals === 0
    ? Rcode.NOERROR
    : readRecords(query, at, end, { authorities, additionals })
}

/** Where the question ends, or -1. */
function readQuestion(query: Query, from: number, end: number): number {
  const { packet } = query
  const nameEnd = skipLabels(packet, from, end)
  // A pointer cannot be right here: before the first name there is none to point to.
  if (nameEnd < 0 || packet[nameEnd - 1] !== 0 || nameEnd + questionTailOctets > end) return -1
  query.qnameOffset = from
  query.qnameOctets = nameEnd - from
  query.key = keyOfOctets(packet, from, nameEnd)
  query.qtype = u16(packet, nameEnd)
  query.qclass = u16(packet, nameEnd + 2)
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
  readonly authorities: number
  readonly additionals: number
}

function readRecords(query: Query, from: number, end: number, counts: Counts): Rcode {
  const { packet } = query
  let at = from
  let version = 0
  for (let i = 0; i < counts.authorities + counts.additionals; i++) {
    const tail = skipOwner(packet, at, end)
    if (tail < 0 || tail + recordTailOctets > end) return Rcode.FORMERR
    const next = tail + recordTailOctets + u16(packet, tail + 8)
    if (next > end) return Rcode.FORMERR
    if (u16(packet, tail) === RRType.OPT) {
      const misplaced = i < counts.authorities || packet[at] !== 0
      if (misplaced || query.hasOpt) return Rcode.FORMERR
      readOpt(query, tail, next)
      version = packet[tail + 5] as number
    }
    at = next
  }
  return version === 0 ? Rcode.NOERROR : Rcode.BADVERS
}

/** CLASS is the UDP payload size, TTL is extended rcode, version and flags (RFC 6891 §6.1.2, §6.1.3). */
function readOpt(query: Query, tail: number, next: number): void {
  query.hasOpt = true
  query.udpOctets = u16(query.packet, tail + 2)
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

const u16 = (packet: Uint8Array, at: number): number =>
  ((packet[at] as number) << 8) | (packet[at + 1] as number)
