// One packet → one answer: decode → cookie → limit → decide → encode. The hot path; design §2 and §1 law 3.
//
// Synchronous, waits for nothing, never throws: a bug becomes SERVFAIL and a count of `failures`.
// Each published value is read once, at the start, so one answer never mixes two catalogs.

import type { RateVerdict } from '../admission/rate-limit.ts'
import { minUdpOctets, Opcode } from '../wire/header.ts'
import { createQueryDecoder, type Decoded } from '../wire/query.ts'
import { Rcode } from '../wire/rcode.ts'
import { RRClass } from '../wire/rrtype.ts'
import { beginMessage, createWriter, type MessageWriter } from '../wire/writer.ts'
import { QuickAnswers } from './cache/answer-cache.ts'
import { type ChaosTexts, createChaos, decideChaos } from './chaos.ts'
import { isProven, judgeCookie } from './client-cookie.ts'
import type { AnswerContext, Respond } from './context.ts'
import { queryCell, rcodeCell, scalarCell } from './counters.ts'
import { decide } from './decide.ts'
import { putOpt } from './edns-reply.ts'
import { encode, octetLimit } from './encode.ts'
import {
  extendedErrorOf,
  beginInquiry,
  createInquiry,
  type Inquiry,
  readCatalog,
} from './transaction.ts'
import { resetPlan } from './plan.ts'

/** Which ways to an answer a responder has; tests compare them. */
interface RespondOptions {
  /** False: each answer is decided and encoded anew. */
  readonly isQuick: boolean
}

/** A responder with buffers of its own, one a thread; `out` must have room for 512 octets at least. */
export function createRespond(
  context: AnswerContext,
  { isQuick }: RespondOptions = { isQuick: true },
): Respond {
  const inquiry = createInquiry(context)
  const chaos = createChaos(context.identity)
  const decode = createQueryDecoder()
  const writer = createWriter()
  const quick = isQuick ? new QuickAnswers(context) : null
  const { counters } = context
  const cells = new Float64Array(counters.buffer)
  return (packet, offset, length, peer, out, outOffset) => {
    bump(cells, scalarCell.packets)
    const decoded = decode(packet, offset, length)
    // Nobody asks from port 0: the source is forged.
    const unanswerable = peer.port === 0 || out.length - outOffset < minUdpOctets
    if (decoded.kind === 'drop' || unanswerable) {
      counters.add('dropped')
      return 0
    }
    beginInquiry(inquiry, decoded.query, peer)
    try {
      count(inquiry, decoded, cells)
      beginAnswer(inquiry, writer, out, outOffset)
      if (!admit(inquiry)) return 0
      return settle(inquiry, decoded, { chaos, writer, quick, cells })
    } catch {
      counters.add('failures')
      resetPlan(inquiry.plan, Rcode.SERVFAIL)
      inquiry.extendedError = null
      beginAnswer(inquiry, writer, out, outOffset)
      return write(inquiry, writer, cells)
    }
  }
}

interface Means {
  readonly chaos: ChaosTexts
  readonly writer: MessageWriter
  readonly quick: QuickAnswers | null
  readonly cells: Float64Array
}

function bump(cells: Float64Array, cell: number): void {
  cells[cell] = (cells[cell] as number) + 1
}

function count({ context, peer }: Inquiry, decoded: Decoded, cells: Float64Array): void {
  if (decoded.kind === 'query') bump(cells, queryCell(decoded.query.qtype))
  else context.counters.add('rejected')
  if (peer.transport !== 'udp') bump(cells, scalarCell.tcpQueries)
}

function beginAnswer(
  { context, query, peer }: Inquiry,
  writer: MessageWriter,
  out: Uint8Array,
  outOffset: number,
): void {
  const limit = outOffset + octetLimit(query, peer.transport, context.maxUdpOctets)
  beginMessage(writer, out, outOffset, Math.min(limit, out.length))
}

/** False: there is to be no answer. */
function admit(inquiry: Inquiry): boolean {
  judgeCookie(inquiry.cookie, inquiry.context, inquiry.query, inquiry.peer)
  const rate = judgeRate(inquiry)
  inquiry.isCut = rate === 'slip'
  return rate !== 'drop'
}

