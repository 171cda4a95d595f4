// MX: a preference ladder (docs/adr/0003-weights-by-ladder-and-sampling.md).
//
//   1. up members, pool by pool in the rule's order; within a pool a weighted permutation
//   2. suspects at the tail, in the same way
//   3. nobody at all: `on_all_down`; `all` is a ladder of everyone, as long as it takes
//
// The answer stops at `ladder` rungs. Pools that a full ladder does not need are not looked at.
// `mode: equal` draws `ladder` members of the first pool that has any, all at one preference: a pool that
// comes later in the rule must not compete with an earlier one, and equal preferences cannot put it below.

import { createBallot } from './ballot.ts'
import type { Ballot } from './ballot.ts'
import { answerTtl } from './answer-ttl.ts'
import { canonicalLadder } from './canonical-ladder.ts'
import type { SteerContext } from './context.ts'
import { canvassMembers, createCanvass, isEmpty } from './eligibility.ts'
import type { Canvass } from './eligibility.ts'
import { enterAllMembers, zeroWeightOf } from './everyone.ts'
import { isWithin, matchRule } from './match.ts'
import type { Pool, SteeredMx } from './policy.ts'
import { addBelow, addBeside, maxRungs, rungLimit, targetAt } from './rungs.ts'
import { drawLadder, drawSample } from './sampling.ts'
import type { Locus, MxSelection, Rung } from './selection.ts'

/** Refilled by every query: one canvass a pool of the rule, and a ballot for failing open. */
const canvasses: Canvass[] = []
const everyone = createBallot()

export function selectMx(set: SteeredMx, locus: Locus, context: SteerContext): MxSelection {
  if (isWithin(set.internal, locus)) return canonicalLadder(set)
  const pools = matchRule(set.policy, locus)?.pools ?? []
  return set.mode === 'equal' ? selectEqual(set, pools, context) : selectLadder(set, pools, context)
}

function selectLadder(set: SteeredMx, pools: readonly Pool[], context: SteerContext): MxSelection {
  const rungs: Rung[] = []
  const limit = rungLimit(set)
  let holdSeconds = Infinity
  let panicked = false
  let seen = 0
  for (; seen < pools.length && rungs.length < limit; seen++) {
    const pool = pools[seen] as Pool
    const canvass = canvassAt(seen)
    canvassMembers(canvass, pool, context.health)
    holdSeconds = Math.min(holdSeconds, canvass.holdSeconds)
    drawLadder(canvass.up, limit, context.random)
    if (climb(rungs, pool, canvass.up, limit)) panicked ||= canvass.panicked
  }
  for (let p = 0; p < seen && rungs.length < limit; p++) {
    const { suspect } = canvassAt(p)
    drawLadder(suspect, limit, context.random)
    climb(rungs, pools[p] as Pool, suspect, limit)
  }
  if (rungs.length === 0) return failOpen(set, pools, context, holdSeconds)
  return selected(set, rungs, holdSeconds, panicked)
}

function selectEqual(set: SteeredMx, pools: readonly Pool[], context: SteerContext): MxSelection {
  const limit = rungLimit(set)
  const canvass = canvassAt(0)
  let holdSeconds = Infinity
  for (const pool of pools) {
    canvassMembers(canvass, pool, context.health)
    holdSeconds = Math.min(holdSeconds, canvass.holdSeconds)
    if (isEmpty(canvass)) continue
    const rungs: Rung[] = []
    level(rungs, pool, canvass.up, drawSample(canvass.up, limit, context.random))
    const free = limit - rungs.length
    if (free > 0)
      level(rungs, pool, canvass.suspect, drawSample(canvass.suspect, free, context.random))
    return selected(set, rungs, holdSeconds, canvass.panicked)
  }
  return failOpen(set, pools, context, holdSeconds)
}

function failOpen(
  set: SteeredMx,
  pools: readonly Pool[],
  context: SteerContext,
  holdSeconds: number,
): MxSelection {
  if (set.policy.onAllDown.kind === 'servfail') return { kind: 'servfail' }
  const rungs: Rung[] = []
  const zeroWeight = zeroWeightOf(pools)
  for (const pool of pools) {
    everyone.count = 0
    enterAllMembers(everyone, pool, zeroWeight)
    drawLadder(everyone, everyone.count, context.random)
    if (set.mode === 'equal') level(rungs, pool, everyone, everyone.count)
    else climb(rungs, pool, everyone, maxRungs)
  }
  if (rungs.length === 0) return { kind: 'servfail' } // a rule without members: never compiled
  return { kind: 'selected', rungs, ttl: answerTtl(set, holdSeconds), reason: 'failed-open' }
}

const selected = (
  set: SteeredMx,
  rungs: readonly Rung[],
  holdSeconds: number,
  panicked: boolean,
): MxSelection => ({
  kind: 'selected',
  rungs,
  ttl: answerTtl(set, holdSeconds),
  reason: panicked ? 'panic' : 'eligible',
})

/** Continues the ladder downwards with what was drawn; whether that added anyone. */
function climb(rungs: Rung[], pool: Pool, ballot: Ballot, limit: number): boolean {
  const before = rungs.length
  for (let i = 0; i < ballot.count && rungs.length < limit; i++)
    addBelow(rungs, targetAt(pool, ballot, i))
  return rungs.length > before
}

/** Adds the first `count` of the ballot, all at the same height. */
function level(rungs: Rung[], pool: Pool, ballot: Ballot, count: number): void {
  for (let i = 0; i < count; i++) addBeside(rungs, targetAt(pool, ballot, i))
}

function canvassAt(index: number): Canvass {
  return (canvasses[index] ??= createCanvass())
}
