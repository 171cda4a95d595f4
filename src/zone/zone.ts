// Zones as the answering path reads them: immutable data. In answering workers the same interfaces
// read shared memory (packed-catalog.ts).

import type { SteeredSet } from '../steer/policy.ts'
import type { Name, NameKey } from '../wire/name.ts'
import type { Rdata } from '../wire/rdata/rdata.ts'

/** An RRset whose records do not depend on steering. */
export interface RRset {
  readonly kind: 'plain'
  readonly type: number
  /** Seconds. */
  readonly ttl: number
  readonly rdata: readonly Rdata[]
}

/** An owner name of a zone. Without sets it is an empty non-terminal (RFC 8020). */
export interface ZoneNode {
  readonly owner: Name
  /** By type. */
  readonly sets: ReadonlyMap<number, RRset | SteeredSet>
  /** Whether it has NS below the apex. */
  readonly isDelegation: boolean
}

export interface Zone {
  readonly apex: Name
  readonly apexKey: NameKey
  /** Labels of the apex, without the root. */
  readonly labelCount: number
  /** Of its content; of an opened catalog (packed-catalog.ts) the one that is answered. */
  readonly serial: number
  /** The SOA of negative answers, with the TTL min(SOA TTL, MINIMUM) (RFC 2308 §3). */
  readonly negativeSoa: RRset
  /** Every name of the zone, empty non-terminals and names below delegations included. */
  readonly nodes: ReadonlyMap<NameKey, ZoneNode>
  /** null: the zone is not signed. */
  readonly signing: ZoneSigning | null
  /** The nodes that have a steered set. Absent before the zone is packed. */
  readonly steered?: ReadonlyMap<NameKey, ZoneNode>
}

/** TTL of DNSKEY where the zone file has none. */
export const defaultDnskeyTtlSeconds: number = 3600

/** What the zone file says of signatures (RFC 4035 §2), and the chain that denies what the zone does not have. */
export interface ZoneSigning {
  readonly chain: DenialChain
  /** For how long signatures are valid, seconds. */
  readonly validitySeconds: number
  /** TTL of DNSKEY, CDS and CDNSKEY, seconds. */
  readonly dnskeyTtl: number
  /** It is to become unsigned: it is still signed, and asks the parent to drop its DS (RFC 8078 §4). */
  readonly isUnsigning: boolean
  /** DNSKEY rdata of those who sign the zone elsewhere with keys of their own (RFC 8901 §2.1.2). */
  readonly foreignKeys: readonly Uint8Array[]
  /** The serial is the one that the zone file gives: it does not move when signatures are made anew. */
  readonly isSerialFixed: boolean
}

/**
 * The owners of a zone in canonical order, as keys (denial-chain.ts). They lie behind each other in
 * `octets`; `offsets` has where each begins, and the end of the last one.
 */
export interface DenialChain {
  readonly octets: Uint8Array
  readonly offsets: Int32Array
}

/** All zones that are served. It is replaced as a whole. */
export interface Catalog {
  /** By the key of the apex. */
  readonly zones: ReadonlyMap<NameKey, Zone>
  /** Increases with every load. */
  readonly generation: number
  /** Count of labels of the deepest apex. Absent: it is counted at each lookup. */
  readonly deepestApex?: number
  /** All names of all zones. Absent before they are packed. */
  readonly names?: NameTable
}

/**
 * A hash table of names (name-table.ts). Entries are numbered in the order of zones and of their
 * nodes.
 */
export interface NameTable {
  /** An entry by its hash, with linear probing; -1: the bucket is free. */
  readonly buckets: Int32Array
  /** Hash of each entry. */
  readonly hashes: Int32Array
  /** Number of the zone of each entry. */
  readonly zoneNumbers: Int32Array
  /** NodeFlag bits of each entry. */
  readonly flags: Uint8Array
  /** Offset of the owner name of each entry in `ownerOctets`, and the end of the last one. */
  readonly ownerOffsets: Int32Array
  /** Owner names in wire form, in the case of the zone file. */
  readonly ownerOctets: Uint8Array
}
