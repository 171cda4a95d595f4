// How often each member of a pool was the first rung of an answer, against how often its weight
// says it should have been.
//
// Every 10 s the new first rungs of a pool are counted, and each member is credited with its share
// of them by its effective weight. The two sums agree over time, however the weights change. Only
// rungs with the reason `eligible` count: panic and failing open do not follow weights. A target of
// several pools is counted in each of them, since the counters do not record which pool an answer
// came from.
//
// Beside the sums since the start there are those of the last 15 minutes, in buckets of a minute, for
// first rungs and for answers of address sets. An address set of several records has each target once at
// most, so a member whose weight is most of its pool is due less than its weight says.

import { type Counters, AnswerPosition } from '../answer/counters.ts'
import { alignedInterval, type Clock } from '../lib/clock.ts'
import type { MemberState } from '../weights/member-state.ts'

/** A member's first rungs since the start of the process. */
export interface PoolShare {
  readonly zone: string
  readonly pool: string
  readonly target: string
  /** Share that the weight of the member stands for, 0…1. */
  readonly expected: number
  readonly actual: number
  /** First rungs of the window. `seconds`: how long it is, less than 15 minutes after a start. */
  readonly window: ShareCounts & { readonly seconds: number }
  /** Answers of address sets in the same window. */
  readonly addresses: ShareCounts
}

/** What was handed out, and what the weights of the time stand for. */
export interface ShareCounts {
  readonly had: number
  readonly due: number
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
  readonly clock: Pick<Clock, 'monotonicMs'>
}

const bucketMs = 60_000
const bucketCount = 15

/** What is counted of a member in each sum and bucket, side by side. */
const cells = { rungs: 0, rungsDue: 1, addresses: 2, addressesDue: 3 } as const
const cellCount = Object.keys(cells).length
const totalsAt = bucketCount * cellCount

/** The buckets, then the sums since the start. */
const newSums = (): Float64Array => new Float64Array((bucketCount + 1) * cellCount)

/** Of a member out of whose pool nothing was handed out. */
const noSums = newSums()

export const createPoolShares = (sources: ShareSources): PoolShares => new SampledShares(sources)

class SampledShares implements PoolShares {
  readonly #sources: ShareSources
  readonly #sums = new Map<string, Float64Array>()
  readonly #keys = new WeakMap<MemberState['member'], MemberKeys>()
  readonly #lastCount = new Map<number, TargetCounts>()
  /** Effective weights at the last sample, which the answers since then followed. */
  #weights: ReadonlyMap<string, number> = new Map()
  readonly #startedMs: number
  /** Number of the bucket that is counted into: minutes of the monotonic clock. */
  #bucket: number
  readonly #stop: () => void

  constructor(sources: ShareSources) {
    this.#sources = sources
    this.#startedMs = sources.clock.monotonicMs()
    this.#bucket = Math.floor(this.#startedMs / bucketMs)
    this.#stop = alignedInterval(sampleEveryMs, () => this.sample())
  }

  sample(): void {
    this.#sampled()
  }

  read(): readonly PoolShare[] {
    const sampled = this.#sampled()
    const seconds = this.#windowSeconds()
    return sampled.map(({ member: { zone, pool, target }, key }) => {
      const sums = this.#sums.get(key) ?? noSums
      const [had, due, addressesHad, addressesDue] = windowOf(sums)
      return {
        zone,
        pool,
        target,
        expected: sums[totalsAt + cells.rungsDue] as number,
        actual: sums[totalsAt + cells.rungs] as number,
        window: { seconds, had, due },
        addresses: { had: addressesHad, due: addressesDue },
      }
    })
  }

  close(): void {
    this.#stop()
  }

  #sampled(): readonly SampledMember[] {
    const states = this.#sources.states()
    this.#turnTo(Math.floor(this.#sources.clock.monotonicMs() / bucketMs))
    const added = countSince(states, this.#lastCount, (target) => this.#countsOf(target))
    const sampled = states.map(({ member, effective }) => {
      const { key, pool } = this.#keysOf(member)
      const weight = this.#weights.get(key) ?? effective
      const counts = added.get(member.targetIndex) ?? noCounts
      return { member, key, pool, weight, effective, counts }
    })
    for (const members of Map.groupBy(sampled, ({ pool }) => pool).values()) this.#credit(members)
    this.#weights = new Map(sampled.map(({ key, effective }) => [key, effective]))
    for (const key of this.#sums.keys()) if (!this.#weights.has(key)) this.#sums.delete(key)
    return sampled
  }

  /** Of a member the same texts at each sample: to put them together and hash them took a third of one. */
  #keysOf(member: MemberState['member']): MemberKeys {
    const known = this.#keys.get(member)
    if (known !== undefined) return known
    const pool = `${member.zone} ${member.pool}`
    const made = { pool, key: `${pool} ${member.target}` }
    this.#keys.set(member, made)
    return made
  }

