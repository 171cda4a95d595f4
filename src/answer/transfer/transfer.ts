// Zone transfers out, over TCP and TLS: AXFR (RFC 5936), and IXFR (RFC 1995) answered as AXFR, for nothing is kept of
// earlier versions of a zone; a client whose serial is ours gets just the SOA.
//
//   not allowed                        null: it is answered as any query, which is REFUSED
//   not the apex of a zone of ours     NOTAUTH (RFC 5936 §2.2.1)
//   IXFR without the client's SOA      FORMERR
//   others already have their turn     REFUSED: transfers are few, and wait for slow readers
// A transfer holds on to the zone it began with, whatever is published meanwhile, and makes each message when it is asked
// for one: memory does not grow with the zone. Question and OPT stand in the first message only (RFC 5936 §2.2.2, 2.2.5).

import { Flag, headerOctets, questionTailOctets, recordTailOctets } from '../../wire/header.ts'
import { readUint16 } from '../../wire/octets.ts'
import { createQueryDecoder, type Query } from '../../wire/query.ts'
import { Rcode } from '../../wire/rcode.ts'
import type { Rdata } from '../../wire/rdata/rdata.ts'
import { RRClass, RRType } from '../../wire/rrtype.ts'
import {
  beginMessage,
  createWriter,
  type MessageWriter,
  patch16,
  put16,
  put32,
  putName,
  putOctets,
  rewind,
} from '../../wire/writer.ts'
import type { Zone } from '../../zone/zone.ts'
import { judgeCookie } from '../client-cookie.ts'
import type { AnswerContext, Peer } from '../context.ts'
import { putOpt, reservedOctets } from '../edns-reply.ts'
import { resetPlan } from '../plan.ts'
import { beginTransaction, createTransaction, type Transaction } from '../transaction.ts'
import { recordsOf, type TransferRecord } from './transfer-records.ts'

export interface Transfer {
  /**
   * Writes the next message: its octets, 0 when there is none any more, -1 when it cannot go on. At most `octets` long,
   * unless one record alone is longer; `out` must have room for 65,535.
   */
  next(out: Uint8Array, offset: number, octets: number): number
  /** Always to be called, and as often as one likes: others get their turn. */
  end(): void
}

/** null: no transfer; answer it as any other query. */
export type BeginTransfer = (
  packet: Uint8Array,
  offset: number,
  length: number,
  peer: Peer,
) => Transfer | null

/** At once, of a worker. */
export const maxTransfers = 4

const maxOctets = 65_535

export function createBeginTransfer(context: AnswerContext): BeginTransfer {
  const writer = createWriter()
  const turns = { taken: 0 }
  return (packet, offset, length, peer) => {
    if (!asksForTransfer(packet, offset, length)) return null
    if (context.mayTransfer?.(peer.octets) !== true) {
      context.counters.add('transfersRefused')
      return null
    }
    // Its own copies: the buffers of the query are used again before the last message is written.
    const transaction = createTransaction(context)
    const decoded = createQueryDecoder()(packet.slice(offset, offset + length), 0, length)
    if (decoded.kind !== 'query' || decoded.query.qclass !== RRClass.IN) return null
    beginTransaction(transaction, decoded.query, { ...peer, octets: peer.octets.slice() })
    judgeCookie(transaction.cookie, context, decoded.query, transaction.peer)
    return new ZoneTransfer(transaction, writer, turns)
  }
}

/** Whether the question is of type AXFR or IXFR; the rest is looked at by who decodes it. */
function asksForTransfer(packet: Uint8Array, offset: number, length: number): boolean {
  const end = offset + length
  let at = offset + headerOctets
  while (at < end && packet[at] !== 0) at += 1 + (packet[at] as number)
  if (at + 1 + questionTailOctets > end || packet[at + 1] !== 0) return false
  return packet[at + 2] === RRType.AXFR || packet[at + 2] === RRType.IXFR
}

const none: Iterator<TransferRecord> = { next: () => ({ done: true, value: undefined }) }

class ZoneTransfer implements Transfer {
  readonly #transaction: Transaction
  readonly #writer: MessageWriter
  readonly #turns: { taken: number }
  #records: Iterator<TransferRecord>
  /** The record to be written next; null: none is left. */
  #record: TransferRecord | null
  #isFirst = true
  #hasTurn = false

  constructor(transaction: Transaction, writer: MessageWriter, turns: { taken: number }) {
    this.#transaction = transaction
    this.#writer = writer
    this.#turns = turns
    const { context, query, plan } = transaction
    const zone = context.catalog().zones.get(query.key)
    resetPlan(plan, zone === undefined ? Rcode.NOTAUTH : Rcode.NOERROR)
    const isCurrent = zone !== undefined && query.qtype === RRType.IXFR && this.#isCurrent(zone)
    if (zone !== undefined && !isCurrent && plan.rcode === Rcode.NOERROR) this.#takeTurn()
    plan.authoritative = plan.rcode === Rcode.NOERROR
    this.#records =
      zone !== undefined && plan.authoritative ? this.#recordsOf(zone, isCurrent) : none
    this.#record = this.#following()
    this.#count()
  }

