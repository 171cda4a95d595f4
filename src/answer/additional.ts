// The additional section: addresses of the exchanges, targets and name servers in the records just planned, from the same
// zone of the same catalog (law 2 of CONTRIBUTING). RFC 1035 §3.3.9 (MX), 1183 (AFSDB), 2230 (KX), 2782 (SRV), 9471 (glue).
//
// Where not all of them fit, every host with an IPv4 address comes before any IPv6 address: one address for each host is
// worth more than two for some.

import { isAtOrBelow, keyOfOctets, type Name, type NameKey } from '../wire/name.ts'
import { RRType } from '../wire/rrtype.ts'
import { lookupInZone } from '../zone/lookup.ts'
import type { RRset, Zone, ZoneNode } from '../zone/zone.ts'
import { addSet } from './add-set.ts'
import { hasEntry, hasEntryNamed, type Plan, type PlanEntry } from './plan.ts'
import { addSigned, signLast } from './signing.ts'
import type { Transaction } from './transaction.ts'

const addressTypes: readonly number[] = [RRType.A, RRType.AAAA]

/** A name in rdata. */
interface Host {
  readonly key: NameKey
  readonly octets: Uint8Array
  readonly nameAt: number
  /** Where an address of it was found; null: not yet. */
  node: ZoneNode | null
}

/** Adds addresses for the hosts that the plan's last set names, if it is an answer of a type that names any. */
export function addAdditional(transaction: Transaction, zone: Zone): void {
  const entry = lastAnswer(transaction.plan)
  const nameAt = entry === undefined ? -1 : hostOffset(entry.type)
  if (entry === undefined || nameAt < 0) return
  const hosts: Host[] = []
  for (const { octets } of entry.rdata) {
    const key = keyOfOctets(octets, nameAt, octets.length)
    if (isAtOrBelow(key, zone.apexKey)) hosts.push({ key, octets, nameAt, node: null })
  }
  for (const type of addressTypes) for (const host of hosts) addHost(transaction, zone, host, type)
}

/** The proof of an expanded wildcard may stand behind it. */
function lastAnswer({ entries, count }: Plan): PlanEntry | undefined {
  let last = count - 1
  while (last >= 0 && entries[last]?.section !== 'answer') last--
  return entries[last]
}

/** Offset of the name in rdata of a type whose addresses are useful, or -1. The name ends where the rdata does. */
function hostOffset(type: number): number {
  switch (type) {
    case RRType.NS:
      return 0
    case RRType.MX:
    case RRType.KX:
    case RRType.AFSDB:
      return 2
    case RRType.SRV:
      return 6
    default:
      return -1
  }
}

/** Adds the addresses of one family. */
function addHost(transaction: Transaction, zone: Zone, host: Host, type: number): void {
  const { plan } = transaction
  const { key } = host
  const node = (host.node ??= nodeOf(transaction, zone, key, type))
  const set = node?.sets.get(type)
  if (node === null || set === undefined) return
  let { owner } = node
  if (zone.nodes.get(key) === node) {
    if (hasEntry(plan, 'additional', owner, type)) return
  } else {
    // Synthesised from a wildcard: the owner is the name that was looked up (RFC 4592 §3.3.1).
    if (hasEntryNamed(plan, 'additional', key, type)) return
    owner = host.octets.subarray(host.nameAt)
  }
  addSigned(transaction, zone, 'additional', node, set, owner)
}

/** The node with a set of this type; null: there is none. By lookup: what is below a zone cut is not authoritative here. */
function nodeOf(
  { labelStarts }: Transaction,
  zone: Zone,
  key: NameKey,
  type: number,
): ZoneNode | null {
  const result = lookupInZone(zone, key, type, labelStarts)
  return result.kind === 'found' ? result.node : null
}

/** Adds the glue of a referral: for in-domain servers as required records, then for others in the zone as room allows. */
export function addGlue(transaction: Transaction, zone: Zone, cut: ZoneNode, ns: RRset): void {
  const cutKey = keyOf(cut.owner)
  const keys = ns.rdata.map(({ octets }) => keyOf(octets))
  for (const inDomain of [true, false]) {
    for (const type of addressTypes) {
      for (const key of keys) {
        if (isAtOrBelow(key, cutKey) === inDomain) addGlueOf(transaction, zone, key, type, inDomain)
      }
    }
  }
}

function addGlueOf(
  transaction: Transaction,
  zone: Zone,
  key: NameKey,
  type: number,
  inDomain: boolean,
): void {
  const { plan } = transaction
  const server = zone.nodes.get(key)
  const set = server?.sets.get(type)
  if (server === undefined || set === undefined) return
  if (hasEntry(plan, 'additional', server.owner, type)) return
  if (addSet(transaction, 'additional', server.owner, set) !== 'added') return
  if (inDomain) (plan.entries[plan.count - 1] as PlanEntry).need = 'required'
  // A server's address is the zone's own, and signed, unless it lies below another cut (RFC 4035 §2.2).
  else if (lookupInZone(zone, key, type, transaction.labelStarts).kind === 'found')
    signLast(transaction, zone, server.owner, set.ttl)
}

const keyOf = (name: Name): NameKey => keyOfOctets(name, 0, name.length)
