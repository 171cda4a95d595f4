// What the answering path reads: zones as immutable plain data. Answering workers read them out of shared memory
// (packed-catalog.ts), behind the same interfaces.

import type { SteeredSet } from '../steer/policy.ts'
import type { Name, NameKey } from '../wire/name.ts'
import type { Rdata } from '../wire/rdata/rdata.ts'

export interface RRset {
  readonly kind: 'plain'
  readonly type: number
  readonly ttl: number
  readonly rdata: readonly Rdata[]
}

/** One owner name of a zone. A node without sets is an empty non-terminal (RFC 8020). */
export interface ZoneNode {
  readonly owner: Name
  readonly sets: ReadonlyMap<number, RRset | SteeredSet>
  /** NS below the apex: authority ends here. */
  readonly isDelegation: boolean
}

export interface Zone {
  readonly apex: Name
  readonly apexKey: NameKey
  readonly labelCount: number
  readonly serial: number
  /** The SOA as answered in the authority section: TTL already min(SOA TTL, minimum) (RFC 2308 §3). */
  readonly negativeSoa: RRset
  /** Every name of the zone, empty non-terminals and names below cuts included. */
  readonly nodes: ReadonlyMap<NameKey, ZoneNode>
  /** Those of its nodes that hold a steered set. Absent: nobody has gathered them. */
  readonly steered?: ReadonlyMap<NameKey, ZoneNode>
}

/** All zones served, by the key of their apex. Published whole. */
export interface Catalog {
  readonly zones: ReadonlyMap<NameKey, Zone>
  readonly generation: number
  /** All names of all zones. Absent: nobody has gathered them. */
  readonly names?: NameTable
}

/** An entry is a name, in the order of zones and of their nodes. */
export interface NameTable {
  /** Entry by hash; -1: free. */
  readonly slots: Int32Array
  readonly hashes: Int32Array
  /** Number of the zone. */
  readonly zoneOf: Int32Array
  readonly flags: Uint8Array
  /** Where its octets begin, and one more. */
  readonly ownerAt: Int32Array
  /** Case kept. */
  readonly owners: Uint8Array
}
