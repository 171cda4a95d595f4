// All orders in which a ladder can be drawn by one random number, and which of its values leads to which. They lie along
// the numbers from 0 to 1 as drawLadder (sampling.ts) divides them: first by who comes first, each of these parts by who
// comes second, and so on. So finding the number's place is the whole draw.

import { swapCells } from './ballot.ts'
import { placesAChance } from './sampling.ts'

export interface OrderTable {
  /** Where each order ends, in parts of 2³¹; the last one at or beyond all numbers. */
  readonly ends: Int32Array
  /** For each of `starts.length` equal parts of the numbers, the first order that reaches into it. */
  readonly starts: Uint8Array
  /** From a number in parts of 2³¹ to its part. */
  readonly shift: number
  /** How many orders at most end within one part. */
  readonly steps: number
  /** The places of each order's members, `count` a row. */
  readonly members: Uint8Array
  readonly count: number
}

const wholeBits = 31
const whole = 2 ** wholeBits

/** Five of five targets, or two of eleven. */
const maxOrders = 120

/** Of the first `places` in a weighted permutation; null: they are too many, or one number does not decide them. */
export function orderTable(weights: Float64Array, places: number): OrderTable | null {
  const count = Math.min(places, weights.length)
  const chances = Math.min(count, weights.length - 1)
  let orders = 1
  for (let place = 0; place < chances; place++) orders *= weights.length - place
  if (chances > placesAChance || orders > maxOrders) return null
  const ends = new Int32Array(orders)
  const members = new Uint8Array(orders * count)
  let row = 0
  let end = 0
  const line = Int32Array.from(weights.keys())
  const divide = (place: number, part: number): void => {
    if (place === chances) {
      members.set(line.subarray(0, count), row * count)
      end += part
      ends[row++] = Math.min(whole - 1, Math.round(end * whole))
      return
    }
    const left = line.slice(place).reduce((sum, member) => sum + (weights[member] as number), 0)
    for (let at = place; at < line.length; at++) {
      swapCells(line, place, at)
      divide(place + 1, part * ((weights[line[place] as number] as number) / left))
      swapCells(line, place, at)
    }
  }
  divide(0, 1)
  ends[orders - 1] = whole - 1
  return { ends, ...startsOf(ends), members, count }
}

/** Four times as many parts as orders, or a little more: hardly ever does more than one order end in one of them. */
function startsOf(ends: Int32Array): Pick<OrderTable, 'starts' | 'shift' | 'steps'> {
  let partBits = 3
  while (2 ** partBits < 4 * ends.length) partBits++
  const parts = 2 ** partBits
  const starts = new Uint8Array(parts)
  let order = 0
  let steps = 0
  for (let part = 0; part < parts; part++) {
    while ((ends[order] as number) <= (part / parts) * whole) order++
    starts[part] = order
    if (part > 0) steps = Math.max(steps, order - (starts[part - 1] as number))
  }
  return { starts, shift: wholeBits - partBits, steps: Math.max(steps, ends.length - 1 - order) }
}

/**
 * The order that a number from 0 to below 1 leads to. It asks nothing that could be guessed wrong: whether the number is
 * beyond an end is the sign of a difference, and added.
 */
export function orderAt({ ends, starts, shift, steps }: OrderTable, chance: number): number {
  const point = (chance * whole) | 0
  let order = starts[point >>> shift] as number
  for (let step = 0; step < steps; step++) order += ((ends[order] as number) - 1 - point) >>> 31
  return order
}