/** The whole answer: its octets. */
function settle(inquiry: Inquiry, decoded: Decoded, means: Means): number {
  const { quick, writer, cells } = means
  if (inquiry.isCut || decoded.kind !== 'query' || quick === null) {
    plan(inquiry, decoded, means.chaos)
    return write(inquiry, writer, cells)
  }
  const done = quick.answer(inquiry, writer, writer.limit)
  if (done === 'written') {
    if (inquiry.query.hasOpt) putOpt(writer, inquiry)
    return counted(inquiry, writer, cells)
  }
  if (done === 'planned') return write(inquiry, writer, cells)
  plan(inquiry, decoded, means.chaos)
  const octets = write(inquiry, writer, cells)
  quick.learn(inquiry, writer, inquiry.recordsEnd)
  return octets
}

/** Decides what to answer. */
function plan(inquiry: Inquiry, decoded: Decoded, chaos: ChaosTexts): void {
  const { plan, query } = inquiry
  if (decoded.kind === 'query' && inquiry.isCut) {
    planSlip(inquiry)
    return
  }
  if (decoded.kind === 'reject') resetPlan(plan, rejection(inquiry, decoded.rcode))
  else if (query.qclass === RRClass.CH) decideChaos(inquiry, chaos)
  else {
    readCatalog(inquiry)
    decide(inquiry)
  }
  if (query.hasOpt) inquiry.extendedError = extendedErrorOf(inquiry)
}

/**
 * NOTIFY and UPDATE about no zone of ours: NOTAUTH comes before REFUSED (RFC 2136 §3.1.2), as BIND does it.
 * No question, but a cookie: how good it is (RFC 7873 §5.4). Options are there only if the whole packet is sound.
 */
function rejection({ context, query, cookie }: Inquiry, rcode: Rcode): Rcode {
  if (query.opcode === Opcode.QUERY) {
    const isForCookie = rcode === Rcode.FORMERR && cookie.verdict !== 'none'
    if (!isForCookie) return rcode
    return cookie.verdict === 'invalid' ? Rcode.BADCOOKIE : Rcode.NOERROR
  }
  const isRefused = rcode === Rcode.REFUSED
  return isRefused && !context.catalog().zones.has(query.key) ? Rcode.NOTAUTH : rcode
}

function write(inquiry: Inquiry, writer: MessageWriter, cells: Float64Array): number {
  const truncated = encode(writer, inquiry)
  if (truncated) bump(cells, scalarCell.truncated)
  return counted(inquiry, writer, cells)
}

function counted({ plan }: Inquiry, writer: MessageWriter, cells: Float64Array): number {
  bump(cells, rcodeCell(plan.rcode))
  bump(cells, scalarCell.answered)
  return writer.at - writer.start
}

// Response rate limiting as an answer sees it (admission/rate-limit.ts does the counting).
//
//   TCP and TLS, or a good cookie    never limited: nobody can make us answer to a third party this way
//   slip, and the query has a cookie BADCOOKIE with a new one, to come back with at once (RFC 7873 §5.2.3)
//   slip otherwise                   TC, to come back with over TCP
//   slip of an error                 the error: it says as much and is as short
//   drop                             silence
//
// Asked before anything is decided, so that a flood costs little.

function judgeRate({ context, cookie, peer }: Inquiry): RateVerdict {
  const { limiter, counters, clock } = context
  if (limiter === null || peer.transport !== 'udp' || isProven(cookie)) return 'pass'
  const { slipped, dropped, evicted } = limiter.counts
  const verdict = limiter.judge(peer.octets, clock.monotonicMs())
  // By the limiter's own counts: in a dry run they move though the verdict is to pass.
  if (limiter.counts.slipped !== slipped) counters.add('rateSlipped')
  if (limiter.counts.dropped !== dropped) counters.add('rateDropped')
  if (limiter.counts.evicted !== evicted) counters.add('rateEvicted')
  return verdict
}

/** Fills the plan of an answer that is cut. */
function planSlip({ plan, cookie }: Inquiry): void {
  resetPlan(plan, cookie.verdict === 'none' ? Rcode.NOERROR : Rcode.BADCOOKIE)
}
