// Answers one packet: decode → cookie → rate limit → decide → encode. The hot path.
//
// Synchronous, never waits, never throws (law 4 of CONTRIBUTING): a bug becomes SERVFAIL and a count of `failures`. Each
// published value is read once, at the start, so one answer never mixes two catalogs.

import type { RateAction } from '../admission/rate-limit.ts'
import { minUdpOctets, Opcode } from '../wire/header.ts'
import { createQueryDecoder, type Decoded, type Query } from '../wire/query.ts'
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

/** Tests compare the answers of the two kinds of responder. */
interface RespondOptions {
  /** False: each query takes the slow path, which decides and encodes. */
  readonly usesAnswerCache: boolean
}

/** A responder with its own buffers, one for each thread. `out` must have room for at least 512 octets. */
export function createRespond(
  context: AnswerContext,
  { usesAnswerCache }: RespondOptions = { usesAnswerCache: true },
): Respond {
  const transaction = createTransaction(context)
  const chaos = createChaos(context.identity)
  const decode = createQueryDecoder()
  const writer = createWriter()
  const caches = usesAnswerCache ? new AnswerCaches(context) : null
  const { counters } = context
  const cells = new Float64Array(counters.buffer)
  const responder: Responder = { chaos, writer, caches, cells }
  return (packet, offset, length, peer, out, outOffset) => {
    bump(cells, scalarCell.packets)
    const decoded = decode(packet, offset, length)
    // No client sends from port 0: the source is forged.
    const isUnanswerable = peer.port === 0 || out.length - outOffset < minUdpOctets
    if (decoded.kind === 'drop' || isUnanswerable) {
      counters.add('dropped')
      return 0
    }
    beginTransaction(transaction, decoded.query, peer)
    try {
      count(transaction, decoded, cells)
      beginAnswer(transaction, writer, out, outOffset)
      if (!admit(transaction)) return 0
      return answer(transaction, decoded, responder)
    } catch {
      counters.add('failures')
      resetPlan(transaction.plan, Rcode.SERVFAIL)
      transaction.extendedError = null
      beginAnswer(transaction, writer, out, outOffset)
      return write(transaction, writer, cells)
    }
  }
}

/**
 * Answers with signatures have a cache of their own: whether a query has DO decides which records it gets. Where no zone is
 * signed, it decides nothing.
 */
class AnswerCaches {
  readonly #context: AnswerContext
  readonly #plain: AnswerCache
  /** Created by the first query that needs it. */
  #signed: AnswerCache | null = null

  constructor(context: AnswerContext) {
    this.#context = context
    this.#plain = new AnswerCache(context)
  }

  of({ dnssecOk }: Query): AnswerCache {
    if (!dnssecOk || this.#context.signers?.isAnySigned() !== true) return this.#plain
    return (this.#signed ??= new AnswerCache(this.#context, 'signed'))
  }
}

/** What a responder reuses from query to query. */
interface Responder {
  readonly chaos: ChaosTexts
  readonly writer: MessageWriter
  /** null: every query takes the slow path. */
  readonly caches: AnswerCaches | null
  /** The counters' cells, for counting without a lookup by name. */
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

/** Judges cookie and rate; false: the query is dropped. */
function admit(transaction: Transaction): boolean {
  judgeCookie(transaction.cookie, transaction.context, transaction.query, transaction.peer)
  const rate = judgeRate(transaction)
  transaction.isSlipped = rate === 'slip'
  return rate !== 'drop'
}

/** Writes the answer, by the fast path where that knows it; returns its length in octets. */
function answer(transaction: Transaction, decoded: Decoded, responder: Responder): number {
  const { caches, chaos, writer, cells } = responder
  if (transaction.isSlipped || decoded.kind !== 'query' || caches === null) {
    plan(transaction, decoded, chaos)
    return write(transaction, writer, cells)
  }
  const cache = caches.of(decoded.query)
  const result = cache.answer(transaction, writer, writer.limit)
  if (result === 'written') {
    if (transaction.query.hasOpt) putOpt(writer, transaction)
    return finish(transaction, writer, cells)
  }
  bump(cells, scalarCell.uncached)
  if (result === 'planned') {
    const octets = write(transaction, writer, cells)
    if (transaction.unsigned === null)
      cache.storePlanned(transaction, writer, transaction.recordsEnd)
    return octets
  }
  plan(transaction, decoded, chaos)
  const octets = write(transaction, writer, cells)
  if (transaction.unsigned === null) cache.store(transaction, writer, transaction.recordsEnd)
  return octets
}

/** The slow path: decides what to answer. */
function plan(transaction: Transaction, decoded: Decoded, chaos: ChaosTexts): void {
  const { plan, query, cookie } = transaction
  if (decoded.kind === 'query' && transaction.isSlipped) {
    resetPlan(plan, cookie.verdict === 'none' ? Rcode.NOERROR : Rcode.BADCOOKIE)
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
 * The rcode of a rejected packet. NOTIFY and UPDATE outside of our zones: NOTAUTH comes before REFUSED (RFC 2136 §3.1.2), as
 * in BIND. A query for a cookie alone, without a question: whether the cookie is valid (RFC 7873 §5.4); its options were
 * read only if the whole packet is well-formed.
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

/** Encodes the plan; returns the length of the answer. */
function write(transaction: Transaction, writer: MessageWriter, cells: Float64Array): number {
  if (transaction.unsigned !== null) withholdUnsigned(transaction)
  const truncated = encode(writer, transaction)
  if (truncated) bump(cells, scalarCell.truncated)
  return finish(transaction, writer, cells)
}

/** Never an answer without the signatures that belong to it: TC, to ask again over TCP, or SERVFAIL. */
function withholdUnsigned(transaction: Transaction): void {
  const { plan, query, unsigned } = transaction
  const isFinal = unsigned !== 'refused'
  resetPlan(plan, isFinal ? Rcode.SERVFAIL : Rcode.NOERROR)
  if (isFinal && query.hasOpt) transaction.extendedError = extendedErrorOf(transaction)
}

/** Counts the answer that stands in the writer; returns its length. */
function finish({ plan }: Transaction, writer: MessageWriter, cells: Float64Array): number {
  bump(cells, rcodeCell(plan.rcode))
  bump(cells, scalarCell.answered)
  return writer.at - writer.start
}

// Response rate limiting (admission/rate-limit.ts counts).
//
//   TCP and TLS, or a valid cookie     never limited: the source address is not forged
//   slip, and the query has a cookie   BADCOOKIE with a new one, to retry with at once (RFC 7873 §5.2.3)
//   slip otherwise                     TC, to retry over TCP
//   slip of an error                   the error, which is as short
//   drop                               no answer
//
// Judged before anything is decided, so that a flood costs little.

function judgeRate({ context, cookie, peer }: Transaction): RateAction {
  const { limiter, counters, clock } = context
  if (limiter === null || peer.transport !== 'udp' || isProven(cookie)) return 'pass'
  const { slipped, dropped, evicted } = limiter.counts
  const verdict = limiter.check(peer.octets, clock.monotonicMs())
  // Counted by the limiter's own counts: in a dry run these move although the verdict is to pass.
  if (limiter.counts.slipped !== slipped) counters.add('rateSlipped')
  if (limiter.counts.dropped !== dropped) counters.add('rateDropped')
  if (limiter.counts.evicted !== evicted) counters.add('rateEvicted')
  return verdict
}
