// A table of orders says of each number what drawLadder (steer/draw/sampling.ts) draws with it.

import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { ladderOutcomes } from '../../../src/steer/draw/outcomes.ts'
import { drawLadder } from '../../../src/steer/draw/sampling.ts'
import { expectSame, numbers } from './same-draw.ts'
import { runs } from '../../support/runs.ts'

const weight = fc.oneof(
  fc.integer({ min: 1, max: 100 }),
  fc.double({ min: 0.001, max: 10, noNaN: true }),
)

test('the same order for the same number', () => {
  let tables = 0
  fc.assert(
    fc.property(
      fc.array(weight, { minLength: 1, maxLength: 6 }),
      fc.constantFrom(1, 2, 3, 4, 5, 6, 6553),
      numbers,
      (weights, places, chances) => {
        const table = ladderOutcomes(Float64Array.from(weights), places)
        if (table === null) return
        tables++
        expectSame(table, { draw: drawLadder, weights, places }, chances)
      },
    ),
    { numRuns: runs(500) },
  )
  expect(tables).toBeGreaterThan(runs(500) / 5)
})

test('each order has its share of the numbers', () => {
  const table = ladderOutcomes(Float64Array.of(5, 3, 2), 3)
  const share: Record<string, number> = {}
  for (let order = 0; order < 6; order++) {
    const from = order === 0 ? 0 : (table?.ends[order - 1] as number)
    const row = [...(table?.members.subarray(order * 3, order * 3 + 3) ?? [])].join('')
    share[row] = ((table?.ends[order] as number) - from) / 2 ** 31
  }
  const wanted = {
    '012': 0.5 * 0.6,
    '021': 0.5 * 0.4,
    '102': 0.3 * (5 / 7),
    '120': 0.3 * (2 / 7),
    '201': 0.2 * (5 / 8),
    '210': 0.2 * (3 / 8),
  }
  expect(Object.keys(share).sort()).toEqual(Object.keys(wanted).sort())
  for (const [row, part] of Object.entries(wanted)) expect(share[row]).toBeCloseTo(part, 8)
})

test('of what one number does not decide, or of too many, there is none', () => {
  const of = (count: number, places: number): number | null =>
    ladderOutcomes(new Float64Array(count).fill(1), places)?.ends.length ?? null
  expect([of(1, 1), of(2, 5), of(3, 3), of(4, 4), of(5, 5)]).toEqual([1, 2, 6, 24, 120])
  expect([of(32, 1), of(11, 2), of(12, 2), of(6, 3), of(7, 3)]).toEqual([32, 110, null, 120, null])
  // Its fifth place is drawn by a second number.
  expect(of(6, 5)).toBe(null)
})
