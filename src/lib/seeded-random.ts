// Chance that can be had again: the same seed gives the same numbers, in every process.

import type { Random } from './clock.ts'
import { combineHashes } from './hash.ts'

/** Numbers of 32 bits; not for secrets. */
export function seededRandom(seed: number): Random {
  let state = combineHashes(seed, 0)
  let step = 0
  return () => {
    state = combineHashes(state, ++step)
    return state / 2 ** 32
  }
}
