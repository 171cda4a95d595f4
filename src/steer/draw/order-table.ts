// All orders in which a ladder can be drawn by one random number, and which of its values leads to which. They lie along
// the numbers from 0 to 1 as drawLadder (sampling.ts) divides them: first by who comes first, each of these parts by who
// comes second, and so on. So finding the number's place is the whole draw.

import { swapCells } from './candidates.ts'
import { placesAChance } from './sampling.ts'

export interface OrderTable {
  /** Where each order ends, in parts of 2³¹; the last one at or beyond all numbers. */
  readonly ends: Int32Array
  /** The places of each order's members, `count` a row. */
  readonly members: Uint8Array
  readonly count: number
}

export const wholeBits = 31
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
  const parts: { end: number; members: Int32Array }[] = []
  let end = 0
  const line = Int32Array.from(weights.keys())
  const divide = (place: number, part: number): void => {
    if (place === chances) {
      end += part
      parts.push({ end, members: line.slice(0, count) })
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
  return tableOf(parts)
}

/** `parts`: all numbers, one part behind the other, each as long as others and with one order. */
export function tableOf(parts: readonly { end: number; members: Int32Array }[]): OrderTable {
  const ends = Int32Array.from(parts, ({ end }) => Math.min(whole - 1, Math.round(end * whole)))
  ends[ends.length - 1] = whole - 1
  const count = parts[0]?.members.length ?? 0
  const members = new Uint8Array(parts.length * count)
  for (const [row, part] of parts.entries()) members.set(part.members, row * count)
  return { ends, members, count }
}

/** A number from 0 to below 1, in parts of 2³¹. */
export const pointOf = (chance: number): number => (chance * whole) | 0

/** The order that the point leads to. */
export function orderAt({ ends }: OrderTable, point: number): number {
  let [from, to] = [0, ends.length - 1]
  while (from < to) {
    const middle = (from + to) >> 1
    if (point < (ends[middle] as number)) to = middle
    else from = middle + 1
  }
  return from
}
