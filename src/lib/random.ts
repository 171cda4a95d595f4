// Chance for who draws with every answer: xoshiro128 of Blackman and Vigna (https://prng.di.unimi.it), its 128 bits of
// state in one array. Math.random costs a call, and is no better; neither is for secrets.
//
// A number has 53 bits of one state: the upper 32 by the scrambler +, the others by **.

import type { Random } from './clock.ts'
import { combineHashes } from './hash.ts'

interface Chance {
  readonly random: Random
  /** The same in parts of 2³¹, whole ones: what the next number would be, without making one of it. */
  readonly point: () => number
}

/** `seed`: four words, not all of them 0. */
export function createChance(seed: Int32Array): Chance {
  const state = seed.slice(0, 4)
  if (state.length < 4 || state.every((word) => word === 0))
    throw new RangeError('four words, and not all of them 0')
  /** To the next state: the upper 32 bits of this one. */
  const step = (): number => {
    const a = state[0] as number
    const b = state[1] as number
    const c = (state[2] as number) ^ a
    const d = (state[3] as number) ^ b
    const upper = a + (state[3] as number)
    state[0] = a ^ d
    state[1] = b ^ c
    state[2] = c ^ (b << 9)
    state[3] = rotated(d, 11)
    return upper >>> 0
  }
  return {
    random() {
      const lower = Math.imul(rotated(Math.imul(state[1] as number, 5), 7), 9) >>> 11
      return step() * 2 ** -32 + lower * 2 ** -53
    },
    point: () => step() >>> 1,
  }
}

const rotated = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits))

// Chance that can be had again: the same seed gives the same numbers, in every process.

/** Numbers of 32 bits; not for secrets. */
export function seededRandom(seed: number): Random {
  let state = combineHashes(seed, 0)
  let step = 0
  return () => {
    state = combineHashes(state, ++step)
    return state / 2 ** 32
  }
}
