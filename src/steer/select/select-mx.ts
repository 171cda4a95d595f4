// MX: a preference ladder (docs/adr/0003-weights-by-ladder-and-sampling.md).
//
//   1. up members of the pool that leads (leading-pool.ts), then of the other pools in the rule's order; within a pool a
//      weighted permutation, spread over risk groups (draw/spread.ts)
//   2. suspects at the tail, in the same way
//   3. no candidate in any pool: `on_all_down` (all-down.ts); `all` is a ladder of every member, however long
//
// The answer stops at `ladder` rungs, and pools that a full ladder does not need are not evaluated. `mode: equal` draws
// `ladder` members of the pool that leads, all at one preference: a later pool must not compete with an earlier one, and
// equal preferences cannot put it below.

import type { Candidates } from '../draw/candidates.ts'
import { targetAt } from '../draw/candidates.ts'
import { drawLadder, drawSample } from '../draw/sampling.ts'
import { clientHash, scoreMembers } from '../draw/sticky.ts'
import type { ExchangeSlot, Member, Pool, Rule, SteeredMx, Target } from '../policy.ts'
import {
  answerTtl,
  type Locus,
  type MxSelection,
  type Rung,
  type SelectionReason,
} from '../selection.ts'
import { type RecordSelector, selectAllDown } from './all-down.ts'
import type { PoolEvaluation } from './eligibility.ts'
import { zeroWeightOf } from './last-resort.ts'
import { leadReason } from './leading-pool.ts'
import { catchAll, isInternal, matchRule } from './match.ts'
import { addLedBy, holdSecondsOf, leadOf, type Steering } from './steering.ts'

/** What is answered as a ladder: the records themselves, or the addresses of one rung (select-slot.ts). */
export type LadderSet = SteeredMx | ExchangeSlot

/** The MX records for a client at `locus`. Never empty because of health, but for `on_all_down: servfail`. */
export function selectMx(set: SteeredMx, locus: Locus, steering: Steering): MxSelection {
  if (isInternal(set.internal, locus)) return canonicalLadder(set)
  const client = set.sticky ? clientHash(set.policy, locus) : null
  return selectMxUnder(set, matchRule(set.policy, locus), client, steering)
}

/**
 * The MX records for clients under a rule of the set's policy. `client`: the hash by which sticky answers are ordered; null:
 * at random.
 */
export function selectMxUnder(
  set: LadderSet,
  rule: Rule | undefined,
  client: number | null,
  steering: Steering,
): MxSelection {
  const pools = rule?.pools ?? []
  steering.chooser.begin()
  const selector = new MxSelector(set, steering, client)
  const lead = leadOf(steering, pools, null, client)
  if (lead < 0) return selectFromDown(selector, pools, steering)
  const isPanic =
    set.mode === 'equal'
      ? selector.addEqual(pools, lead)
      : addLedBy(lead, pools, selector, steering)
  return selected(selector, leadReason(lead, isPanic), steering)
}

function selectFromDown(
  selector: MxSelector,
  pools: readonly Pool[],
  steering: Steering,
): MxSelection {
  const { policy } = selector.set
  if (policy.onAllDown.kind === 'servfail') return { kind: 'servfail' }
  const reason = selectAllDown(selector, policy, pools, null, steering)
  // null: a rule without members, which the compiler of zones refuses.
  return reason === null ? { kind: 'servfail' } : selected(selector, reason, steering)
}

const selected = (
  { set, rungs }: MxSelector,
  reason: SelectionReason,
  steering: Steering,
): MxSelection => ({
  kind: 'selected',
  rungs,
  ttl: answerTtl(set, holdSecondsOf(steering, reason)),
  reason,
})

/** One MX answer under construction. */
class MxSelector implements RecordSelector {
  readonly set: LadderSet
  readonly rungs: Rung[] = []
  readonly #steering: Steering
  /** Hash of the client, by which sticky answers are ordered; null: at random. */
  readonly #client: number | null
  readonly #limit: number
  /** Where the answer has everyone: of slots no more than there are names count. */
  readonly #everyLimit: number

  constructor(set: LadderSet, steering: Steering, client: number | null) {
    this.set = set
    this.#steering = steering
    this.#client = client
    this.#limit = rungLimit(set)
    this.#everyLimit = set.kind === 'exchange-slot' ? this.#limit : maxRungs
  }

  get count(): number {
    return this.rungs.length
  }

  get isFull(): boolean {
    return this.rungs.length >= this.#limit
  }

  /** Adds members of the pool at `lead`, all at one preference; returns whether it is in panic. */
  addEqual(pools: readonly Pool[], lead: number): boolean {
    const evaluation = this.#steering.pools.at(lead)
    this.addEvaluated(pools[lead] as Pool, evaluation)
    return evaluation.isPanic
  }