  /** Credits the members of one pool with what was handed out of it. */
  #credit(members: readonly SampledMember[]): void {
    const poolWeight = members.reduce((sum, { weight }) => sum + weight, 0)
    const rungs = members.reduce((sum, { counts }) => sum + counts.rungs, 0)
    const addresses = members.reduce((sum, { counts }) => sum + counts.addresses, 0)
    if (rungs === 0 && addresses === 0) return
    for (const { key, weight, counts } of members) {
      const share = poolWeight > 0 ? weight / poolWeight : 0
      this.#add(key, [counts.rungs, rungs * share, counts.addresses, addresses * share])
    }
  }

  #add(key: string, counts: readonly [number, number, number, number]): void {
    const sums = this.#sums.get(key) ?? newSums()
    this.#sums.set(key, sums)
    const at = (this.#bucket % bucketCount) * cellCount
    for (const [i, count] of counts.entries()) {
      sums[at + i] = (sums[at + i] as number) + count
      sums[totalsAt + i] = (sums[totalsAt + i] as number) + count
    }
  }

  /** Empties the buckets that a later minute takes. */
  #turnTo(bucket: number): void {
    const passed = Math.min(bucket - this.#bucket, bucketCount)
    for (let i = 0; i < passed; i++) {
      const at = ((bucket - i) % bucketCount) * cellCount
      for (const sums of this.#sums.values()) sums.fill(0, at, at + cellCount)
    }
    this.#bucket = bucket
  }

  #windowSeconds(): number {
    const nowMs = this.#sources.clock.monotonicMs()
    const fromMs = Math.max(this.#startedMs, (this.#bucket - bucketCount + 1) * bucketMs)
    return Math.round((nowMs - fromMs) / 1000)
  }

  #countsOf(target: number): TargetCounts {
    let [rungs, addresses] = [0, 0]
    for (const { answerCounts } of this.#sources.counters) {
      rungs += answerCounts.count(target, AnswerPosition.first, 'eligible')
      addresses += answerCounts.count(target, AnswerPosition.address, 'eligible')
    }
    return { rungs, addresses }
  }
}

/** Sums of the buckets, in the order of `cells`. */
function windowOf(sums: Float64Array): readonly [number, number, number, number] {
  const sum: [number, number, number, number] = [0, 0, 0, 0]
  for (let at = 0; at < totalsAt; at++) {
    const cell = at % cellCount
    sum[cell] = (sum[cell] as number) + (sums[at] as number)
  }
  return sum
}

interface TargetCounts {
  readonly rungs: number
  readonly addresses: number
}

const noCounts: TargetCounts = { rungs: 0, addresses: 0 }

interface MemberKeys {
  readonly pool: string
  readonly key: string
}

interface SampledMember extends MemberKeys {
  readonly member: MemberState['member']
  /** The weight that answers since the last sample followed. */
  readonly weight: number
  readonly effective: number
  /** Since the last sample. */
  readonly counts: TargetCounts
}

/**
 * New answers of each target, by index. A count that fell belongs to another target that reuses
 * the index.
 */
function countSince(
  states: readonly MemberState[],
  last: Map<number, TargetCounts>,
  countsOf: (target: number) => TargetCounts,
): ReadonlyMap<number, TargetCounts> {
  const added = new Map<number, TargetCounts>()
  for (const { member } of states) {
    const { targetIndex } = member
    if (added.has(targetIndex)) continue
    const counts = countsOf(targetIndex)
    const before = last.get(targetIndex) ?? noCounts
    added.set(targetIndex, {
      rungs: Math.max(0, counts.rungs - before.rungs),
      addresses: Math.max(0, counts.addresses - before.addresses),
    })
    last.set(targetIndex, counts)
  }
  return added
}
