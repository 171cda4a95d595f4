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

/** What an evaluation is, its candidates in lists no longer than need be. */
interface CachedEvaluation extends Omit<PoolEvaluation, 'up' | 'suspect'> {
  readonly generation: number
  readonly panic: number
  readonly up: readonly Candidate[]
  readonly suspect: readonly Candidate[]
}

interface Candidate {
  readonly weight: number
  readonly member: number
  readonly address: number
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
    if (cached?.generation === generation && cached.panic === panic) {
      load(evaluation, cached)
      return
    }
    evaluatePool(evaluation, pool, family, this.#health, panic)
    const { isPanic, hasSiblings, usableShare, holdSeconds } = evaluation
    const [up, suspect] = [listOf(evaluation.up), listOf(evaluation.suspect)]
    const verdict = { isPanic, hasSiblings, usableShare, holdSeconds }
    byFamily[index] = { generation, panic, up, suspect, ...verdict }
  }
}

function load(evaluation: PoolEvaluation, cached: CachedEvaluation): void {
  fill(evaluation.up, cached.up)
  fill(evaluation.suspect, cached.suspect)
  evaluation.isPanic = cached.isPanic
  evaluation.hasSiblings = cached.hasSiblings
  evaluation.usableShare = cached.usableShare
  evaluation.holdSeconds = cached.holdSeconds
}

const listOf = ({ count, weights, members, addresses }: Candidates): readonly Candidate[] =>
  Array.from({ length: count }, (_, i) => ({
    weight: weights[i] as number,
    member: members[i] as number,
    address: addresses[i] as number,
  }))

function fill(candidates: Candidates, list: readonly Candidate[]): void {
  candidates.count = 0
  for (const { weight, member, address } of list) addCandidate(candidates, weight, member, address)
}
