// From when to when signatures are valid. All instances give a set the same times, whatever the skew of their clocks below
// a turn of the grid, so that their signatures are alike and a resolver that asks two of them sees one.
//
//   grid         a twelfth of the validity (lib/signing-grid.ts)
//   inception    one grid before the last point of the grid: a clock that is late by less does no harm
//   expiration   the validity after that point: of a signature at least eleven twelfths are left
//
// In answers the grid is shifted for each owner and type by a hash, so that renewal is spread over it. A transfer has the
// points of the zone itself: the serial moves at them, and until it does all that was transferred under it ends at one time.

import { combineHashes, hashText } from '../lib/hash.ts'
import { gridPointAt, gridSecondsOf } from '../lib/signing-grid.ts'
import type { NameKey } from '../wire/name.ts'

/** Seconds since the epoch. */
export interface Validity {
  readonly inception: number
  readonly expiration: number
}

/** In an answer. */
export function validityAt(
  owner: NameKey,
  type: number,
  validitySeconds: number,
  nowSeconds: number,
): Validity {
  const grid = gridSecondsOf(validitySeconds)
  const since = (nowSeconds + (combineHashes(hashText(owner), type) % grid)) % grid
  return validityFrom(nowSeconds - since, validitySeconds)
}

/** In a transfer. */
export const transferValidityAt = (validitySeconds: number, nowSeconds: number): Validity =>
  validityFrom(gridPointAt(gridSecondsOf(validitySeconds), nowSeconds), validitySeconds)

const validityFrom = (point: number, validitySeconds: number): Validity => ({
  inception: point - gridSecondsOf(validitySeconds),
  expiration: point + validitySeconds,
})
