// Query → plan of its answer (RFC 1034 §4.3.2). Aliases within the zones served are followed up to a bound.
//
// AA is that of the first owner name: an alias in our zones is authoritative wherever it points (RFC 1035 §4.1.1). The
// rcode is that of the last name of the chain (RFC 6604 §3).

import { keyOfOctets, isAtOrBelow, maxNameOctets, type Name } from '../wire/name.ts'
import { Rcode } from '../wire/rcode.ts'
import type { Rdata } from '../wire/rdata/rdata.ts'
import { RRClass, RRType } from '../wire/rrtype.ts'
import { lookup, type Lookup } from '../zone/lookup.ts'
import type { RRset, Zone, ZoneNode } from '../zone/zone.ts'
import { serialOfClient } from './transfer/transfer.ts'
import { type Added, addSet } from './add-set.ts'
import { addAdditional, addGlue } from './additional.ts'
import type { Transaction } from './transaction.ts'
import { addEntry, hasEntry, resetPlan } from './plan.ts'

/** Aliases followed for one query: the limit that BIND had for long. Resolvers follow the rest themselves. */
const maxAliases = 16

/** Fills `transaction.plan` for its query, and sets `transaction.lookup` to what the first name led to. */
export function decide(transaction: Transaction): void {
  const { plan, query, catalog, visited } = transaction
  resetPlan(plan, refusal(query.qclass, query.qtype))
  if (query.qtype === RRType.IXFR) planIxfr(transaction)
  if (plan.rcode !== Rcode.NOERROR || query.qtype === RRType.IXFR) return
  let owner: Name | null = null
  let key = query.key
  visited.length = 0
  for (;;) {
    const found = lookup(catalog, key, query.qtype, transaction.labelStarts)
    // Data of one class is not authoritative for QCLASS=ANY (RFC 1035 §6.2).
    if (owner === null) plan.authoritative = isAuthoritative(found) && query.qclass === RRClass.IN
    transaction.lookup = owner === null ? found : null
    const next = planLookup(transaction, found, owner)
    if (next === null || visited.length === maxAliases) return
    visited.push(key)
    owner = next
    key = keyOfOctets(next, 0, next.length)
    // A CNAME loop: all of its records are in the plan already.
    if (visited.includes(key)) return
  }
}

