// A table of samples says of each number which member drawSample (steer/draw/sampling.ts) draws with it, and by its shares each member is
// in as many as expected-shares.ts says.

import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { sampleProbabilities } from '../../../src/explain/expected-shares.ts'
import { sampleOutcomes } from '../../../src/steer/draw/outcomes.ts'
import { drawSample } from '../../../src/steer/draw/sampling.ts'
import { expectSame, numbers } from './same-draw.ts'
import { runs } from '../../support/runs.ts'

const weight = fc.oneof(
  fc.integer({ min: 1, max: 100 }),
  fc.constantFrom(1, 1, 2),
  fc.double({ min: 0.001, max: 10, noNaN: true }),
)
const weights = fc.array(weight, { minLength: 1, maxLength: 4 })
const places = fc.constantFrom(2, 3, 4, 6553)

test('the same sample for the same number', () => {
  let compared = 0
  const run = fc.property(weights, places, numbers, (weights, places, chances) => {
    const table = sampleOutcomes(Float64Array.from(weights), places)
    if (table === null) throw new Error('no table')
    compared += expectSame(table, { draw: drawSample, weights, places }, chances)
  })
  fc.assert(run, { numRuns: runs(500) })
  expect(compared).toBeGreaterThan(20 * runs(500))
})

test('each member is in as many samples as by weight, whatever comes first', () => {
  const run = fc.property(weights, places, (weights, places) => {
    const table = sampleOutcomes(Float64Array.from(weights), places)
    if (table === null) throw new Error('no table')
    const { ends, members, count } = table
    const share = weights.map(() => 0)
    for (const [order, end] of ends.entries()) {
      const part = (end - (order === 0 ? 0 : (ends[order - 1] as number))) / 2 ** 31
      const row = members.subarray(order * count, (order + 1) * count)
      expect(new Set(row).size).toBe(count)
      for (const member of row) share[member] = (share[member] as number) + part
    }
    const odds = sampleProbabilities(
      weights.map((weight) => ({ weight })),
      places,
    )
    for (const [i, one] of odds.entries()) expect(share[i]).toBeCloseTo(one, 7)
  })
  fc.assert(run, { numRuns: runs(500) })
})

test('of more than four there is none', () => {
  expect(sampleOutcomes(new Float64Array(4).fill(1), 2)?.ends.length).toBeLessThanOrEqual(96)
  expect(sampleOutcomes(new Float64Array(5).fill(1), 2)).toBe(null)
})
