// One packet → one answer: decode → cookie → limit → decide → encode. The hot path; design §2 and §1 law 3.
//
// Synchronous, waits for nothing, never throws: a bug becomes SERVFAIL and a count of `failures`.
// Each published value is read once, at the start, so one answer never mixes two catalogs.

import { Opcode, minUdpOctets } from '../wire/header.ts'
import { createQueryDecoder } from '../wire/query.ts'
import type { Decoded } from '../wire/query.ts'
import { Rcode } from '../wire/rcode.ts'
import { RRClass } from '../wire/rrtype.ts'
import { beginMessage, createWriter } from '../wire/writer.ts'
import type { MessageWriter } from '../wire/writer.ts'
import { createChaos, decideChaos } from './chaos.ts'
import type { ChaosTexts } from './chaos.ts'
import { judgeCookie } from './client-cookie.ts'
import type { AnswerContext, Respond } from './context.ts'
import { decide } from './decide.ts'
import { encode, octetLimit } from './encode.ts'
import { extendedErrorOf } from './extended-error.ts'
import { beginInquiry, createInquiry } from './inquiry.ts'
import type { Inquiry } from './inquiry.ts'
import { judgeRate, planSlip } from './limiting.ts'
import { forgetEntries, resetPlan } from './plan.ts'

/** A responder with buffers of its own, one a thread; `out` must have room for 512 octets at least. */
export function createRespond(context: AnswerContext): Respond {
  const inquiry = createInquiry(context)
  const chaos = createChaos(context.identity)
  const decode = createQueryDecoder()
  const writer = createWriter()
  const { counters } = context
  // oxlint-disable-next-line max-params -- the shape of Respond
  return (packet, offset, length, peer, out, outOffset) => {
    counters.add('packets')
    const decoded = decode(packet, offset, length)
    // Nobody asks from port 0: the source is forged.
    const unanswerable = peer.port === 0 || out.length - outOffset < minUdpOctets
    if (decoded.kind === 'drop' || unanswerable) {
      counters.add('dropped')
      return 0
    }
    beginInquiry(inquiry, decoded.query, peer)
    try {
      count(inquiry, decoded)
      if (!plan(inquiry, decoded, chaos)) return 0
      return write(inquiry, writer, out, outOffset)
    } catch {
      counters.add('failures')
      resetPlan(inquiry.plan, Rcode.SERVFAIL)
      inquiry.extendedError = null
      return write(inquiry, writer, out, outOffset)
    }
  }
}

function count({ context, peer }: Inquiry, decoded: Decoded): void {
  const { counters } = context
  if (decoded.kind === 'query') counters.query(decoded.query.qtype)
  else counters.add('rejected')
  if (peer.transport !== 'udp') counters.add('tcpQueries')
}

/** Fills the plan; false: there is to be no answer. */
function plan(inquiry: Inquiry, decoded: Decoded, chaos: ChaosTexts): boolean {
  const { context, query, peer } = inquiry
  judgeCookie(inquiry.cookie, context, query, peer)
  const rate = judgeRate(inquiry)
  if (rate === 'drop') return false
  inquiry.isCut = rate === 'slip'
  if (inquiry.isCut && decoded.kind === 'query') {
    planSlip(inquiry)
    return true
  }
  settle(inquiry, decoded, chaos)
  if (query.hasOpt) inquiry.extendedError = extendedErrorOf(inquiry)
  return true
}

function settle(inquiry: Inquiry, decoded: Decoded, chaos: ChaosTexts): void {
  const { context, plan, query } = inquiry
  if (decoded.kind === 'reject') resetPlan(plan, rejection(inquiry, decoded.rcode))
  else if (query.qclass === RRClass.CH) decideChaos(inquiry, chaos)
  else {
    const catalog = context.catalog()
    if (catalog !== inquiry.catalog) forgetEntries(plan)
    inquiry.catalog = catalog
    decide(inquiry)
  }
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

function write(
  inquiry: Inquiry,
  writer: MessageWriter,
  out: Uint8Array,
  outOffset: number,
): number {
  const { context, query, peer, plan } = inquiry
  const { counters, maxUdpOctets } = context
  const limit = outOffset + octetLimit(query, peer.transport, maxUdpOctets)
  beginMessage(writer, out, outOffset, Math.min(limit, out.length))
  const truncated = encode(writer, inquiry)
  if (truncated) counters.add('truncated')
  counters.rcode(plan.rcode)
  counters.add('answered')
  return writer.at - writer.start
}
