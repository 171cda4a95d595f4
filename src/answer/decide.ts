// Query → plan of its answer (RFC 1034 §4.3.2). Aliases within the zones served are followed up to a bound.
//
// AA is that of the first owner name: an alias in our zones is authoritative wherever it points (RFC 1035 §4.1.1). The
// rcode is that of the last name of the chain (RFC 6604 §3).

import { keyOfName, isAtOrBelow, maxNameOctets, type Name, type NameKey } from '../wire/name.ts'
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
import {
  addDelegationProof,
  addProofs,
  addSigned,
  denyName,
  denyType,
  noteExpansion,
  replaceBySignatures,
  signerOf,
  signingSet,
  signLast,
} from './signing.ts'

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
    const next = planLookup(transaction, found, owner, key)
    if (next === null || visited.length === maxAliases) break
    visited.push(key)
    owner = next
    key = keyOfName(next)
    // A CNAME loop: all of its records are in the plan already.
    if (visited.includes(key)) break
  }
  addProofs(transaction)
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
    // Pseudo-types that no query may have; NXNAME by RFC 9824 §3.5.
    case RRType.NXNAME:
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
function planLookup(
  transaction: Transaction,
  found: Lookup,
  owner: Name | null,
  key: NameKey,
): Name | null {
  const { plan, query } = transaction
  const ofSigning = findSigningSet(transaction, found)
  if (ofSigning !== null) return planLookup(transaction, ofSigning, owner, key)
  switch (found.kind) {
    case 'refused':
      if (owner === null) plan.rcode = Rcode.REFUSED
      return null
    case 'found':
      planFound(transaction, found, owner, key)
      return null
    case 'any':
      concludeFound(transaction, found, key, addAny(transaction, owner, found, key))
      return null
    case 'alias':
      addSigned(transaction, found.zone, 'answer', found.node, found.cname, owner)
      noteExpansion(transaction, found.zone, key, found.node)
      return (found.cname.rdata[0] as Rdata).octets
    case 'dname': {
      const target = addDname(transaction, owner, found)
      return query.qtype === RRType.CNAME || query.qtype === RRType.ANY ? null : target
    }
    case 'delegation':
      addReferral(transaction, found.zone, found.cut, found.ns)
      return null
    case 'nodata':
    case 'nxdomain':
      if (found.kind === 'nxdomain') plan.rcode = Rcode.NXDOMAIN
      addNegative(transaction, found, key)
      return null
    default:
      return found satisfies never
  }
}

/** Plans the set that a lookup found, and what belongs to it. `key`: of the name that it answers for. */
export function planFound(
  transaction: Transaction,
  found: Extract<Lookup, { kind: 'found' }>,
  owner: Name | null,
  key: NameKey,
): void {
  const added = addSet(transaction, 'answer', owner, found.set)
  if (added === 'added') concludeAdded(transaction, found, key)
  concludeFound(transaction, found, key, added)
}

/** Completes the plan behind the set that was added last: signatures, proofs and additional records. */
export function concludeAdded(
  transaction: Transaction,
  { zone, node, set }: Extract<Lookup, { kind: 'found' }>,
  key: NameKey,
): void {
  signLast(transaction, zone, node.owner, set.ttl)
  noteExpansion(transaction, zone, key, node)
  addProofs(transaction)
  addAdditional(transaction, zone)
}

/** Completes the plan of an existing name: SERVFAIL, or NODATA where nothing was added. */
export function concludeFound(
  transaction: Transaction,
  { zone, node }: { readonly zone: Zone; readonly node: ZoneNode },
  key: NameKey,
  added: Added,
): void {
  if (added === 'servfail') resetPlan(transaction.plan, Rcode.SERVFAIL)
  else if (added === 'absent') addNegative(transaction, { kind: 'nodata', zone, node }, key)
}

