// A catalog as it is handed to the answering workers: names and plain records in memory that all threads share, so that a
// zone of 100,000 records is there at once and costs a worker nothing. What is steered is cloned: there is little of it,
// and its sets, pools and targets point to each other.

import { type NameTable, createNameTable, sharedWords } from './name-table.ts'
import { PackedNodes } from './packed-nodes.ts'
import type { NameKey } from '../wire/name.ts'
import type { Catalog, RRset, Zone, ZoneNode } from './zone.ts'

export interface PackedCatalog {
  readonly generation: number
  readonly names: NameTable
  readonly records: PackedRecords
  readonly zones: readonly PackedZone[]
}

export interface PackedRecords {
  /** By entry of the names: where in `words` its sets are told, or -1: a node that is steered. */
  readonly setsAt: Int32Array
  /** Count of sets; of each type, TTL, count of records; of each place, length, count of offsets, offsets. */
  readonly words: Int32Array
  readonly octets: Uint8Array
}

export interface PackedZone extends Omit<Zone, 'nodes' | 'steered'> {
  /** Its first entry among the names. */
  readonly first: number
  readonly count: number
  readonly steered: ReadonlyMap<NameKey, ZoneNode>
}

export function openCatalog({ generation, names, records, zones }: PackedCatalog): Catalog {
  const opened = new Map<NameKey, Zone>()
  const weight = new ArrayBuffer(sharedOctets(names, records))
  for (const [number, { first, count, steered, ...zone }] of zones.entries()) {
    const nodes = new PackedNodes({ names, records, number, first, count, steered, weight })
    opened.set(zone.apexKey, { ...zone, nodes, steered })
  }
  return { generation, zones: opened, names }
}

/** By far the most of it. */
const sharedOctets = (names: NameTable, { words, octets, setsAt }: PackedRecords): number =>
  names.slots.byteLength +
  names.owners.length +
  4 * setsAt.byteLength +
  words.byteLength +
  octets.length

export function packCatalog(catalog: Catalog): PackedCatalog {
  const zones: PackedZone[] = []
  let first = 0
  for (const { nodes, ...zone } of catalog.zones.values()) {
    const steered = new Map<NameKey, ZoneNode>()
    for (const [key, node] of nodes) if (!isPlain(node)) steered.set(key, node)
    zones.push({ ...zone, first, count: nodes.size, steered })
    first += nodes.size
  }
  const { generation } = catalog
  return {
    generation,
    names: createNameTable(catalog),
    records: packRecords(catalog, first),
    zones,
  }
}

function isPlain({ sets }: ZoneNode): boolean {
  for (const { kind } of sets.values()) if (kind !== 'plain') return false
  return true
}

function packRecords(catalog: Catalog, count: number): PackedRecords {
  const size = { words: 0, octets: 0 }
  forEachNode(catalog, (node) => measure(size, node))
  const records: PackedRecords = {
    setsAt: sharedWords(count).fill(-1),
    words: sharedWords(size.words),
    octets: new Uint8Array(new SharedArrayBuffer(size.octets)),
  }
  const used = { words: 0, octets: 0 }
  forEachNode(catalog, (node, entry) => {
    records.setsAt[entry] = used.words
    putNode(records, used, node)
  })
  return records
}

/** Of those that are not steered. */
function forEachNode(
  catalog: Catalog,
  call: (node: readonly RRset[], entry: number) => void,
): void {
  let entry = 0
  for (const { nodes } of catalog.zones.values())
    for (const node of nodes.values()) {
      if (isPlain(node)) call([...node.sets.values()] as RRset[], entry)
      entry++
    }
}

interface Size {
  words: number
  octets: number
}

function measure(size: Size, sets: readonly RRset[]): void {
  size.words += 1 + 3 * sets.length
  for (const { rdata } of sets)
    for (const { octets, compressible } of rdata) {
      size.words += 3 + compressible.length
      size.octets += octets.length
    }
}

function putNode({ words, octets }: PackedRecords, used: Size, sets: readonly RRset[]): void {
  words[used.words++] = sets.length
  for (const { type, ttl, rdata } of sets) {
    words[used.words++] = type
    words[used.words++] = ttl
    words[used.words++] = rdata.length
    for (const one of rdata) {
      words[used.words++] = used.octets
      words[used.words++] = one.octets.length
      words[used.words++] = one.compressible.length
      for (const offset of one.compressible) words[used.words++] = offset
      octets.set(one.octets, used.octets)
      used.octets += one.octets.length
    }
  }
}
