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

import type { SteeredSet } from '../steer/policy.ts'
import { keyOfName, type Name, type NameKey, parentKey } from '../wire/name.ts'
import type { Rdata } from '../wire/rdata/rdata.ts'
import { encodeTypes } from '../wire/rdata/type-bitmap.ts'
import { RRType } from '../wire/rrtype.ts'
import {
  deniableTypes,
  findInChain,
  ownerAt,
  placeInChain,
  putChainKey,
} from '../zone/denial-chain.ts'
import type { RRset, Zone, ZoneNode } from '../zone/zone.ts'
import { addSet } from './add-set.ts'
import type { SetToSign, ZoneSigner } from './context.ts'
import { hasEntryNamed, type PlanEntry, type Section } from './plan.ts'
import type { Transaction } from './transaction.ts'

/** The zone's signer; null: it is answered as one that is not signed. */
export const signerOf = ({ context }: Transaction, zone: Zone): ZoneSigner | null =>
  zone.signing === null ? null : (context.signers?.of(zone) ?? null)

/** The zone's signer, where the query asks for signatures; null: the answer has none. */
const signerFor = (transaction: Transaction, zone: Zone): ZoneSigner | null =>
  transaction.query.dnssecOk ? signerOf(transaction, zone) : null

/** The signatures of a set; none where they cannot be made now, which is noted. */
function signaturesOf(
  transaction: Transaction,
  signer: ZoneSigner,
  set: SetToSign,
): readonly Rdata[] {
  if (transaction.context.signers?.isTimeKnown() === false) {
    transaction.unsigned = 'no-time'
    return []
  }
  if (signer.hasLapsed(set.type)) {
    transaction.unsigned = 'lapsed'
    return []
  }
  const signatures = signer.sign(set, transaction.peer.transport === 'udp')
  if (signatures === null) transaction.unsigned ??= 'refused'
  return signatures ?? []
}

/** Signs the set that the plan got last. `owner`: of the set's node; `originalTtl`: that of the zone file, seconds. */
export function signLast(
  transaction: Transaction,
  zone: Zone,
  owner: Name,
  originalTtl: number,
): void {
  const signer = signerFor(transaction, zone)
  const { entries, count } = transaction.plan
  if (signer === null || count === 0) return
  const entry = entries[count - 1] as PlanEntry
  const { type, rdata } = entry
  entry.signatures = signaturesOf(transaction, signer, { owner, type, originalTtl, rdata })
}

/** Puts in place of the set that the plan got last its signatures, whether the query has DO or not. */
export function replaceBySignatures(
  transaction: Transaction,
  zone: Zone,
  owner: Name,
  originalTtl: number,
): void {
  const signer = signerOf(transaction, zone)
  const { entries, count } = transaction.plan
  if (signer === null || count === 0) return
  const entry = entries[count - 1] as PlanEntry
  const { type, rdata } = entry
  entry.rdata = signaturesOf(transaction, signer, { owner, type, originalTtl, rdata })
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
  if (zone.nodes.get(key) !== node) addNsec(transaction, zone, keyOfName(node.owner))
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
  if (signerFor(transaction, zone) === null) return
  const ds = cut.sets.get(RRType.DS)
  if (ds === undefined) addNsec(transaction, zone, keyOfName(cut.owner))
  else addSigned(transaction, zone, 'authority', cut, ds)
}

/** Adds a set of `node`, under its name or another `owner` that it answers for, with its signatures; false: not added. */
// oxlint-disable-next-line max-params -- on the answering path: an object would be an allocation a set
export function addSigned(
  transaction: Transaction,
  zone: Zone,
  section: Section,
  node: ZoneNode,
  set: RRset | SteeredSet,
  owner: Name | null = node.owner,
): boolean {
  const isAdded = addSet(transaction, section, owner, set) === 'added'
  if (isAdded) signLast(transaction, zone, node.owner, set.ttl)
  return isAdded
}

/** Adds the NSEC record of the name, or the one that covers it, where the plan does not have it yet. */
function addNsec(transaction: Transaction, zone: Zone, key: NameKey): void {
  const { plan, chainKey } = transaction
  if (zone.signing === null) return
  const length = putChainKey(chainKey, octetsOf(key), 0, key.length - zone.apexKey.length)
  const index = placeInChain(zone.signing.chain, chainKey, length)
  const owner = ownerAt(zone.signing.chain, index, zone.apex)
  const ownerKey = keyOfName(owner)
  const node = zone.nodes.get(ownerKey)
  if (node === undefined || hasEntryNamed(plan, 'authority', ownerKey, RRType.NSEC)) return
  addSigned(transaction, zone, 'authority', node, nsecOf(transaction, zone, index, node))
}

/** The NSEC set of a node at `index` of the chain. */
function nsecOf(transaction: Transaction, zone: Zone, index: number, node: ZoneNode): RRset {
  const types = [...deniableTypes(node)]
  if (keyOfName(node.owner) === zone.apexKey)
    types.push(...(signerOf(transaction, zone)?.apexSets.keys() ?? []))
  return nsecSet(zone, index, types)
}

/** The NSEC set at `index` of the chain, which lists `types`. Its TTL is that of negative answers (RFC 9077). */
export function nsecSet(zone: Zone, index: number, types: readonly number[]): RRset {
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
  const signer = signerOf(transaction, zone)
  if (signer === null || zone.signing === null) return null
  const key = keyOfName(node.owner)
  if (type !== RRType.NSEC) return key === zone.apexKey ? (signer.apexSets.get(type) ?? null) : null
  const { chainKey } = transaction
  const length = putChainKey(chainKey, node.owner, 0, key.length - zone.apexKey.length)
  const { index, isOwner } = findInChain(zone.signing.chain, chainKey, length)
  return isOwner ? nsecOf(transaction, zone, index, node) : null
}

const octetsOf = (key: NameKey): Uint8Array => Buffer.from(key, 'latin1')
