import { describe, expect, test } from 'vitest'
import {
  effectiveWeight,
  rewriteAfterMs,
  rowShare,
  type WarmUp,
  warmUpStep,
} from '../../src/health/effective-weight.ts'

const fromMs = Date.UTC(2026, 11, 1)
const dayMs = 86_400_000
const exponential: WarmUp = { fromMs, days: 30, curve: 'exponential', start: 0.01 }
const linear: WarmUp = { ...exponential, curve: 'linear' }

describe('warm-up', () => {
  test('is nothing before its day, and whole after it', () => {
    for (const warmUp of [linear, exponential]) {
      expect(warmUpStep(warmUp, fromMs - 1)).toEqual({ share: 0, untilMs: fromMs })
      expect(warmUpStep(warmUp, fromMs + 30 * dayMs)).toEqual({ share: 1, untilMs: Infinity })
      expect(warmUpStep(warmUp, fromMs).share).toBeCloseTo(0.01, 12)
    }
    expect(warmUpStep(null, 0)).toEqual({ share: 1, untilMs: Infinity })
  })

  test('grows once a day: by the same amount, or by the same per cent', () => {
    const shares = (warmUp: WarmUp): number[] =>
      Array.from({ length: 31 }, (_, day) => warmUpStep(warmUp, fromMs + day * dayMs).share)
    const [linearly, exponentially] = [shares(linear), shares(exponential)]
    for (let day = 1; day <= 30; day++) {
      expect((linearly[day] ?? 0) - (linearly[day - 1] ?? 0)).toBeCloseTo(0.99 / 30, 12)
      expect((exponentially[day] ?? 0) / (exponentially[day - 1] ?? 1)).toBeCloseTo(
        100 ** (1 / 30),
        9,
      )
    }
    const noon = fromMs + 4.5 * dayMs
    expect(warmUpStep(linear, noon)).toEqual({ share: linearly[4], untilMs: fromMs + 5 * dayMs })
  })
})

describe('share and hold of a row', () => {
  test('is warm-up times override, until the sooner of both changes', () => {
    const noon = fromMs + dayMs / 2
    const own = { share: 0.5, endsInMs: 1_000_000 }
    const both = rowShare(linear, own, noon)
    expect(both.share).toBeCloseTo(0.005, 12)
    expect(both.holdSeconds).toBe(1000)
    const later = rowShare(linear, { share: 1, endsInMs: dayMs }, noon)
    expect(later.holdSeconds).toBe(43_200)
    expect(rowShare(null, { share: 2, endsInMs: Infinity }, noon)).toEqual({
      share: 2,
      holdSeconds: Infinity,
    })
    expect(rowShare(null, { share: 2, endsInMs: -5 }, noon).holdSeconds).toBe(0)
  })

  test('is written again soon enough for its hold', () => {
    for (const hold of [0, 1, 8, 100, 480, 1e6, Infinity]) {
      const late = rewriteAfterMs(hold) / 1000
      expect(late).toBeLessThanOrEqual(Math.max(1, hold / 8))
      expect(late).toBeGreaterThanOrEqual(1)
      expect(late).toBeLessThanOrEqual(60)
    }
  })

  test('multiplies with all the rest', () => {
    const factors = { warmUp: 0.5, override: 3, feedback: 0.5, slowStart: 0.1, shed: 0.5 }
    expect(effectiveWeight(8, { ...factors, reputation: 1 })).toBeCloseTo(0.3, 12)
    expect(effectiveWeight(8, { ...factors, reputation: 0.5 })).toBeCloseTo(0.15, 12)
  })
})
