// One packet → one answer: decode → decide → encode. The hot path; design §2 and §1 law 3.
//
// Synchronous, waits for nothing, never throws: a bug becomes SERVFAIL and a count of `failures`.
// Each published value is read once, at the start, so one answer never mixes two catalogs.

import { minUdpOctets } from '../wire/header.ts'
import { createQueryDecoder } from '../wire/query.ts'
import type { Decoded } from '../wire/query.ts'
import { Rcode } from '../wire/rcode.ts'
import { beginMessage, createWriter } from '../wire/writer.ts'
import type { MessageWriter } from '../wire/writer.ts'
import type { AnswerContext, Respond } from './context.ts'
import { decide } from './decide.ts'
import { encode, octetLimit } from './encode.ts'
import { createInquiry } from './inquiry.ts'
import type { Inquiry } from './inquiry.ts'
import { forgetEntries, resetPlan } from './plan.ts'

/** A responder with buffers of its own, one a thread; `out` must have room for 512 octets at least. */
export function createRespond(context: AnswerContext): Respond {
  const inquiry = createInquiry(context)
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
    inquiry.query = decoded.query
    inquiry.peer = peer
    inquiry.locus = null
    try {
      count(inquiry, decoded)
      settle(inquiry, decoded)
      return write(inquiry, writer, out, outOffset)
    } catch {
      counters.add('failures')
      resetPlan(inquiry.plan, Rcode.SERVFAIL)
      return write(inquiry, writer, out, outOffset)
    }
  }
}

function count({ context, peer }: Inquiry, decoded: Decoded): void {
  const { counters } = context
  if (decoded.kind === 'query') counters.query(decoded.query.qtype)
  else counters.add('rejected')
  if (peer.transport === 'tcp') counters.add('tcpQueries')
}

/** Fills the plan. */
function settle(inquiry: Inquiry, decoded: Decoded): void {
  const { context, plan } = inquiry
  if (decoded.kind === 'reject') {
    resetPlan(plan, decoded.rcode)
    return
  }
  const catalog = context.catalog()
  if (catalog !== inquiry.catalog) forgetEntries(plan)
  inquiry.catalog = catalog
  decide(inquiry)
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
  const truncated = encode(writer, query, plan, maxUdpOctets)
  if (truncated) counters.add('truncated')
  counters.rcode(plan.rcode)
  counters.add('answered')
  return writer.at - writer.start
}
