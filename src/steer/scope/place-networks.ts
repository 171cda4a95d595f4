// Where the networks of the world are, as steering needs it: the databases in a form to walk. Plain data over shared
// memory; geo/ makes it.

import type { PrefixTree } from '../../lib/prefix-tree.ts'

export interface Place {
  readonly continent: string | null
  readonly country: string | null
}

/** Values are indexes into `places`; the first of these is nowhere. */
export interface PlaceTree extends PrefixTree {
  readonly places: readonly Place[]
  /** Node → the set of places below it: `sets` holds each set as a row of bits, `setWords` words long. */
  readonly setOfNode: Int32Array
  readonly sets: Int32Array
  readonly setWords: number
}

/** Values are indexes into `asns`; the first of these is 0, for none. */
export interface AsnTree extends PrefixTree {
  readonly asns: Uint32Array
}

/** null: nothing is known of anyone. */
export interface PlaceNetworks {
  readonly country: PlaceTree | null
  readonly asn: AsnTree | null
}

export const noNetworks: PlaceNetworks = { country: null, asn: null }
