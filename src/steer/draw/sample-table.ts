// All that a sample of few can come to by its one random number, as order-table.ts has it of ladders: the numbers are cut
// where another order begins, and each of these parts where the start is that picks another entry.

import { createBallot, enter, shuffleBy, weightAt, weightFrom } from './candidates.ts'
import type { Ballot } from './candidates.ts'
import type { OrderTable } from './order-table.ts'
import { tableOf } from './order-table.ts'
import { drawCertain, drawSample } from './sampling.ts'

/** They come in 24 orders, with four parts at most each: a start can pass three borders between entries. */
const maxEntries = 4

/** Of `places` entries, as `drawSample` draws them; null: they are too many. */
export function sampleTable(weights: Float64Array, places: number): OrderTable | null {
  if (weights.length > maxEntries) return null
  let orders = 1
  for (let i = 2; i <= weights.length; i++) orders *= i
  const parts: { end: number; members: Int32Array }[] = []
  for (let order = 0; order < orders; order++) {
    let from = 0
    for (const until of [...cuts(weights, places, (order + 0.5) / orders), 1]) {
      const members = drawn(weights, places, (order + (from + until) / 2) / orders)
      parts.push({ end: (order + until) / orders, members })
      from = until
    }
  }
  return tableOf(parts)
}

const ballotOf = (weights: Float64Array): Ballot => {
  const ballot = createBallot()
  for (const [i, weight] of weights.entries()) enter(ballot, weight, i, 0)
  return ballot
}

function drawn(weights: Float64Array, places: number, chance: number): Int32Array {
  const ballot = ballotOf(weights)
  const count = drawSample(ballot, places, () => chance)
  return ballot.members.slice(0, count)
}

/** From where on a start of the order that a chance leads to picks others: in parts of a step, each once, in their order. */
function cuts(weights: Float64Array, places: number, chance: number): readonly number[] {
  if (places >= weights.length) return []
  const ballot = ballotOf(weights)
  shuffleBy(ballot, chance)
  const certain = drawCertain(ballot, places)
  if (certain === places) return []
  const step = weightFrom(ballot, certain) / (places - certain)
  const found = new Set<number>()
  let along = 0
  for (let i = certain; i < ballot.count - 1; i++) {
    along += weightAt(ballot, i)
    found.add((along / step) % 1)
  }
  found.delete(0)
  return [...found].sort((a, b) => a - b)
}
