// The GeoIP databases as prefix trees that steering can walk. Plain data over shared memory, built by geo/.

import type { PrefixTree } from '../../lib/prefix-tree.ts'

/** A place as rules can name it: codes of continent and country, null where the database has none. */
export interface Place {
  readonly continent: string | null
  readonly country: string | null
}

/** The country database. Leaf values are indexes into `places`; index 0 is the unknown place, with null codes. */
export interface PlaceTree extends PrefixTree {
  readonly places: readonly Place[]
  /** Node → number of the set of places below it. `sets` holds each set as a bit row of `setWords` words. */
  readonly setOfNode: Int32Array
  readonly sets: Int32Array
  readonly setWords: number
}

/** The ASN database. Leaf values are indexes into `asns`; index 0 holds ASN 0, for networks without one. */
export interface AsnTree extends PrefixTree {
  readonly asns: Uint32Array
}

/** Both databases; null for one that is not configured, so that every client's property is unknown. */
export interface PlaceNetworks {
  readonly country: PlaceTree | null
  readonly asn: AsnTree | null
}

/** No GeoIP database at all. */
export const noNetworks: PlaceNetworks = { country: null, asn: null }
