// The additional section: addresses of the exchanges, targets and name servers in the records just planned, from the
// same zone of the same snapshot (design §1, law 2). RFC 1035 §3.3.9 (MX), 1183 (AFSDB), 2230 (KX), 2782 (SRV),
// 9471 (glue).
//
// Where not all of them fit, every host with an IPv4 address comes before any second family: one address for each
// is worth more than two for some.

import { keyOfOctets, isAtOrBelow, type Name, type NameKey } from '../wire/name.ts'
import { RRType } from '../wire/rrtype.ts'
import { lookupInZone } from '../zone/lookup.ts'
import type { RRset, Zone, ZoneNode } from '../zone/zone.ts'
import { addSet } from './add-set.ts'
import type { Transaction } from './transaction.ts'
import { hasEntry, hasEntryNamed, type PlanEntry } from './plan.ts'

const addressTypes: readonly number[] = [RRType.A, RRType.AAAA]

/** The names whose addresses are being added: their keys, and where they stand. Empty between queries. */
const keys: NameKey[] = []
const rdatas: Uint8Array[] = []
const offsets: number[] = []

/** Addresses for the exchanges in the answer's last set, where its type names any. */
export function addAdditional(transaction: Transaction, zone: Zone): void {
  const { plan } = transaction
  const entry = plan.count === 0 ? undefined : plan.entries[plan.count - 1]
  const nameAt = entry?.section === 'answer' ? exchangeOffset(entry.type) : -1
  if (entry === undefined || nameAt < 0) return
  for (const rung of entry.rungs) note(zone, rung.target.owner, 0)
  for (const { octets } of entry.rdata) note(zone, octets, nameAt)
  for (const type of addressTypes)
    for (let i = 0; i < keys.length; i++) addExchange(transaction, zone, i, type)
  keys.length = 0
  rdatas.length = 0
  offsets.length = 0
}

/** Where the name whose addresses are useful starts in the rdata of a type, or -1. It ends where the rdata does. */
function exchangeOffset(type: number): number {
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

function note(zone: Zone, rdata: Uint8Array, nameAt: number): void {
  const key = keyOfOctets(rdata, nameAt, rdata.length)
  if (!isAtOrBelow(key, zone.apexKey)) return
  keys.push(key)
  rdatas.push(rdata)
  offsets.push(nameAt)
}

/** Addresses of one family for the name noted at place `i`. */
function addExchange(transaction: Transaction, zone: Zone, i: number, type: number): void {
  const { plan } = transaction
  const key = keys[i] as NameKey
  // By way of lookup, since addresses below a cut are not ours to hand out.
  const found = lookupInZone(zone, key, type)
  if (found.kind !== 'found') return
  const { node, set } = found
  if (zone.nodes.get(key) === node) {
    if (!hasEntry(plan, 'additional', node.owner, type))
      addSet(transaction, 'additional', node.owner, set)
  } else if (!hasEntryNamed(plan, 'additional', key, type)) {
    // Out of a wildcard: the owner is the name that was looked up (RFC 4592 §3.3.1).
    addSet(transaction, 'additional', (rdatas[i] as Uint8Array).subarray(offsets[i]), set)
  }
}

/** Glue of a referral: in-domain servers first and without fail, then those elsewhere in the zone as room allows. */
export function addGlue(transaction: Transaction, zone: Zone, cut: ZoneNode, ns: RRset): void {
  const cutKey = keyOf(cut.owner)
  for (const rdata of ns.rdata) keys.push(keyOf(rdata.octets))
  for (const inDomain of [true, false]) {
    for (const type of addressTypes) {
      for (const key of keys) {
        if (isAtOrBelow(key, cutKey) === inDomain)
          addGlueOf(transaction, zone.nodes.get(key), { type, inDomain })
      }
    }
  }
  keys.length = 0
}

function addGlueOf(
  transaction: Transaction,
  server: ZoneNode | undefined,
  { type, inDomain }: { readonly type: number; readonly inDomain: boolean },
): void {
  const { plan } = transaction
  const set = server?.sets.get(type)
  if (server === undefined || set === undefined) return
  if (hasEntry(plan, 'additional', server.owner, type)) return
  const added = addSet(transaction, 'additional', server.owner, set)
  if (added === 'added' && inDomain) (plan.entries[plan.count - 1] as PlanEntry).need = 'required'
}

const keyOf = (name: Name): NameKey => keyOfOctets(name, 0, name.length)
