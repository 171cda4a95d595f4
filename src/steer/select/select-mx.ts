// MX: a preference ladder (docs/adr/0003-weights-by-ladder-and-sampling.md).
//
//   1. up members of the pool that leads (leading-pool.ts), then pool by pool in the rule's order; within a pool a weighted
//      permutation, spread over risk groups (spread.ts)
//   2. suspects at the tail, in the same way
//   3. nobody at all: `on_all_down` (last-resort.ts); `all` is a ladder of everyone, as long as it takes
//
// The answer stops at `ladder` rungs. Pools that a full ladder does not need are not looked at.
// `mode: equal` draws `ladder` members of the pool that leads, all at one preference: a pool that
// comes later in the rule must not compete with an earlier one, and equal preferences cannot put it below.

import type { Random } from '../../lib/clock.ts'
import { type Candidates, createCandidates } from '../draw/candidates.ts'
import { drawLadder, drawSample } from '../draw/sampling.ts'
import { dealSample, drawSpread } from '../draw/spread.ts'
import { chanceOf, clientHash, scoreMembers } from '../draw/sticky.ts'
import type { Member, Pool, SteeredMx, Target } from '../policy.ts'
import {
  answerTtl,
  type Locus,
  type MxSelection,
  type Rung,
  type SelectionReason,
  type SteerContext,
} from '../selection.ts'
import { type PoolEvaluation, evaluatePool, createPoolEvaluation, isEmpty } from './eligibility.ts'
import { addAll, lastGoodSince, lastResortPools, tiers, zeroWeightOf } from './last-resort.ts'
import { canvassAt, canvassNext, findLead, holdOfSurvey, surveyed } from './leading-pool.ts'
import { catchAll, isInternal, matchRule } from './match.ts'

const backup = createPoolEvaluation()

const everyone = createCandidates()

/** How one answer is drawn: by chance, or by the client's hash. */
interface Draw {
  readonly set: SteeredMx
  readonly context: SteerContext
  /** null: by chance. */
  readonly client: number | null
  readonly random: Random
  readonly limit: number
}

export function selectMx(set: SteeredMx, locus: Locus, context: SteerContext): MxSelection {
  if (isInternal(set.internal, locus)) return canonicalLadder(set)
  const pools = matchRule(set.policy, locus)?.pools ?? []
  const client = set.sticky ? clientHash(set.policy, locus) : null
  const random = client === null ? context.random : chanceOf(client)
  const draw: Draw = { set, context, client, random, limit: rungLimit(set) }
  const lead = findLead(pools, null, context.health, random)
  if (lead < 0) return allDown(draw, pools)
  return set.mode === 'equal' ? selectEqual(draw, pools, lead) : selectLadder(draw, pools, lead)
}

function selectLadder(draw: Draw, pools: readonly Pool[], lead: number): MxSelection {
  const rungs: Rung[] = []
  let panicked = climbUp(rungs, pools, lead, draw)
  for (let p = 0; p < pools.length && rungs.length < draw.limit; p++) {
    if (p === surveyed()) canvassNext(pools, null, draw.context.health)
    if (p !== lead && climbUp(rungs, pools, p, draw)) panicked = true
  }
  const seen = surveyed()
  if (rungs.length < draw.limit) climb(rungs, pools[lead] as Pool, canvassAt(lead).suspect, draw)
  for (let p = 0; p < seen && rungs.length < draw.limit; p++)
    if (p !== lead) climb(rungs, pools[p] as Pool, canvassAt(p).suspect, draw)
  return selected(draw, rungs, panicked ? 'panic' : lead > 0 ? 'spilled' : 'eligible')
}

/** Whether a pool in panic added anyone. */
function climbUp(rungs: Rung[], pools: readonly Pool[], at: number, draw: Draw): boolean {
  const canvass = canvassAt(at)
  return climb(rungs, pools[at] as Pool, canvass.up, draw) && canvass.isPanic
}

function selectEqual(draw: Draw, pools: readonly Pool[], lead: number): MxSelection {
  const rungs: Rung[] = []
  const canvass = canvassAt(lead)
  levelAll(rungs, pools[lead] as Pool, canvass, draw)
  return selected(draw, rungs, canvass.isPanic ? 'panic' : lead > 0 ? 'spilled' : 'eligible')
}

function allDown(draw: Draw, pools: readonly Pool[]): MxSelection {
  const { set, context } = draw
  const { health } = context
  const { onAllDown } = set.policy
  const rungs: Rung[] = []
  if (onAllDown.kind === 'servfail') return { kind: 'servfail' }
  if (onAllDown.kind === 'backup') {
    evaluatePool(backup, onAllDown.pool, null, health)
    if (set.mode === 'equal') levelAll(rungs, onAllDown.pool, backup, draw)
    else
      for (const ballot of [backup.up, backup.suspect]) climb(rungs, onAllDown.pool, ballot, draw)
    if (!isEmpty(backup)) return selected(draw, rungs, 'backup', backup.holdSeconds)
  }
  const fellSince = onAllDown.kind === 'last_good' ? lastGoodSince(pools, null, health) : 0
  if (fellSince > 0) {
    for (const pool of pools) {
      everyone.count = 0
      addAll(everyone, pool, null, { health, tier: 'weighty', zeroWeight: 0, fellSince })
      if (set.mode === 'equal') levelUp(rungs, pool, everyone, draw)
      else climb(rungs, pool, everyone, draw)
    }
    if (rungs.length > 0) return selected(draw, rungs, 'last-good')
  }
  return failOpen(draw, lastResortPools(set.policy, pools))
}

