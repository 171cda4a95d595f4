// Caches ECS scopes and steering decisions per client network, in two layers:
//
//   DecisionTable   one per scope map, IPv4 only: a direct lookup by address, read before anything else
//   Scopes          one hash table for all maps and both families: a network has two candidate cells, and the older
//                   entry of the two is replaced. Its key is the /24 or /56, the finest network that scopes
//                   distinguish, so networks with different scopes never share an entry
//
// Entries become invalid with the scope map they came from: every map has its own number, and a new policy (another
// catalog) or new databases give a new map.

import type { Network } from '../../lib/ip.ts'
import type { Catalog } from '../../zone/zone.ts'
import type { Policy } from '../policy.ts'
import { createAsnNetworks } from './asn-networks.ts'
import { noNetworks, type PlaceNetworks } from './place-networks.ts'
import { createScopeMap, type ScopeMap, scopeCap } from './scope-map.ts'

/** The properties of a steered set that scopes depend on; `internal` exists for MX sets only. */
interface ScopedSet {
  readonly policy: Policy
  readonly sticky?: boolean
  readonly internal?: readonly Network[]
}

/** The scope map of one policy, or of one set that has `internal` networks, with what is cached of it. */
export interface CachedScopeMap {
  map: ScopeMap
  /** Number of the map, unique in this process: part of the cache key. */
  number: number
  /** Epoch of the databases that the map was built from. */
  epoch: number
  /** Decisions for IPv4 networks, readable without `prefixLength`; null where none is stored. */
  table: DecisionTable | null
}

/** Entries of the hash table of scopes. */
const cells = 65_536

const unused = -1

/** Second half of an IPv4 key: outside of the 24 bits that an IPv6 key has there. */
const ipv4Mark = 0x100_0000

/** Number of values that a cell can hold, and of constant cells: the cell at index i holds i. */
const words = 65_536

/** 8 MiB of address space, resident as far as it is written. One policy by country takes some 7,000 pages. */
const maxCells = 1 << 22

/** Cells of a page: one for each /24 of a /16. */
const pageCells = 256

/** Each table takes 256 KiB. */
const maxTables = 64

const topBits = 16

const scopeBits = 5

const pageMask = pageCells - 1

/** Scope and decision for each IPv4 network, for one scope map (layout: see the end of this file). */
export class DecisionTable {
  readonly tops: Int32Array = new Int32Array(1 << topBits)
  readonly #cells: Uint16Array
  readonly #tables: DecisionTables

  constructor(tables: DecisionTables, cells: Uint16Array) {
    this.#tables = tables
    this.#cells = cells
  }

  /** The entry of the address that starts at `octets[at]`: decision << 5 | scope, or `unknownNetwork`. */
  lookUp(octets: Uint8Array, at: number): number {
    const high = ((octets[at] as number) << 8) | (octets[at + 1] as number)
    const top = this.tops[high] as number
    return (this.#cells[(top >>> 8) + ((octets[at + 2] as number) & top)] as number) - 1
  }

  /**
   * Stores scope and decision for every address of the network `octets`/`scope`, `scope` being 24 at most. Does nothing
   * where the decision is too large for a cell.
   */
  keep(octets: Uint8Array, scope: number, decision: number): void {
    const cell = ((decision << scopeBits) | scope) + 1
    if (cell >= words) return
    const high = ((octets[0] as number) << 8) | (octets[1] as number)
    if (scope <= topBits) fillRange(this.tops, cell << 8, high, topBits - scope)
    else fillRange(this.#cells, cell, this.#pageOf(high) + (octets[2] as number), 24 - scope)
  }

  /** Index of the first cell of the page of a /16, which is created where the /16 has none. */
  #pageOf(high: number): number {
    const top = this.tops[high] as number
    if ((top & pageMask) !== 0) return top >>> 8
    const page = this.#tables.takePage()
    this.tops[high] = (page << 8) | pageMask
    return page
  }
}

/** All decision tables, and the cells that they share: the constant ones, then pages. Allocated with the first table. */
export class DecisionTables {
  #cells = new Uint16Array(0)
  #used: number = words
  #joined: DecisionTable[] = []
  readonly #noteEmptied: () => void

