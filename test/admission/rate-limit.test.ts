// The rate limiter against a plain model of its rule, its stated bound under floods, and what can evict entries of its table.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { prefixHash } from '../../src/admission/prefix-limits.ts'
import {
  type RateLimitOptions,
  type RateAction,
  createRateLimiter,
  rateLimitDefaults,
} from '../../src/admission/rate-limit.ts'
import { parseAddress, parseNetwork } from '../../src/lib/ip.ts'
import { runs } from '../support/runs.ts'

const addressOf = (text: string): Uint8Array => parseAddress(text)?.octets as Uint8Array
const networkOf = (text: string): RateLimitOptions['exempt'][number] => {
  const network = parseNetwork(text)
  if (network.kind === 'bad') throw new Error(network.why)
  return network
}

const options = (changes: Partial<RateLimitOptions> = {}): RateLimitOptions => ({
  ...rateLimitDefaults,
  workers: 1,
  exempt: [],
  dryRun: false,
  seed: [0x1234abcd, 0x9e3779b9],
  ...changes,
})

/** The documented rule with an unbounded Map, prefixes as bit strings, and the prefix levels written down again. */
function createModel(given: RateLimitOptions) {
  const levelsByOctets: Record<number, [number, number][]> = {
    4: [
      [32, 1],
      [24, 32],
      [20, 256],
      [18, 768],
    ],
    16: [
      [128, 1],
      [64, 2],
      [56, 3],
      [48, 4],
      [32, 64],
    ],
  }
  const clearAt = new Map<string, number>()
  const turns = { limited: 0, flood: 0 }
  const burstMs = (given.burst / given.perSecond) * 1000
  return (address: Uint8Array, nowMs: number): RateAction => {
    const bits = [...address].map((octet) => octet.toString(2).padStart(8, '0')).join('')
    const levels = (levelsByOctets[address.length] ?? []).map(([length, multiple]) => {
      const key = `${address.length}:${length}:${bits.slice(0, length)}`
      const debt = Math.max(0, (clearAt.get(key) ?? 0) - nowMs)
      const cost = (1000 * given.workers) / given.perSecond / multiple
      return { key, debt, cost, length, isOver: debt + cost > burstMs + 1e-6 }
    })
    const over = levels.filter((one) => one.isOver)
    if (over.length === 0) {
      for (const { key, debt, cost } of levels) clearAt.set(key, nowMs + debt + cost)
      return 'pass'
    }
    for (const { key, debt, cost } of over)
      clearAt.set(key, nowMs + Math.min(debt + cost * 0.1, 2 * burstMs))
    const client = address.length === 4 ? [32] : [128, 64]
    const isFlood = over.some((one) => client.includes(one.length) && one.debt > 1.5 * burstMs)
    const turn = isFlood ? turns.flood++ : turns.limited++
    return turn % (isFlood ? given.floodSlip : given.slip) === 0 ? 'slip' : 'drop'
  }
}

