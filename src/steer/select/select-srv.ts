// SRV (RFC 2782): the one type that carries weights itself, so nothing is drawn where every member fits: priority is the
// pool's position (10, 20, 30…, suspects of all pools below), weight the member's effective weight.
//
// Where a pool has more members than there is room for, k of n are drawn, and each record has the weight of its member
// divided by the probability of being drawn: certain ones their own, the others one and the same. Their sum is the pool's
// weight in every answer, so that over many answers each member has exactly its share.
//
// Weights are integers of at least 1: beside others, 0 would mean "hardly ever" (RFC 2782), which was not configured.

import { type Candidates, shuffle, targetAt, weightAt, weightFrom } from '../draw/candidates.ts'
import type { Chooser } from '../draw/chooser.ts'
import { drawCertain, drawSystematic } from '../draw/sampling.ts'
import type { Pool, SteeredSrv } from '../policy.ts'
import type { SelectedSrv, SrvSelection } from '../selection.ts'
import type { RecordSelector } from './all-down.ts'
import { selectRecords } from './select-records.ts'
import { ttlOf, type Steering } from './steering.ts'

const priorityStep = 10
const maxWeight = 65_535
/** Factor that keeps two decimals of a weight that is not an integer. */
const fractionScale = 100

/** The SRV records from these pools. */
export function selectSrv(
  set: SteeredSrv,
  pools: readonly Pool[],
  steering: Steering,
): SrvSelection {
  const selector = new SrvSelector(set.answers, steering.chooser)
  const reason = selectRecords(selector, set.policy, pools, steering)
  // no-family: a rule without members, which the compiler of zones refuses.
  if (reason === 'servfail' || reason === 'no-family') return { kind: 'servfail' }
  const { records } = selector
  return { kind: 'selected', records, port: set.port, ttl: ttlOf(set, reason, steering), reason }
}

/** One SRV answer under construction. */
class SrvSelector implements RecordSelector {
  readonly family = null
  readonly client = null
  readonly takesAllPools = true
  readonly records: SelectedSrv[] = []
  readonly #limit: number
  readonly #chooser: Chooser

  constructor(limit: number, chooser: Chooser) {
    this.#limit = limit
    this.#chooser = chooser
  }

  get count(): number {
    return this.records.length
  }

  get isFull(): boolean {
    return this.records.length >= this.#limit
  }

  add(pool: Pool, candidates: Candidates): boolean {
    const before = this.records.length
    this.#addUpTo(this.#limit, pool, candidates)
    return this.records.length > before
  }

  addEvery(pool: Pool, candidates: Candidates): void {
    this.#addUpTo(Infinity, pool, candidates)
  }

  /** Adds the candidates at one priority, below the records before. */
  #addUpTo(limit: number, pool: Pool, candidates: Candidates): void {
    const { records } = this
    const priority = (records.at(-1)?.priority ?? 0) + priorityStep
    const room = Math.min(candidates.count, limit - records.length)
    const drawn = draw(candidates, room, this.#chooser)
    const scale = scaleOf(candidates, drawn)
    for (let i = 0; i < drawn; i++) {
      const target = targetAt(pool, candidates, i)
      const scaled = Math.round(weightAt(candidates, i) * scale)
      const weight = Math.max(1, Math.min(maxWeight, scaled))
      if (!hasTarget(records, target.index)) records.push({ target, priority, weight })
    }
  }
}

/** Draws `count` candidates to the front and sets the weight that each is answered with. Returns their number. */
function draw(candidates: Candidates, count: number, chooser: Chooser): number {
  if (count >= candidates.count || count <= 0) return Math.max(0, count)
  shuffle(candidates, chooser)
  const certain = drawCertain(candidates, count)
  if (certain === count) return count
  const share = weightFrom(candidates, certain) / (count - certain)
  drawSystematic(candidates, certain, count, chooser)
  for (let i = certain; i < count; i++) candidates.weights[i] = share
  return count
}

/** The factor that makes weights integers: 1 where they are, else what keeps two decimals, as far as 16 bits go. */
function scaleOf(candidates: Candidates, count: number): number {
  let highest = 0
  let areIntegers = true
  for (let i = 0; i < count; i++) {
    const weight = weightAt(candidates, i)
    highest = Math.max(highest, weight)
    areIntegers &&= Number.isInteger(weight)
  }
  return Math.min(areIntegers ? 1 : fractionScale, maxWeight / highest)
}

function hasTarget(records: readonly SelectedSrv[], index: number): boolean {
  for (const { target } of records) if (target.index === index) return true
  return false
}
