// From when to when signatures are valid. All instances give a set the same times, whatever the skew of their clocks below
// a turn of the grid, so that their signatures are alike and a resolver that asks two of them sees one.
//
//   grid         a twelfth of the validity; for each owner and type it is shifted by a hash, so that renewal is spread over it
//   inception    one grid before the last point of the grid: a clock that is late by less does no harm
//   expiration   the validity after that point: of a signature at least eleven twelfths are left

import { combineHashes, hashText } from '../lib/hash.ts'
import type { NameKey } from '../wire/name.ts'

/** Seconds since the epoch. */
export interface Validity {
  readonly inception: number
  readonly expiration: number
}

const gridsPerValidity = 12

export function validityAt(
  owner: NameKey,
  type: number,
  validitySeconds: number,
  nowSeconds: number,
): Validity {
  const grid = Math.floor(validitySeconds / gridsPerValidity)
  const since = (nowSeconds + (combineHashes(hashText(owner), type) % grid)) % grid
  const base = nowSeconds - since
  return { inception: base - grid, expiration: base + validitySeconds }
}
