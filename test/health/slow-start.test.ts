import { expect, test } from 'vitest'
import { slowStartFactor, slowStartStepMs } from '../../src/health/effective-weight.ts'

test('no recovery seen, or no slow start asked for: the whole weight', () => {
  expect(slowStartFactor(null, 120, 5)).toBe(1)
  expect(slowStartFactor(1000, 0, 1000)).toBe(1)
})

test.each([
  [0, 0.1],
  [6, 0.1],
  [7, 0.15],
  [60, 0.55],
  [113, 0.9],
  [119.9, 0.95],
  [120, 1],
  [100_000, 1],
  [-5, 0.1],
])('%d s into 120 s: %d', (seconds, factor) => {
  expect(slowStartFactor(1000, 120, 1000 + seconds * 1000)).toBeCloseTo(factor, 12)
})

test('never falls, and takes 19 values, one each step', () => {
  const seen = new Set<number>()
  let last = 0
  for (let atMs = 0; atMs <= 120_000; atMs += 10) {
    const factor = slowStartFactor(0, 120, atMs)
    expect(factor).toBeGreaterThanOrEqual(last)
    last = factor
    seen.add(factor)
  }
  expect(seen.size).toBe(19)
  expect(slowStartStepMs(120)).toBeCloseTo(120_000 / 18, 6)
})
