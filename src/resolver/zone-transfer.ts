// Asks a primary for a whole zone (AXFR over TCP, RFC 5936). Without TSIG: a server that wants one refuses.
//
// What comes is bounded in octets, messages and time, since the server may be anybody's.

import { randomInt } from 'node:crypto'
import { connect, type Socket } from 'node:net'

import { readUint16 } from '../wire/octets.ts'
import { Rcode, rcodeToText } from '../wire/rcode.ts'
import { headerOctets, questionTailOctets } from '../wire/header.ts'
import { keyOfName, type Name } from '../wire/name.ts'
import { RRClass, RRType } from '../wire/rrtype.ts'
import { failureWord } from './query.ts'
import { isResponseTo, type RawRecord, readRawReply } from './raw-message.ts'

export interface TransferServer {
  /** An address or a name. */
  readonly host: string
  readonly port: number
}

export interface TransferLimits {
  /** Of all messages together. */
  readonly maxOctets: number
  readonly maxMessages: number
  /** Between two messages, and before the first one. */
  readonly idleMs: number
  readonly totalMs: number
}

export const defaultTransferLimits: TransferLimits = {
  maxOctets: 64 * 1024 * 1024,
  maxMessages: 1_000_000,
  idleMs: 30_000,
  totalMs: 600_000,
}

export type ZoneTransfer =
  /** From the SOA on, which stands once. */
  | { readonly kind: 'zone'; readonly records: readonly RawRecord[] }
  /** `why` is for people. */
  | { readonly kind: 'failed'; readonly why: string }

/** Never rejects. */
export function transferZone(
  server: TransferServer,
  apex: Name,
  limits: TransferLimits = defaultTransferLimits,
): Promise<ZoneTransfer> {
  return new Promise((resolve) => {
    const socket = connect(server)
    const end = (outcome: ZoneTransfer): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(outcome)
    }
    const fail = (why: string): void => end({ kind: 'failed', why })
    const timer = setTimeout(
      () => fail(`it took longer than ${limits.totalMs / 1000} s`),
      limits.totalMs,
    )
    socket.setTimeout(limits.idleMs, () => fail(`nothing came for ${limits.idleMs / 1000} s`))
    socket.on('error', (error) => fail(failureWord(error)))
    socket.on('end', () => fail('the server closed the connection before the zone was whole'))
    receive(socket, transferOf(apex, limits), { end, fail })
  })
}

interface Ends {
  readonly end: (outcome: ZoneTransfer) => void
  readonly fail: (why: string) => void
}

function receive(socket: Socket, transfer: Transfer, { end, fail }: Ends): void {
  let pending: Buffer[] = []
  let octets = 0
  let wanted = 2
  socket.on('data', (chunk: Buffer) => {
    pending.push(chunk)
    octets += chunk.length
    // Joined only once there is enough for the next message.
    if (octets < wanted) return
    let all = Buffer.concat(pending)
    for (;;) {
      wanted = all.length < 2 ? 2 : 2 + readUint16(all, 0)
      if (all.length < wanted || all.length < 2) break
      const taken = transfer.take(all.subarray(2, wanted))
      if (typeof taken === 'string') return fail(taken)
      if (taken) return end({ kind: 'zone', records: transfer.records })
      all = all.subarray(wanted)
    }
    pending = [all]
    octets = all.length
  })
  const { query } = transfer
  socket.write(Buffer.concat([Uint8Array.of(query.length >> 8, query.length & 0xff), query]))
}

interface Transfer {
  readonly query: Uint8Array
  readonly records: readonly RawRecord[]
  /** true: the zone is whole; a text: why it cannot be. */
  take(message: Uint8Array): boolean | string
}

function transferOf(apex: Name, { maxOctets, maxMessages }: TransferLimits): Transfer {
  const question = { name: apex, type: RRType.AXFR }
  const query = buildQuery(apex, randomInt(65_536))
  const apexKey = keyOfName(apex)
  const records: RawRecord[] = []
  let [octets, messages] = [0, 0]
  return {
    query,
    records,
    take(message) {
      octets += message.length
      if (octets > maxOctets) return `the zone has more than ${maxOctets} octets`
      if (++messages > maxMessages) return `the zone has more than ${maxMessages} messages`
      const isFirst = messages === 1
      // Messages after the first one may leave the question out (RFC 5936 §2.2.1).
      const isExpected = isFirst || (message.length >= headerOctets && readUint16(message, 4) > 0)
      if (isExpected && !isResponseTo(message, query, question)) return strangeReply
      const reply = message.length < headerOctets ? null : readRawReply(message, 65_535)
      if (reply === null || readUint16(message, 0) !== readUint16(query, 0)) return strangeReply
      if (reply.rcode !== Rcode.NOERROR) return refusal(reply.rcode)
      for (const record of reply.answers) {
        const isSoa = record.type === RRType.SOA && record.owner === apexKey
        if (records.length === 0 && !isSoa) return 'it does not begin with the SOA of the zone'
        if (records.length > 0 && isSoa) return true
        records.push(record)
      }
      return isFirst && reply.answers.length === 0 ? 'the server has no such zone' : false
    },
  }
}

const strangeReply = 'what came is no response to the question'

const refusal = (rcode: number): string =>
  rcode === Rcode.REFUSED || rcode === Rcode.NOTAUTH
    ? `the server refuses it (${rcodeToText(rcode)}): see that it is authoritative for the zone, and allow transfers to this host by address`
    : `the server answers ${rcodeToText(rcode)}`

function buildQuery(apex: Name, id: number): Uint8Array {
  const query = new Uint8Array(headerOctets + apex.length + questionTailOctets)
  const view = new DataView(query.buffer)
  view.setUint16(0, id)
  view.setUint16(4, 1)
  query.set(apex, headerOctets)
  view.setUint16(headerOctets + apex.length, RRType.AXFR)
  view.setUint16(headerOctets + apex.length + 2, RRClass.IN)
  return query
}
