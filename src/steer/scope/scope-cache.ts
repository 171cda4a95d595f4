// The scope of steered sets for clients, remembered, and beside it what was decided: one table with two cells for each,
// the older of which gives way. Its unit is the finest network that scopes know, the /24 or /56, so that nothing coarser
// can be mixed up by it. IPv4 networks have tables of their own before that (scope-cache.ts).
//
// What was remembered dies with what it was made of: each map has a number of its own, and there is a new map for a
// new policy (another catalog) and for new databases.

import type { Network } from '../../lib/ip.ts'
import type { Catalog } from '../../zone/zone.ts'
import type { Policy } from '../policy.ts'
import { createAsnNetworks } from './asn-networks.ts'
import { noNetworks, type PlaceNetworks } from './place-networks.ts'
import { createScopeMap, type ScopeMap, scopeCap } from './scope-map.ts'

/** What steers a set: `internal` networks are of MX sets alone; a sticky set is answered by the client's network. */
interface ScopedSet {
  readonly policy: Policy
  readonly sticky?: boolean
  readonly internal?: readonly Network[]
}

export interface Scopes {
  /** From now on, scopes go by these databases. */
  use(networks: PlaceNetworks): void
  /** Makes what the sets of a catalog need before it is in force, so that no query has to. */
  prepare(catalog: Catalog): void
  /** The scope of the set's answer to this client: 0 where all clients are answered alike. */
  prefixLength(set: ScopedSet, octets: Uint8Array): number
  /**
   * What `keepDecision` was told for the client that `prefixLength` was asked for last, where its set depends on the
   * client and is not sticky; else, and where that is not known any more, -1. Networks finer than scopes know must not
   * be told of: they share one place.
   */
  lastDecision(): number
  /** 0 and up; forgotten with the policy and the databases. */
  cacheDecision(decision: number): void
  /** Where a set's clients are remembered; the same one for as long as there is the set. */
  cachedMapOf(set: ScopedSet): CachedScopeMap
  /** What `prefixLength` and the decision came to for an IPv4 address: for the memory's table. */
  cacheNetwork(memory: CachedScopeMap, octets: Uint8Array, scope: number, decision: number): void
}

/** Of all sets with the same rules. */
export interface CachedScopeMap {
  map: ScopeMap
  /** Of the map. */
  number: number
  /** Of the databases that the map was made with. */
  epoch: number
  /** Of IPv4 networks, what is known without asking `prefixLength`; null: nothing is. */
  table: DecisionTable | null
}

const cells = 65_536

const unused = -1

/** Beyond the 24 bits that the second half of an IPv6 key has. */
const ipv4Mark = 0x100_0000

export const createScopes = (): Scopes => new CachedScopes()

/** And as many cells that hold their own places. */
const words = 65_536

/** 8 MiB, of which there is as much as was written to: some 7,000 pages hold the world by country, for one set of rules. */
const maxCells = 1 << 22

const pageCells = 256

/** Of all tables. */
class Pages {
  cells: Uint16Array<ArrayBuffer> = new Uint16Array(0)
  used: number = words
  tops: Int32Array[] = []

  open(): Uint16Array {
    if (this.cells.length > 0) return this.cells
    this.cells = new Uint16Array(maxCells)
    for (let word = 0; word < words; word++) this.cells[word] = word
    return this.cells
  }

  /** Where an empty one starts. */
  take(): number {
    if (this.used + pageCells > maxCells) {
      for (const tops of this.tops) tops.fill(0)
      this.used = words
    }
    const page = this.used
    this.used += pageCells
    this.cells.fill(0, page, this.used)
    return page
  }
}

/** Of a quarter of a megabyte each. */
const maxTables = 64

const topBits = 16

const scopeBits = 5

const pageMask = pageCells - 1

export class DecisionTable {
  readonly #tops = new Int32Array(1 << topBits)
  readonly #cells: Uint16Array
  readonly #pages: Pages

