// Signatures and proofs in answers of signed zones (RFC 4035 §3.1), for queries with DO.
//
//   a set                            its RRSIG records, in and out of a message together (encode.ts)
//   expanded from a wildcard         the NSEC that covers the qname: no closer match exists
//   NODATA                           the NSEC of the name, or the one that covers an empty non-terminal
//   NODATA of a wildcard             the NSEC that covers the qname, and that of the wildcard
//   NXDOMAIN                         the NSEC that covers the qname, and the one that covers the wildcard
//   a referral                       DS, or the NSEC of the cut, which shows that there is none
//
// What is signed is the set under the name of its node, never the name that was asked, and under the TTL of the zone file:
// a TTL that health lowers needs no signature of its own. Glue and the NS of a cut are not signed (RFC 4035 §2.2), and
// neither is a CNAME that a DNAME makes (RFC 6672 §5.3.1).

import { keyOfOctets, type Name, type NameKey, parentKey } from '../wire/name.ts'
import type { Rdata } from '../wire/rdata/rdata.ts'
import { encodeTypes } from '../wire/rdata/type-bitmap.ts'
import { RRType } from '../wire/rrtype.ts'
import { deniableTypes, findInChain, ownerAt, putChainKey } from '../zone/denial-chain.ts'
import type { RRset, Zone, ZoneNode } from '../zone/zone.ts'
import type { ZoneSigner } from './context.ts'
import { addEntry, hasEntryNamed, type PlanEntry } from './plan.ts'
import type { Transaction } from './transaction.ts'

/** The zone's signer, where the query asks for signatures; null: the answer has none. */
const signerFor = ({ query, context }: Transaction, zone: Zone): ZoneSigner | null =>
  query.dnssecOk && zone.signing !== null ? (context.signers?.of(zone) ?? null) : null

/** Signs the set that the plan got last. `owner`: of the set's node; `originalTtl`: that of the zone file, seconds. */
export function signLast(
  transaction: Transaction,
  zone: Zone,
  owner: Name,
  originalTtl: number,
): void {
  const signer = signerFor(transaction, zone)
  const { plan } = transaction
  if (signer === null || plan.count === 0) return
  const entry = plan.entries[plan.count - 1] as PlanEntry
  const isBounded = transaction.peer.transport === 'udp'
  const { type, rdata } = entry
  const signatures = signer.sign({ owner, type, originalTtl, rdata }, isBounded)
  if (signatures === null) transaction.lacksSignatures = true
  else entry.signatures = signatures
}

/** Puts in place of the set that the plan got last its signatures, whether the query has DO or not. */
export function replaceBySignatures(
  transaction: Transaction,
  zone: Zone,
  owner: Name,
  originalTtl: number,
): void {
  const { plan, context, peer } = transaction
  const entry = plan.entries[plan.count - 1] as PlanEntry
  const signer = context.signers?.of(zone)
  const isBounded = peer.transport === 'udp'
  const { type, rdata } = entry
  const signatures = signer?.sign({ owner, type, originalTtl, rdata }, isBounded) ?? null
  if (signatures === null) transaction.lacksSignatures = true
  entry.rdata = signatures ?? []
  entry.type = RRType.RRSIG
}

/**
 * Notes that data of `node` answers for the name of `key`, which is proven where that was expanded from a wildcard. The
 * proof belongs to the authority section, and follows by `addProofs` when the answer section is complete.
 */
export function noteExpansion(
  transaction: Transaction,
  zone: Zone,
  key: NameKey,
  node: ZoneNode,
): void {
  if (signerFor(transaction, zone) === null || zone.nodes.get(key) === node) return
  transaction.expanded.push({ zone, key })
}

/** Adds the proofs of what was expanded from wildcards. */
export function addProofs(transaction: Transaction): void {
  const { expanded } = transaction
  for (const { zone, key } of expanded) addNsec(transaction, zone, key)
  expanded.length = 0
}

/** Proves that `node`, by which the name of `key` is answered, does not have the type. */
export function denyType(transaction: Transaction, zone: Zone, key: NameKey, node: ZoneNode): void {
  if (signerFor(transaction, zone) === null) return
  addNsec(transaction, zone, key)
  if (zone.nodes.get(key) !== node) addNsec(transaction, zone, keyOf(node.owner))
}

