// The names of a catalog by the octets of a packet, for the question that floods ask: is there nothing of that name?
//
// Each name of each zone by the hash of its lowered octets, in an open-addressed table. Hashes run from the root up, so
// that one pass over a name gives those of all its ancestors, and no string is made. It answers only what it is sure of,
// and says nothing where `lookup` (lookup.ts) has more to look at: cuts, DNAME, wildcards, what exists.

import { lowerOctet } from '../wire/key.ts'
import { RRType } from '../wire/rrtype.ts'
import type { Catalog, Name, Zone, ZoneNode } from './zone.ts'

export interface NameIndex {
  /**
   * The zone in which the uncompressed name at `from` certainly does not exist, with nothing in its place: NXDOMAIN for
   * any ordinary type. null: not so, or not known.
   */
  zoneWithout(octets: Uint8Array, from: number): Zone | null
}

export const createNameIndex = (catalog: Catalog): NameIndex => new HashedNames(catalog)

const Has = { apex: 1, cut: 2, wildcard: 4 } as const
/** Deeper names are left to `lookup`. */
const maxLabels = 32
const none = -1

/** Of the name in hand: where its labels start, and the hash of each of its suffixes. */
const starts = new Int32Array(maxLabels + 1)
const hashes = new Int32Array(maxLabels + 1)

/** The count of labels without the root's, or -1: too many. */
function scan(octets: Uint8Array, from: number): number {
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

class HashedNames implements NameIndex {
  readonly #zones: Zone[]
  /** Deepest apex of all. */
  readonly #depth: number
  /** Entry by hash; -1: free. */
  readonly #table: Int32Array
  readonly #hashes: Int32Array
  readonly #zoneOf: Int32Array
  readonly #flags: Uint8Array
  readonly #owners: Name[] = []

  constructor(catalog: Catalog) {
    this.#zones = [...catalog.zones.values()]
    const names = this.#zones.reduce((sum, { nodes }) => sum + nodes.size, 0)
    this.#depth = this.#zones.reduce((most, { labelCount }) => Math.max(most, labelCount), 0)
    this.#table = new Int32Array(2 ** Math.ceil(Math.log2(2 * names + 2))).fill(none)
    this.#hashes = new Int32Array(names)
    this.#zoneOf = new Int32Array(names)
    this.#flags = new Uint8Array(names)
    for (const [number, zone] of this.#zones.entries()) this.#enterZone(number, zone)
    this.#markWildcards()
  }

  #enterZone(number: number, zone: Zone): void {
    for (const [key, node] of zone.nodes) {
      if (scan(node.owner, 0) < 0) continue
      const entry = this.#owners.length
      this.#owners.push(node.owner)
      this.#hashes[entry] = hashes[0] as number
      this.#zoneOf[entry] = number
      this.#flags[entry] = (key === zone.apexKey ? Has.apex : 0) | (isCut(node) ? Has.cut : 0)
      let slot = this.#slotOf(hashes[0] as number)
      while (this.#table[slot] !== none) slot = this.#slotAfter(slot)
      this.#table[slot] = entry
    }
  }

  #markWildcards(): void {
    for (const [entry, owner] of this.#owners.entries()) {
      if (owner[0] !== 1 || owner[1] !== 0x2a) continue
      const labels = scan(owner, 0)
      const parent = this.#find(owner, 1, { zone: this.#zoneOf[entry] as number, labels })
      if (parent !== none) this.#flags[parent] = (this.#flags[parent] as number) | Has.wildcard
    }
  }

  zoneWithout(octets: Uint8Array, from: number): Zone | null {
    const labels = scan(octets, from)
    if (labels < 1) return null
    const where = { zone: none, labels }
    let at = Math.max(0, labels - this.#depth)
    let entry: number = none
    while (at <= labels && (entry = this.#find(octets, at, where)) === none) at++
    // The name of an apex exists.
    if (at === 0 || entry === none) return null
    where.zone = this.#zoneOf[entry] as number
    for (let next = entry; next !== none; next = this.#find(octets, at, where)) {
      entry = next
      if (at-- === 0 || ((this.#flags[entry] as number) & Has.cut) !== 0) return null
    }
    if (((this.#flags[entry] as number) & Has.wildcard) !== 0) return null
    return this.#zones[where.zone] as Zone
  }

  /** The entry of the name in hand without its first `label` labels, in a zone, or -1. Of no zone: an apex. */
  #find(
    octets: Uint8Array,
    label: number,
    { zone, labels }: { readonly zone: number; readonly labels: number },
  ): number {
    if (label === labels) return none
    const hash = hashes[label] as number
    for (let slot = this.#slotOf(hash); ; slot = this.#slotAfter(slot)) {
      const entry = this.#table[slot] as number
      if (entry === none) return none
      if (this.#hashes[entry] !== hash) continue
      const isSought =
        zone === none
          ? ((this.#flags[entry] as number) & Has.apex) !== 0
          : this.#zoneOf[entry] === zone
      if (isSought && isSame(this.#owners[entry] as Name, octets, starts[label] as number))
        return entry
    }
  }

  /** The upper bits of the product are the well-mixed ones. */
  #slotOf(hash: number): number {
    return (Math.imul(hash, 0x9e37_79b1) >>> 8) & (this.#table.length - 1)
  }

  #slotAfter(slot: number): number {
    return (slot + 1) & (this.#table.length - 1)
  }
}

const isCut = (node: ZoneNode): boolean => node.isDelegation || node.sets.has(RRType.DNAME)

/** The same name, whatever its case. */
function isSame(owner: Name, octets: Uint8Array, at: number): boolean {
  for (let i = 0; i < owner.length; i++) {
    const a = owner[i] as number
    const b = octets[at + i] as number
    if (a !== b && lowerOctet(a) !== lowerOctet(b)) return false
  }
  return true
}