  addEvaluated(pool: Pool, { up, suspect }: PoolEvaluation): void {
    this.addLastGood(pool, up)
    if (!this.isFull) this.addLastGood(pool, suspect)
  }

  addLastGood(pool: Pool, candidates: Candidates): void {
    if (this.set.mode === 'equal') this.#addBeside(pool, candidates)
    else this.add(pool, candidates)
  }

  addEvery(pool: Pool, candidates: Candidates): void {
    if (this.set.mode === 'equal') this.#putBeside(pool, candidates, candidates.count)
    else this.add(pool, candidates, this.#everyLimit)
  }

  /** Continues the ladder downwards with a permutation of the candidates; returns whether it added any. */
  add(pool: Pool, candidates: Candidates, limit: number = this.#limit): boolean {
    const { rungs } = this
    const before = rungs.length
    this.#order(pool, candidates, limit)
    for (let i = 0; i < candidates.count && rungs.length < limit; i++)
      addRung(rungs, targetAt(pool, candidates, i), preferenceAt(rungs.length))
    return rungs.length > before
  }

  /** Brings a permutation to the front, `limit` positions of it: some of these targets may be on the ladder already. */
  #order(pool: Pool, candidates: Candidates, limit: number): void {
    const { spread, chooser } = this.#steering
    if (this.#client !== null) {
      scoreMembers(candidates, pool, this.#client)
      spread.drawSpread(candidates, pool, limit, null, this.rungs)
    } else if (!pool.isSpread) drawLadder(candidates, limit, chooser)
    else spread.drawSpread(candidates, pool, limit, chooser, this.rungs)
  }

  /** Adds as many of the candidates as there is room for, all at one preference. */
  #addBeside(pool: Pool, candidates: Candidates): void {
    const { spread, chooser } = this.#steering
    const { rungs } = this
    const room = this.#limit - rungs.length
    if (this.#client !== null) {
      scoreMembers(candidates, pool, this.#client)
      const drawn = spread.drawSpread(candidates, pool, room, null, rungs)
      this.#putBeside(pool, candidates, drawn)
    } else if (!pool.isSpread)
      this.#putBeside(pool, candidates, drawSample(candidates, room, chooser))
    else if (rungs.length > 0)
      this.#putBeside(pool, candidates, spread.drawSpread(candidates, pool, room, chooser, rungs))
    else {
      const dealt = spread.dealSample(candidates, pool, room, chooser)
      this.#putBeside(pool, dealt, dealt.count)
    }
  }

  #putBeside(pool: Pool, candidates: Candidates, count: number): void {
    for (let i = 0; i < count; i++)
      addRung(this.rungs, targetAt(pool, candidates, i), preferenceAt(0))
  }
}

/**
 * Loop guard: the ladder that the zone's own MTAs get. It is one for all of them, regardless of their place and of
 * health: the pools of the catch-all in order, within a pool by configured weight, then by name.
 *
 * An MTA that relays for the domain drops every exchange at its own preference and below (RFC 5321 §5.1), then tries what
 * is left. With drawn ladders, or with ladders of different rules, A may see B best while B sees A best, and mail
 * circles. With a ladder filtered by health, the backup sees itself best as soon as the primary is down, and bounces with
 * "mail loops back to myself" instead of queueing. A fixed order prevents both. An MTA that the ladder has no room for
 * finds only better ones on it, which is as safe.
 */
export function canonicalLadder(set: LadderSet): MxSelection {
  const pools = catchAll(set.policy)?.pools ?? []
  const zeroWeight = zeroWeightOf(pools)
  const limit = rungLimit(set)
  const rungs: Rung[] = []
  for (const pool of pools) {
    const members = pool.members.filter((member) => (member.weight || zeroWeight) > 0)
    for (const { target } of members.sort(byWeightThenName))
      if (rungs.length < limit) addRung(rungs, target, preferenceAt(rungs.length))
  }
  if (rungs.length === 0) return { kind: 'servfail' }
  return { kind: 'selected', rungs, ttl: answerTtl(set, Infinity), reason: 'eligible' }
}

/** By code units, not by locale: instances must agree. */
const byWeightThenName = (a: Member, b: Member): number =>
  b.weight - a.weight || (a.target.name < b.target.name ? -1 : 1)

const preferenceStep = 10

/** As many preferences as 16 bits hold at that step. */
const maxRungs = 6_553

/** Preference of the rung at a position, counted from 0: 10, 20, 30… */
export const preferenceAt = (position: number): number => preferenceStep * (position + 1)

/** How many rungs an answer of the set may have. */
export const rungLimit = (set: Pick<LadderSet, 'ladder'>): number =>
  Math.min(maxRungs, Math.max(1, set.ladder))

/** Adds a rung, unless the target has one: it may be in several pools of a rule. */
function addRung(rungs: Rung[], target: Target, preference: number): void {
  for (const rung of rungs) if (rung.target.index === target.index) return
  rungs.push({ target, preference })
}
