// A table of orders beside the draw that it stands for, number by number.

import * as fc from 'fast-check'
import { expect } from 'vitest'
import { createCandidates, addCandidate } from '../../../src/steer/draw/candidates.ts'
import { outcomeIndexAt, uint31Of, type OutcomeTable } from '../../../src/steer/draw/outcomes.ts'
import type { drawLadder, drawSample } from '../../../src/steer/draw/sampling.ts'

export interface Drawing {
  readonly draw: typeof drawLadder | typeof drawSample
  readonly weights: readonly number[]
  readonly places: number
}

export const numbers: fc.Arbitrary<number[]> = fc.array(
  fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  { minLength: 50 },
)

function drawn({ draw, weights, places }: Drawing, random: number): number[] {
  const candidates = createCandidates()
  for (const [i, weight] of weights.entries()) addCandidate(candidates, weight, i, 0)
  const count = draw(candidates, places, () => random)
  return [...candidates.members.subarray(0, count)]
}

/** Expects the same of both for all random numbers. Returns how many were compared. */
export function expectSame(
  table: OutcomeTable,
  drawing: Drawing,
  chances: readonly number[],
): number {
  const { ends, members, count } = table
  let compared = 0
  for (const chance of chances) {
    const point = chance * 2 ** 31
    // At an end itself it is a matter of rounding.
    if (ends.some((end) => Math.abs(end - point) < 2)) continue
    const order = outcomeIndexAt(table, uint31Of(chance))
    const row = [...members.subarray(order * count, (order + 1) * count)]
    expect(row).toEqual(drawn(drawing, chance))
    compared++
  }
  return compared
}