/** Proves that the name of `key` does not exist, and that no wildcard answers for it. */
export function denyName(transaction: Transaction, zone: Zone, key: NameKey): void {
  if (signerFor(transaction, zone) === null) return
  addNsec(transaction, zone, key)
  let encloser = parentKey(key)
  while (!zone.nodes.has(encloser)) encloser = parentKey(encloser)
  addNsec(transaction, zone, `\x01*${encloser}`)
}

/** Adds to a referral the DS set of the cut, or the proof that there is none. */
export function addDelegationProof(transaction: Transaction, zone: Zone, cut: ZoneNode): void {
  const signer = signerFor(transaction, zone)
  if (signer === null) return
  const ds = cut.sets.get(RRType.DS)
  if (ds?.kind !== 'plain') return addNsec(transaction, zone, keyOf(cut.owner))
  const entry = addEntry(transaction.plan, 'authority', cut.owner, RRType.DS)
  if (entry === null) return
  entry.ttl = ds.ttl
  entry.rdata = ds.rdata
  signLast(transaction, zone, cut.owner, ds.ttl)
}

/** Adds the NSEC record of the name, or the one that covers it, where the plan does not have it yet. */
function addNsec(transaction: Transaction, zone: Zone, key: NameKey): void {
  const { plan, chainKey } = transaction
  if (zone.signing === null) return
  const length = putChainKey(chainKey, octetsOf(key), 0, key.length - zone.apexKey.length)
  const { index } = findInChain(zone.signing.chain, chainKey, length)
  const owner = ownerAt(zone.signing.chain, index, zone.apex)
  const ownerKey = keyOf(owner)
  const node = zone.nodes.get(ownerKey)
  if (node === undefined || hasEntryNamed(plan, 'authority', ownerKey, RRType.NSEC)) return
  const set = nsecOf(transaction, zone, index, node)
  const entry = addEntry(plan, 'authority', node.owner, RRType.NSEC)
  if (entry === null) return
  entry.ttl = set.ttl
  entry.rdata = set.rdata
  signLast(transaction, zone, node.owner, set.ttl)
}

/** The NSEC set of a node at `index` of the chain. Its TTL is that of negative answers (RFC 9077). */
function nsecOf({ context }: Transaction, zone: Zone, index: number, node: ZoneNode): RRset {
  const types = [...deniableTypes(node)]
  if (keyOf(node.owner) === zone.apexKey)
    types.push(...(context.signers?.of(zone)?.apexSets.keys() ?? []))
  const next = zone.signing === null ? zone.apex : ownerAt(zone.signing.chain, index + 1, zone.apex)
  const bitmap = encodeTypes(types)
  // In lower case, so that both readings of the canonical form agree (RFC 6840 §5.1).
  const octets = new Uint8Array(next.length + bitmap.length)
  octets.set(next)
  octets.set(bitmap, next.length)
  const rdata: Rdata = { octets, compressible: [] }
  return { kind: 'plain', type: RRType.NSEC, ttl: zone.negativeSoa.ttl, rdata: [rdata] }
}

/**
 * The sets that a signed zone has beside those of its file, whether signatures are asked for or not: what the keys bring
 * to the apex, and the NSEC of each owner. null: the node has none of the type.
 */
export function signingSet(
  transaction: Transaction,
  zone: Zone,
  node: ZoneNode,
  type: number,
): RRset | null {
  const signer = zone.signing === null ? null : (transaction.context.signers?.of(zone) ?? null)
  if (signer === null || zone.signing === null) return null
  const key = keyOf(node.owner)
  if (type !== RRType.NSEC) return key === zone.apexKey ? (signer.apexSets.get(type) ?? null) : null
  const { chainKey } = transaction
  const length = putChainKey(chainKey, node.owner, 0, key.length - zone.apexKey.length)
  const { index, isOwner } = findInChain(zone.signing.chain, chainKey, length)
  return isOwner ? nsecOf(transaction, zone, index, node) : null
}

const keyOf = (name: Name): NameKey => keyOfOctets(name, 0, name.length)

const octetsOf = (key: NameKey): Uint8Array => Buffer.from(key, 'latin1')
