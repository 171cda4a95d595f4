// Zone transfers out, over TCP and TLS: AXFR (RFC 5936), and IXFR (RFC 1995) answered as AXFR, because earlier versions of
// a zone are not kept; a client whose serial is current gets just the SOA.
//
//   not allowed                         null: it is answered as any query, which is REFUSED
//   not the apex of one of our zones    NOTAUTH (RFC 5936 §2.2.1)
//   IXFR without the client's SOA       FORMERR
//   too many transfers at once          REFUSED: they are few, because they wait for slow readers
//   a signed zone without signatures    REFUSED: its records alone, served by a secondary, would be bogus (RFC 4035 §5.5)
//   one whose serial stands             REFUSED: a secondary would not learn of other signatures before these end
//
// A transfer keeps the zone and the keys that it began with, whatever is published meanwhile, and makes each message when the
// transport asks for it: memory does not grow with the zone, and the thread is held for a few signatures at a time. Question and OPT are in the first message only (RFC 5936 §2.2.2, 2.2.5).

import { headerOctets, questionTailOctets, recordTailOctets } from '../../wire/header.ts'
import { readUint16 } from '../../wire/octets.ts'
import { createQueryDecoder, type Query } from '../../wire/query.ts'
import { Rcode } from '../../wire/rcode.ts'
import { RRClass, RRType } from '../../wire/rrtype.ts'
import {
  beginMessage,
  createWriter,
  type MessageWriter,
  patch16,
  rewind,
} from '../../wire/writer.ts'
import type { Zone } from '../../zone/zone.ts'
import { judgeCookie } from '../client-cookie.ts'
import type { AnswerContext, Peer, ZoneSigner } from '../context.ts'
import { putOpt, reservedOctets } from '../edns-reply.ts'
import { patchHeader, putQuestion, putRecord } from '../encode.ts'
import { resetPlan } from '../plan.ts'
import { beginTransaction, createTransaction, type Transaction } from '../transaction.ts'
import { recordsOf, type TransferRecord } from './transfer-records.ts'

export interface Transfer {
  /**
   * Writes the next message to `out` from `offset` on. Returns its length: 0 after the last message, -1 where the transfer
   * cannot go on. At most `octets`, unless one record alone is longer; `out` must have room for 65,535.
   */
  next(out: Uint8Array, offset: number, octets: number): number
  /** Frees the transfer's place among `maxTransfers`. Must be called in any case, and may be called again. */
  end(): void
}

/** null: no transfer; the packet is to be answered as any other query. */
export type BeginTransfer = (
  packet: Uint8Array,
  offset: number,
  length: number,
  peer: Peer,
) => Transfer | null

/** Transfers at a time in one worker. */
export const maxTransfers = 4

const maxMessageOctets = 65_535

export function createBeginTransfer(context: AnswerContext): BeginTransfer {
  const writer = createWriter()
  const active = { count: 0 }
  return (packet, offset, length, peer) => {
    if (!isTransferQuery(packet, offset, length)) return null
    if (context.mayTransfer?.(peer.octets) !== true) {
      context.counters.add('transfersRefused')
      return null
    }
    // Copies, because the buffers of the query are reused before the last message is written.
    const transaction = createTransaction(context)
    const decoded = createQueryDecoder()(packet.slice(offset, offset + length), 0, length)
    if (decoded.kind !== 'query' || decoded.query.qclass !== RRClass.IN) return null
    beginTransaction(transaction, decoded.query, { ...peer, octets: peer.octets.slice() })
    judgeCookie(transaction.cookie, context, decoded.query, transaction.peer)
    return new ZoneTransfer(transaction, writer, active)
  }
}

/** Signatures in one message: 35 µs each where they have to be made. */
const maxSignatures = 40

const isTransferable = ({ signing }: Zone, signer: ZoneSigner | null): boolean =>
  signing === null || (signer !== null && !signing.isSerialFixed)

/** Whether the QTYPE is AXFR or IXFR; nothing else of the packet is checked. */
function isTransferQuery(packet: Uint8Array, offset: number, length: number): boolean {
  const end = offset + length
  let at = offset + headerOctets
  while (at < end && packet[at] !== 0) at += 1 + (packet[at] as number)
  if (at + 1 + questionTailOctets > end || packet[at + 1] !== 0) return false
  return packet[at + 2] === RRType.AXFR || packet[at + 2] === RRType.IXFR
}

const noRecords: Iterator<TransferRecord> = { next: () => ({ done: true, value: undefined }) }

