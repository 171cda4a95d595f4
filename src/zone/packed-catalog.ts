// A catalog in the form in which it crosses threads, from the one that reads zone files to the
// control thread and to the answering workers: names and RRsets in memory that all threads share, so
// that a zone of 100,000 records costs none of them time or memory.
// Nodes with a steered set are cloned: they are few, and their sets, pools and targets refer to
// each other.

import { keyOfOctets, type NameKey } from '../wire/name.ts'
import type { Rdata } from '../wire/rdata/rdata.ts'
import { RRType } from '../wire/rrtype.ts'
import type { NameTable, Catalog, RRset, Zone, ZoneNode } from './zone.ts'
import {
  createNameTable,
  findScanned,
  NodeFlag,
  noEntry,
  scanName,
  createNameScan,
  type NameScan,
  sharedWords,
} from './name-table.ts'

export interface PackedCatalog {
  readonly generation: number
  readonly names: NameTable
  readonly records: PackedRecords
  readonly zones: readonly PackedZone[]
}

interface PackedRecords {
  /** Offset in `words` by entry of the name table; -1: the node has a steered set. */
  readonly setOffsets: Int32Array
  /**
   * For each node the count of its sets; for each set type, TTL and count of records; for each
   * record the offset and length of its rdata in `octets`, the count of compressible names and
   * their offsets in the rdata.
   */
  readonly words: Int32Array
  readonly octets: Uint8Array
}

interface PackedZone extends Omit<Zone, 'nodes' | 'steered'> {
  /** Its first entry in the name table. */
  readonly first: number
  readonly count: number
  /** The nodes that have a steered set. */
  readonly steered: ReadonlyMap<NameKey, ZoneNode>
}

/**
 * The catalog of a worker: its nodes are made from shared memory when they are looked up. `serialOf`: the serial that a
 * zone answers, where that moves with time.
 */
export function openCatalog(
  { generation, names, records, zones }: PackedCatalog,
  serialOf: (zone: Pick<Zone, 'serial' | 'signing'>) => number = ({ serial }) => serial,
): Catalog {
  const opened = new Map<NameKey, Zone>()
  const ballast = new ArrayBuffer(sharedOctets(names, records))
  const search = { keyOctets: new Uint8Array(256), scan: createNameScan() }
  for (const [number, { first, count, steered, ...zone }] of zones.entries()) {
    const source = { names, records, number, first, count, given: steered, ballast, search }
    const nodes = new PackedNodes(source)
    const serial = serialOf(zone)
    const apex = serial === zone.serial ? undefined : nodes.get(zone.apexKey)
    if (apex === undefined) opened.set(zone.apexKey, { ...zone, nodes, steered })
    else {
      const moved = apexWithSerial(apex, serial)
      const given = new Map(steered).set(zone.apexKey, moved)
      opened.set(zone.apexKey, {
        ...zone,
        serial,
        negativeSoa: soaWithSerial(zone.negativeSoa, serial),
        nodes: new PackedNodes({ ...source, given }),
        steered: steered.has(zone.apexKey) ? given : steered,
      })
    }
  }
  let deepestApex = 0
  for (const { labelCount } of opened.values()) deepestApex = Math.max(deepestApex, labelCount)
  return { generation, zones: opened, names, deepestApex }
}

/** The apex of a zone with another serial in its SOA. */
export function apexWithSerial(apex: ZoneNode, serial: number): ZoneNode {
  const sets = new Map(apex.sets)
  const soa = sets.get(RRType.SOA)
  if (soa?.kind === 'plain') sets.set(RRType.SOA, soaWithSerial(soa, serial))
  return { ...apex, sets }
}

/** The serial is the first of the five numbers that end the rdata (RFC 1035 §3.3.13). */
export const soaWithSerial = (soa: RRset, serial: number): RRset => ({
  ...soa,
  rdata: soa.rdata.map((rdata) => {
    const octets = rdata.octets.slice()
    new DataView(octets.buffer).setUint32(octets.length - 20, serial)
    return { ...rdata, octets }
  }),
})

/** Approximate size of the shared memory. */
const sharedOctets = (names: NameTable, { words, octets, setOffsets }: PackedRecords): number =>
  names.buckets.byteLength +
  names.ownerOctets.length +
  4 * setOffsets.byteLength +
  words.byteLength +
  octets.length

