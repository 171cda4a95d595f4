// Resolvers as they are in the wild are never limited by the defaults. A resolver asks each name once in a TTL, from ports by
// chance, so that the kernel spreads its queries over the workers; what it asks comes in bunches, as mail does.

import { describe, expect, test } from 'vitest'

import { rateLimitSettings } from '../../src/settings/answer-settings.ts'
import {
  type RateLimiter,
  createRateLimiter,
  rateLimitDefaults,
} from '../../src/admission/rate-limit.ts'

/** mulberry32: chance that is the same for the same seed. */
function chanceOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The limiters of a server's workers, with the defaults and no exempt networks. */
function limitersOf(workers: number): readonly RateLimiter[] {
  const limit = rateLimitSettings({ exempt: [] }, workers)
  if (limit === null) throw new Error('off by default')
  const { capacity, floodSlip } = rateLimitDefaults
  return Array.from({ length: workers }, (_, i) =>
    createRateLimiter({ ...limit, capacity, floodSlip, workers, seed: [i, 7] }),
  )
}

const limited = (limiters: readonly RateLimiter[]): number =>
  limiters.reduce((sum, { counts }) => sum + counts.limited, 0)

const minuteMs = 60_000

describe.each([1, 2, 8, 32, 128])('with %i workers', (workers) => {
  test('forty queries a second from one address, for ten minutes', () => {
    const limiters = limitersOf(workers)
    const chance = chanceOf(workers)
    const address = Uint8Array.of(192, 0, 2, 1)
    for (let ms = 0; ms < 10 * minuteMs; ms += -Math.log(1 - chance()) * 25)
      limiters[Math.floor(chance() * workers)]?.check(address, ms)
    expect(limited(limiters)).toBe(0)
  })

  test('a hundred at once every ten seconds', () => {
    const limiters = limitersOf(workers)
    const chance = chanceOf(workers + 1)
    const address = Uint8Array.of(192, 0, 2, 1)
    for (let ms = 0; ms < 10 * minuteMs; ms += 10_000)
      for (let i = 0; i < 100; i++) limiters[Math.floor(chance() * workers)]?.check(address, ms)
    expect(limited(limiters)).toBe(0)
  })

  test('a farm of two hundred in one /24, fifteen queries a second each', () => {
    const limiters = limitersOf(workers)
    const chance = chanceOf(workers + 2)
    const address = Uint8Array.of(192, 0, 2, 0)
    for (let ms = 0; ms < minuteMs; ms += -Math.log(1 - chance()) / 3) {
      address[3] = Math.floor(chance() * 200)
      limiters[Math.floor(chance() * workers)]?.check(address, ms)
    }
    expect(limited(limiters)).toBe(0)
  })
})
