import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SheddingState } from '../../src/health/shedding.ts'
import { updateShedding, shedFactor, initialShedding } from '../../src/health/shedding.ts'
import type { LoadSign } from '../../src/health/verdict.ts'
import { runs } from '../support/runs.ts'

const intervalMs = 20_000

/** Factors after each sign, one an interval. */
function factors(signs: readonly (LoadSign | null)[], everyMs = intervalMs): number[] {
  let state: SheddingState = initialShedding(0)
  return signs.map((sign, i) => {
    state = updateShedding(state, sign, intervalMs, (i + 1) * everyMs)
    return shedFactor(state)
  })
}

const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value)

describe('what probes see and what a target is worth', () => {
  test('calm: everything', () => {
    expect(factors(times(20, 'calm'))).toEqual(times(20, 1))
  })

  test('one busy reply takes a quarter, a run of them all but the floor', () => {
    expect(factors(times(6, 'busy'))).toEqual([0.75, 0.55, 0.45, 0.35, 0.25, 0.2])
    expect(factors(times(40, 'busy')).at(-1)).toBe(0.1)
  })

  test('it comes back as smoothly, and the last step up is a small one', () => {
    const back = factors([...times(40, 'busy' as const), ...times(10, 'calm' as const)]).slice(40)
    expect(back).toEqual([0.35, 0.55, 0.65, 0.75, 0.85, 0.9, 1, 1, 1, 1])
  })

  test('hysteresis: what does not begin to shed does not stop it either', () => {
    // The same pressure, between the two marks, reached from below and from above.
    const fromBelow = factors(times(4, 'busy'), intervalMs / 20)
    expect(fromBelow).toEqual([1, 1, 1, 1])
    const fromAbove = factors(['busy', 'calm', 'calm'])
    expect(fromAbove).toEqual([0.75, 0.8, 0.85])
  })

  test('slow counts from the third in a row, and half', () => {
    expect(factors(['slow', 'slow', 'calm', 'slow', 'slow'])).toEqual(times(5, 1))
    const long = factors(times(40, 'slow'))
    expect(long.slice(0, 3)).toEqual([1, 1, 1])
    expect(long.at(-1)).toBe(0.55)
  })

  test('an outcome that says nothing about load changes nothing', () => {
    expect(factors(['busy', null, null, null])).toEqual([0.75, 0.75, 0.75, 0.75])
  })

  test('the pace of probes does not matter, only time', () => {
    const slow = factors(times(3, 'busy')).at(-1) as number
    const fast = factors(times(12, 'busy'), intervalMs / 4).at(-1) as number
    expect(fast).toBeCloseTo(slow, 9)
  })
})

test('always within the floor and the whole, in twentieths, and smooth', () => {
  const sign = fc.constantFrom<LoadSign | null>('calm', 'slow', 'busy', null)
  const step = fc.record({ sign, afterMs: fc.integer({ min: 0, max: 100_000 }) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let state = initialShedding(0)
      let atMs = 0
      let before = 1
      for (const { sign, afterMs } of steps) {
        atMs += afterMs
        state = updateShedding(state, sign, intervalMs, atMs)
        const factor = shedFactor(state)
        expect(factor).toBeGreaterThanOrEqual(0.1)
        expect(factor).toBeLessThanOrEqual(1)
        expect(Math.abs(factor * 20 - Math.round(factor * 20))).toBeLessThan(1e-9)
        expect(Math.abs(factor - before)).toBeLessThanOrEqual(0.45)
        if (sign === 'calm') expect(factor).toBeGreaterThanOrEqual(before)
        if (sign === 'busy') expect(factor).toBeLessThanOrEqual(before)
        before = factor
      }
    }),
    { numRuns: runs(500) },
  )
})
