// Who takes part in a draw, as arrays that are filled anew for each query: no allocation on the answering path.
// They grow to the largest pool seen and stay there, so their bound is the configuration's.

import type { Random } from '../../lib/clock.ts'

export interface Candidates {
  count: number
  /** Above zero. */
  weights: Float64Array
  /** Index of the member in its pool. */
  members: Int32Array
  /** Index of the address in its target; 0 where members are drawn whole. */
  addresses: Int32Array
}

const initialCapacity = 32

export const createCandidates = (): Candidates => ({
  count: 0,
  weights: new Float64Array(initialCapacity),
  members: new Int32Array(initialCapacity),
  addresses: new Int32Array(initialCapacity),
})

export function addCandidate(
  ballot: Candidates,
  weight: number,
  member: number,
  address: number,
): void {
  const at = ballot.count
  if (at === ballot.weights.length) grow(ballot)
  ballot.weights[at] = weight
  ballot.members[at] = member
  ballot.addresses[at] = address
  ballot.count = at + 1
}

function grow(ballot: Candidates): void {
  const capacity = ballot.weights.length * 2
  const { weights, members, addresses } = ballot
  ballot.weights = new Float64Array(capacity)
  ballot.weights.set(weights)
  ballot.members = new Int32Array(capacity)
  ballot.members.set(members)
  ballot.addresses = new Int32Array(capacity)
  ballot.addresses.set(addresses)
}

export function swap(ballot: Candidates, a: number, b: number): void {
  if (a === b) return
  swapCells(ballot.weights, a, b)
  swapCells(ballot.members, a, b)
  swapCells(ballot.addresses, a, b)
}

export function swapCells(cells: Float64Array | Int32Array, a: number, b: number): void {
  const held = cells[a] as number
  cells[a] = cells[b] as number
  cells[b] = held
}

export const weightAt = (ballot: Candidates, at: number): number => ballot.weights[at] as number

/** Sum of the weights from `from` on. */
export function weightFrom(ballot: Candidates, from: number): number {
  let sum = 0
  for (let i = from; i < ballot.count; i++) sum += weightAt(ballot, i)
  return sum
}

/** Puts few entries in the order that a number from 0 to below 1 says (Fisher–Yates); what is left of the number. */
export function shuffleBy(ballot: Candidates, chance: number): number {
  let left = chance
  for (let i = ballot.count - 1; i > 0; i--) {
    const point = left * (i + 1)
    const at = Math.floor(point)
    swap(ballot, i, at)
    left = point - at
  }
  return left
}

/** Puts the entries in uniformly random order (Fisher–Yates). */
export function shuffle(ballot: Candidates, random: Random): void {
  for (let i = ballot.count - 1; i > 0; i--) swap(ballot, i, Math.floor(random() * (i + 1)))
}