/** The SOA of a negative answer, which sets how long it is cached (RFC 2308 §3), and its proof; only where AA is set. */
function addNegative(
  transaction: Transaction,
  found: Extract<Lookup, { kind: 'nodata' | 'nxdomain' }>,
  key: NameKey,
): void {
  const { zone } = found
  if (!transaction.plan.authoritative) return
  addSet(transaction, 'authority', zone.apex, zone.negativeSoa)
  const soa = zone.nodes.get(zone.apexKey)?.sets.get(RRType.SOA)
  if (soa !== undefined) signLast(transaction, zone, zone.apex, soa.ttl)
  if (found.kind === 'nodata') denyType(transaction, zone, key, found.node)
  else denyName(transaction, zone, key)
}

/** Where a signed zone has a set of the type that is not in its file: as if it had been found. */
function findSigningSet(transaction: Transaction, found: Lookup): Lookup | null {
  const { qtype } = transaction.query
  if (found.kind !== 'nodata' && found.kind !== 'alias') return null
  const { zone, node } = found
  if (signerOf(transaction, zone) === null) return null
  // These stand beside a CNAME (RFC 4034 §3, §4).
  const isBesideAlias = qtype === RRType.NSEC || qtype === RRType.RRSIG
  if (found.kind === 'alias' && !isBesideAlias) return null
  if (qtype === RRType.RRSIG && node.sets.size > 0) return { kind: 'any', zone, node }
  const set = signingSet(transaction, zone, node, qtype)
  return set === null ? null : { kind: 'found', zone, node, set }
}

/** NS set of the zone cut, and its glue. */
function addReferral(transaction: Transaction, zone: Zone, cut: ZoneNode, ns: RRset): void {
  addSet(transaction, 'authority', cut.owner, ns)
  addDelegationProof(transaction, zone, cut)
  addProofs(transaction)
  addGlue(transaction, zone, cut, ns)
}

/** Types in the order in which an ANY query prefers them. */
const anyTypes: readonly number[] = [RRType.MX, RRType.A, RRType.AAAA, RRType.CNAME]

/**
 * Answers an ANY query with one RRset of the node, preferably of `anyTypes` (RFC 8482 §4.1); in a signed zone a query for
 * RRSIG with the signatures of that set.
 */
function addAny(
  transaction: Transaction,
  owner: Name | null,
  { zone, node }: { readonly zone: Zone; readonly node: ZoneNode },
  key: NameKey,
): Added {
  const preferred = anyTypes.map((type) => node.sets.get(type))
  for (const set of [...preferred, ...node.sets.values()]) {
    const added = set === undefined ? 'absent' : addSet(transaction, 'answer', owner, set)
    if (set === undefined || added === 'absent') continue
    if (added === 'servfail') return added
    if (transaction.query.qtype === RRType.RRSIG)
      replaceBySignatures(transaction, zone, node.owner, set.ttl)
    else signLast(transaction, zone, node.owner, set.ttl)
    noteExpansion(transaction, zone, key, node)
    return added
  }
  return 'absent'
}

// DNAME: every name below its owner is an alias for the same labels below its target (RFC 6672 §2.2, §3.1).

/** Plans the DNAME and the CNAME synthesised from it. Returns the target to continue with, or null to stop. */
function addDname(
  transaction: Transaction,
  owner: Name | null,
  { zone, node, dname }: Extract<Lookup, { kind: 'dname' }>,
): Name | null {
  const { plan, query } = transaction
  const dnameOwner = node.owner
  if (!hasEntry(plan, 'answer', dnameOwner, RRType.DNAME))
    addSigned(transaction, zone, 'answer', node, dname)
  const name =
    owner ?? query.packet.subarray(query.qnameOffset, query.qnameOffset + query.qnameOctets)
  // The CNAME has labels of the qname; and names below a DNAME are as many as anyone likes to ask for.
  transaction.isStatic = false
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
  isAtOrBelow(keyOfName(target), keyOfName(dnameOwner))

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