  constructor(pages: Pages) {
    this.#pages = pages
    this.#cells = pages.open()
    pages.tops.push(this.#tops)
  }

  /** Of the address that starts at `at`: the scope, and the decision times 32; or `unknownNetwork`. */
  lookUp(octets: Uint8Array, at: number): number {
    const high = ((octets[at] as number) << 8) | (octets[at + 1] as number)
    const top = this.#tops[high] as number
    return (this.#cells[(top >>> 8) + ((octets[at + 2] as number) & top)] as number) - 1
  }

  /** `octets`: an address. `scope`: 24 at most; whoever is in it is decided alike, and has it too. */
  keep(octets: Uint8Array, scope: number, decision: number): void {
    const cell = ((decision << scopeBits) | scope) + 1
    if (cell >= words) return
    const high = ((octets[0] as number) << 8) | (octets[1] as number)
    if (scope <= topBits) fillRange(this.#tops, cell << 8, high, topBits - scope)
    else fillRange(this.#cells, cell, this.#pageOf(high) + (octets[2] as number), 24 - scope)
  }

  #pageOf(at: number): number {
    const known = this.#tops[at] as number
    if ((known & pageMask) !== 0) return known >>> 8
    const page = this.#pages.take()
    this.#tops[at] = (page << 8) | pageMask
    return page
  }
}

export class DecisionTables {
  readonly #pages = new Pages()

  /** A table for whoever decides; null: there are too many. */
  join(): DecisionTable | null {
    return this.#pages.tops.length === maxTables ? null : new DecisionTable(this.#pages)
  }

  /** Forgets everything, and who joined: the tables must not be used any more. */
  clear(): void {
    this.#pages.tops = []
    this.#pages.used = words
  }
}

/** Whether any two clients may be answered differently. */
export const dependsOnClient = ({ policy, internal, sticky }: ScopedSet): boolean =>
  policy.rules.length > 1 || sticky === true || (internal !== undefined && internal.length > 0)

const highOf = (octets: Uint8Array): number =>
  octets.length === 4 ? three(octets, 0) : four(octets, 0)

const lowOf = (octets: Uint8Array): number => (octets.length === 4 ? ipv4Mark : three(octets, 4))

/** Multiplicative hashing: the upper 16 bits of the product are the well-mixed ones. */
const cellOf = (high: number, low: number, number: number): number =>
  Math.imul(Math.imul(Math.imul(high, 0x9e37_79b1) ^ low, 0x85eb_ca6b) ^ number, 0xc2b2_ae35) >>> 16

const isOf = (words: Int32Array, at: number, high: number, low: number, number: number): boolean =>
  words[at] === high && words[at + 1] === low && words[at + 2] === number

/** Three octets as one number. */
const three = (octets: Uint8Array, at: number): number =>
  ((octets[at] as number) << 16) | ((octets[at + 1] as number) << 8) | (octets[at + 2] as number)

const four = (octets: Uint8Array, at: number): number =>
  (three(octets, at) << 8) | (octets[at + 3] as number)

class CachedScopes implements Scopes {
  /** Of each cell: high and low half of the network, the map's number, length and decision; in one line of a cache. */
  readonly #words = new Int32Array(cells * 4).fill(unused)
  #cell = unused
  /** Asked for last. */
  #key: object | null = null
  #last: CachedScopeMap | null = null
  #networks = noNetworks
  #asns = createAsnNetworks(null)
  readonly #memories = new WeakMap<object, CachedScopeMap>()
  #count = 0
  #epoch = 0
  readonly #decided = new DecisionTables()
  /** Who has a table. */
  #tabled: CachedScopeMap[] = []

  use(networks: PlaceNetworks): void {
    this.#networks = networks
    this.#asns = createAsnNetworks(networks.asn)
    this.#epoch++
    this.#forgetDecided()
  }

  /** Databases and catalogs take their tables with them. */
  #forgetDecided(): void {
    this.#decided.clear()
    for (const memory of this.#tabled) memory.table = null
    this.#tabled = []
  }

  prepare(catalog: Catalog): void {
    this.#forgetDecided()
    const sets: ScopedSet[] = []
    for (const zone of catalog.zones.values())
      for (const node of (zone.steered ?? zone.nodes).values())
        for (const set of node.sets.values()) if ('policy' in set) sets.push(set)
    this.#asns.collect(sets.map(({ policy }) => policy))
    for (const set of sets) if (dependsOnClient(set) && !set.sticky) this.cachedMapOf(set)
  }

  prefixLength(set: ScopedSet, octets: Uint8Array): number {
    this.#cell = unused
    if (!dependsOnClient(set)) return 0
    if (set.sticky) return scopeCap(octets.length)
    const { map, number } = this.cachedMapOf(set)
    const high = highOf(octets)
    const low = lowOf(octets)
    const first = cellOf(high, low, number) * 4
    const second = first ^ 4
    const words = this.#words
    this.#cell = first
    if (isOf(words, first, high, low, number)) return (words[first + 3] as number) & 0xff
    if (isOf(words, second, high, low, number)) {
      this.#cell = second
      return (words[second + 3] as number) & 0xff
    }
    const length = map.prefixLength(octets)
    for (let i = 0; i < 4; i++) words[second + i] = words[first + i] as number
    words[first] = high
    words[first + 1] = low
    words[first + 2] = number
    words[first + 3] = length | (unused << 8)
    return length
  }

  lastDecision(): number {
    return this.#cell < 0 ? unused : (this.#words[this.#cell + 3] as number) >> 8
  }

  cacheDecision(decision: number): void {
    const at = this.#cell + 3
    if (this.#cell >= 0) this.#words[at] = ((this.#words[at] as number) & 0xff) | (decision << 8)
  }

  cacheNetwork(memory: CachedScopeMap, octets: Uint8Array, scope: number, decision: number): void {
    if (memory.table === null && (memory.table = this.#decided.join()) !== null)
      this.#tabled.push(memory)
    memory.table?.keep(octets, scope, decision)
  }

  cachedMapOf(set: ScopedSet): CachedScopeMap {
    const { policy, internal } = set
    // Sets with the same rules share a map; `internal` is the set's own.
    const key = internal === undefined || internal.length === 0 ? policy : set
    if (key !== this.#key || this.#last === null) {
      this.#key = key
      this.#last = this.#memories.get(key) ?? null
    }
    if (this.#last !== null && this.#last.epoch === this.#epoch) return this.#last
    return (this.#last = this.#remake(key, set, this.#last))
  }

  #remake(
    key: object,
    { policy, internal = [] }: ScopedSet,
    before: CachedScopeMap | null,
  ): CachedScopeMap {
    this.#asns.collect([policy])
    const map = createScopeMap({ policy, internal }, this.#networks.country, this.#asns)
    const made = { map, number: this.#count++, epoch: this.#epoch, table: null }
    const memory = before === null ? made : Object.assign(before, made)
    this.#memories.set(key, memory)
    return memory
  }
}

// What was decided for IPv4 networks of 24 bits: a table for each set of rules, filled by what is asked. Most of what 16 bits
// hold is decided alike, and has one word in its table; the rest has a page with a word for each network.
//
//   top    of 16 bits: 0, nothing is known; else where its cell is, or its page: place << 8 | mask of the bits that choose in it
//   cell   what was said, and one more; 0: nothing
//
// The first cells hold their own places, so that a top leads to a cell whichever it is, and nothing is asked that the
// processor could guess wrong. When there is no room for another page, all is forgotten.

export const unknownNetwork = -1

/** All that differ from `at` in their lower `bits` alone. A page starts at a multiple of its size. */
function fillRange(cells: Int32Array | Uint16Array, value: number, at: number, bits: number): void {
  const from = at & -(1 << bits)
  cells.fill(value, from, from + (1 << bits))
}
