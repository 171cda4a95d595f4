// A query → the plan of its answer (RFC 1034 §4.3.2). Aliases within our zones are followed up to a bound.
//
// AA belongs to the first owner name: an alias found here is authoritative wherever it leads (RFC 1035 §4.1.1).
// The rcode is that of the last name of the chain (RFC 6604 §3).

import { keyOfOctets } from '../wire/key.ts'
import { Rcode } from '../wire/rcode.ts'
import { RRClass, RRType } from '../wire/rrtype.ts'
import { lookup, type Lookup } from '../zone/lookup.ts'
import type { Name } from '../wire/name.ts'
import type { Rdata } from '../wire/rdata/rdata.ts'
import type { RRset, Zone, ZoneNode } from '../zone/zone.ts'
import { addSet, type Added } from './add-set.ts'
import { addAdditional, addGlue } from './additional.ts'
import { addDname } from './dname.ts'
import { planIxfr } from './ixfr-datagram.ts'
import type { Inquiry } from './inquiry.ts'
import { resetPlan } from './plan.ts'

/** Aliases followed for one query, as many as BIND long did; resolvers follow the rest themselves. */
export const maxAliases = 16

/** Fills the plan. */
export function decide(inquiry: Inquiry): void {
  const { plan, query, catalog, visited } = inquiry
  resetPlan(plan, refusal(query.qclass, query.qtype))
  if (query.qtype === RRType.IXFR) planIxfr(inquiry)
  if (plan.rcode !== Rcode.NOERROR || query.qtype === RRType.IXFR) return
  let owner: Name | null = null
  let key = query.key
  visited.length = 0
  for (;;) {
    const found = lookup(catalog, key, query.qtype)
    // What is said of one class is no authority on all of them (RFC 1035 §6.2).
    if (owner === null) plan.authoritative = isAuthoritative(found) && query.qclass === RRClass.IN
    inquiry.found = owner === null ? found : null
    const next = take(inquiry, found, owner)
    if (next === null || visited.length === maxAliases) return
    visited.push(key)
    owner = next
    key = keyOfOctets(next, 0, next.length)
    // A loop: what it consists of has been said.
    if (visited.includes(key)) return
  }
}

/** What is answered without looking at any zone. */
function refusal(qclass: number, qtype: number): Rcode {
  if (qclass !== RRClass.IN && qclass !== RRClass.ANY) return Rcode.REFUSED
  switch (qtype) {
    case RRType.AXFR:
    case RRType.IXFR:
      return Rcode.REFUSED
    case RRType.MAILA:
    case RRType.MAILB:
      return Rcode.NOTIMP
    // Parts of messages, never asked for; 128 is NXNAME (RFC 9824 §3.5).
    case 128:
    case RRType.OPT:
    case RRType.TKEY:
    case RRType.TSIG:
      return Rcode.FORMERR
    default:
      return Rcode.NOERROR
  }
}

const isAuthoritative = (found: Lookup): boolean =>
  found.kind !== 'refused' && found.kind !== 'delegation'

/** Plans what was found for one name; the name to go on with, if it was an alias. */
function take(inquiry: Inquiry, found: Lookup, owner: Name | null): Name | null {
  const { plan, query } = inquiry
  switch (found.kind) {
    case 'refused':
      if (owner === null) plan.rcode = Rcode.REFUSED
      return null
    case 'found':
      concludeFound(inquiry, found.zone, addSet(inquiry, 'answer', owner, found.set))
      addAdditional(inquiry, found.zone)
      return null
    case 'any':
      concludeFound(inquiry, found.zone, addAny(inquiry, owner, found.node))
      return null
    case 'alias':
      addSet(inquiry, 'answer', owner, found.cname)
      return (found.cname.rdata[0] as Rdata).octets
    case 'dname': {
      const target = addDname(inquiry, owner, found.node.owner, found.dname)
      return query.qtype === RRType.CNAME || query.qtype === RRType.ANY ? null : target
    }
    case 'delegation':
      addReferral(inquiry, found.zone, found.cut, found.ns)
      return null
    case 'nodata':
    case 'nxdomain':
      if (found.kind === 'nxdomain') plan.rcode = Rcode.NXDOMAIN
      addSoa(inquiry, found.zone)
      return null
    default:
      return found satisfies never
  }
}

export function concludeFound(inquiry: Inquiry, zone: Zone, added: Added): void {
  if (added === 'servfail') resetPlan(inquiry.plan, Rcode.SERVFAIL)
  else if (added === 'absent') addSoa(inquiry, zone)
}

/** RFC 2308 §3: what makes a negative answer last, so only with authority. */
function addSoa(inquiry: Inquiry, zone: Zone): void {
  if (!inquiry.plan.authoritative) return
  addSet(inquiry, 'authority', zone.apex, zone.negativeSoa)
}

function addReferral(inquiry: Inquiry, zone: Zone, cut: ZoneNode, ns: RRset): void {
  addSet(inquiry, 'authority', cut.owner, ns)
  addGlue(inquiry, zone, cut, ns)
}

const anyTypes: readonly number[] = [RRType.MX, RRType.A, RRType.AAAA, RRType.CNAME]

/** RFC 8482 §4.1: one RRset of the node, the most useful one. */
function addAny(inquiry: Inquiry, owner: Name | null, node: ZoneNode): Added {
  for (const type of anyTypes) {
    const set = node.sets.get(type)
    const added = set === undefined ? 'absent' : addSet(inquiry, 'answer', owner, set)
    if (added !== 'absent') return added
  }
  for (const set of node.sets.values()) {
    const added = addSet(inquiry, 'answer', owner, set)
    if (added !== 'absent') return added
  }
  return 'absent'
}
