// Plan → message, and the only place that applies size limits (RFC 1035 §4.1, RFC 2181 §9, RFC 6891 §6).
//
//   a required set does not fit    TC, and no set after it: the client must retry over TCP in any case
//   an optional set does not fit   omitted; smaller sets after it may still fit
//
// Header: AA as planned; opcode copied, RD too where it is QUERY; RA and AD clear, as this server neither recurses nor
// validates; CD clear, as RFC 4035 §3.1.6 requires of authoritative answers (the more specific rule than its §3, which
// copies CD). The OPT (edns-reply.ts) follows the records, and a TSIG is last (RFC 8945 §5.1).
//
// Names are compressed regardless of case, those in rdata too (RFC 4343 §4.1): what ends as the qname does points into the
// question and has its letters. So all spellings of a question have the same records, octet for octet, which the answer
// cache relies on. Names that must not be compressed (RFC 3597 §4) keep the letters of the zone.

import { Flag, headerOctets, minUdpOctets, maxTcpOctets } from '../wire/header.ts'
import type { Query } from '../wire/query.ts'
import { Rcode } from '../wire/rcode.ts'
import { RRClass, RRType } from '../wire/rrtype.ts'
import { putBadKey } from '../wire/tsig.ts'
import {
  patch16,
  put16,
  put32,
  putName,
  putOctets,
  rewind,
  type CaseRule,
  type MessageWriter,
} from '../wire/writer.ts'
import type { Rdata } from '../wire/rdata/rdata.ts'
import type { Transport } from './context.ts'
import { putOpt, reservedOctets } from './edns-reply.ts'
import type { Transaction } from './transaction.ts'
import type { Plan, PlanEntry } from './plan.ts'

/** Compression pointer to the qname, which directly follows the header. */
const qnamePointer = 0xc000 | headerOctets

/** Maximum octets of the answer: the client's EDNS size or 512, at most `maxUdpOctets`; 65,535 over TCP and TLS. */
export function octetLimit(query: Query, transport: Transport, maxUdpOctets: number): number {
  if (transport !== 'udp') return maxTcpOctets
  const wanted = query.hasOpt ? Math.max(query.udpOctets, minUdpOctets) : minUdpOctets
  return Math.min(wanted, maxUdpOctets)
}

/** Writes the whole answer at the writer's position; returns whether TC is set. */
export function encode(writer: MessageWriter, transaction: Transaction): boolean {
  const { query, plan, isSlipped } = transaction
  const reserved = reservedOctets(transaction)
  writer.limit -= reserved
  writer.at += headerOctets
  const questions = putQuestion(writer, query)
  const isTruncated = putSections(
    writer,
    plan,
    query.qclass === RRClass.CH ? RRClass.CH : RRClass.IN,
  )
  writer.limit += reserved
  transaction.recordsEnd = writer.at
  if (query.hasOpt) putOpt(writer, transaction)
  // The key's name may be longer here than it was compressed in the query: not in a slipped answer, which stays short.
  if (query.tsig.isPresent && plan.rcode === Rcode.NOTAUTH && !isSlipped)
    putBadKey(writer, query.tsig, query.packet, query.offset)
  // A slipped error is complete without records, and so is the answer to a query without a question (RFC 7873 §5.4).
  const isCut = transaction.unsigned !== null || isSlipped
  const truncated = isTruncated || (isCut && questions > 0 && plan.rcode === Rcode.NOERROR)
  patchHeader(writer, query, plan, truncated)
  patch16(writer, writer.start + 4, questions)
  return truncated
}

/** Copies the question of the query; returns QDCOUNT, which is 0 for a query without a question. */
export function putQuestion(writer: MessageWriter, query: Query): number {
  if (query.qnameOctets === 0) return 0
  // The first name of the message: written without compression, in the query's case; later names may point to it.
  putName(writer, query.packet, query.qnameOffset, 'exact')
  put16(writer, query.qtype)
  put16(writer, query.qclass)
  return 1
}

/** Writes the sets in the plan's order and the section counts; returns whether a required set did not fit. */
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

/**
 * Writes all records of a set with its signatures and returns their number; writes none and returns -1 where they do not all
 * fit.
 */
function putSet(writer: MessageWriter, entry: PlanEntry, rrClass: number): number {
  const { type, rdata, signatures } = entry
  const { at } = writer
  const { entries } = writer.table
  for (let i = 0; i < rdata.length && !writer.full; i++)
    putRecord(writer, entry, type, rdata[i] as Rdata, rrClass, 'ignore')
  for (let i = 0; i < signatures.length && !writer.full; i++)
    putRecord(writer, entry, RRType.RRSIG, signatures[i] as Rdata, rrClass, 'ignore')
  if (!writer.full) return rdata.length + signatures.length
  rewind(writer, at, entries)
  return -1
}

/** Writes one record of an owner (null: the qname) as far as it fits. `rule`: which names it is compressed against. */
// oxlint-disable-next-line max-params -- on the answering path: an object would be an allocation a record
export function putRecord(
  writer: MessageWriter,
  { owner, ttl }: Pick<PlanEntry, 'owner' | 'ttl'>,
  type: number,
  rdata: Rdata,
  rrClass: number,
  rule: CaseRule,
): void {
  if (owner === null) put16(writer, qnamePointer)
  else putName(writer, owner, 0, rule)
  put16(writer, type)
  put16(writer, rrClass)
  put32(writer, ttl)
  const lengthAt = writer.at
  put16(writer, 0)
  putRdata(writer, rdata, rule)
  if (!writer.full) patch16(writer, lengthAt, writer.at - lengthAt - 2)
}

/** Writes RDATA, compressing the names whose offsets are in `compressible`. */
function putRdata(writer: MessageWriter, rdata: Rdata, rule: CaseRule): void {
  const { octets, compressible } = rdata
  let written = 0
  for (let i = 0; i < compressible.length; i++) {
    const nameAt = compressible[i] as number
    putOctets(writer, octets, written, nameAt)
    written = nameAt + putName(writer, octets, nameAt, rule)
  }
  putOctets(writer, octets, written, octets.length)
}

/** Fills in ID, flags and rcode; the counts are patched elsewhere. */
export function patchHeader(
  writer: MessageWriter,
  query: Query,
  plan: Plan,
  truncated: boolean,
): void {
  patch16(writer, writer.start, query.id)
  const flags =
    Flag.QR |
    (query.opcode << 3) |
    (plan.authoritative ? Flag.AA : 0) |
    (truncated ? Flag.TC : 0) |
    (query.recursionDesired ? Flag.RD : 0)
  patch16(writer, writer.start + 2, (flags << 8) | (plan.rcode & 0x0f))
}
