// The two weighted draws. Both move the candidates drawn to the front and return their number.
//
//   drawLadder   weighted permutation (Plackett–Luce): the first position is won in proportion to weight, the second in
//                proportion among the rest, and so on
//   drawSample   k of n, each included with probability min(1, k·w/W) exactly: systematic sampling with probability
//                proportional to size (Madow 1949). Candidates that would exceed 1 are certain, and the others share
//                what is left of k in proportion

import { type Candidates, shuffle, swap, weightAt, weightFrom } from './candidates.ts'
import type { Chooser } from './chooser.ts'

/** Draws the first `count` positions of a weighted permutation. */
export function drawLadder(candidates: Candidates, count: number, chooser: Chooser): number {
  const drawn = Math.min(count, candidates.count)
  let left = weightFrom(candidates, 0)
  for (let position = 0; position < drawn; position++) {
    const at = chooser.weighted(candidates.weights, position, candidates.count, left)
    left -= weightAt(candidates, at)
    swap(candidates, position, at)
  }
  return drawn
}

/** Draws `count` candidates, each included in proportion to its weight. */
export function drawSample(candidates: Candidates, count: number, chooser: Chooser): number {
  if (count === 1) return drawLadder(candidates, 1, chooser)
  if (candidates.count < 2 || count < 1) return Math.min(Math.max(0, count), candidates.count)
  // Without the shuffle, neighbours in the file would never be drawn together.
  shuffle(candidates, chooser)
  if (count >= candidates.count) return candidates.count
  return drawSystematic(candidates, drawCertain(candidates, count), count, chooser)
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
 * is taken at each multiple of a step, beginning somewhere in the first step. Returns `count`.
 */
export function drawSystematic(
  candidates: Candidates,
  from: number,
  count: number,
  chooser: Chooser,
): number {
  if (from === count) return count
  let drawn = from
  const step = weightFrom(candidates, from) / (count - from)
  let point = startOf(candidates, from, step, chooser) * step
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

/** More borders take longer to sort than a start takes to draw. */
const maxBorders = 64

/** Starts that can be told apart where there are too many borders, squared. */
const fineStarts = 0x1_0000

/**
 * Where in the first step, in [0, 1), a sample begins. All starts between two borders lead to the same sample, so that the
 * choice is among the intervals, in proportion to their lengths.
 */
function startOf(candidates: Candidates, from: number, step: number, chooser: Chooser): number {
  if (candidates.count - from > maxBorders) {
    const coarse = chooser.equal(fineStarts)
    return (coarse + (chooser.equal(fineStarts) + 0.5) / fineStarts) / fineStarts
  }
  const { cuts } = candidates
  const intervals = cutStarts(candidates, from, step)
  const chosen = chooser.weighted(cuts, 0, intervals, 1)
  let start = 0
  for (let i = 0; i < chosen; i++) start += cuts[i] as number
  return start + (cuts[chosen] as number) / 2
}

/** Closer borders are one, which rounding made two. */
const leastInterval = 1e-12

/** Fills `cuts` with the lengths of the intervals between borders, in order; returns their number. */
function cutStarts(candidates: Candidates, from: number, step: number): number {
  const { cuts } = candidates
  let borders = 0
  let along = 0
  for (let i = from; i < candidates.count - 1; i++) {
    along += weightAt(candidates, i)
    const border = (along / step) % 1
    let at = borders++
    for (; at > 0 && (cuts[at - 1] as number) > border; at--) cuts[at] = cuts[at - 1] as number
    cuts[at] = border
  }
  let intervals = 0
  let before = 0
  for (let i = 0; i < borders; i++) {
    const border = cuts[i] as number
    if (border - before < leastInterval || 1 - border < leastInterval) continue
    cuts[intervals++] = border - before
    before = border
  }
  cuts[intervals++] = 1 - before
  return intervals
}
