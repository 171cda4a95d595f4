import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import {
  type SavedAvailability,
  bucketsOf,
  budgetGoneAfterMs,
  burnRate,
  countsSince,
  availabilityOf,
  availabilityWindows,
  countHandshake,
  createAvailability,
  errorBudgetLeft,
  handshakesIn,
  restoreAvailability,
  saveAvailability,
  savedHandshakesIn,
} from '../../src/health/availability.ts'

const startMs = Date.parse('2026-11-21T00:00:00Z')
const hourMs = 3_600_000

describe('windows', () => {
  test('each sees what is within it, to a bucket', () => {
    const seen = fc.array(fc.record({ agoMs: fc.nat(40 * 24 * hourMs), isGood: fc.boolean() }), {
      maxLength: 200,
    })
    fc.assert(
      fc.property(seen, (handshakes) => {
        const rings = createAvailability()
        const inOrder = handshakes.toSorted((a, b) => b.agoMs - a.agoMs)
        for (const { agoMs, isGood } of inOrder) countHandshake(rings, isGood, startMs - agoMs)
        for (const { name, buckets, bucketMs } of availabilityWindows) {
          const oldest = Math.floor(startMs / bucketMs) - buckets
          const within = inOrder.filter(
            ({ agoMs }) => Math.floor((startMs - agoMs) / bucketMs) > oldest,
          )
          expect(handshakesIn(rings, name, startMs)).toEqual({
            good: within.filter(({ isGood }) => isGood).length,
            total: within.length,
            sinceMs: Math.min(
              ...within.map(({ agoMs }) => Math.floor((startMs - agoMs) / bucketMs) * bucketMs),
            ),
          })
        }
      }),
    )
  })

  test('nothing seen is no availability', () => {
    expect(availabilityOf(handshakesIn(createAvailability(), '30d', startMs))).toBe(null)
  })

  test('what is saved comes back, and counts on', () => {
    const before = createAvailability()
    for (let i = 0; i < 1000; i++) countHandshake(before, i % 10 > 0, startMs - i * hourMs)
    const saved = JSON.parse(JSON.stringify(saveAvailability(before))) as ReturnType<
      typeof saveAvailability
    >
    const after = createAvailability()
    countHandshake(after, true, startMs)
    restoreAvailability(after, saved)
    for (const { name } of availabilityWindows) {
      const { good, total } = handshakesIn(before, name, startMs)
      expect(handshakesIn(after, name, startMs)).toMatchObject({ good: good + 1, total: total + 1 })
    }
  })
})

test('the error budget', () => {
  expect(errorBudgetLeft(1, 0.9995)).toBe(1)
  expect(errorBudgetLeft(0.99975, 0.9995)).toBeCloseTo(0.5, 9)
  expect(errorBudgetLeft(0.9995, 0.9995)).toBeCloseTo(0, 9)
  expect(errorBudgetLeft(0.998, 0.999)).toBeCloseTo(-1, 9)
})

test('buckets that were saved are summed as they were counted, within their window', () => {
  const rings = createAvailability()
  const nowMs = 40 * 86_400_000
  for (const [agoMs, isGood] of [
    [0, true],
    [120_000, false],
    [7_200_000, true],
  ] as const)
    countHandshake(rings, isGood, nowMs - agoMs)
  const saved = saveAvailability(rings)
  for (const window of ['1h', '24h', '30d'] as const)
    expect(savedHandshakesIn(saved, window, nowMs)).toEqual(handshakesIn(rings, window, nowMs))
  expect(savedHandshakesIn(saved, '1h', nowMs)).toEqual({
    good: 1,
    total: 2,
    sinceMs: nowMs - 120_000,
  })
  expect(savedHandshakesIn(saved, '1h', nowMs + 3_600_000 * 2)).toEqual({
    good: 0,
    total: 0,
    sinceMs: Infinity,
  })
})

