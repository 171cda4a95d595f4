// The names of a catalog in words and octets that threads share: each name of each zone by the hash of its lowered octets,
// in an open-addressed table. Hashes run from the root up, so that one pass over a name gives those of all its ancestors,
// and no string is made.

import { lowerOctet, type NameKey } from '../wire/name.ts'
import { RRType } from '../wire/rrtype.ts'
import type { Catalog, NameTable, Zone, ZoneNode } from './zone.ts'

export const Has = { apex: 1, cut: 2, wildcard: 4, delegation: 8 } as const

export const none = -1

const maxLabels = 128

/** Of the name scanned last: where its labels start, and the hash of each of its suffixes. */
const starts = new Int32Array(maxLabels + 1)

const hashes = new Int32Array(maxLabels + 1)

/** The count of labels without the root's, or -1: no name has so many. */
export function scanName(octets: Uint8Array, from: number): number {
  let labels = 0
  let at = from
  while (octets[at] !== 0) {
    if (labels === maxLabels) return none
    starts[labels++] = at
    at += 1 + (octets[at] as number)
  }
  starts[labels] = at
  let hash = 0x811c9dc5 | 0
  for (let label = labels - 1; label >= 0; label--) {
    const end = starts[label + 1] as number
    for (let i = starts[label] as number; i < end; i++)
      hash = Math.imul(hash ^ lowerOctet(octets[i] as number), 0x01000193)
    hashes[label] = hash
  }
  return labels
}

/** The entry of the name scanned last without its first `label` labels, in a zone, or -1. Of no zone: an apex. */
export function findScanned(
  table: NameTable,
  octets: Uint8Array,
  label: number,
  zone: number,
): number {
  const { slots } = table
  const hash = hashes[label] as number
  const mask = slots.length - 1
  for (let slot = slotOf(hash) & mask; ; slot = (slot + 1) & mask) {
    const entry = slots[slot] as number
    if (entry === none) return none
    if (table.hashes[entry] !== hash) continue
    const isSought =
      zone === none
        ? ((table.flags[entry] as number) & Has.apex) !== 0
        : table.zoneOf[entry] === zone
    if (isSought && isSame(table, entry, octets, starts[label] as number)) return entry
  }
}

/** The upper bits of the product are the well-mixed ones. */
const slotOf = (hash: number): number => Math.imul(hash, 0x9e37_79b1) >>> 8

/** The same name, whatever its case. */
function isSame(
  { owners, ownerAt }: NameTable,
  entry: number,
  octets: Uint8Array,
  at: number,
): boolean {
  const from = ownerAt[entry] as number
  const count = (ownerAt[entry + 1] as number) - from
  for (let i = 0; i < count; i++) {
    const a = owners[from + i] as number
    const b = octets[at + i] as number
    if (a !== b && lowerOctet(a) !== lowerOctet(b)) return false
  }
  return true
}

export function createNameTable(catalog: Catalog): NameTable {
  let count = 0
  let octets = 0
  for (const { nodes } of catalog.zones.values()) {
    count += nodes.size
    for (const { owner } of nodes.values()) octets += owner.length
  }
  const table: NameTable = {
    slots: sharedWords(2 ** Math.ceil(Math.log2(2 * count + 2))).fill(none),
    hashes: sharedWords(count),
    zoneOf: sharedWords(count),
    flags: new Uint8Array(new SharedArrayBuffer(count)),
    ownerAt: sharedWords(count + 1),
    owners: new Uint8Array(new SharedArrayBuffer(octets)),
  }
  let entry = 0
  let number = 0
  for (const { nodes, apexKey } of catalog.zones.values()) {
    for (const [key, node] of nodes) enter(table, entry++, { key, node, apexKey, number })
    number++
  }
  markWildcards(table, count)
  return table
}

export const sharedWords = (count: number): Int32Array =>
  new Int32Array(new SharedArrayBuffer(count * 4))

interface Entering {
  readonly key: NameKey
  readonly node: ZoneNode
  readonly apexKey: NameKey
  readonly number: number
}

function enter(table: NameTable, entry: number, { key, node, apexKey, number }: Entering): void {
  const { owner, isDelegation } = node
  const at = table.ownerAt[entry] as number
  table.owners.set(owner, at)
  table.ownerAt[entry + 1] = at + owner.length
  scanName(owner, 0)
  const hash = hashes[0] as number
  table.hashes[entry] = hash
  table.zoneOf[entry] = number
  table.flags[entry] =
    (key === apexKey ? Has.apex : 0) |
    (isDelegation || node.sets.has(RRType.DNAME) ? Has.cut : 0) |
    (isDelegation ? Has.delegation : 0)
  const mask = table.slots.length - 1
  let slot = slotOf(hash) & mask
  while (table.slots[slot] !== none) slot = (slot + 1) & mask
  table.slots[slot] = entry
}

function markWildcards(table: NameTable, count: number): void {
  for (let entry = 0; entry < count; entry++) {
    const at = table.ownerAt[entry] as number
    if (table.owners[at] !== 1 || table.owners[at + 1] !== 0x2a) continue
    scanName(table.owners, at)
    const parent = findScanned(table, table.owners, 1, table.zoneOf[entry] as number)
    if (parent !== none) table.flags[parent] = (table.flags[parent] as number) | Has.wildcard
  }
}

// The question that floods ask, by the octets of a packet: is there nothing of that name? It answers only what it is sure
// of, and says nothing where `lookup` (lookup.ts) has more to look at: cuts, DNAME, wildcards, what exists.

export interface NameIndex {
  /**
   * The zone in which the uncompressed name at `from` certainly does not exist, with nothing in its place: NXDOMAIN for
   * any ordinary type. null: not so, or not known.
   */
  zoneWithout(octets: Uint8Array, from: number): Zone | null
}

export const createNameIndex = (catalog: Catalog): NameIndex => new TableIndex(catalog)

/** Deeper names are left to `lookup`. */
const maxIndexedLabels = 32

class TableIndex implements NameIndex {
  readonly #table: NameTable
  readonly #zones: Zone[]
  /** Deepest apex of all. */
  readonly #depth: number

  constructor(catalog: Catalog) {
    this.#table = catalog.names ?? createNameTable(catalog)
    this.#zones = [...catalog.zones.values()]
    this.#depth = this.#zones.reduce((most, { labelCount }) => Math.max(most, labelCount), 0)
  }

  zoneWithout(octets: Uint8Array, from: number): Zone | null {
    const labels = scanName(octets, from)
    if (labels < 1 || labels > maxIndexedLabels) return null
    const table = this.#table
    let at = Math.max(0, labels - this.#depth)
    let entry: number = none
    while (at < labels && (entry = findScanned(table, octets, at, none)) === none) at++
    // The name of an apex exists.
    if (at === 0 || entry === none) return null
    const zone = table.zoneOf[entry] as number
    for (let next = entry; next !== none; next = findScanned(table, octets, at, zone)) {
      entry = next
      if (at-- === 0 || ((table.flags[entry] as number) & Has.cut) !== 0) return null
    }
    if (((table.flags[entry] as number) & Has.wildcard) !== 0) return null
    return this.#zones[zone] as Zone
  }
}
