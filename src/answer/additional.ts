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
import { hasEntry, hasEntryNamed, type PlanEntry } from './plan.ts'
import type { HostList, Transaction } from './transaction.ts'

const addressTypes: readonly number[] = [RRType.A, RRType.AAAA]

/** Adds addresses for the hosts that the plan's last set names, if it is an answer of a type that names any. */
export function addAdditional(transaction: Transaction, zone: Zone): void {
  const { plan, hosts } = transaction
  const entry = plan.count === 0 ? undefined : plan.entries[plan.count - 1]
  const nameAt = entry?.section === 'answer' ? hostOffset(entry.type) : -1
  if (entry === undefined || nameAt < 0) return
  for (const { octets } of entry.rdata) noteHost(hosts, zone, octets, nameAt)
  for (const type of addressTypes)
    for (let i = 0; i < hosts.keys.length; i++) addHost(transaction, zone, i, type)
  clearHosts(hosts)
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

function noteHost(hosts: HostList, zone: Zone, octets: Uint8Array, nameAt: number): void {
  const key = keyOfOctets(octets, nameAt, octets.length)
  if (!isAtOrBelow(key, zone.apexKey)) return
  hosts.keys.push(key)
  hosts.octets.push(octets)
  hosts.offsets.push(nameAt)
  hosts.nodes.push(null)
}

function clearHosts({ keys, octets, offsets, nodes }: HostList): void {
  nodes.length = 0
  keys.length = 0
  octets.length = 0
  offsets.length = 0
}

/** Adds the addresses of one family for the host at index `i`. */
function addHost(transaction: Transaction, zone: Zone, i: number, type: number): void {
  const { plan, hosts } = transaction
  const key = hosts.keys[i] as NameKey
  const node = (hosts.nodes[i] ??= nodeOf(transaction, zone, key, type))
  const set = node?.sets.get(type)
  if (node === null || set === undefined) return
  if (zone.nodes.get(key) === node) {
    if (!hasEntry(plan, 'additional', node.owner, type))
      addSet(transaction, 'additional', node.owner, set)
  } else if (!hasEntryNamed(plan, 'additional', key, type)) {
    // Synthesised from a wildcard: the owner is the name that was looked up (RFC 4592 §3.3.1).
    const owner = (hosts.octets[i] as Uint8Array).subarray(hosts.offsets[i])
    addSet(transaction, 'additional', owner, set)
  }
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
  const { hosts } = transaction
  const cutKey = keyOf(cut.owner)
  for (const rdata of ns.rdata) hosts.keys.push(keyOf(rdata.octets))
  for (const inDomain of [true, false]) {
    for (const type of addressTypes) {
      for (const key of hosts.keys) {
        if (isAtOrBelow(key, cutKey) === inDomain)
          addGlueOf(transaction, zone.nodes.get(key), type, inDomain)
      }
    }
  }
  clearHosts(hosts)
}

function addGlueOf(
  transaction: Transaction,
  server: ZoneNode | undefined,
  type: number,
  inDomain: boolean,
): void {
  const { plan } = transaction
  const set = server?.sets.get(type)
  if (server === undefined || set === undefined) return
  if (hasEntry(plan, 'additional', server.owner, type)) return
  const added = addSet(transaction, 'additional', server.owner, set)
  if (added === 'added' && inDomain) (plan.entries[plan.count - 1] as PlanEntry).need = 'required'
}

const keyOf = (name: Name): NameKey => keyOfOctets(name, 0, name.length)
