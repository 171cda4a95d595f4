// Lookup of a name and a type in the zones that are served: RFC 1034 §4.3.2, RFC 4592 (wildcards),
// RFC 6672 (DNAME), RFC 8020 (empty non-terminals). Steering decides later: here a steered set is a
// set like any other.
//
// The walk goes from the apex down to the name, so that a delegation hides everything below it, and
// stops at the first name that does not exist, since nothing exists below it (empty non-terminals
// are nodes). Its cost grows with the depth of the zone, not with the length of the query.
//
//   on the way down                                      at its end
//   a DNAME above the name            → dname            the name, with the type            → found
//   a delegation at or above it       → delegation       the name, with a CNAME             → alias
//     but DS at the cut itself is the parent's           the name, without either           → nodata
//     (RFC 4035 §3.1.4.1)                                no such name, but `*` beside it    → as the name, by `*`
//                                                        otherwise                          → nxdomain

import type { SteeredSet } from '../steer/policy.ts'
import { RRType } from '../wire/rrtype.ts'
import type { NameKey } from '../wire/name.ts'
import type { Catalog, RRset, Zone, ZoneNode } from './zone.ts'

export type Lookup =
  /** The name is in no zone that is served. */
  | { readonly kind: 'refused' }
  | {
      readonly kind: 'found'
      readonly zone: Zone
      readonly node: ZoneNode
      readonly set: RRset | SteeredSet
    }
  /** QTYPE ANY: the node has sets; the plan decides which of them are answered (RFC 8482). */
  | { readonly kind: 'any'; readonly zone: Zone; readonly node: ZoneNode }
  | {
      readonly kind: 'alias'
      readonly zone: Zone
      readonly node: ZoneNode
      readonly cname: RRset
    }
  | {
      readonly kind: 'dname'
      readonly zone: Zone
      readonly node: ZoneNode
      readonly dname: RRset
    }
  | {
      readonly kind: 'delegation'
      readonly zone: Zone
      readonly cut: ZoneNode
      readonly ns: RRset
    }
  | { readonly kind: 'nodata'; readonly zone: Zone; readonly node: ZoneNode }
  | { readonly kind: 'nxdomain'; readonly zone: Zone }

const refused: Lookup = { kind: 'refused' }

/** Offsets of the labels of the name that is looked up, the root's last. Its owner creates it once; lookups overwrite it. */
export type LabelStarts = Uint8Array

export const createLabelStarts = (): LabelStarts => new Uint8Array(129)

/** `key`: the qname in lower case. */
export function lookup(
  catalog: Catalog,
  key: NameKey,
  qtype: number,
  labelStarts: LabelStarts = createLabelStarts(),
): Lookup {
  const zone = findZone(catalog, key, qtype, labelStarts)
  return zone === undefined ? refused : lookupInZone(zone, key, qtype, labelStarts)
}

/** As `lookup`, in a zone whose apex is at or above the name. */
export function lookupInZone(
  zone: Zone,
  key: NameKey,
  qtype: number,
  labelStarts: LabelStarts = createLabelStarts(),
): Lookup {
  const labels = scanLabels(labelStarts, key)
  let encloser: ZoneNode | undefined
  // A slice would be hashed anew.
  let suffix = zone.apexKey
  let at = labels - zone.labelCount
  for (; at >= 0; at--) {
    const node = zone.nodes.get(suffix)
    if (node === undefined) break
    const ns =
      node.isDelegation && (at > 0 || qtype !== RRType.DS) ? rrsetOf(node, RRType.NS) : null
    if (ns !== null) return { kind: 'delegation', zone, cut: node, ns }
    const dname = at > 0 ? rrsetOf(node, RRType.DNAME) : null
    if (dname !== null) return { kind: 'dname', zone, node, dname }
    encloser = node
    if (at > 0) suffix = key.slice(labelStarts[at - 1])
  }
  if (encloser === undefined) return { kind: 'nxdomain', zone }
  if (at < 0) return answerFrom(zone, encloser, qtype)
  const wildcard = zone.nodes.get(`\x01*${key.slice(labelStarts[at + 1])}`)
  return wildcard === undefined ? { kind: 'nxdomain', zone } : answerFrom(zone, wildcard, qtype)
}

/**
 * RFC 4592 §4.2 and §4.4 leave NS and DNAME at `*` undefined: they are synthesised as data, and are
 * no delegation.
 */
function answerFrom(zone: Zone, node: ZoneNode, qtype: number): Lookup {
  if (qtype === RRType.ANY)
    return node.sets.size === 0 ? { kind: 'nodata', zone, node } : { kind: 'any', zone, node }
  const set = node.sets.get(qtype)
  if (set !== undefined) return { kind: 'found', zone, node, set }
  const cname = rrsetOf(node, RRType.CNAME)
  return cname === null ? { kind: 'nodata', zone, node } : { kind: 'alias', zone, node, cname }
}

/**
 * The closest enclosing zone; for DS at an apex the parent zone, if that is served too (RFC 4035
 * §3.1.4.1).
 */
function findZone(
  catalog: Catalog,
  key: NameKey,
  qtype: number,
  labelStarts: LabelStarts,
): Zone | undefined {
  const labels = scanLabels(labelStarts, key)
  let child: Zone | undefined
  for (let at = Math.max(0, labels - deepestApex(catalog)); at <= labels; at++) {
    const zone = catalog.zones.get(key.slice(labelStarts[at]))
    if (zone === undefined) continue
    if (at > 0 || qtype !== RRType.DS) return zone
    child = zone
  }
  return child
}

/** Count of labels of the deepest apex: `findZone` tries no longer suffix. */
function deepestApex({ zones, deepestApex: known }: Catalog): number {
  if (known !== undefined) return known
  let depth = 0
  for (const zone of zones.values()) depth = Math.max(depth, zone.labelCount)
  return depth
}

/** Fills labelStarts. Returns the count of labels without the root. */
function scanLabels(labelStarts: LabelStarts, key: NameKey): number {
  let labels = 0
  let at = 0
  while (at < key.length - 1 && labels < labelStarts.length - 1) {
    labelStarts[labels++] = at
    at += 1 + key.charCodeAt(at)
  }
  labelStarts[labels] = at
  return labels
}

/** The RRset of a type; null: there is none, or it is steered. */
function rrsetOf(node: ZoneNode, type: number): RRset | null {
  const set = node.sets.get(type)
  return set !== undefined && set.kind === 'plain' ? set : null
}
