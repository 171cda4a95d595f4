// The nodes of a zone out of shared memory, each made when somebody asks for it. Those asked for lately are kept: while a
// query is answered the same name is the same node.

import { keyOfOctets } from '../wire/key.ts'
import { Has, type NameTable, findScanned, none, scanName } from './name-table.ts'
import type { PackedRecords } from './packed-catalog.ts'
import type { NameKey } from '../wire/name.ts'
import type { Rdata } from '../wire/rdata/rdata.ts'
import type { RRset, ZoneNode } from './zone.ts'

export interface PackedNodesSource {
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

export class PackedNodes implements ReadonlyMap<NameKey, ZoneNode> {
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
