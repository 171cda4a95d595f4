// Since when each problem stands, and when a pool becomes empty or has somebody again. It is shown the state of the
// server every second, and at each look of an operator; the time is an argument.

import type { EmptyPool } from './empty-pools.ts'
import { problemsOf, type ServerProblem, type ServerState } from './problem-table.ts'

/** A pool became empty, or what is answered instead changed; `isOver`: somebody is eligible again. */
export interface EmptyPoolChange extends EmptyPool {
  readonly isOver: boolean
}

export class ProblemWatch {
  readonly #onPool: (change: EmptyPoolChange) => void
  /** Kind and subject → first seen, in milliseconds of the wall clock. At most as many as problems are listed. */
  #sinceMs = new Map<string, number>()
  /** Zone and pool → the empty pool, as last reported. */
  #emptyPools = new Map<string, EmptyPool>()

  constructor(onPool: (change: EmptyPoolChange) => void) {
    this.#onPool = onPool
  }

  /** The problems of this state, each with when it was first seen, where that is known. */
  observe(state: ServerState): readonly ServerProblem[] {
    this.#reportPools(state.emptyPools)
    const before = this.#sinceMs
    this.#sinceMs = new Map()
    return problemsOf(state).map((problem) => {
      // Whether this instance is ready is looked at only when somebody asks.
      if (problem.kind === 'not-ready') return problem
      const sinceMs = problem.sinceMs ?? before.get(keyOf(problem)) ?? state.nowMs
      this.#sinceMs.set(keyOf(problem), sinceMs)
      return { ...problem, sinceMs }
    })
  }

  #reportPools(pools: readonly EmptyPool[]): void {
    const before = this.#emptyPools
    this.#emptyPools = new Map(pools.map((one) => [`${one.zone} ${one.pool}`, one]))
    for (const [key, one] of this.#emptyPools)
      if (answeredBy(one) !== answeredBy(before.get(key))) this.#onPool({ ...one, isOver: false })
    for (const [key, one] of before)
      if (!this.#emptyPools.has(key)) this.#onPool({ ...one, uses: [], isOver: true })
  }
}

const keyOf = ({ kind, subject }: ServerProblem): string => `${kind} ${subject}`

/** What is answered instead, to compare; null: the pool is not empty. */
const answeredBy = (pool: EmptyPool | undefined): string | null =>
  pool === undefined ? null : JSON.stringify(pool.uses)
