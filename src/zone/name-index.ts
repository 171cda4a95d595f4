// The question that floods ask, by the octets of a packet: is there nothing of that name? It answers only what it is sure
// of, and says nothing where `lookup` (lookup.ts) has more to look at: cuts, DNAME, wildcards, what exists.

import { Has, type NameTable, createNameTable, findScanned, none, scanName } from './name-table.ts'
import type { Catalog, Zone } from './zone.ts'

export interface NameIndex {
  /**
   * The zone in which the uncompressed name at `from` certainly does not exist, with nothing in its place: NXDOMAIN for
   * any ordinary type. null: not so, or not known.
   */
  zoneWithout(octets: Uint8Array, from: number): Zone | null
}

export const createNameIndex = (catalog: Catalog): NameIndex => new TableIndex(catalog)

/** Deeper names are left to `lookup`. */
const maxLabels = 32

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
    if (labels < 1 || labels > maxLabels) return null
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