function failOpen(draw: Draw, pools: readonly Pool[]): MxSelection {
  const { health } = draw.context
  const rungs: Rung[] = []
  const zeroWeight = zeroWeightOf(pools)
  for (const tier of tiers) {
    for (const pool of pools) {
      everyone.count = 0
      addAll(everyone, pool, null, { health, tier, zeroWeight, fellSince: 0 })
      if (draw.set.mode === 'equal') level(rungs, pool, everyone, everyone.count)
      else climb(rungs, pool, everyone, { ...draw, limit: maxRungs })
    }
    if (rungs.length > 0) return selected(draw, rungs, 'failed-open')
  }
  return { kind: 'servfail' } // a rule without members: never compiled
}

const selected = (
  { set }: Draw,
  rungs: readonly Rung[],
  reason: SelectionReason,
  holdSeconds: number = Infinity,
): MxSelection => ({
  kind: 'selected',
  rungs,
  ttl: answerTtl(set, Math.min(holdSeconds, holdOfSurvey())),
  reason,
})

/** Continues the ladder downwards out of a ballot; whether that added anyone. */
function climb(rungs: Rung[], pool: Pool, ballot: Candidates, draw: Draw): boolean {
  const before = rungs.length
  order(rungs, pool, ballot, draw)
  for (let i = 0; i < ballot.count && rungs.length < draw.limit; i++)
    addBelow(rungs, targetAt(pool, ballot, i))
  return rungs.length > before
}

/** Brings a permutation to the front: as much of it as the ladder has room for, and those who stand on it already. */
function order(rungs: readonly Rung[], pool: Pool, ballot: Candidates, draw: Draw): void {
  if (draw.client !== null) scoreMembers(ballot, pool, draw.client)
  const random = draw.client === null ? draw.random : null
  if (random !== null && !pool.isSpread) drawLadder(ballot, draw.limit, random)
  else drawSpread(ballot, pool, draw.limit, random, rungs)
}

/** The members of a canvass, as many as there is room for, all at the same height. */
function levelAll(rungs: Rung[], pool: Pool, canvass: PoolEvaluation, draw: Draw): void {
  levelUp(rungs, pool, canvass.up, draw)
  if (rungs.length < draw.limit) levelUp(rungs, pool, canvass.suspect, draw)
}

function levelUp(rungs: Rung[], pool: Pool, ballot: Candidates, draw: Draw): void {
  const room = draw.limit - rungs.length
  if (draw.client !== null) {
    scoreMembers(ballot, pool, draw.client)
    level(rungs, pool, ballot, drawSpread(ballot, pool, room, null, rungs))
  } else if (!pool.isSpread) level(rungs, pool, ballot, drawSample(ballot, room, draw.random))
  else if (rungs.length > 0)
    level(rungs, pool, ballot, drawSpread(ballot, pool, room, draw.random, rungs))
  else {
    const dealt = dealSample(ballot, pool, room, draw.random)
    level(rungs, pool, dealt, dealt.count)
  }
}

/** Adds the first `count` of the ballot, all at the same height. */
function level(rungs: Rung[], pool: Pool, ballot: Candidates, count: number): void {
  for (let i = 0; i < count; i++) addBeside(rungs, targetAt(pool, ballot, i))
}

// Loop guard: what the MTAs themselves are answered. One ladder for all of them, whatever their place and
// whatever the health: pools of the catch-all in order, within a pool by configured weight, then by name.
//
// An MTA that relays for the domain drops every exchange at its own preference and below (RFC 5321 §5.1), then
// tries what is left. With drawn ladders, or with ladders of different rules, A may see B best while B sees A
// best, and mail circles. With a ladder filtered by health, the backup sees itself best as soon as the primary
// is down, and bounces with "mail loops back to myself" instead of queueing. Both end with one fixed order.
// An MTA that the ladder is too short for finds only its betters on it, which is as safe.

function canonicalLadder(set: SteeredMx): MxSelection {
  const pools = catchAll(set.policy)?.pools ?? []
  const zeroWeight = zeroWeightOf(pools)
  const limit = rungLimit(set)
  const rungs: Rung[] = []
  for (const pool of pools) {
    const members = pool.members.filter((member) => (member.weight || zeroWeight) > 0)
    for (const { target } of members.sort(byWeightThenName))
      if (rungs.length < limit) addBelow(rungs, target)
  }
  if (rungs.length === 0) return { kind: 'servfail' }
  return { kind: 'selected', rungs, ttl: answerTtl(set, Infinity), reason: 'eligible' }
}

/** By code units, not by locale: instances must agree. */
const byWeightThenName = (a: Member, b: Member): number =>
  b.weight - a.weight || (a.target.name < b.target.name ? -1 : 1)

// The rungs of a ladder while it is built: preferences 10, 20, 30…, and no target twice, since one may be in
// several pools of a rule.

const preferenceStep = 10

/** What preferences of 16 bits have room for. */
const maxRungs = 6_553

/** Of the rung in a place; 0 is the first. */
export const preferenceAt = (place: number): number => preferenceStep * (place + 1)

export const rungLimit = (set: SteeredMx): number => Math.min(maxRungs, Math.max(1, set.ladder))

/** Adds a target one step below the others. */
function addBelow(rungs: Rung[], target: Target): void {
  if (!isOn(rungs, target)) rungs.push({ target, preference: preferenceAt(rungs.length) })
}

/** Adds a target beside the others. */
function addBeside(rungs: Rung[], target: Target): void {
  if (!isOn(rungs, target)) rungs.push({ target, preference: preferenceStep })
}

function isOn(rungs: readonly Rung[], target: Target): boolean {
  for (const rung of rungs) if (rung.target.index === target.index) return true
  return false
}

/** The target of a ballot's entry. */
export const targetAt = (pool: Pool, ballot: Candidates, at: number): Target =>
  (pool.members[ballot.members[at] as number] as Member).target