  constructor(noteEmptied: () => void = () => {}) {
    this.#noteEmptied = noteEmptied
  }

  /** A new table, or null where `maxTables` exist already. */
  join(): DecisionTable | null {
    if (this.#joined.length === maxTables) return null
    if (this.#cells.length === 0) this.#cells = newCells()
    const table = new DecisionTable(this, this.#cells)
    this.#joined.push(table)
    return table
  }

  /** Drops all tables and their content: a table must not be used after this. */
  clear(): void {
    this.#joined = []
    this.#used = words
  }

  /** Index of the first cell of a new, empty page. Where none is left, all tables are emptied first. */
  takePage(): number {
    if (this.#used + pageCells > maxCells) {
      this.#noteEmptied()
      for (const { tops } of this.#joined) tops.fill(0)
      this.#used = words
    }
    const page = this.#used
    this.#used += pageCells
    this.#cells.fill(0, page, this.#used)
    return page
  }
}

function newCells(): Uint16Array<ArrayBuffer> {
  const cells = new Uint16Array(maxCells)
  for (let word = 0; word < words; word++) cells[word] = word
  return cells
}

/** Whether two clients can get different answers of this set. */
export const dependsOnClient = ({ policy, internal, sticky }: ScopedSet): boolean =>
  policy.rules.length > 1 || sticky === true || (internal !== undefined && internal.length > 0)

/** First half of a network's key: 3 octets of an IPv4 address, 4 of an IPv6 address. */
const highOf = (octets: Uint8Array): number =>
  octets.length === 4 ? three(octets, 0) : four(octets, 0)

/** Second half of a network's key: octets 5 to 7 of an IPv6 address; `ipv4Mark` for IPv4. */
const lowOf = (octets: Uint8Array): number => (octets.length === 4 ? ipv4Mark : three(octets, 4))

/** Cell index 0…65535, by multiplicative hashing: the upper 16 bits of the product are the best mixed. */
const cellOf = (high: number, low: number, number: number): number =>
  Math.imul(Math.imul(Math.imul(high, 0x9e37_79b1) ^ low, 0x85eb_ca6b) ^ number, 0xc2b2_ae35) >>> 16

const hasKey = (
  words: Int32Array,
  at: number,
  high: number,
  low: number,
  number: number,
): boolean => words[at] === high && words[at + 1] === low && words[at + 2] === number

/** Three octets as one big-endian number. */
const three = (octets: Uint8Array, at: number): number =>
  ((octets[at] as number) << 16) | ((octets[at + 1] as number) << 8) | (octets[at + 2] as number)

/** Four octets as one big-endian number, signed. */
const four = (octets: Uint8Array, at: number): number =>
  (three(octets, at) << 8) | (octets[at + 3] as number)

/** Scopes and decisions, at first without databases. */
export class Scopes {
  /**
   * Four words a cell: both halves of the key, map number, decision << 8 | scope. A cell fits in a cache line. Those that
   * begin with map 0, which there is not, are empty: their memory is not touched, and not taken before it is used.
   */
  readonly #words = new Int32Array(cells * 4)
  /** Word index of the cell of the last `prefixLength` call; `unused` where that call has none. */
  #cell = unused
  /** Key and result of the last `cachedMapOf` call. */
  #key: object | null = null
  #last: CachedScopeMap | null = null
  #networks = noNetworks
  #asns = createAsnNetworks(null)
  readonly #cachedMaps = new WeakMap<object, CachedScopeMap>()
  #mapCount = 0
  #epoch = 0
  readonly #tables: DecisionTables
  /** All entries whose `table` is set. */
  #tabled: CachedScopeMap[] = []

  /** `noteEmptied`: called where decisions are forgotten for want of room. */
  constructor(noteEmptied?: () => void) {
    this.#tables = new DecisionTables(noteEmptied)
  }

  /** Replaces the databases, and invalidates every cached scope and decision. */
  use(networks: PlaceNetworks): void {
    this.#networks = networks
    this.#asns = createAsnNetworks(networks.asn)
    this.#epoch++
    this.#dropTables()
  }

  /** Drops all decision tables: they are valid for one catalog and one pair of databases. */
  #dropTables(): void {
    this.#tables.clear()
    for (const cached of this.#tabled) cached.table = null
    this.#tabled = []
  }

  /** Builds the scope maps of a catalog's sets before it is published, so that no query has to build one. */
  prepare(catalog: Catalog): void {
    this.#dropTables()
    const sets: ScopedSet[] = []
    for (const zone of catalog.zones.values())
      for (const node of (zone.steered ?? zone.nodes).values())
        for (const set of node.sets.values()) if ('policy' in set) sets.push(set)
    this.#asns.collect(sets.map(({ policy }) => policy))
    for (const set of sets) if (dependsOnClient(set) && !set.sticky) this.cachedMapOf(set)
  }

  /** ECS scope prefix length of the set's answer to this client; 0 where all clients get the same answer. */
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
    if (hasKey(words, first, high, low, number)) return (words[first + 3] as number) & 0xff
    if (hasKey(words, second, high, low, number)) {
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

  /**
   * The decision that `cacheDecision` stored for the client and set of the last `prefixLength` call; -1 where there is
   * none, where all clients get the same answer, and for sticky sets.
   */
  lastDecision(): number {
    return this.#cell < 0 ? unused : (this.#words[this.#cell + 3] as number) >> 8
  }

  /**
   * Stores a decision (0 and up) for the client and set of the last `prefixLength` call, until the policy or the databases
   * change; of IPv4 in the decision table of the set's map as well. It must hold for the client's whole /24 or /56.
   */
  cacheDecision(cached: CachedScopeMap, octets: Uint8Array, decision: number): void {
    if (this.#cell < 0) return
    const at = this.#cell + 3
    const scope = (this.#words[at] as number) & 0xff
    this.#words[at] = scope | (decision << 8)
    if (octets.length !== 4) return
    if (cached.table === null && (cached.table = this.#tables.join()) !== null)
      this.#tabled.push(cached)
    cached.table?.keep(octets, scope, decision)
  }

  /** The set's map and decision table: the same object for as long as the set exists, its content updated. */
  cachedMapOf(set: ScopedSet): CachedScopeMap {
    const { policy, internal } = set
    // Sets of one policy share a map, except for those with `internal` networks of their own.
    const key = internal === undefined || internal.length === 0 ? policy : set
    if (key !== this.#key || this.#last === null) {
      this.#key = key
      this.#last = this.#cachedMaps.get(key) ?? null
    }
    if (this.#last !== null && this.#last.epoch === this.#epoch) return this.#last
    return (this.#last = this.#rebuild(key, set, this.#last))
  }

  #rebuild(
    key: object,
    { policy, internal = [] }: ScopedSet,
    previous: CachedScopeMap | null,
  ): CachedScopeMap {
    this.#asns.collect([policy])
    const map = createScopeMap({ policy, internal }, this.#networks.country, this.#asns)
    const fresh = { map, number: ++this.#mapCount, epoch: this.#epoch, table: null }
    const cached = previous === null ? fresh : Object.assign(previous, fresh)
    this.#cachedMaps.set(key, cached)
    return cached
  }
}

// Layout of a decision table, filled as clients query. Most /16 networks have one decision and take one word; the others
// have a page with a cell for each /24.
//
//   top    one for each /16: 0 where nothing is stored, else cell index << 8 | mask of the third octet: 0 for a constant
//          cell, 255 for a page
//   cell   (decision << 5 | scope) + 1; 0 where nothing is stored
//
// The constant cells hold their own index, so a lookup is the same two reads in either case, with no branch to be
// mispredicted. When no page is left, all tables are emptied.

/** What `lookUp` returns where nothing is stored. */
export const unknownNetwork = -1

/** Fills the cells whose index differs from `at` in the lower `bits` only; pages are aligned to their size. */
function fillRange(cells: Int32Array | Uint16Array, value: number, at: number, bits: number): void {
  const from = at & -(1 << bits)
  cells.fill(value, from, from + (1 << bits))
}
