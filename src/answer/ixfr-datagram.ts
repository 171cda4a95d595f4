// IXFR over UDP (RFC 1995 §2): one SOA, which tells who is behind to come again over TCP. AXFR is never for UDP.
//
//   over TCP, or not allowed          REFUSED: transfer.ts has taken what is allowed
//   not the apex of a zone of ours    NOTAUTH
//   without the client's SOA          FORMERR

import { Rcode } from '../wire/rcode.ts'
import { RRClass, RRType } from '../wire/rrtype.ts'
import { addSet } from './add-set.ts'
import type { Inquiry } from './inquiry.ts'
import { serialOfClient } from './transfer/ixfr-serial.ts'

/** Fills the plan, which refuses so far. */
export function planIxfr(inquiry: Inquiry): void {
  const { plan, query, peer, context, catalog } = inquiry
  if (peer.transport !== 'udp' || query.qclass !== RRClass.IN) return
  if (context.mayTransfer?.(peer.octets) !== true) {
    context.counters.add('transfersRefused')
    return
  }
  const zone = catalog.zones.get(query.key)
  const soa = zone?.nodes.get(zone.apexKey)?.sets.get(RRType.SOA)
  if (soa === undefined) plan.rcode = Rcode.NOTAUTH
  else if (serialOfClient(query) === null) plan.rcode = Rcode.FORMERR
  else {
    plan.rcode = Rcode.NOERROR
    plan.authoritative = true
    addSet(inquiry, 'answer', null, soa)
  }
}
