// Evaluations of pools, kept while health does not change: between two changes of the health table, thousands of queries
// need the same one. A hit copies it out, because draws reorder the candidates that they are given.
//
// An entry is valid for one generation of the table, which moves after every change: what was read while a change was
// being written carries the generation before it, and is evaluated again.

import type { HealthReader } from '../../health/table.ts'
import { addCandidate, type Candidates } from '../draw/candidates.ts'
import type { Pool } from '../policy.ts'
import { evaluatePool, type PoolEvaluation } from './eligibility.ts'
import type { Family } from './last-resort.ts'

interface CachedEvaluation {
  generation: number
  panic: number
  readonly up: CachedCandidates
  readonly suspect: CachedCandidates
  isPanic: boolean
  hasSiblings: boolean
  usableShare: number
  holdSeconds: number
}

/** Plain arrays, so that they are no longer than the pool. */
interface CachedCandidates {
  readonly weights: number[]
  readonly members: number[]
  readonly addresses: number[]
}

/** Evaluations by one health table, for each pool and family. */
export class EvaluationCache {
  readonly #health: HealthReader
  readonly #pools = new WeakMap<Pool, (CachedEvaluation | undefined)[]>()

  constructor(health: HealthReader) {
    this.#health = health
  }

  /** Fills `evaluation` as `evaluatePool` (eligibility.ts) does. */
  evaluate(evaluation: PoolEvaluation, pool: Pool, family: Family, panic: number): void {
    const generation = this.#health.generation()
    const index = family ?? 0
    let byFamily = this.#pools.get(pool)
    if (byFamily === undefined) this.#pools.set(pool, (byFamily = []))
    const cached = byFamily[index]
    if (cached !== undefined && cached.generation === generation && cached.panic === panic) {
      load(evaluation, cached)
      return
    }
    evaluatePool(evaluation, pool, family, this.#health, panic)
    const entry = cached ?? emptyEntry()
    byFamily[index] = entry
    entry.generation = generation
    entry.panic = panic
    store(entry, evaluation)
  }
}

const emptyEntry = (): CachedEvaluation => ({
  generation: 0,
  panic: 0,
  up: { weights: [], members: [], addresses: [] },
  suspect: { weights: [], members: [], addresses: [] },
  isPanic: false,
  hasSiblings: false,
  usableShare: 0,
  holdSeconds: Infinity,
})

function store(cached: CachedEvaluation, evaluation: PoolEvaluation): void {
  storeCandidates(cached.up, evaluation.up)
  storeCandidates(cached.suspect, evaluation.suspect)
  cached.isPanic = evaluation.isPanic
  cached.hasSiblings = evaluation.hasSiblings
  cached.usableShare = evaluation.usableShare
  cached.holdSeconds = evaluation.holdSeconds
}

function storeCandidates(
  { weights, members, addresses }: CachedCandidates,
  candidates: Candidates,
): void {
  weights.length = 0
  members.length = 0
  addresses.length = 0
  for (let i = 0; i < candidates.count; i++) {
    weights.push(candidates.weights[i] as number)
    members.push(candidates.members[i] as number)
    addresses.push(candidates.addresses[i] as number)
  }
}

function load(evaluation: PoolEvaluation, cached: CachedEvaluation): void {
  loadCandidates(evaluation.up, cached.up)
  loadCandidates(evaluation.suspect, cached.suspect)
  evaluation.isPanic = cached.isPanic
  evaluation.hasSiblings = cached.hasSiblings
  evaluation.usableShare = cached.usableShare
  evaluation.holdSeconds = cached.holdSeconds
}

function loadCandidates(
  candidates: Candidates,
  { weights, members, addresses }: CachedCandidates,
): void {
  candidates.count = 0
  for (let i = 0; i < weights.length; i++)
    addCandidate(candidates, weights[i] as number, members[i] as number, addresses[i] as number)
}