class ZoneTransfer implements Transfer {
  readonly #transaction: Transaction
  readonly #writer: MessageWriter
  /** Transfers under way in this worker. */
  readonly #active: { count: number }
  #records: Iterator<TransferRecord>
  /** The record to write next; null: none is left. */
  #record: TransferRecord | null
  #isFirst = true
  #isActive = false

  constructor(transaction: Transaction, writer: MessageWriter, active: { count: number }) {
    this.#transaction = transaction
    this.#writer = writer
    this.#active = active
    const { context, query, plan } = transaction
    const zone = context.catalog().zones.get(query.key)
    const signer = zone ? (context.signers?.forTransfer(zone) ?? null) : null
    resetPlan(plan, zone === undefined ? Rcode.NOTAUTH : Rcode.NOERROR)
    if (zone !== undefined && !isTransferable(zone, signer)) plan.rcode = Rcode.REFUSED
    const isCurrent = zone !== undefined && query.qtype === RRType.IXFR && this.#isCurrent(zone)
    if (zone !== undefined && !isCurrent && plan.rcode === Rcode.NOERROR) this.#activate()
    plan.authoritative = plan.rcode === Rcode.NOERROR
    this.#records =
      zone !== undefined && plan.authoritative
        ? this.#recordsOf(zone, signer, isCurrent)
        : noRecords
    this.#record = this.#nextRecord()
    this.#count()
  }

  end(): void {
    if (this.#isActive) this.#active.count--
    this.#isActive = false
    this.#record = null
    this.#records = noRecords
  }

  next(out: Uint8Array, offset: number, octets: number): number {
    if (!this.#isFirst && this.#record === null) return 0
    const { query, plan } = this.#transaction
    const writer = this.#writer
    const reserved = this.#isFirst ? reservedOctets(this.#transaction) : 0
    beginMessage(writer, out, offset, offset + octets - reserved)
    writer.out.fill(0, offset, offset + headerOctets)
    writer.at += headerOctets
    if (this.#isFirst) patch16(writer, offset + 4, putQuestion(writer, query))
    const records = this.#putRecords(offset + maxMessageOctets - reserved)
    if (records < 0) return -1
    patch16(writer, offset + 6, records)
    writer.limit = offset + maxMessageOctets
    if (this.#isFirst && query.hasOpt) putOpt(writer, this.#transaction)
    this.#isFirst = false
    patchHeader(writer, query, plan, false)
    return writer.at - offset
  }

  /**
   * Writes as many records as fit, at least one if there is any: for that one the limit is raised to `lastLimit`. Returns
   * their number; -1 where not even one fits.
   */
  #putRecords(lastLimit: number): number {
    const writer = this.#writer
    let count = 0
    let signatures = 0
    while (this.#record !== null && signatures < maxSignatures) {
      const { at } = writer
      const { entries } = writer.table
      // Case is preserved in a transfer, so names are compressed only against names spelled alike (RFC 5936 §3.4).
      const { type, rdata } = this.#record
      putRecord(writer, this.#record, type, rdata, RRClass.IN, 'exact')
      if (writer.full) {
        rewind(writer, at, entries)
        if (count > 0) return count
        if (writer.limit >= lastLimit) return -1
        writer.limit = lastLimit
        continue
      }
      count++
      if (type === RRType.RRSIG) signatures++
      this.#record = this.#nextRecord()
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

  #activate(): void {
    if (this.#active.count >= maxTransfers) {
      this.#transaction.plan.rcode = Rcode.REFUSED
      return
    }
    this.#active.count++
    this.#isActive = true
  }

  #recordsOf(zone: Zone, signer: ZoneSigner | null, soaAlone: boolean): Iterator<TransferRecord> {
    const { context, peer, steering } = this.#transaction
    const locus = (): ReturnType<AnswerContext['locate']> =>
      context.locate(peer.octets, peer.family)
    const records = recordsOf({ zone, signer, locus, steering })
    return soaAlone ? [records.next().value as TransferRecord].values() : records
  }

  #nextRecord(): TransferRecord | null {
    const next = this.#records.next()
    return next.done === true ? null : next.value
  }

  #count(): void {
    const { context, query, plan } = this.#transaction
    const { counters } = context
    for (const scalar of ['packets', 'tcpQueries', 'answered'] as const) counters.add(scalar)
    counters.query(query.qtype)
    counters.rcode(plan.rcode)
    if (this.#isActive) counters.add('transfers')
    else if (plan.rcode === Rcode.REFUSED) counters.add('transfersRefused')
  }
}

/**
 * The serial of the client's version of the zone: of the SOA in the authority section of its IXFR query (RFC 1995 §3); null:
 * there is none. The query must have been decoded, which checks that its records are whole.
 */
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