  end(): void {
    if (this.#hasTurn) this.#turns.taken--
    this.#hasTurn = false
    this.#record = null
    this.#records = none
  }

  next(out: Uint8Array, offset: number, octets: number): number {
    if (!this.#isFirst && this.#record === null) return 0
    const { query, plan } = this.#transaction
    const writer = this.#writer
    const reserved = this.#isFirst ? reservedOctets(this.#transaction) : 0
    beginMessage(writer, out, offset, offset + octets - reserved)
    writer.out.fill(0, offset, offset + headerOctets)
    writer.at += headerOctets
    if (this.#isFirst) this.#putQuestion()
    const records = this.#putRecords(offset + maxOctets - reserved)
    if (records < 0) return -1
    patch16(writer, offset + 6, records)
    writer.limit = offset + maxOctets
    if (this.#isFirst && query.hasOpt) putOpt(writer, this.#transaction)
    this.#isFirst = false
    const flags =
      Flag.QR | (plan.authoritative ? Flag.AA : 0) | (query.recursionDesired ? Flag.RD : 0)
    patch16(writer, offset, query.id)
    patch16(writer, offset + 2, (flags << 8) | (plan.rcode & 0x0f))
    return writer.at - offset
  }

  #putQuestion(): void {
    const { query } = this.#transaction
    const writer = this.#writer
    putName(writer, query.packet, query.qnameOffset, 'exact')
    put16(writer, query.qtype)
    put16(writer, query.qclass)
    patch16(writer, writer.start + 4, 1)
  }

  /** As many records as fit, at least one if there is any; -1: not even that. */
  #putRecords(lastLimit: number): number {
    const writer = this.#writer
    let count = 0
    while (this.#record !== null) {
      const { at } = writer
      const { entries } = writer.table
      putRecord(writer, this.#record)
      if (writer.full) {
        rewind(writer, at, entries)
        if (count > 0) return count
        if (writer.limit >= lastLimit) return -1
        writer.limit = lastLimit
        continue
      }
      count++
      this.#record = this.#following()
    }
    return count
  }

  /** Whether the client's serial is ours or later (RFC 1995 §2, RFC 1982 §3.2). */
  #isCurrent(zone: Zone): boolean {
    const { plan, query } = this.#transaction
    const serial = serialOfClient(query)
    if (serial === null) plan.rcode = Rcode.FORMERR
    return serial !== null && ((serial - zone.serial) | 0) >= 0
  }

  #takeTurn(): void {
    if (this.#turns.taken >= maxTransfers) {
      this.#transaction.plan.rcode = Rcode.REFUSED
      return
    }
    this.#turns.taken++
    this.#hasTurn = true
  }

  #recordsOf(zone: Zone, soaAlone: boolean): Iterator<TransferRecord> {
    const { context, peer } = this.#transaction
    const locus = (): ReturnType<AnswerContext['locate']> =>
      context.locate(peer.octets, peer.family)
    const records = recordsOf(zone, locus, context)
    return soaAlone ? [records.next().value as TransferRecord].values() : records
  }

  #following(): TransferRecord | null {
    const next = this.#records.next()
    return next.done === true ? null : next.value
  }

  #count(): void {
    const { context, query, plan } = this.#transaction
    const { counters } = context
    for (const scalar of ['packets', 'tcpQueries', 'answered'] as const) counters.add(scalar)
    counters.query(query.qtype)
    counters.rcode(plan.rcode)
    if (this.#hasTurn) counters.add('transfers')
    else if (plan.rcode === Rcode.REFUSED) counters.add('transfersRefused')
  }
}

// What an IXFR query says of the version that its sender has: the serial of the SOA in its authority section.

/** From the SOA that an IXFR query carries (RFC 1995 §3), or null. Decoding has seen that its record is whole. */
export function serialOfClient({ packet, offset, qnameOffset, qnameOctets }: Query): number | null {
  if (readUint16(packet, offset + 8) !== 1) return null
  let at = qnameOffset + qnameOctets + questionTailOctets
  while ((packet[at] as number) > 0 && (packet[at] as number) < 0xc0)
    at += 1 + (packet[at] as number)
  const tail = packet[at] === 0 ? at + 1 : at + 2
  const rdataOctets = readUint16(packet, tail + 8)
  // Two names of one octet at least, and five numbers.
  if (readUint16(packet, tail) !== RRType.SOA || rdataOctets < 22) return null
  const serialAt = tail + recordTailOctets + rdataOctets - 20
  return ((readUint16(packet, serialAt) << 16) | readUint16(packet, serialAt + 2)) >>> 0
}

// One record of a transfer in its message.

/** Case counts in a transfer, so owner names are compressed only where it is the same (RFC 5936 §3.4). */
function putRecord(writer: MessageWriter, { owner, type, ttl, rdata }: TransferRecord): void {
  putName(writer, owner, 0, 'exact')
  put16(writer, type)
  put16(writer, RRClass.IN)
  put32(writer, ttl)
  const lengthAt = writer.at
  put16(writer, 0)
  putRdata(writer, rdata)
  if (!writer.full) patch16(writer, lengthAt, writer.at - lengthAt - 2)
}

function putRdata(writer: MessageWriter, { octets, compressible }: Rdata): void {
  let done = 0
  for (const nameAt of compressible) {
    putOctets(writer, octets, done, nameAt)
    done = nameAt + putName(writer, octets, nameAt, 'exact')
  }
  putOctets(writer, octets, done, octets.length)
}
