// The additional section: addresses of the exchanges, targets and name servers in the records just planned, from the
// same zone of the same snapshot (design §1, law 2). RFC 1035 §3.3.9 (MX), RFC 2782 (SRV), RFC 9471 (glue).

import { keyOfOctets } from '../wire/key.ts'
import { isAtOrBelow } from '../wire/name.ts'
import { RRType } from '../wire/rrtype.ts'
import { lookupInZone } from '../zone/lookup.ts'
import type { NameKey, RRset, Zone, ZoneNode } from '../zone/zone.ts'
import { addSet } from './add-set.ts'
import type { Inquiry } from './inquiry.ts'
import { hasEntry } from './plan.ts'
import type { PlanEntry } from './plan.ts'

const addressTypes: readonly number[] = [RRType.A, RRType.AAAA]

/** Addresses for the exchanges in the answer's last set, where its type names any. */
export function addAdditional(inquiry: Inquiry, zone: Zone): void {
  const { plan } = inquiry
  const entry = plan.count === 0 ? undefined : plan.entries[plan.count - 1]
  const nameAt = entry?.section === 'answer' ? exchangeOffset(entry.type) : -1
  if (entry === undefined || nameAt < 0) return
  for (const rung of entry.rungs) addExchange(inquiry, zone, keyOf(rung.target.owner))
  for (const rdata of entry.rdata) addExchange(inquiry, zone, keyOf(rdata.octets, nameAt))
}

/** Where the name whose addresses are useful starts in the rdata of a type, or -1. */
function exchangeOffset(type: number): number {
  switch (type) {
    case RRType.NS:
      return 0
    case RRType.MX:
      return 2
    case RRType.SRV:
      return 6
    default:
      return -1
  }
}

function addExchange(inquiry: Inquiry, zone: Zone, key: NameKey): void {
  if (!isAtOrBelow(key, zone.apexKey)) return
  // By way of lookup, since addresses below a cut are not ours to hand out. A wildcard is not expanded.
  const node = zone.nodes.get(key)
  if (node === undefined) return
  for (const type of addressTypes) {
    if (!node.sets.has(type) || hasEntry(inquiry.plan, 'additional', node.owner, type)) continue
    const found = lookupInZone(zone, key, type)
    if (found.kind === 'found') addSet(inquiry, 'additional', node.owner, found.set)
  }
}

/** Glue of a referral: in-domain servers first and without fail, then those elsewhere in the zone as room allows. */
export function addGlue(inquiry: Inquiry, zone: Zone, cut: ZoneNode, ns: RRset): void {
  const cutKey = keyOf(cut.owner)
  for (const rdata of ns.rdata) {
    const key = keyOf(rdata.octets)
    if (isAtOrBelow(key, cutKey)) addGlueOf(inquiry, zone.nodes.get(key), true)
  }
  for (const rdata of ns.rdata) {
    const key = keyOf(rdata.octets)
    if (!isAtOrBelow(key, cutKey)) addGlueOf(inquiry, zone.nodes.get(key), false)
  }
}

function addGlueOf(inquiry: Inquiry, server: ZoneNode | undefined, inDomain: boolean): void {
  if (server === undefined) return
  const { plan } = inquiry
  for (const type of addressTypes) {
    const set = server.sets.get(type)
    if (set === undefined || hasEntry(plan, 'additional', server.owner, type)) continue
    const added = addSet(inquiry, 'additional', server.owner, set)
    if (added === 'added' && inDomain) (plan.entries[plan.count - 1] as PlanEntry).need = 'required'
  }
}

const keyOf = (octets: Uint8Array, from = 0): NameKey => keyOfOctets(octets, from, octets.length)
