// Which pool of a rule leads the answer, and the evaluations of the pools that were needed to decide it.
//
//   a pool leads with probability   1                            if it has candidates, and `min_healthy` of its weight is
//                                                                usable
//                                   usable ÷ `min_healthy`       if less is usable, and it spills in proportion
//                                   0                            if less is usable, and it spills all at once; or if it
//                                                                has no candidate
//
// Pools are evaluated in the rule's order. What one does not lead goes to the next ones, and where even the last leaves
// some of it over, to all of them in proportion. So at half of its weight a pool hands over half of its clients, and the
// rest of it carries no more than it always did. Where no pool has enough, the first one with a candidate leads.
//
// Panic comes before spilling for pools without `min_healthy`, and after it for those with one: that threshold
// means that the pool is to be left rather than its health ignored, as long as another pool has enough.

import type { HealthReader } from '../../health/table.ts'
import type { Chooser } from '../draw/chooser.ts'
import type { Pool } from '../policy.ts'
import { createPoolEvaluation, evaluatePool, isEmpty, type PoolEvaluation } from './eligibility.ts'
import type { EvaluationCache } from './evaluation-cache.ts'
import type { Family } from './last-resort.ts'

/** No pool has a candidate. */
export const noLead = -1

/** Several pools may lead: `chooseLead` decides. */
export const undecidedLead = -2

/** The evaluated pools of one rule, with their working memory. Not re-entrant; one for each responder. */
export class EvaluatedPools {
  readonly #health: HealthReader
  readonly #cache: EvaluationCache | null
  readonly #evaluations: PoolEvaluation[] = []
  /** Probability that each pool leads, times `#total`. */
  #leads = new Float64Array(16)
  /** Those above zero. */
  #open = new Float64Array(16)
  #total = 0
  #count = 0

  /** `cache`: null where every evaluation is to read health itself. */
  constructor(health: HealthReader, cache: EvaluationCache | null = null) {
    this.#health = health
    this.#cache = cache
  }

  /** How many pools are evaluated: the first so many of the rule. */
  get count(): number {
    return this.#count
  }

  /** The evaluation of the pool at this index of the rule; refilled by the next query. */
  at(index: number): PoolEvaluation {
    return (this.#evaluations[index] ??= createPoolEvaluation())
  }

  /**
   * Evaluates pools, as many as it takes to know which one leads: its index, `noLead`, or `undecidedLead` where that is
   * random.
   */
  findLead(pools: readonly Pool[], family: Family): number {
    const left = this.#evaluate(pools, family)
    if (left === 1) return this.#firstWithCandidates(pools, family)
    this.#total = 1 - left
    for (let at = 0; at < this.#count; at++) {
      const lead = this.#leads[at] as number
      if (lead > 0) return lead === this.#total ? at : undecidedLead
    }
    return undecidedLead
  }

  /** After `undecidedLead`: the index of the leading pool. */
  chooseLead(chooser: Chooser): number {
    let open = 0
    for (let at = 0; at < this.#count; at++) {
      const lead = this.#leads[at] as number
      if (lead > 0) this.#open[open++] = lead
    }
    let rank = chooser.weighted(this.#open, 0, open, this.#total)
    let at = 0
    while (this.#leads[at] === 0 || rank-- > 0) at++
    return at
  }

  /** Evaluates the next pool of the rule; its panic counts only where it has no `min_healthy`. */
  evaluateNext(pools: readonly Pool[], family: Family): PoolEvaluation {
    const evaluation = this.at(this.#count)
    const pool = pools[this.#count++] as Pool
    const panic = pool.minHealthy > 0 ? 0 : pool.panic
    if (this.#cache === null) evaluatePool(evaluation, pool, family, this.#health, panic)
    else this.#cache.evaluate(evaluation, pool, family, panic)
    return evaluation
  }

  /** Seconds until the first value read in any of the evaluated pools may change; Infinity where none will. */
  holdSeconds(): number {
    let holdSeconds = Infinity
    for (let at = 0; at < this.#count; at++)
      holdSeconds = Math.min(holdSeconds, this.at(at).holdSeconds)
    return holdSeconds
  }

  /** For traces: the probability that each pool leads, and the panic threshold that it is evaluated with. */
  leadProbabilities(
    pools: readonly Pool[],
    family: Family,
  ): { readonly leads: readonly number[]; readonly panics: readonly number[] } {
    const left = this.#evaluate(pools, family)
    if (left < 1) {
      const share = (at: number): number =>
        at < this.#count ? (this.#leads[at] as number) / (1 - left) : 0
      const panics = pools.map((pool) => (pool.minHealthy > 0 ? 0 : pool.panic))
      return { leads: pools.map((_, at) => share(at)), panics }
    }
    const first = this.#firstWithCandidates(pools, family)
    return {
      leads: pools.map((_, at) => (at === first ? 1 : 0)),
      panics: pools.map((pool) => pool.panic),
    }
  }

  /** Evaluates pools until one leads all that the ones before left; returns the probability that none leads. */
  #evaluate(pools: readonly Pool[], family: Family): number {
    if (this.#leads.length < pools.length) {
      this.#leads = new Float64Array(pools.length)
      this.#open = new Float64Array(pools.length)
    }
    this.#count = 0
    let left = 1
    for (let at = 0; at < pools.length && left > 0; at++) {
      const lead = leadShare(pools[at] as Pool, this.evaluateNext(pools, family))
      this.#leads[at] = left * lead
      left *= 1 - lead
    }
    return left
  }

  /** Where no pool has enough: the first that has any candidate, panic included; all pools are evaluated. */
  #firstWithCandidates(pools: readonly Pool[], family: Family): number {
    let first = noLead
    for (let at = 0; at < pools.length; at++) {
      const pool = pools[at] as Pool
      const evaluation = this.at(at)
      if (pool.minHealthy > 0 && pool.panic > 0)
        evaluatePool(evaluation, pool, family, this.#health)
      if (first < 0 && !isEmpty(evaluation)) first = at
    }
    return first
  }
}

function leadShare({ minHealthy, spill }: Pool, evaluation: PoolEvaluation): number {
  if (isEmpty(evaluation)) return 0
  const { usableShare } = evaluation
  if (usableShare >= minHealthy) return 1
  return spill === 'proportional' ? usableShare / minHealthy : 0
}
