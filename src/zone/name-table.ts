// The names of a catalog in memory that threads share: an open-addressed hash table of the names of
// all zones. The hash runs over the octets from the root label down to the first one, so that one
// pass over a name gives the hashes of all its ancestors, and no string is made. It leaves out the
// bit of case of every octet, letter or not: to fold letters alone takes a branch that names in
// random case mispredict. Names that differ in nothing else are told apart by `isSame`.

import { lowerOctet, type NameKey } from '../wire/name.ts'
import { RRType } from '../wire/rrtype.ts'
import type { Catalog, NameTable, Zone, ZoneNode } from './zone.ts'

/**
 * Bits of NameTable.flags. `cut`: a delegation or a DNAME; `wildcard`: the name `*` exists directly
 * below.
 */
export const NodeFlag = { apex: 1, cut: 2, wildcard: 4, delegation: 8 } as const

/** Stands for a missing entry or zone. */
export const noEntry = -1

const maxLabels = 128

/** What tells a small letter from its capital (RFC 4343 §3). */
const caseBit = 0x20

/** The name that `scanName` read last. Its owner creates it once; every scan overwrites it. */
export interface NameScan {
  /** Offsets of the labels, the root's last. */
  readonly labelStarts: Int32Array
  /** The hash of the suffix that each label begins. */
  readonly suffixHashes: Int32Array
}

export const createNameScan = (): NameScan => ({
  labelStarts: new Int32Array(maxLabels + 1),
  suffixHashes: new Int32Array(maxLabels + 1),
})

/**
 * Reads the uncompressed name at `from`. Returns its count of labels without the root, or noEntry
 * above 128 labels.
 */
export function scanName(
  { labelStarts, suffixHashes }: NameScan,
  octets: Uint8Array,
  from: number,
): number {
  let labels = 0
  let at = from
  while (octets[at] !== 0) {
    if (labels === maxLabels) return noEntry
    labelStarts[labels++] = at
    at += 1 + (octets[at] as number)
  }
  labelStarts[labels] = at
  let hash = 0x811c9dc5 | 0
  for (let label = labels - 1; label >= 0; label--) {
    const end = labelStarts[label + 1] as number
    for (let i = labelStarts[label] as number; i < end; i++)
      hash = Math.imul(hash ^ ((octets[i] as number) | caseBit), 0x01000193)
    suffixHashes[label] = hash
  }
  return labels
}

/**
 * The entry of the scanned name without its first `label` labels in zone number `zone`, or noEntry.
 * With noEntry for the zone, the entry of an apex. `octets`: what scanName read.
 */
export function findScanned(
  scan: NameScan,
  table: NameTable,
  octets: Uint8Array,
  label: number,
  zone: number,
): number {
  const { buckets } = table
  const hash = scan.suffixHashes[label] as number
  const mask = buckets.length - 1
  for (let bucket = bucketOf(hash) & mask; ; bucket = (bucket + 1) & mask) {
    const entry = buckets[bucket] as number
    if (entry === noEntry) return noEntry
    if (table.hashes[entry] !== hash) continue
    const isCandidate =
      zone === noEntry
        ? ((table.flags[entry] as number) & NodeFlag.apex) !== 0
        : table.zoneNumbers[entry] === zone
    if (isCandidate && isSame(table, entry, octets, scan.labelStarts[label] as number)) return entry
  }
}

/** The upper bits of the product are well mixed, the lower ones are not. */
const bucketOf = (hash: number): number => Math.imul(hash, 0x9e37_79b1) >>> 8

/** Whether the entry has the name at `at`, compared without regard to case. */
function isSame(
  { ownerOctets, ownerOffsets }: NameTable,
  entry: number,
  octets: Uint8Array,
  at: number,
): boolean {
  const from = ownerOffsets[entry] as number
  const count = (ownerOffsets[entry + 1] as number) - from
  for (let i = 0; i < count; i++) {
    const a = ownerOctets[from + i] as number
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
    buckets: sharedWords(2 ** Math.ceil(Math.log2(2 * count + 2))).fill(noEntry),
    hashes: sharedWords(count),
    zoneNumbers: sharedWords(count),
    flags: new Uint8Array(new SharedArrayBuffer(count)),
    ownerOffsets: sharedWords(count + 1),
    ownerOctets: new Uint8Array(new SharedArrayBuffer(octets)),
  }
  const scan = createNameScan()
  let entry = 0
  let number = 0
  for (const { nodes, apexKey } of catalog.zones.values()) {
    for (const [key, node] of nodes) addName(scan, table, entry++, { key, node, apexKey, number })
    number++
  }
  markWildcards(scan, table, count)
  return table
}