describe('against a model', () => {
  const addresses = (
    '192.0.2.1 192.0.2.2 192.0.3.1 192.0.31.9 192.0.60.1 198.51.100.1 0.0.0.0 :: c000:201:: 2001:db8::1 ' +
    '2001:db8::2 2001:db8:0:1::1 2001:db8:0:100::1 2001:db8:1::1 2001:db9::1'
  )
    .split(' ')
    .map(addressOf)
  const rush = fc.record({
    who: fc.nat(addresses.length - 1),
    count: fc.oneof(fc.nat(5), fc.nat(1500)),
    gapMs: fc.constantFrom(0, 0, 0.05, 0.3, 1, 7),
    pauseMs: fc.constantFrom(0, 0, 1, 40, 900, 6000),
  })
  const limits = fc.record({
    perSecond: fc.constantFrom(1, 20, 100, 333),
    burst: fc.constantFrom(4, 7, 250),
    workers: fc.integer({ min: 1, max: 4 }),
    slip: fc.integer({ min: 1, max: 3 }),
    floodSlip: fc.integer({ min: 1, max: 10 }),
  })

  test('any traffic is limited as the rule prescribes', () => {
    const seen = { pass: 0, slip: 0, drop: 0 }
    fc.assert(
      fc.property(limits, fc.array(rush, { maxLength: 25 }), (given, rushes) => {
        const limiter = createRateLimiter(options(given))
        const model = createModel(options(given))
        let nowMs = 1000
        for (const { who, count, gapMs, pauseMs } of rushes) {
          nowMs += pauseMs
          for (let i = 0; i < count; i++, nowMs += gapMs) {
            const address = addresses[who] as Uint8Array
            const wanted = model(address, nowMs)
            seen[wanted]++
            // A plain comparison: expect() a million times would take minutes.
            if (limiter.check(address, nowMs) !== wanted)
              throw new Error(`query ${i} of ${who} at ${nowMs}: not ${wanted}`)
          }
        }
        expect(limiter.counts.evicted).toBe(0)
        expect(limiter.counts.slipped + limiter.counts.dropped).toBe(limiter.counts.limited)
      }),
      { numRuns: runs(150) },
    )
    // All outcomes occurred.
    expect(Math.min(seen.pass, seen.slip, seen.drop)).toBeGreaterThan(100)
  })
})

interface Outcome {
  pass: number
  slip: number
  drop: number
}

/** `perSecond` queries a second for `seconds`, evenly, from the addresses in turn. */
function flood(
  limiter: ReturnType<typeof createRateLimiter>,
  from: readonly Uint8Array[],
  rate: { perSecond: number; seconds: number; fromMs?: number },
): Outcome {
  const seen = { pass: 0, slip: 0, drop: 0 }
  const count = rate.perSecond * rate.seconds
  for (let i = 0; i < count; i++) {
    const nowMs = (rate.fromMs ?? 0) + (i * 1000) / rate.perSecond
    seen[limiter.check(from[i % from.length] as Uint8Array, nowMs)]++
  }
  return seen
}

const hosts = (network: string, count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => addressOf(`${network}.${i}`))

describe('the default limits', () => {
  const one = [addressOf('192.0.2.1')]

  test('250 at once, then 100 a second', () => {
    const limiter = createRateLimiter(options())
    const at = (nowMs: number, count: number): number =>
      Array.from({ length: count }, () => limiter.check(addressOf('192.0.2.1'), nowMs)).filter(
        (verdict) => verdict === 'pass',
      ).length
    expect(at(0, 250)).toBe(250)
    expect(at(0, 1)).toBe(0)
    expect(at(1000, 100)).toBeGreaterThanOrEqual(99)
    expect(at(60_000, 251)).toBe(250)
  })

  test('never limit a busy resolver, nor a farm of them', () => {
    const limiter = createRateLimiter(options())
    expect(flood(limiter, one, { perSecond: 100, seconds: 60 }).pass).toBe(6000)
    const farm = createRateLimiter(options())
    expect(flood(farm, hosts('192.0.2', 32), { perSecond: 3200, seconds: 20 }).pass).toBe(64_000)
    const v6 = createRateLimiter(options())
    const farmV6 = Array.from({ length: 4 }, (_, i) => addressOf(`2001:db8:0:${i << 8}::53`))
    expect(flood(v6, farmV6, { perSecond: 400, seconds: 20 }).pass).toBe(8000)
  })

  test.each([
    [2, 8 / 9],
    [5, 5 / 9],
    [9, 1 / 9],
  ])('%d× the limit: the share of whole answers falls, none is dropped', (times, share) => {
    const limiter = createRateLimiter(options())
    flood(limiter, one, { perSecond: 100 * times, seconds: 60 })
    const later = flood(limiter, one, { perSecond: 100 * times, seconds: 30, fromMs: 60_000 })
    expect(later.drop).toBe(0)
    expect(later.pass / 3000).toBeCloseTo(share, 1)
  })

  test('20× the limit: no whole answers, and one truncated in four', () => {
    const limiter = createRateLimiter(options())
    flood(limiter, one, { perSecond: 2000, seconds: 10 })
    const later = flood(limiter, one, { perSecond: 2000, seconds: 10, fromMs: 10_000 })
    expect(later).toEqual({ pass: 0, slip: 5000, drop: 15_000 })
    // Five seconds later the limits apply as before.
    expect(flood(limiter, one, { perSecond: 50, seconds: 10, fromMs: 25_000 }).pass).toBe(500)
  })

  test('are divided between workers', () => {
    const shares = [1, 2].map(() => createRateLimiter(options({ workers: 2 })))
    const passed = shares.map(
      (limiter) => flood(limiter, one, { perSecond: 60, seconds: 100 }).pass,
    )
    // 100 a second between them, and the burst of 250.
    expect(passed[0]).toBeLessThan((5000 + 125) * 1.001)
    expect((passed[0] as number) + (passed[1] as number)).toBeGreaterThan(10_000)
  })
})

