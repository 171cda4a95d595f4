// A plan → octets: the only place that knows limits. RFC 1035 §4.1, RFC 2181 §9, RFC 6891 §6.
//
//   a required set does not fit    TC, and nothing after it: the client must ask again over TCP anyway
//   an optional set does not fit   left out, smaller ones after it may still go in
//
// Header: AA as planned; opcode as asked, and RD where it is QUERY; RA and AD clear, since we neither recurse nor
// validate; CD clear as RFC 4035 §3.1.6 wants of authoritative answers (its §3 would copy it: the more special rule wins).
// An OPT goes into every answer to a query that had one (edns-reply.ts), and a TSIG after it, where it must be the last.

import { Flag, headerOctets, minUdpOctets, maxTcpOctets } from '../wire/header.ts'
import type { SelectedAddress, Rung } from '../steer/selection.ts'
import type { Query } from '../wire/query.ts'
import { Rcode } from '../wire/rcode.ts'
import { RRClass } from '../wire/rrtype.ts'
import { putBadKey } from '../wire/tsig.ts'
import {
  patch16,
  put16,
  put32,
  putName,
  putOctets,
  rewind,
  type MessageWriter,
} from '../wire/writer.ts'
import type { Rdata } from '../wire/rdata/rdata.ts'
import type { Transport } from './context.ts'
import { putOpt, reservedOctets } from './edns-reply.ts'
import type { Transaction } from './transaction.ts'
import type { Plan, PlanEntry } from './plan.ts'

/** A pointer to the name asked for, which directly follows the header. */
const qnamePointer = 0xc000 | headerOctets

/** How many octets the client and the transport take. */
export function octetLimit(query: Query, transport: Transport, maxUdpOctets: number): number {
  if (transport !== 'udp') return maxTcpOctets
  const wanted = query.hasOpt ? Math.max(query.udpOctets, minUdpOctets) : minUdpOctets
  return Math.min(wanted, maxUdpOctets)
}

/** Writes the whole answer to where the writer stands; whether it had to be truncated. */
export function encode(writer: MessageWriter, transaction: Transaction): boolean {
  const { query, plan, isSlipped: isCut } = transaction
  const reserved = reservedOctets(transaction)
  writer.limit -= reserved
  writer.at += headerOctets
  const questions = putQuestion(writer, query)
  const isFull = putSections(writer, plan, query.qclass === RRClass.CH ? RRClass.CH : RRClass.IN)
  writer.limit += reserved
  transaction.recordsEnd = writer.at
  if (query.hasOpt) putOpt(writer, transaction)
  // The key's name may be longer than the query told it: not where the answer must not be.
  if (query.tsig.isPresent && plan.rcode === Rcode.NOTAUTH && !isCut)
    putBadKey(writer, query.tsig, query.packet, query.offset)
  // An error is whole as it is, and so is what was asked with no question (RFC 7873 §5.4).
  const truncated = isFull || (isCut && questions > 0 && plan.rcode === Rcode.NOERROR)
  patchHeader(writer, query, plan, truncated)
  patch16(writer, writer.start + 4, questions)
  return truncated
}

export function putQuestion(writer: MessageWriter, query: Query): number {
  if (query.qnameOctets === 0) return 0
  // Nothing was written before: the name goes in whole, its case as asked, and later names may point to it.
  putName(writer, query.packet, query.qnameOffset, 'exact')
  put16(writer, query.qtype)
  put16(writer, query.qclass)
  return 1
}

/** The sets in the plan's order, and their counts into the header; whether it had to stop. */
export function putSections(writer: MessageWriter, plan: Plan, rrClass: number): boolean {
  let [answers, authorities, additionals] = [0, 0, 0]
  let truncated = false
  plan.isWhole = true
  for (let i = 0; i < plan.count && !truncated; i++) {
    const entry = plan.entries[i] as PlanEntry
    const records = putSet(writer, entry, rrClass)
    if (records < 0) {
      truncated = entry.need === 'required'
      plan.isWhole = false
    } else if (entry.section === 'answer') answers += records
    else if (entry.section === 'authority') authorities += records
    else additionals += records
  }
  patch16(writer, writer.start + 6, answers)
  patch16(writer, writer.start + 8, authorities)
  patch16(writer, writer.start + 10, additionals)
  return truncated
}

/** The records written: all of the set's, or none and -1. */
function putSet(writer: MessageWriter, entry: PlanEntry, rrClass: number): number {
  const { rdata, rungs, addresses } = entry
  const { at } = writer
  const { entries } = writer.table
  for (let i = 0; i < rdata.length && !writer.full; i++) {
    const lengthAt = putRecordHead(writer, entry, rrClass)
    putRdata(writer, rdata[i] as Rdata)
    closeRdata(writer, lengthAt)
  }
  for (let i = 0; i < addresses.length && !writer.full; i++) {
    const lengthAt = putRecordHead(writer, entry, rrClass)
    putRdata(writer, (addresses[i] as SelectedAddress).address.rdata)
    closeRdata(writer, lengthAt)
  }
  for (let i = 0; i < rungs.length && !writer.full; i++) {
    const lengthAt = putRecordHead(writer, entry, rrClass)
    const rung = rungs[i] as Rung
    put16(writer, rung.preference)
    putName(writer, rung.target.owner, 0, 'exact')
    closeRdata(writer, lengthAt)
  }
  if (!writer.full) return rdata.length + rungs.length + addresses.length
  rewind(writer, at, entries)
  return -1
}

/** Owner, type, class, TTL and room for RDLENGTH, whose place it returns. */
function putRecordHead(writer: MessageWriter, entry: PlanEntry, rrClass: number): number {
  if (entry.owner === null) put16(writer, qnamePointer)
  else putName(writer, entry.owner, 0, 'ignore')
  put16(writer, entry.type)
  put16(writer, rrClass)
  put32(writer, entry.ttl)
  put16(writer, 0)
  return writer.at - 2
}

function closeRdata(writer: MessageWriter, lengthAt: number): void {
  if (!writer.full) patch16(writer, lengthAt, writer.at - lengthAt - 2)
}

export function putRdata(writer: MessageWriter, rdata: Rdata): void {
  const { octets, compressible } = rdata
  let done = 0
  for (let i = 0; i < compressible.length; i++) {
    const nameAt = compressible[i] as number
    putOctets(writer, octets, done, nameAt)
    done = nameAt + putName(writer, octets, nameAt, 'exact')
  }
  putOctets(writer, octets, done, octets.length)
}

function patchHeader(writer: MessageWriter, query: Query, plan: Plan, truncated: boolean): void {
  patch16(writer, writer.start, query.id)
  const flags =
    Flag.QR |
    (query.opcode << 3) |
    (plan.authoritative ? Flag.AA : 0) |
    (truncated ? Flag.TC : 0) |
    (query.recursionDesired ? Flag.RD : 0)
  patch16(writer, writer.start + 2, (flags << 8) | (plan.rcode & 0x0f))
}