/** Words of 32 bits that threads share, all 0. */
export const sharedWords = (count: number): Int32Array =>
  new Int32Array(new SharedArrayBuffer(count * 4))

interface NamedNode {
  readonly key: NameKey
  readonly node: ZoneNode
  readonly apexKey: NameKey
  /** Number of the zone. */
  readonly number: number
}

function addName(
  scan: NameScan,
  table: NameTable,
  entry: number,
  { key, node, apexKey, number }: NamedNode,
): void {
  const { owner, isDelegation } = node
  const at = table.ownerOffsets[entry] as number
  table.ownerOctets.set(owner, at)
  table.ownerOffsets[entry + 1] = at + owner.length
  scanName(scan, owner, 0)
  const hash = scan.suffixHashes[0] as number
  table.hashes[entry] = hash
  table.zoneNumbers[entry] = number
  table.flags[entry] =
    (key === apexKey ? NodeFlag.apex : 0) |
    (isDelegation || node.sets.has(RRType.DNAME) ? NodeFlag.cut : 0) |
    (isDelegation ? NodeFlag.delegation : 0)
  const mask = table.buckets.length - 1
  let bucket = bucketOf(hash) & mask
  while (table.buckets[bucket] !== noEntry) bucket = (bucket + 1) & mask
  table.buckets[bucket] = entry
}

/** Marks the parents of names whose first label is `*`. */
function markWildcards(scan: NameScan, table: NameTable, count: number): void {
  for (let entry = 0; entry < count; entry++) {
    const at = table.ownerOffsets[entry] as number
    if (table.ownerOctets[at] !== 1 || table.ownerOctets[at + 1] !== 0x2a) continue
    scanName(scan, table.ownerOctets, at)
    const parent = findScanned(
      scan,
      table,
      table.ownerOctets,
      1,
      table.zoneNumbers[entry] as number,
    )
    if (parent !== noEntry)
      table.flags[parent] = (table.flags[parent] as number) | NodeFlag.wildcard
  }
}

// NXDOMAIN by the octets of a packet, for floods of random names. It decides only the simple case
// and leaves delegations, DNAMEs, wildcards and existing names to `lookup` (lookup.ts).

export interface NameIndex {
  /**
   * The zone that answers NXDOMAIN for the uncompressed name at `from`, whatever the type. null:
   * the name exists, or `lookup` has to decide.
   */
  nxdomainZone(octets: Uint8Array, from: number): Zone | null
  /** Of the name that `nxdomainZone` found not to exist: where its closest encloser begins, in `octets`. */
  readonly encloserAt: number
}

export const createNameIndex = (catalog: Catalog): NameIndex => new TableIndex(catalog)

/** Names with more labels are left to `lookup`. */
const maxIndexedLabels = 32

class TableIndex implements NameIndex {
  readonly #table: NameTable
  readonly #zones: Zone[]
  readonly #scan = createNameScan()
  /** Count of labels of the deepest apex. */
  readonly #depth: number
  encloserAt = 0

  constructor(catalog: Catalog) {
    this.#table = catalog.names ?? createNameTable(catalog)
    this.#zones = [...catalog.zones.values()]
    this.#depth = this.#zones.reduce((most, { labelCount }) => Math.max(most, labelCount), 0)
  }

  nxdomainZone(octets: Uint8Array, from: number): Zone | null {
    const scan = this.#scan
    const labels = scanName(scan, octets, from)
    if (labels < 1 || labels > maxIndexedLabels) return null
    const table = this.#table
    let at = Math.max(0, labels - this.#depth)
    let entry: number = noEntry
    while (at < labels && (entry = findScanned(scan, table, octets, at, noEntry)) === noEntry) at++
    // At label 0 the name itself is an apex, which exists.
    if (at === 0 || entry === noEntry) return null
    const zone = table.zoneNumbers[entry] as number
    for (let next = entry; next !== noEntry; next = findScanned(scan, table, octets, at, zone)) {
      entry = next
      if (at-- === 0 || ((table.flags[entry] as number) & NodeFlag.cut) !== 0) return null
    }
    if (((table.flags[entry] as number) & NodeFlag.wildcard) !== 0) return null
    this.encloserAt = scan.labelStarts[at + 1] as number
    return this.#zones[zone] as Zone
  }
}
