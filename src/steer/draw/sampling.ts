// The two weighted draws. Both move the candidates drawn to the front and return their number.
//
//   drawLadder   weighted permutation (Plackett–Luce): the first position is won in proportion to weight, the second in
//                proportion among the rest, and so on; the last candidate left needs no random number
//   drawSample   k of n, each included with probability min(1, k·w/W) exactly: systematic sampling with probability
//                proportional to size (Madow 1949). Candidates that would exceed 1 are certain, and the others share
//                what is left of k in proportion

import type { Random } from '../../lib/clock.ts'
import type { Candidates } from './candidates.ts'
import { shuffle, shuffleBy, swap, weightAt, weightFrom } from './candidates.ts'

/** Ladder positions that one random number decides: each takes a few of its 53 bits. */
export const positionsPerRandom = 4

/** Candidates that one random number can sample: their order takes 16 of its 53 bits. */
const maxSampledByOneRandom = 8

/** Draws the first `count` positions of a weighted permutation. */
export function drawLadder(candidates: Candidates, count: number, random: Random): number {
  const drawn = Math.min(count, candidates.count)
  const randomPositions = Math.min(drawn, candidates.count - 1)
  let left = weightFrom(candidates, 0)
  let fraction = 0
  for (let position = 0; position < randomPositions; position++) {
    const point = (position % positionsPerRandom === 0 ? random() : fraction) * left
    let along = weightAt(candidates, position)
    let at = position
    while (point >= along && at < candidates.count - 1) along += weightAt(candidates, ++at)
    const weight = weightAt(candidates, at)
    // Where the point falls within the winner's weight is uniform too, and decides the next position.
    fraction = (point - (along - weight)) / weight
    swap(candidates, position, at)
    left -= weight
  }
  return drawn
}

/** Draws `count` candidates, each included in proportion to its weight. */
export function drawSample(candidates: Candidates, count: number, random: Random): number {
  if (count === 1) return drawLadder(candidates, 1, random)
  if (candidates.count < 2 || count < 1) return Math.min(Math.max(0, count), candidates.count)
  // Without the shuffle, neighbours in the file would never be drawn together.
  const isFew = candidates.count <= maxSampledByOneRandom
  const fraction = isFew ? shuffleBy(candidates, random()) : 0
  if (!isFew) shuffle(candidates, random)
  if (count >= candidates.count) return candidates.count
  const certain = drawCertain(candidates, count)
  return drawSystematic(candidates, certain, count, isFew ? fraction : random())
}

/**
 * Moves to the front the candidates whose share of `count` is 1 or more, and returns their number. Taking one of them
 * out lowers the threshold for the others, so the search repeats.
 */
export function drawCertain(candidates: Candidates, count: number): number {
  let certain = 0
  for (let before = -1; before < certain && certain < count;) {
    before = certain
    const threshold = weightFrom(candidates, certain) / (count - certain)
    for (let i = certain; i < candidates.count && certain < count; i++)
      if (weightAt(candidates, i) >= threshold) swap(candidates, i, certain++)
  }
  return certain
}

/**
 * Systematic sampling of `count - from` of the candidates from `from` on: along the line of their weights one candidate
 * is taken at each multiple of a step, beginning at `fraction`, in [0, 1), of the first step. Returns `count`.
 */
export function drawSystematic(
  candidates: Candidates,
  from: number,
  count: number,
  fraction: number,
): number {
  let drawn = from
  const step = weightFrom(candidates, from) / (count - from)
  let point = fraction * step
  let along = 0
  for (let i = from; i < candidates.count && drawn < count; i++) {
    along += weightAt(candidates, i)
    const remaining = candidates.count - i
    // The second condition is for rounding only: the last point may fall an ulp past the end of the line.
    if (point >= along && remaining > count - drawn) continue
    point += step
    swap(candidates, i, drawn++)
  }
  return drawn
}