describe('amplification', () => {
  const query = 45
  const longest = 512
  const octetsOut = ({ pass, slip }: Outcome): number => pass * longest + slip * query

  test.each([
    ['one address', [addressOf('192.0.2.1')], 1, 20_000],
    ['one address, just above its limit', [addressOf('192.0.2.1')], 1, 150],
    ['a /24', hosts('192.0.2', 256), 32, 100_000],
    ['a /24, just above its limit', hosts('192.0.2', 256), 32, 4800],
    ['a /64', [1, 2, 3, 4, 5].map((i) => addressOf(`2001:db8::${i}`)), 2, 5000],
  ] as const)('stays within the stated bound: %s', (_, from, multiple, perSecond) => {
    const limiter = createRateLimiter(options())
    const all: Outcome = { pass: 0, slip: 0, drop: 0 }
    for (let second = 0; second < 10; second++) {
      const seen = flood(limiter, from, { perSecond, seconds: 1, fromMs: 1000 * second })
      for (const verdict of ['pass', 'slip', 'drop'] as const) all[verdict] += seen[verdict]
      const octetsIn = perSecond * (second + 1) * query
      const allowed = (250 + 100 * (second + 1)) * multiple * longest
      expect(octetsOut(all)).toBeLessThanOrEqual(octetsIn + allowed)
      // Above ten times the limit nothing is amplified once the burst is gone.
      if (perSecond > 1000 * multiple && second > 3)
        expect(octetsOut(seen)).toBeLessThanOrEqual(perSecond * query)
    }
    expect(all.pass).toBeGreaterThan(0)
    expect(all.slip).toBeGreaterThan(0)
  })

  test('neighbours in a flooded /24 are sent to TCP, never dropped', () => {
    const limiter = createRateLimiter(options())
    const spoofed = hosts('192.0.2', 200)
    const honest = addressOf('192.0.2.240')
    const seen = { pass: 0, slip: 0, drop: 0 }
    for (let i = 0; i < 1_000_000; i++) {
      limiter.check(spoofed[i % 200] as Uint8Array, i / 100)
      if (i % 10_000 === 9_999) seen[limiter.check(honest, i / 100)]++
    }
    expect(seen.drop).toBe(0)
    expect(seen.slip).toBeGreaterThan(90)
  })

  test('a flood of one address does not limit its neighbours', () => {
    const limiter = createRateLimiter(options())
    const honest = addressOf('192.0.2.240')
    const seen = { pass: 0, slip: 0, drop: 0 }
    for (let i = 0; i < 1_000_000; i++) {
      limiter.check(addressOf('192.0.2.1'), i / 100)
      if (i % 10_000 === 0) seen[limiter.check(honest, i / 100)]++
    }
    expect(seen).toEqual({ pass: 100, slip: 0, drop: 0 })
  })
})

