// How often each member of a pool was the first rung of an answer, against how often its weight
// says it should have been.
//
// Every 10 s the new first rungs of a pool are counted, and each member is credited with its share
// of them by its effective weight. The two sums agree over time, however the weights change. Only
// rungs with the reason `eligible` count: panic and failing open do not follow weights. A target of
// several pools is counted in each of them, since the counters do not record which pool an answer
// came from.

import { type Counters, AnswerPosition } from '../answer/counters.ts'
import { alignedInterval } from '../lib/clock.ts'
import type { MemberState } from '../weights/member-state.ts'

/** A member's first rungs since the start of the process. */
export interface PoolShare {
  readonly zone: string
  readonly pool: string
  readonly target: string
  /** Share that the weight of the member stands for, 0…1. */
  readonly expected: number
  readonly actual: number
}

export interface PoolShares {
  /**
   * Counts now; to be called before a weight changes, so that earlier answers are credited by the
   * earlier weight.
   */
  sample(): void
  /** Samples, then returns the sums of all members. */
  read(): readonly PoolShare[]
  close(): void
}

const sampleEveryMs = 10_000

interface ShareSources {
  readonly counters: readonly Counters[]
  readonly states: () => readonly MemberState[]
}

interface ShareSum {
  readonly expected: number
  readonly actual: number
}

export const createPoolShares = (sources: ShareSources): PoolShares => new SampledShares(sources)

class SampledShares implements PoolShares {
  readonly #sources: ShareSources
  readonly #sums = new Map<string, ShareSum>()
  readonly #lastCount = new Map<number, number>()
  /** Effective weights at the last sample, which the answers since then followed. */
  #weights: ReadonlyMap<string, number> = new Map()
  readonly #stop: () => void

  constructor(sources: ShareSources) {
    this.#sources = sources
    this.#stop = alignedInterval(sampleEveryMs, () => this.sample())
  }

  sample(): void {
    this.#sampled()
  }

  read(): readonly PoolShare[] {
    return this.#sampled().map(({ member: { zone, pool, target }, key }) => {
      const { expected, actual } = this.#sums.get(key) ?? noAnswers
      return { zone, pool, target, expected, actual }
    })
  }

  #sampled(): readonly SampledMember[] {
    const states = this.#sources.states()
    const added = countSince(states, this.#lastCount, (target) => this.#firstRungs(target))
    const sampled = states.map(({ member, effective }) => {
      const key = keyOf(member)
      const weight = this.#weights.get(key) ?? effective
      return { member, key, weight, effective, actual: added.get(member.targetIndex) ?? 0 }
    })
    for (const members of Map.groupBy(sampled, ({ member }) => poolOf(member)).values()) {
      const poolWeight = members.reduce((sum, { weight }) => sum + weight, 0)
      const count = members.reduce((sum, { actual }) => sum + actual, 0)
      for (const { key, weight, actual } of members) {
        const expected = poolWeight > 0 ? (count * weight) / poolWeight : 0
        this.#add(key, { expected, actual })
      }
    }
    this.#weights = new Map(sampled.map(({ key, effective }) => [key, effective]))
    for (const key of this.#sums.keys()) if (!this.#weights.has(key)) this.#sums.delete(key)
    return sampled
  }

  close(): void {
    this.#stop()
  }

  #add(key: string, more: ShareSum): void {
    const { expected, actual } = this.#sums.get(key) ?? noAnswers
    this.#sums.set(key, { expected: expected + more.expected, actual: actual + more.actual })
  }

  #firstRungs(target: number): number {
    return this.#sources.counters.reduce(
      (sum, { answerCounts }) => sum + answerCounts.count(target, AnswerPosition.first, 'eligible'),
      0,
    )
  }
}

interface SampledMember {
  readonly member: MemberState['member']
  readonly key: string
  /** The weight that answers since the last sample followed. */
  readonly weight: number
  readonly effective: number
  /** First rungs since the last sample. */
  readonly actual: number
}

const noAnswers: ShareSum = { expected: 0, actual: 0 }

/**
 * New first rungs of each target, by index. A count that fell belongs to another target that reuses
 * the index.
 */
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

const poolOf = ({ zone, pool }: MemberState['member']): string => `${zone} ${pool}`
const keyOf = (member: MemberState['member']): string => `${poolOf(member)} ${member.target}`
