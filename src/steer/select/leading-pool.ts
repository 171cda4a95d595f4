// Which pool of a rule leads, and who is eligible in those that were looked at.
//
//   a pool leads with probability   1                          if `min_healthy` of its weight, and anyone at all, is usable
//                                   usable ÷ `min_healthy`     if less is, and it spills in proportion
//                                   0                          if less is, and it spills all at once; or if nobody is
//
// Pools are asked in the rule's order; what one does not keep goes to the next ones, and where even the last does not
// keep all, to all of them as they keep. So at half its weight a pool hands over half of its clients, and no more
// lands on what is left of it than it always carried. Where none has enough, the first with anyone leads.
//
// Panic comes before spilling for pools that have no `min_healthy`, and after it for those that have: who set a
// threshold wants the pool to be left rather than doubted, as long as there is another one with enough.

import type { HealthReader } from '../../health/table.ts'
import type { Random } from '../../lib/clock.ts'
import { type Candidates, addCandidate } from '../draw/candidates.ts'
import type { Pool } from '../policy.ts'
import { type PoolEvaluation, evaluatePool, createPoolEvaluation, isEmpty } from './eligibility.ts'
import type { Family } from './last-resort.ts'

/** Refilled by every query: one canvass a pool of the rule. */
const canvasses: PoolEvaluation[] = []

let leads = new Float64Array(16)

let seen = 0

/** How many pools were canvassed so far; the first so many. */
export const surveyed = (): number => seen

export const canvassAt = (at: number): PoolEvaluation => (canvasses[at] ??= createPoolEvaluation())

/** Index of the pool that leads, -1: nobody is eligible anywhere. */
export function findLead(
  pools: readonly Pool[],
  family: Family,
  health: HealthReader,
  random: Random,
): number {
  const left = askPools(pools, family, health)
  if (left === 1) return firstWithAnyone(pools, family, health)
  return leads[seen - 1] === 1 ? seen - 1 : drawLead(1 - left, random)
}

/** Asks pools until one keeps all; what is left then. */
function askPools(pools: readonly Pool[], family: Family, health: HealthReader): number {
  if (leads.length < pools.length) leads = new Float64Array(pools.length)
  seen = 0
  let left = 1
  for (let at = 0; at < pools.length && left > 0; at++) {
    const lead = leadShare(pools[at] as Pool, canvassNext(pools, family, health))
    leads[at] = left * lead
    left *= 1 - lead
  }
  return left
}

/** For traces: the probability that each pool leads, and the panic that it was canvassed with. */
export function leadProbabilities(
  pools: readonly Pool[],
  family: Family,
  health: HealthReader,
): { readonly leads: readonly number[]; readonly panics: readonly number[] } {
  const left = askPools(pools, family, health)
  if (left < 1) {
    const odds = pools.map((_, at) => (at < seen ? (leads[at] as number) / (1 - left) : 0))
    return { leads: odds, panics: pools.map((pool) => (pool.minHealthy > 0 ? 0 : pool.panic)) }
  }
  const first = firstWithAnyone(pools, family, health)
  return {
    leads: pools.map((_, at) => (at === first ? 1 : 0)),
    panics: pools.map((pool) => pool.panic),
  }
}

/** The next pool's canvass, its health doubted only where it may not spill. */
export function canvassNext(
  pools: readonly Pool[],
  family: Family,
  health: HealthReader,
): PoolEvaluation {
  const canvass = canvassAt(seen)
  const pool = pools[seen++] as Pool
  recallPool(canvass, pool, family, health, pool.minHealthy > 0 ? 0 : pool.panic)
  return canvass
}

function leadShare({ minHealthy, spill }: Pool, canvass: PoolEvaluation): number {
  if (isEmpty(canvass)) return 0
  if (canvass.usableShare >= minHealthy) return 1
  return spill === 'proportional' ? canvass.usableShare / minHealthy : 0
}

function drawLead(total: number, random: Random): number {
  let point = -1
  let last = 0
  for (let at = 0; at < seen; at++) {
    const lead = leads[at] as number
    if (lead === 0) continue
    if (lead === total) return at
    if (point < 0) point = random() * total
    last = at
    point -= lead
    if (point < 0) return at
  }
  return last // rounding only
}