test('of two looks at the same counts only what the later one has beyond is a gain', () => {
  const early: SavedAvailability = [[[1, 5, 10]], [], [[1, 5, 10]]]
  const late: SavedAvailability = [
    [
      [1, 8, 14],
      [2, 1, 1],
    ],
    [],
    [[1, 5, 10]],
  ]
  expect(countsSince(late, early)).toEqual([
    [
      [1, 3, 4],
      [2, 1, 1],
    ],
    [],
    [],
  ])
  expect(countsSince(early, late)).toEqual([[], [], []])
  expect(countsSince(late, [])).toEqual(late)
})

describe('the course of a budget', () => {
  const [, , { bucketMs: stepMs }] = availabilityWindows
  /** As many a minute as divide evenly into the failures of a case. */
  const aMinute = 20

  /** Rings of a pool that is probed each minute from `fromMs` to `toMs`, of which each `nth` fails. */
  function probe(
    rings: ReturnType<typeof createAvailability>,
    [fromMs, toMs]: readonly [number, number],
    failing: number,
  ): void {
    for (let atMs = fromMs; atMs < toMs; atMs += 60_000)
      for (let i = 0; i < aMinute; i++) countHandshake(rings, i >= failing, atMs)
  }

  test('buckets sum up to the window, over all instances', () => {
    const [own, other] = [createAvailability(), createAvailability()]
    probe(own, [startMs - 2 * hourMs, startMs], 1)
    probe(other, [startMs - 3 * hourMs, startMs - hourMs], 0)
    const saved = [own, other].map(saveAvailability)
    for (const { name, buckets } of availabilityWindows) {
      const course = bucketsOf(saved, name, startMs)
      expect(course).toHaveLength(buckets)
      const sums = saved.map((one) => savedHandshakesIn(one, name, startMs))
      for (const key of ['good', 'total'] as const)
        expect(course.reduce((sum, one) => sum + one[key], 0)).toBe(
          sums.reduce((sum, one) => sum + one[key], 0),
        )
    }
  })

  test('a rate of 1 spends exactly what the target allows', () => {
    expect(burnRate(0.999, 0.999)).toBe(1)
    expect(burnRate(0.99, 0.999)).toBeCloseTo(10)
    expect(burnRate(1, 0.999)).toBe(0)
  })

  // Judged by going on: probes as in the last hour are counted until the budget of the rings is spent.
  test.each([
    ['a young pool that fails a lot', 1, 2, 0.9],
    ['ten good days, then one probe in 20', 10, 1, 0.98],
    ['thirty good days, then half of all', 30, 10, 0.99],
  ])('%s', (_, days, failing, target) => {
    const rings = createAvailability()
    probe(rings, [startMs - days * 24 * hourMs, startMs - hourMs], 0)
    probe(rings, [startMs - hourMs, startMs], failing)
    const told = budgetGoneAfterMs([saveAvailability(rings)], target, startMs)
    const isSpent = (atMs: number): boolean =>
      errorBudgetLeft(availabilityOf(handshakesIn(rings, '30d', atMs)) ?? 1, target) <= 0
    let atMs = startMs
    while (!isSpent(atMs) && atMs < startMs + 31 * 24 * hourMs) {
      probe(rings, [atMs, atMs + hourMs], failing)
      atMs += hourMs
    }
    expect(Math.abs((told ?? Infinity) - (atMs - startMs))).toBeLessThanOrEqual(stepMs)
  })

  test('never, where it burns slower than the target allows; now, where it is spent', () => {
    const rings = createAvailability()
    probe(rings, [startMs - 24 * hourMs, startMs], 1)
    expect(budgetGoneAfterMs([saveAvailability(rings)], 0.5, startMs)).toBeNull()
    expect(budgetGoneAfterMs([saveAvailability(rings)], 0.99, startMs)).toBe(0)
    expect(budgetGoneAfterMs([], 0.99, startMs)).toBeNull()
  })
})
