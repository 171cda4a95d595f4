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
import type { Pool, Rule, SteeredSrv } from '../policy.ts'
import {
  answerTtl,
  type Locus,
  type SelectedSrv,
  type SelectionReason,
  type SrvSelection,
} from '../selection.ts'
import { type RecordSelector, selectAllDown } from './all-down.ts'
import type { PoolEvaluation } from './eligibility.ts'
import { leadReason } from './leading-pool.ts'
import { matchRule } from './match.ts'
import { addLedBy, holdSecondsOf, leadOf, type Steering } from './steering.ts'

const priorityStep = 10
const maxWeight = 65_535
/** Factor that keeps two decimals of a weight that is not an integer. */
const fractionScale = 100

/** The SRV records for a client at `locus`. Never empty because of health, but for `on_all_down: servfail`. */
export const selectSrv = (set: SteeredSrv, locus: Locus, steering: Steering): SrvSelection =>
  selectSrvUnder(set, matchRule(set.policy, locus), steering)

/** The SRV records for clients under a rule of the set's policy. */
export function selectSrvUnder(
  set: SteeredSrv,
  rule: Rule | undefined,
  steering: Steering,
): SrvSelection {
  const pools = rule?.pools ?? []
  steering.chooser.begin()
  const selector = new SrvSelector(set, steering.chooser)
  const lead = leadOf(steering, pools, null, null)
  if (lead < 0) return selectFromDown(selector, pools, steering)
  const isPanic = addLedBy(lead, pools, selector, steering)
  return selected(selector, leadReason(lead, isPanic), steering)
}

function selectFromDown(
  selector: SrvSelector,
  pools: readonly Pool[],
  steering: Steering,
): SrvSelection {
  const { policy } = selector.set
  if (policy.onAllDown.kind === 'servfail') return { kind: 'servfail' }
  const reason = selectAllDown(selector, policy, pools, null, steering)
  // null: a rule without members, which the compiler of zones refuses.
  return reason === null ? { kind: 'servfail' } : selected(selector, reason, steering)
}

const selected = (
  { set, records }: SrvSelector,
  reason: SelectionReason,
  steering: Steering,
): SrvSelection => ({
  kind: 'selected',
  records,
  port: set.port,
  ttl: answerTtl(set, holdSecondsOf(steering, reason)),
  reason,
})

/** One SRV answer under construction. */
class SrvSelector implements RecordSelector {
  readonly set: SteeredSrv
  readonly records: SelectedSrv[] = []
  readonly #chooser: Chooser

  constructor(set: SteeredSrv, chooser: Chooser) {
    this.set = set
    this.#chooser = chooser
  }

  get count(): number {
    return this.records.length
  }

  get isFull(): boolean {
    return this.records.length >= this.set.answers
  }

  addEvaluated(pool: Pool, { up, suspect }: PoolEvaluation): void {
    this.add(pool, up)
    this.add(pool, suspect)
  }

  addLastGood(pool: Pool, candidates: Candidates): void {
    this.add(pool, candidates)
  }

  addEvery(pool: Pool, candidates: Candidates): void {
    this.add(pool, candidates, Infinity)
  }

  /** Adds the candidates at one priority, below the records before; returns whether it added any. */
  add(pool: Pool, candidates: Candidates, limit: number = this.set.answers): boolean {
    const { records } = this
    const before = records.length
    const priority = (records.at(-1)?.priority ?? 0) + priorityStep
    const drawn = draw(candidates, Math.min(candidates.count, limit - before), this.#chooser)
    const scale = scaleOf(candidates, drawn)
    for (let i = 0; i < drawn; i++) {
      const target = targetAt(pool, candidates, i)
      const scaled = Math.round(weightAt(candidates, i) * scale)
      const weight = Math.max(1, Math.min(maxWeight, scaled))
      if (!hasTarget(records, target.index)) records.push({ target, priority, weight })
    }
    return records.length > before
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