describe('clients that are not limited', () => {
  test('exempt networks, which are not counted either', () => {
    const exempt = ['127.0.0.0/8', '2001:db8::/32'].map(networkOf)
    const limiter = createRateLimiter(options({ exempt }))
    for (const text of ['127.3.2.1', '2001:db8:ffff::1'])
      expect(flood(limiter, [addressOf(text)], { perSecond: 5000, seconds: 1 }).pass).toBe(5000)
    expect(limiter.counts).toEqual({ limited: 0, slipped: 0, dropped: 0, evicted: 0 })
    expect(
      flood(limiter, [addressOf('128.0.0.1')], { perSecond: 5000, seconds: 1 }).pass,
    ).toBeLessThan(400)
  })

  test('a dry run counts and lets pass', () => {
    const real = createRateLimiter(options())
    const dry = createRateLimiter(options({ dryRun: true }))
    const from = [addressOf('192.0.2.1')]
    const seen = flood(real, from, { perSecond: 5000, seconds: 5 })
    expect(flood(dry, from, { perSecond: 5000, seconds: 5 })).toEqual({
      pass: 25_000,
      slip: 0,
      drop: 0,
    })
    expect(dry.counts).toEqual(real.counts)
    expect(real.counts).toMatchObject({ slipped: seen.slip, dropped: seen.drop })
  })
})

describe('the table', () => {
  /** The i-th of pseudorandom addresses. */
  const addressNumber = (i: number): Uint8Array => {
    const word = Math.imul(i + 1, 0x9e3779b1) >>> 0
    return Uint8Array.of(word >>> 24, word >>> 16, word >>> 8, word)
  }

  test('never grows; a million addresses a second take a sixth of it', () => {
    const limiter = createRateLimiter(options())
    expect(limiter.octets).toBe(65_536 * 12)
    for (let i = 0; i < 1_000_000; i++) limiter.check(addressNumber(i), i / 1000)
    expect(limiter.octets).toBe(65_536 * 12)
    // Four prefixes each; 0.4 % of the sets are full by chance.
    expect(limiter.counts.evicted).toBeLessThan(20_000)
    expect(limiter.counts.limited).toBe(0)
  })

  test('addresses that fill it do not evict one that is limited', () => {
    const limiter = createRateLimiter(options({ capacity: 1024 }))
    const victim = addressOf('192.0.2.1')
    flood(limiter, [victim], { perSecond: 20_000, seconds: 1 })
    for (let i = 0; i < 100_000; i++) limiter.check(addressNumber(i), 1000 + i / 1000)
    expect(limiter.counts.evicted).toBeGreaterThan(100_000)
    expect(limiter.check(victim, 1100)).not.toBe('pass')
  })

  test('a chosen address can be evicted only by an attacker who knows the seed', () => {
    const capacity = 1024
    const known: RateLimitOptions['seed'] = [11, 22]
    const victim = addressOf('192.0.2.1')
    const setOf = (address: Uint8Array): number => prefixHash(known, address, 32) % (capacity / 4)
    const meeting: Uint8Array[] = []
    for (let i = 0; meeting.length < 5; i++)
      if (setOf(addressNumber(i)) === setOf(victim)) meeting.push(addressNumber(i))

    const verdictAfter = (seed: RateLimitOptions['seed']): RateAction => {
      const limiter = createRateLimiter(options({ capacity, seed }))
      flood(limiter, [victim], { perSecond: 5000, seconds: 1 })
      // With more debt than the victim, so that the victim is evicted.
      for (const attacker of meeting) flood(limiter, [attacker], { perSecond: 40_000, seconds: 1 })
      return limiter.check(victim, 1001)
    }
    expect(verdictAfter(known)).toBe('pass')
    for (let other = 100; other < 120; other++)
      expect(verdictAfter([other, other ^ 0x5555])).not.toBe('pass')
  })
})