/** The rcode of a query that is answered without a lookup; NOERROR for one that needs a lookup. */
function refusal(qclass: number, qtype: number): Rcode {
  if (qclass !== RRClass.IN && qclass !== RRClass.ANY) return Rcode.REFUSED
  switch (qtype) {
    case RRType.AXFR:
    case RRType.IXFR:
      return Rcode.REFUSED
    case RRType.MAILA:
    case RRType.MAILB:
      return Rcode.NOTIMP
    // Pseudo-types that no query may have; 128 is NXNAME (RFC 9824 §3.5).
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

/** Plans the result of the lookup of one name. Returns the target to continue with if it is an alias, else null. */
function planLookup(transaction: Transaction, found: Lookup, owner: Name | null): Name | null {
  const { plan, query } = transaction
  switch (found.kind) {
    case 'refused':
      if (owner === null) plan.rcode = Rcode.REFUSED
      return null
    case 'found':
      concludeFound(transaction, found.zone, addSet(transaction, 'answer', owner, found.set))
      addAdditional(transaction, found.zone)
      return null
    case 'any':
      concludeFound(transaction, found.zone, addAny(transaction, owner, found.node))
      return null
    case 'alias':
      addSet(transaction, 'answer', owner, found.cname)
      return (found.cname.rdata[0] as Rdata).octets
    case 'dname': {
      const target = addDname(transaction, owner, found.node.owner, found.dname)
      return query.qtype === RRType.CNAME || query.qtype === RRType.ANY ? null : target
    }
    case 'delegation':
      addReferral(transaction, found.zone, found.cut, found.ns)
      return null
    case 'nodata':
    case 'nxdomain':
      if (found.kind === 'nxdomain') plan.rcode = Rcode.NXDOMAIN
      addSoa(transaction, found.zone)
      return null
    default:
      return found satisfies never
  }
}

/** Completes the plan after the answer set of an existing name: SERVFAIL, or NODATA where nothing was added. */
export function concludeFound(transaction: Transaction, zone: Zone, added: Added): void {
  if (added === 'servfail') resetPlan(transaction.plan, Rcode.SERVFAIL)
  else if (added === 'absent') addSoa(transaction, zone)
}

/** The SOA of a negative answer, which sets how long it is cached (RFC 2308 §3); only where AA is set. */
function addSoa(transaction: Transaction, zone: Zone): void {
  if (!transaction.plan.authoritative) return
  addSet(transaction, 'authority', zone.apex, zone.negativeSoa)
}

/** NS set of the zone cut, and its glue. */
function addReferral(transaction: Transaction, zone: Zone, cut: ZoneNode, ns: RRset): void {
  addSet(transaction, 'authority', cut.owner, ns)
  addGlue(transaction, zone, cut, ns)
}

/** Types in the order in which an ANY query prefers them. */
const anyTypes: readonly number[] = [RRType.MX, RRType.A, RRType.AAAA, RRType.CNAME]

/** Answers an ANY query with one RRset of the node, preferably of `anyTypes` (RFC 8482 §4.1). */
function addAny(transaction: Transaction, owner: Name | null, node: ZoneNode): Added {
  for (const type of anyTypes) {
    const set = node.sets.get(type)
    const added = set === undefined ? 'absent' : addSet(transaction, 'answer', owner, set)
    if (added !== 'absent') return added
  }
  for (const set of node.sets.values()) {
    const added = addSet(transaction, 'answer', owner, set)
    if (added !== 'absent') return added
  }
  return 'absent'
}

// DNAME: every name below its owner is an alias for the same labels below its target (RFC 6672 §2.2, §3.1).

/** Plans the DNAME and the CNAME synthesised from it. Returns the target to continue with, or null to stop. */
function addDname(
  transaction: Transaction,
  owner: Name | null,
  dnameOwner: Name,
  dname: RRset,
): Name | null {
  const { plan, query } = transaction
  if (!hasEntry(plan, 'answer', dnameOwner, RRType.DNAME))
    addSet(transaction, 'answer', dnameOwner, dname)
  const name =
    owner ?? query.packet.subarray(query.qnameOffset, query.qnameOffset + query.qnameOctets)
  transaction.hasQnameLabels = true
  const target = substitute(name, dnameOwner.length, (dname.rdata[0] as Rdata).octets)
  if (target === null) {
    // RFC 6672 §2.2: YXDOMAIN where the target would exceed 255 octets.
    plan.rcode = Rcode.YXDOMAIN
    return null
  }
  const entry = addEntry(plan, 'answer', owner, RRType.CNAME)
  if (entry === null) return null
  entry.ttl = dname.ttl
  entry.rdata = [{ octets: target, compressible: [0] }]
  return isBelowItself(dnameOwner, (dname.rdata[0] as Rdata).octets) ? null : target
}

/** Whether the DNAME's target is at or below its owner: it then applies to each name that it gives, without end. */
const isBelowItself = (dnameOwner: Name, target: Name): boolean =>
  isAtOrBelow(keyOfOctets(target, 0, target.length), keyOfOctets(dnameOwner, 0, dnameOwner.length))

/** `name` with its last `suffixOctets` replaced by `target`; null if the result exceeds 255 octets. */
function substitute(name: Name, suffixOctets: number, target: Name): Name | null {
  const prefixOctets = name.length - suffixOctets
  if (prefixOctets + target.length > maxNameOctets) return null
  const substituted = new Uint8Array(prefixOctets + target.length)
  substituted.set(name.subarray(0, prefixOctets))
  substituted.set(target, prefixOctets)
  return substituted
}

// IXFR over UDP (RFC 1995 §2): a single SOA, on which a secondary that is behind retries over TCP. AXFR is TCP only.
//
//   over TCP, or not allowed          REFUSED: transfer.ts serves permitted transfers before this point
//   not the apex of a zone served     NOTAUTH
//   without the client's SOA          FORMERR

/** Fills the plan of an IXFR query; `plan.rcode` is REFUSED on entry, and stays so where no transfer is allowed. */
function planIxfr(transaction: Transaction): void {
  const { plan, query, peer, context, catalog } = transaction
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
    addSet(transaction, 'answer', null, soa)
  }
}
