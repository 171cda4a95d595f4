// Real resolvers are never limited by the defaults. A resolver asks for each name once in a TTL, from random ports, so
// that the kernel spreads its queries over the workers; its queries come in bursts, as mail does.

import { describe, expect, test } from 'vitest'

import { rateLimitSettings } from '../../src/settings/answer-settings.ts'
import {
  type RateLimiter,
  createRateLimiter,
  rateLimitDefaults,
} from '../../src/admission/rate-limit.ts'

/** mulberry32: a generator that gives the same numbers for the same seed. */
function mulberry32(seed: number): () => number {
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
    const random = mulberry32(workers)
    const address = Uint8Array.of(192, 0, 2, 1)
    for (let ms = 0; ms < 10 * minuteMs; ms += -Math.log(1 - random()) * 25)
      limiters[Math.floor(random() * workers)]?.check(address, ms)
    expect(limited(limiters)).toBe(0)
  })

  test('a hundred at once every ten seconds', () => {
    const limiters = limitersOf(workers)
    const random = mulberry32(workers + 1)
    const address = Uint8Array.of(192, 0, 2, 1)
    for (let ms = 0; ms < 10 * minuteMs; ms += 10_000)
      for (let i = 0; i < 100; i++) limiters[Math.floor(random() * workers)]?.check(address, ms)
    expect(limited(limiters)).toBe(0)
  })

  test('a farm of two hundred in one /24, fifteen queries a second each', () => {
    const limiters = limitersOf(workers)
    const random = mulberry32(workers + 2)
    const address = Uint8Array.of(192, 0, 2, 0)
    for (let ms = 0; ms < minuteMs; ms += -Math.log(1 - random()) / 3) {
      address[3] = Math.floor(random() * 200)
      limiters[Math.floor(random() * workers)]?.check(address, ms)
    }
    expect(limited(limiters)).toBe(0)
  })
})
