// The two draws. Both leave what was drawn in the first places of the ballot and return how many that is.
//
//   drawLadder   weighted permutation (Plackett–Luce): the first place is won in proportion to weight, the
//                second likewise among the rest, and so on; who is left alone at last needs no chance
//   drawSample   k of n, each included with probability min(1, k·w/W) exactly (systematic sampling); who would
//                exceed 1 is certain, and the rest share the remaining places in proportion

import type { Random } from '../../lib/clock.ts'
import type { Candidates } from './candidates.ts'
import { shuffle, shuffleBy, swap, weightAt, weightFrom } from './candidates.ts'

/** Places that one random number is good for: each takes a few of its 53 bits. */
export const positionsPerRandom = 4

/** Entries at most whose sample one random number decides: their order takes 16 of its 53 bits. */
const maxSampledByOneRandom = 8

export function drawLadder(ballot: Candidates, places: number, random: Random): number {
  const drawn = Math.min(places, ballot.count)
  const chances = Math.min(drawn, ballot.count - 1)
  let left = weightFrom(ballot, 0)
  let chance = 0
  for (let place = 0; place < chances; place++) {
    const point = (place % positionsPerRandom === 0 ? random() : chance) * left
    let along = weightAt(ballot, place)
    let at = place
    while (point >= along && at < ballot.count - 1) along += weightAt(ballot, ++at)
    const weight = weightAt(ballot, at)
    // Where in the winner's share the point fell is a matter of chance too, and is left for the next place.
    chance = (point - (along - weight)) / weight
    swap(ballot, place, at)
    left -= weight
  }
  return drawn
}

export function drawSample(ballot: Candidates, places: number, random: Random): number {
  if (places === 1) return drawLadder(ballot, 1, random)
  if (ballot.count < 2 || places < 1) return Math.min(Math.max(0, places), ballot.count)
  // Without the shuffle, neighbours in the file would never be drawn together.
  const isFew = ballot.count <= maxSampledByOneRandom
  const chance = isFew ? shuffleBy(ballot, random()) : 0
  if (!isFew) shuffle(ballot, random)
  if (places >= ballot.count) return ballot.count
  const certain = drawCertain(ballot, places)
  return drawSystematic(ballot, certain, places, isFew ? chance : random())
}

/** Brings to the front who is due a whole place or more. What they leave lowers the bar, so it repeats. */
export function drawCertain(ballot: Candidates, places: number): number {
  let certain = 0
  for (let before = -1; before < certain && certain < places;) {
    before = certain
    const bar = weightFrom(ballot, certain) / (places - certain)
    for (let i = certain; i < ballot.count && certain < places; i++)
      if (weightAt(ballot, i) >= bar) swap(ballot, i, certain++)
  }
  return certain
}

/**
 * A start by chance, from 0 to below 1 of a step, then a pick each whole step along the line of weights:
 * `places - from` picks.
 */
export function drawSystematic(
  ballot: Candidates,
  from: number,
  places: number,
  chance: number,
): number {
  let drawn = from
  const step = weightFrom(ballot, from) / (places - from)
  let pick = chance * step
  let along = 0
  for (let i = from; i < ballot.count && drawn < places; i++) {
    along += weightAt(ballot, i)
    const remaining = ballot.count - i
    // The second condition is for rounding only: the last pick may fall an ulp past the end of the line.
    if (pick >= along && remaining > places - drawn) continue
    pick += step
    swap(ballot, i, drawn++)
  }
  return drawn
}