function firstWithAnyone(pools: readonly Pool[], family: Family, health: HealthReader): number {
  let first = -1
  for (let at = 0; at < pools.length; at++) {
    const pool = pools[at] as Pool
    const canvass = canvassAt(at)
    if (pool.minHealthy > 0 && pool.panic > 0) evaluatePool(canvass, pool, family, health)
    if (first < 0 && !isEmpty(canvass)) first = at
  }
  return first
}

/** Soonest that anything looked at could change. */
export function holdOfSurvey(): number {
  let holdSeconds = Infinity
  for (let at = 0; at < seen; at++)
    holdSeconds = Math.min(holdSeconds, (canvasses[at] as PoolEvaluation).holdSeconds)
  return holdSeconds
}

// Who is eligible in a pool, remembered while health stays as it is: between two changes of the table, thousands of
// queries ask for the same. What is remembered is copied out, since draws bring their ballots in order.
//
// It dies with the generation of the table, which moves after every change: what was read while a change was being
// written carries the number from before it, and is read anew.

interface Remembered {
  health: HealthReader
  generation: number
  panic: number
  readonly up: Entries
  readonly suspect: Entries
  panicked: boolean
  isDoubled: boolean
  healthy: number
  holdSeconds: number
}

/** Plain arrays, as small as the pool is. */
interface Entries {
  readonly weights: number[]
  readonly members: number[]
  readonly addresses: number[]
}

const pools = new WeakMap<Pool, (Remembered | undefined)[]>()

/** As canvassPool (eligibility.ts). */
export function recallPool(
  canvass: PoolEvaluation,
  pool: Pool,
  family: Family,
  health: HealthReader,
  panic: number,
): void {
  const generation = health.generation()
  const place = family ?? 0
  let byFamily = pools.get(pool)
  if (byFamily === undefined) pools.set(pool, (byFamily = []))
  const known = byFamily[place]
  if (
    known !== undefined &&
    known.generation === generation &&
    known.health === health &&
    known.panic === panic
  ) {
    recall(canvass, known)
    return
  }
  evaluatePool(canvass, pool, family, health, panic)
  const fresh = known ?? blank(health)
  byFamily[place] = fresh
  fresh.health = health
  fresh.generation = generation
  fresh.panic = panic
  remember(fresh, canvass)
}

const blank = (health: HealthReader): Remembered => ({
  health,
  generation: 0,
  panic: 0,
  up: { weights: [], members: [], addresses: [] },
  suspect: { weights: [], members: [], addresses: [] },
  panicked: false,
  isDoubled: false,
  healthy: 0,
  holdSeconds: Infinity,
})

function remember(known: Remembered, canvass: PoolEvaluation): void {
  rememberBallot(known.up, canvass.up)
  rememberBallot(known.suspect, canvass.suspect)
  known.panicked = canvass.isPanic
  known.isDoubled = canvass.hasSiblings
  known.healthy = canvass.usableShare
  known.holdSeconds = canvass.holdSeconds
}

function rememberBallot({ weights, members, addresses }: Entries, ballot: Candidates): void {
  weights.length = 0
  members.length = 0
  addresses.length = 0
  for (let i = 0; i < ballot.count; i++) {
    weights.push(ballot.weights[i] as number)
    members.push(ballot.members[i] as number)
    addresses.push(ballot.addresses[i] as number)
  }
}

function recall(canvass: PoolEvaluation, known: Remembered): void {
  recallBallot(canvass.up, known.up)
  recallBallot(canvass.suspect, known.suspect)
  canvass.isPanic = known.panicked
  canvass.hasSiblings = known.isDoubled
  canvass.usableShare = known.healthy
  canvass.holdSeconds = known.holdSeconds
}

function recallBallot(ballot: Candidates, { weights, members, addresses }: Entries): void {
  ballot.count = 0
  for (let i = 0; i < weights.length; i++)
    addCandidate(ballot, weights[i] as number, members[i] as number, addresses[i] as number)
}
