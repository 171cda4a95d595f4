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

import { type Candidates, targetAt } from '../draw/candidates.ts'
import { drawLadder, drawSample } from '../draw/sampling.ts'
import { scoreMembers } from '../draw/sticky.ts'
import type { ExchangeSlot, Member, Pool, SteeredMx, Target } from '../policy.ts'
import { answerTtl, type MxSelection, type Rung } from '../selection.ts'
import type { RecordSelector } from './all-down.ts'
import { zeroWeightOf } from './last-resort.ts'
import { catchAll } from './match.ts'
import { selectRecords } from './select-records.ts'
import { ttlOf, type Steering } from './steering.ts'

/** What is answered as a ladder: the records themselves, or the addresses of one rung (select-slot.ts). */
export type LadderSet = SteeredMx | ExchangeSlot

/** The MX records from these pools. `client`: the hash by which sticky answers are ordered; null: at random. */
export function selectMx(
  set: LadderSet,
  pools: readonly Pool[],
  client: number | null,
  steering: Steering,
): MxSelection {
  const selector = new MxSelector(set, steering, client)
  const reason = selectRecords(selector, set.policy, pools, steering)
  // no-family: a rule without members, which the compiler of zones refuses.
  if (reason === 'servfail' || reason === 'no-family') return { kind: 'servfail' }
  return { kind: 'selected', rungs: selector.rungs, ttl: ttlOf(set, reason, steering), reason }
}

/** One MX answer under construction. */
class MxSelector implements RecordSelector {
  readonly family = null
  readonly client: number | null
  readonly takesAllPools: boolean
  readonly rungs: Rung[] = []
  readonly #steering: Steering
  readonly #limit: number
  /** Where the answer has everyone: of slots no more than there are names count. */
  readonly #everyLimit: number

  constructor(set: LadderSet, steering: Steering, client: number | null) {
    this.client = client
    this.takesAllPools = set.mode === 'ladder'
    this.#steering = steering
    this.#limit = rungLimit(set)
    this.#everyLimit = set.kind === 'exchange-slot' ? this.#limit : maxRungs
  }

  get count(): number {
    return this.rungs.length
  }

  get isFull(): boolean {
    return this.rungs.length >= this.#limit
  }

  add(pool: Pool, candidates: Candidates): boolean {
    const before = this.rungs.length
    if (this.takesAllPools) this.#addBelow(pool, candidates, this.#limit)
    else this.#addBeside(pool, candidates)
    return this.rungs.length > before
  }

  addEvery(pool: Pool, candidates: Candidates): void {
    if (this.takesAllPools) this.#addBelow(pool, candidates, this.#everyLimit)
    else this.#putBeside(pool, candidates, candidates.count)
  }

  /** Continues the ladder downwards with a permutation: some of these targets may be on it already. */
  #addBelow(pool: Pool, candidates: Candidates, limit: number): void {
    const { spread, chooser } = this.#steering
    const { client, rungs } = this
    if (client !== null) {
      scoreMembers(candidates, pool, client)
      spread.drawSpread(candidates, pool, limit, null, rungs)
    } else if (!pool.isSpread) drawLadder(candidates, limit, chooser)
    else spread.drawSpread(candidates, pool, limit, chooser, rungs)
    for (let i = 0; i < candidates.count && rungs.length < limit; i++)
      addRung(rungs, targetAt(pool, candidates, i), preferenceAt(rungs.length))
  }

  /** Adds as many of the candidates as there is room for, all at one preference. */
  #addBeside(pool: Pool, candidates: Candidates): void {
    const { spread, chooser } = this.#steering
    const { client, rungs } = this
    const room = this.#limit - rungs.length
    if (client !== null) {
      scoreMembers(candidates, pool, client)
      this.#putBeside(pool, candidates, spread.drawSpread(candidates, pool, room, null, rungs))
    } else if (!pool.isSpread)
      this.#putBeside(pool, candidates, drawSample(candidates, room, chooser))
    else
      this.#putBeside(pool, candidates, spread.drawBeside(candidates, pool, room, chooser, rungs))
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
  const pools = catchAll(set.policy).pools
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
const preferenceAt = (position: number): number => preferenceStep * (position + 1)

/** How many rungs an answer of the set may have. */
const rungLimit = (set: Pick<LadderSet, 'ladder'>): number =>
  Math.min(maxRungs, Math.max(1, set.ladder))

/** Adds a rung, unless the target has one: it may be in several pools of a rule. */
function addRung(rungs: Rung[], target: Target, preference: number): void {
  for (const rung of rungs) if (rung.target.index === target.index) return
  rungs.push({ target, preference })
}