/** Copies names and RRsets into shared memory. */
export function packCatalog(catalog: Catalog): PackedCatalog {
  const zones: PackedZone[] = []
  let first = 0
  for (const { nodes, ...zone } of catalog.zones.values()) {
    const steered = new Map<NameKey, ZoneNode>()
    for (const [key, node] of nodes) if (!hasOnlyRRsets(node)) steered.set(key, node)
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

function hasOnlyRRsets({ sets }: ZoneNode): boolean {
  for (const { kind } of sets.values()) if (kind !== 'plain') return false
  return true
}

function packRecords(catalog: Catalog, count: number): PackedRecords {
  const size = { words: 0, octets: 0 }
  forEachNode(catalog, (node) => measure(size, node))
  const records: PackedRecords = {
    setOffsets: sharedWords(count).fill(-1),
    words: sharedWords(size.words),
    octets: new Uint8Array(new SharedArrayBuffer(size.octets)),
  }
  const used = { words: 0, octets: 0 }
  forEachNode(catalog, (node, entry) => {
    records.setOffsets[entry] = used.words
    putNode(records, used, node)
  })
  return records
}

/** Calls with the sets and the entry of each node without a steered set. */
function forEachNode(
  catalog: Catalog,
  call: (sets: readonly RRset[], entry: number) => void,
): void {
  let entry = 0
  for (const { nodes } of catalog.zones.values())
    for (const node of nodes.values()) {
      if (hasOnlyRRsets(node)) call([...node.sets.values()] as RRset[], entry)
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
    for (const record of rdata) {
      words[used.words++] = used.octets
      words[used.words++] = record.octets.length
      words[used.words++] = record.compressible.length
      for (const offset of record.compressible) words[used.words++] = offset
      octets.set(record.octets, used.octets)
      used.octets += record.octets.length
    }
  }
}

// The nodes of a zone in shared memory, each made when it is looked up. Recent ones are cached, so
// that a name has the same node while a query is answered.

interface PackedNodesSource {
  readonly names: NameTable
  readonly records: PackedRecords
  /** Number of the zone. */
  readonly number: number
  readonly first: number
  readonly count: number
  /** Nodes that are not made from shared memory: those with a steered set, and an apex whose serial moves. */
  readonly given: ReadonlyMap<NameKey, ZoneNode>
  /**
   * As large as the shared memory, and never used: the garbage collector does not count shared
   * memory, and without this would not collect catalogs that are no longer served.
   */
  readonly ballast: ArrayBuffer
  readonly search: NameSearch
}

/** Working memory of a search in the name table, one for all zones of a catalog. */
interface NameSearch {
  /** The octets of the key that is looked up. */
  readonly keyOctets: Uint8Array
  readonly scan: NameScan
}

/** Each of the two generations of the cache has at most so many. */
const maxCachedNodes = 4096

class PackedNodes implements ReadonlyMap<NameKey, ZoneNode> {
  readonly size: number
  readonly #source: PackedNodesSource
  #cached = new Map<NameKey, ZoneNode>()
  #olderCached = new Map<NameKey, ZoneNode>()

  constructor(source: PackedNodesSource) {
    this.#source = source
    this.size = source.count
  }

  get(key: NameKey): ZoneNode | undefined {
    const cached = this.#cached.get(key)
    if (cached !== undefined) return cached
    const node =
      this.#source.given.get(key) ?? this.#olderCached.get(key) ?? this.#make(this.#find(key))
    if (node === undefined) return undefined
    if (this.#cached.size === maxCachedNodes) {
      this.#olderCached = this.#cached
      this.#cached = new Map()
    }
    this.#cached.set(key, node)
    return node
  }

  has(key: NameKey): boolean {
    return this.#find(key) !== noEntry
  }

  *entries(): MapIterator<[NameKey, ZoneNode]> {
    const { first, count, names, given } = this.#source
    for (let entry = first; entry < first + count; entry++) {
      const from = names.ownerOffsets[entry] as number
      const key = keyOfOctets(names.ownerOctets, from, names.ownerOffsets[entry + 1] as number)
      yield [key, given.get(key) ?? (this.#make(entry) as ZoneNode)]
    }
  }

  [Symbol.iterator](): MapIterator<[NameKey, ZoneNode]> {
    return this.entries()
  }

  *keys(): MapIterator<NameKey> {
    for (const [key] of this.entries()) yield key
  }

  *values(): MapIterator<ZoneNode> {
    for (const [, node] of this.entries()) yield node
  }

  forEach(call: (node: ZoneNode, key: NameKey, map: ReadonlyMap<NameKey, ZoneNode>) => void): void {
    for (const [key, node] of this.entries()) call(node, key, this)
  }

  #find(key: NameKey): number {
    const { names, number, search } = this.#source
    const { keyOctets, scan } = search
    if (key.length >= keyOctets.length) return noEntry
    for (let i = 0; i < key.length; i++) keyOctets[i] = key.charCodeAt(i)
    if (scanName(scan, keyOctets, 0) < 0) return noEntry
    return findScanned(scan, names, keyOctets, 0, number)
  }

  #make(entry: number): ZoneNode | undefined {
    if (entry === noEntry) return undefined
    const { names, records } = this.#source
    const owner = names.ownerOctets.slice(names.ownerOffsets[entry], names.ownerOffsets[entry + 1])
    const isDelegation = ((names.flags[entry] as number) & NodeFlag.delegation) !== 0
    return { owner, sets: setsAt(records, records.setOffsets[entry] as number), isDelegation }
  }
}

/** The sets of the node whose words begin at `from`. */
function setsAt({ words, octets }: PackedRecords, from: number): Map<number, RRset> {
  const sets = new Map<number, RRset>()
  let at = from
  let left = words[at++] as number
  for (; left > 0; left--) {
    const [type, ttl, count] = [words[at++] as number, words[at++] as number, words[at++] as number]
    const rdata: Rdata[] = []
    while (rdata.length < count) {
      const start = words[at++] as number
      const length = words[at++] as number
      const offsets = words[at++] as number
      const compressible = [...words.subarray(at, at + offsets)]
      at += offsets
      rdata.push({ octets: octets.slice(start, start + length), compressible })
    }
    sets.set(type, { kind: 'plain', type, ttl, rdata })
  }
  return sets
}
