// The candidates of one draw as parallel arrays, refilled for each query: no allocation on the answering path. They grow
// to the largest pool seen and never shrink, so the configuration bounds their size.

import type { Member, Pool, Target } from '../policy.ts'
import type { Chooser } from './chooser.ts'

export interface Candidates {
  /** Number of candidates: cells at and beyond it are left over from earlier draws. */
  count: number
  /** Weight of each candidate, above zero. Sticky draws (sticky.ts) replace weights by scores. */
  weights: Float64Array
  /** Index of each candidate's member in its pool. */
  members: Int32Array
  /** Index of the candidate's address in its target; 0 where members are drawn as a whole. */
  addresses: Int32Array
  /** Working memory of a draw from these candidates: weights of what it chooses among, no more than there are candidates. */
  cuts: Float64Array
}

const initialCapacity = 32

export const createCandidates = (): Candidates => ({
  count: 0,
  weights: new Float64Array(initialCapacity),
  members: new Int32Array(initialCapacity),
  addresses: new Int32Array(initialCapacity),
  cuts: new Float64Array(initialCapacity),
})

/** Appends a candidate; the arrays double where they are full. */
export function addCandidate(
  candidates: Candidates,
  weight: number,
  member: number,
  address: number,
): void {
  const at = candidates.count
  if (at === candidates.weights.length) grow(candidates)
  candidates.weights[at] = weight
  candidates.members[at] = member
  candidates.addresses[at] = address
  candidates.count = at + 1
}

function grow(candidates: Candidates): void {
  const capacity = candidates.weights.length * 2
  const { weights, members, addresses } = candidates
  candidates.weights = new Float64Array(capacity)
  candidates.weights.set(weights)
  candidates.members = new Int32Array(capacity)
  candidates.members.set(members)
  candidates.addresses = new Int32Array(capacity)
  candidates.addresses.set(addresses)
  candidates.cuts = new Float64Array(capacity)
}

/** Exchanges the candidates at `a` and `b`. */
export function swap(candidates: Candidates, a: number, b: number): void {
  if (a === b) return
  swapCells(candidates.weights, a, b)
  swapCells(candidates.members, a, b)
  swapCells(candidates.addresses, a, b)
}

function swapCells(cells: Float64Array | Int32Array, a: number, b: number): void {
  const held = cells[a] as number
  cells[a] = cells[b] as number
  cells[b] = held
}

export const weightAt = (candidates: Candidates, at: number): number =>
  candidates.weights[at] as number

/** The target of the candidate at `at`; the candidates are members of `pool`. */
export const targetAt = (pool: Pool, candidates: Candidates, at: number): Target =>
  (pool.members[candidates.members[at] as number] as Member).target

/** Sum of the weights from `from` to the end. */
export function weightFrom(candidates: Candidates, from: number): number {
  let sum = 0
  for (let i = from; i < candidates.count; i++) sum += weightAt(candidates, i)
  return sum
}

/** Shuffles the candidates uniformly (Fisher–Yates). */
export function shuffle(candidates: Candidates, chooser: Chooser): void {
  for (let i = candidates.count - 1; i > 0; i--) swap(candidates, i, chooser.equal(i + 1))
}
