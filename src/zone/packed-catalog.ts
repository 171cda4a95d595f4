// A catalog as it is handed to the answering workers: names and plain records in memory that all threads share, so that a
// zone of 100,000 records is there at once and costs a worker nothing. What is steered is cloned: there is little of it,
// and its sets, pools and targets point to each other.

import { keyOfOctets, type NameKey } from '../wire/name.ts'
import type { Rdata } from '../wire/rdata/rdata.ts'
import type { NameTable, Catalog, RRset, Zone, ZoneNode } from './zone.ts'
import { createNameTable, findScanned, Has, none, scanName, sharedWords } from './name-table.ts'

export interface PackedCatalog {
  readonly generation: number
  readonly names: NameTable
  readonly records: PackedRecords
  readonly zones: readonly PackedZone[]
}

interface PackedRecords {
  /** By entry of the names: where in `words` its sets are told, or -1: a node that is steered. */
  readonly setsAt: Int32Array
  /** Count of sets; of each type, TTL, count of records; of each place, length, count of offsets, offsets. */
  readonly words: Int32Array
  readonly octets: Uint8Array
}

interface PackedZone extends Omit<Zone, 'nodes' | 'steered'> {
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

// The nodes of a zone out of shared memory, each made when somebody asks for it. Those asked for lately are kept: while a
// query is answered the same name is the same node.

interface PackedNodesSource {
  readonly names: NameTable
  readonly records: PackedRecords
  /** Of the zone. */
  readonly number: number
  readonly first: number
  readonly count: number
  readonly steered: ReadonlyMap<NameKey, ZoneNode>
  /**
   * As large as what is shared, and never touched: the garbage collector, which does not count shared memory, would else
   * see no reason to look for catalogs that are no longer served.
   */
  readonly weight: ArrayBuffer
}

/** Twice as many at most. */
const keptNodes = 4096

const sought = new Uint8Array(256)

class PackedNodes implements ReadonlyMap<NameKey, ZoneNode> {
  readonly size: number
  readonly #source: PackedNodesSource
  #kept = new Map<NameKey, ZoneNode>()
  #keptBefore = new Map<NameKey, ZoneNode>()

  constructor(source: PackedNodesSource) {
    this.#source = source
    this.size = source.count
  }

  get(key: NameKey): ZoneNode | undefined {
    const known = this.#kept.get(key)
    if (known !== undefined) return known
    const node =
      this.#source.steered.get(key) ?? this.#keptBefore.get(key) ?? this.#make(this.#find(key))
    if (node === undefined) return undefined
    if (this.#kept.size === keptNodes) {
      this.#keptBefore = this.#kept
      this.#kept = new Map()
    }
    this.#kept.set(key, node)
    return node
  }

  has(key: NameKey): boolean {
    return this.#find(key) !== none
  }

  *entries(): MapIterator<[NameKey, ZoneNode]> {
    const { first, count, names, steered } = this.#source
    for (let entry = first; entry < first + count; entry++) {
      const from = names.ownerAt[entry] as number
      const key = keyOfOctets(names.owners, from, names.ownerAt[entry + 1] as number)
      yield [key, steered.get(key) ?? (this.#make(entry) as ZoneNode)]
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
    if (key.length >= sought.length) return none
    for (let i = 0; i < key.length; i++) sought[i] = key.charCodeAt(i)
    if (scanName(sought, 0) < 0) return none
    return findScanned(this.#source.names, sought, 0, this.#source.number)
  }

  #make(entry: number): ZoneNode | undefined {
    if (entry === none) return undefined
    const { names, records } = this.#source
    const owner = names.owners.slice(names.ownerAt[entry], names.ownerAt[entry + 1])
    const isDelegation = ((names.flags[entry] as number) & Has.delegation) !== 0
    return { owner, sets: setsAt(records, records.setsAt[entry] as number), isDelegation }
  }
}

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
