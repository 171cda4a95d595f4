// Random numbers. The generator of the answering path is xoshiro128 of Blackman and Vigna
// (https://prng.di.unimi.it), with its 128 bits of state in one array: Math.random costs a call and is no better.
// Nothing here is for secrets.

import type { Random } from './clock.ts'
import { combineHashes } from './hash.ts'

/**
 * A generator that starts from `seed`: four 32-bit words, not all of them 0, else it throws a RangeError. The upper 32
 * bits of a number, of 53 bits in [0, 1), come from the scrambler of xoshiro128+, the lower 21 from that of xoshiro128**.
 */
export function createRandom(seed: Int32Array): Random {
  const state = seed.slice(0, 4)
  if (state.length < 4 || state.every((word) => word === 0))
    throw new RangeError('four words, and not all of them 0')
  return () => {
    const a = state[0] as number
    const b = state[1] as number
    const c = (state[2] as number) ^ a
    const d = (state[3] as number) ^ b
    const upper = (a + (state[3] as number)) >>> 0
    const lower = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 11
    state[0] = a ^ d
    state[1] = b ^ c
    state[2] = c ^ (b << 9)
    state[3] = rotateLeft(d, 11)
    return upper * 2 ** -32 + lower * 2 ** -53
  }
}

const rotateLeft = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits))

/**
 * A repeatable generator: the same seed gives the same numbers, of 32 bits each, in every process and on every host.
 */
export function seededRandom(seed: number): Random {
  let state = combineHashes(seed, 0)
  let step = 0
  return () => {
    state = combineHashes(state, ++step)
    return state / 2 ** 32
  }
}
