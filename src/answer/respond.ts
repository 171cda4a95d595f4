// One packet → one answer: decode → cookie → limit → decide → encode. The hot path; design §2 and §1 law 3.
//
// Synchronous, waits for nothing, never throws: a bug becomes SERVFAIL and a count of `failures`.
// Each published value is read once, at the start, so one answer never mixes two catalogs.

import type { RateAction } from '../admission/rate-limit.ts'
import { minUdpOctets, Opcode } from '../wire/header.ts'
import { createQueryDecoder, type Decoded } from '../wire/query.ts'
import { Rcode } from '../wire/rcode.ts'
import { RRClass } from '../wire/rrtype.ts'
import { beginMessage, createWriter, type MessageWriter } from '../wire/writer.ts'
import { AnswerCache } from './cache/answer-cache.ts'
import { type ChaosTexts, createChaos, decideChaos } from './chaos.ts'
import { isProven, judgeCookie } from './client-cookie.ts'
import type { AnswerContext, Respond } from './context.ts'
import { queryCell, rcodeCell, scalarCell } from './counters.ts'
import { decide } from './decide.ts'
import { putOpt } from './edns-reply.ts'
import { encode, octetLimit } from './encode.ts'
import {
  extendedErrorOf,
  beginTransaction,
  createTransaction,
  type Transaction,
  readCatalog,
} from './transaction.ts'
import { resetPlan } from './plan.ts'

/** Which ways to an answer a responder has; tests compare them. */
interface RespondOptions {
  /** False: each answer is decided and encoded anew. */
  readonly usesAnswerCache: boolean
}

/** A responder with buffers of its own, one a thread; `out` must have room for 512 octets at least. */
export function createRespond(
  context: AnswerContext,
  { usesAnswerCache: isQuick }: RespondOptions = { usesAnswerCache: true },
): Respond {
  const transaction = createTransaction(context)
  const chaos = createChaos(context.identity)
  const decode = createQueryDecoder()
  const writer = createWriter()
  const quick = isQuick ? new AnswerCache(context) : null
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
    beginTransaction(transaction, decoded.query, peer)
    try {
      count(transaction, decoded, cells)
      beginAnswer(transaction, writer, out, outOffset)
      if (!admit(transaction)) return 0
      return answer(transaction, decoded, { chaos, writer, cache: quick, cells })
    } catch {
      counters.add('failures')
      resetPlan(transaction.plan, Rcode.SERVFAIL)
      transaction.extendedError = null
      beginAnswer(transaction, writer, out, outOffset)
      return write(transaction, writer, cells)
    }
  }
}

interface Responder {
  readonly chaos: ChaosTexts
  readonly writer: MessageWriter
  readonly cache: AnswerCache | null
  readonly cells: Float64Array
}

function bump(cells: Float64Array, cell: number): void {
  cells[cell] = (cells[cell] as number) + 1
}

function count({ context, peer }: Transaction, decoded: Decoded, cells: Float64Array): void {
  if (decoded.kind === 'query') bump(cells, queryCell(decoded.query.qtype))
  else context.counters.add('rejected')
  if (peer.transport !== 'udp') bump(cells, scalarCell.tcpQueries)
}

function beginAnswer(
  { context, query, peer }: Transaction,
  writer: MessageWriter,
  out: Uint8Array,
  outOffset: number,
): void {
  const limit = outOffset + octetLimit(query, peer.transport, context.maxUdpOctets)
  beginMessage(writer, out, outOffset, Math.min(limit, out.length))
}

/** False: there is to be no answer. */
function admit(transaction: Transaction): boolean {
  judgeCookie(transaction.cookie, transaction.context, transaction.query, transaction.peer)
  const rate = judgeRate(transaction)
  transaction.isSlipped = rate === 'slip'
  return rate !== 'drop'
}

/** The whole answer: its octets. */
function answer(transaction: Transaction, decoded: Decoded, means: Responder): number {
  const { cache: quick, writer, cells } = means
  if (transaction.isSlipped || decoded.kind !== 'query' || quick === null) {
    plan(transaction, decoded, means.chaos)
    return write(transaction, writer, cells)
  }
  const done = quick.answer(transaction, writer, writer.limit)
  if (done === 'written') {
    if (transaction.query.hasOpt) putOpt(writer, transaction)
    return finish(transaction, writer, cells)
  }
  if (done === 'planned') return write(transaction, writer, cells)
  plan(transaction, decoded, means.chaos)
  const octets = write(transaction, writer, cells)
  quick.learn(transaction, writer, transaction.recordsEnd)
  return octets
}

/** Decides what to answer. */
function plan(transaction: Transaction, decoded: Decoded, chaos: ChaosTexts): void {
  const { plan, query } = transaction
  if (decoded.kind === 'query' && transaction.isSlipped) {
    planSlip(transaction)
    return
  }
  if (decoded.kind === 'reject') resetPlan(plan, rejection(transaction, decoded.rcode))
  else if (query.qclass === RRClass.CH) decideChaos(transaction, chaos)
  else {
    readCatalog(transaction)
    decide(transaction)
  }
  if (query.hasOpt) transaction.extendedError = extendedErrorOf(transaction)
}

/**
 * NOTIFY and UPDATE about no zone of ours: NOTAUTH comes before REFUSED (RFC 2136 §3.1.2), as BIND does it.
 * No question, but a cookie: how good it is (RFC 7873 §5.4). Options are there only if the whole packet is sound.
 */
function rejection({ context, query, cookie }: Transaction, rcode: Rcode): Rcode {
  if (query.opcode === Opcode.QUERY) {
    const isForCookie = rcode === Rcode.FORMERR && cookie.verdict !== 'none'
    if (!isForCookie) return rcode
    return cookie.verdict === 'invalid' ? Rcode.BADCOOKIE : Rcode.NOERROR
  }
  const isRefused = rcode === Rcode.REFUSED
  return isRefused && !context.catalog().zones.has(query.key) ? Rcode.NOTAUTH : rcode
}

function write(transaction: Transaction, writer: MessageWriter, cells: Float64Array): number {
  const truncated = encode(writer, transaction)
  if (truncated) bump(cells, scalarCell.truncated)
  return finish(transaction, writer, cells)
}

function finish({ plan }: Transaction, writer: MessageWriter, cells: Float64Array): number {
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

function judgeRate({ context, cookie, peer }: Transaction): RateAction {
  const { limiter, counters, clock } = context
  if (limiter === null || peer.transport !== 'udp' || isProven(cookie)) return 'pass'
  const { slipped, dropped, evicted } = limiter.counts
  const verdict = limiter.check(peer.octets, clock.monotonicMs())
  // By the limiter's own counts: in a dry run they move though the verdict is to pass.
  if (limiter.counts.slipped !== slipped) counters.add('rateSlipped')
  if (limiter.counts.dropped !== dropped) counters.add('rateDropped')
  if (limiter.counts.evicted !== evicted) counters.add('rateEvicted')
  return verdict
}

/** Fills the plan of an answer that is cut. */
function planSlip({ plan, cookie }: Transaction): void {
  resetPlan(plan, cookie.verdict === 'none' ? Rcode.NOERROR : Rcode.BADCOOKIE)
}
