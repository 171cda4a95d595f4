// Shares of pools: which part of the first rungs each member should have had by its weight, against what it had.
//
// Every few seconds the first rungs handed out since are counted for each pool, and each member is owed its part of
// them by its effective weight at that moment. Over time the two sums agree, whatever the weights did meanwhile.
// Only rungs that health chose count: panic and failing open follow no weights. A target in several pools is
// counted in each of them, since an answer does not say which pool it came from.

import { type Counters, AnswerPosition } from '../answer/counters.ts'
import type { MemberState } from '../weights/member-state.ts'

export interface PoolShare {
  readonly zone: string
  readonly pool: string
  readonly target: string
  readonly expected: number
  readonly handedOut: number
}

export interface PoolShares {
  sample(): void
  /** Sums since start. */
  read(): readonly PoolShare[]
  close(): void
}

const sampleEveryMs = 10_000

interface ShareSources {
  readonly counters: readonly Counters[]
  readonly states: () => readonly MemberState[]
}

interface Sum {
  readonly expected: number
  readonly handedOut: number
}

export const createPoolShares = (sources: ShareSources): PoolShares => new SampledShares(sources)

class SampledShares implements PoolShares {
  readonly #sources: ShareSources
  readonly #sums = new Map<string, Sum>()
  readonly #lastCount = new Map<number, number>()
  /** As of the last sample: what has been handed out since went by these. */
  #weights: ReadonlyMap<string, number> = new Map()
  readonly #timer: NodeJS.Timeout

  constructor(sources: ShareSources) {
    this.#sources = sources
    this.#timer = setInterval(() => this.sample(), sampleEveryMs).unref()
  }

  sample(): void {
    const states = this.#sources.states()
    const added = countSince(states, this.#lastCount, (target) => this.#firstRungs(target))
    const addedTo = ({ member }: MemberState): number => added.get(member.targetIndex) ?? 0
    const weightOf = (one: MemberState): number => this.#weights.get(keyOf(one)) ?? one.effective
    for (const members of Map.groupBy(states, poolOf).values()) {
      const weight = members.reduce((sum, one) => sum + weightOf(one), 0)
      const count = members.reduce((sum, one) => sum + addedTo(one), 0)
      for (const one of members) {
        const expected = weight > 0 ? (count * weightOf(one)) / weight : 0
        this.#add(keyOf(one), { expected, handedOut: addedTo(one) })
      }
    }
    this.#weights = new Map(states.map((one) => [keyOf(one), one.effective]))
    for (const key of this.#sums.keys()) if (!this.#weights.has(key)) this.#sums.delete(key)
  }

  read(): readonly PoolShare[] {
    this.sample()
    return this.#sources.states().map((one) => {
      const { zone, pool, target } = one.member
      return { zone, pool, target, ...(this.#sums.get(keyOf(one)) ?? nothing) }
    })
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #add(key: string, more: Sum): void {
    const { expected, handedOut } = this.#sums.get(key) ?? nothing
    this.#sums.set(key, {
      expected: expected + more.expected,
      handedOut: handedOut + more.handedOut,
    })
  }

  #firstRungs(target: number): number {
    return this.#sources.counters.reduce(
      (sum, { answerCounts }) => sum + answerCounts.count(target, AnswerPosition.first, 'eligible'),
      0,
    )
  }
}

const nothing: Sum = { expected: 0, handedOut: 0 }

/** New first rungs of each target, by index. A smaller count is another target's that took the place. */
function countSince(
  states: readonly MemberState[],
  last: Map<number, number>,
  firstRungs: (target: number) => number,
): ReadonlyMap<number, number> {
  const added = new Map<number, number>()
  for (const { member } of states) {
    const { targetIndex } = member
    if (added.has(targetIndex)) continue
    const count = firstRungs(targetIndex)
    added.set(targetIndex, Math.max(0, count - (last.get(targetIndex) ?? 0)))
    last.set(targetIndex, count)
  }
  return added
}

const poolOf = ({ member: { zone, pool } }: MemberState): string => `${zone} ${pool}`
const keyOf = (state: MemberState): string => `${poolOf(state)} ${state.member.target}`
