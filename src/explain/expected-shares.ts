// The expected share of first choices of each target, by formula: what the random draws of steer/
// amount to. Used for explanations, never for answers; tests compare it with the draws.
//
//   ladder                  the first rung: weight ÷ sum of weights in the leading pool
//   addresses, mode equal   a client uses one of the k records of an answer, so each counts 1/k; a
//                           member is among them with probability k·w/W, at most 1; with regions,
//                           racks or several addresses of a target, the k records are divided as
//                           in steer/draw/spread.ts
//   sticky                  the same, over all clients: for the first rung of a ladder, and for a
//                           single address
//
// There is no formula (null) for suspects that share an answer with others, for sticky sets of
// several records, for SRV (the records carry the weights), for a target or an address that appears
// twice, for fixed ladders, and when no member is eligible. Simulated draws (shares.ts) replace it
// there.

import type { HealthReader } from '../health/table.ts'
import { type Candidates, targetAt, weightAt, weightFrom } from '../steer/draw/candidates.ts'
import type { Pool, SelectedSet, SteeredAddresses, SteeredMx, Target } from '../steer/policy.ts'
import {
  type PoolEvaluation,
  evaluatePool,
  createPoolEvaluation,
} from '../steer/select/eligibility.ts'
import type { Family } from '../steer/select/last-resort.ts'
import { isInternal, matchRule } from '../steer/select/match.ts'
import { familyOf } from '../steer/select/select-addresses.ts'
import { EvaluatedPools } from '../steer/select/leading-pool.ts'
import type { Locus } from '../steer/selection.ts'

/** Shares of first choices; they sum to 1. */
export type TargetShares = ReadonlyMap<Target, number>

/** null: there is no formula for this set, client and health. */
export function expectedShares(
  set: SelectedSet,
  locus: Locus,
  health: HealthReader,
): TargetShares | null {
  if (set.kind === 'steered-srv') return null
  if (set.kind === 'steered-mx' && isInternal(set.internal, locus)) return null
  const pools = matchRule(set.policy, locus)?.pools ?? []
  const family = set.kind === 'steered-address' ? familyOf(set.type) : null
  const { leads, panics } = new EvaluatedPools(health).leadProbabilities(pools, family)
  if (leads.every((lead) => lead === 0)) return null
  const evaluations = pools.map((pool, i) => evaluationOf(pool, family, health, panics[i] ?? 0))
  const sum = new Map<Target, number>()
  for (const [at, lead] of leads.entries()) {
    const shares = lead === 0 ? [] : sharesUnderLead(set, pools, evaluations, at)
    if (shares === null) return null
    for (const [target, share] of shares)
      sum.set(target, Math.min(1, (sum.get(target) ?? 0) + lead * share))
  }
  return sum
}

function evaluationOf(
  pool: Pool,
  family: Family,
  health: HealthReader,
  panic: number,
): PoolEvaluation {
  const evaluation = createPoolEvaluation()
  evaluatePool(evaluation, pool, family, health, panic)
  return evaluation
}

type Shares = readonly (readonly [Target, number])[]

function sharesUnderLead(
  set: SteeredMx | SteeredAddresses,
  pools: readonly Pool[],
  evaluations: readonly PoolEvaluation[],
  lead: number,
): Shares | null {
  if (set.kind === 'steered-mx' && set.mode === 'ladder')
    return firstRungShares(pools, evaluations, lead)
  const count = Math.max(1, set.kind === 'steered-mx' ? set.ladder : set.answers)
  if (set.sticky && count > 1) return null
  return sampledShares(pools[lead] as Pool, evaluations[lead] as PoolEvaluation, count)
}

/**
 * Members that are up in the leading pool; if none, in the first pool with any; if none, suspects
 * of the leading pool.
 */
function firstRungShares(
  pools: readonly Pool[],
  evaluations: readonly PoolEvaluation[],
  lead: number,
): Shares {
  const others = evaluations.findIndex(({ up }) => up.count > 0)
  const at = others < 0 || (evaluations[lead] as PoolEvaluation).up.count > 0 ? lead : others
  const { up, suspect } = evaluations[at] as PoolEvaluation
  return sharesByWeight(pools[at] as Pool, up.count > 0 ? up : suspect)
}

function sharesByWeight(pool: Pool, candidates: Candidates): Shares {
  const total = weightFrom(candidates, 0)
  return entriesOf(candidates, pool).map(({ target, weight }) => [target, weight / total])
}

/**
 * Records of equal preference from one pool: members that are up, then suspects while there is
 * room.
 */
function sampledShares(
  pool: Pool,
  { up, suspect, hasSiblings }: PoolEvaluation,
  count: number,
): Shares | null {
  const isMixed = pool.isSpread || hasSiblings
  const ups = entriesOf(up, pool)
  const suspects = entriesOf(suspect, pool)
  const taken = Math.min(ups.length, count)
  const rest = Math.min(suspects.length, count - taken)
  if (hasDuplicateAddresses([...ups, ...suspects])) return null
  // Some of the suspects, beside members that are up: drawn one after another, for which there is
  // no short formula.
  if (isMixed && taken > 0 && rest > 0 && rest < suspects.length) return null
  const probabilitiesOf = (entries: readonly Entry[], drawn: number): readonly number[] =>
    isMixed
      ? spreadProbabilities(entries, pool.isSpread, drawn)
      : sampleProbabilities(entries, drawn)
  const probabilities = [...probabilitiesOf(ups, taken), ...probabilitiesOf(suspects, rest)]
  return [...ups, ...suspects].map(({ target }, i) => [
    target,
    (probabilities[i] as number) / (taken + rest),
  ])
}

const entriesOf = (candidates: Candidates, pool: Pool): Entry[] =>
  Array.from({ length: candidates.count }, (_, i) => {
    const target = targetAt(pool, candidates, i)
    const address = target.addresses[candidates.addresses[i] as number]?.text ?? ''
    return { target, address, weight: weightAt(candidates, i) }
  })

/**
 * Two entries with one address: an answer holds each address once, so the shares are not
 * independent.
 */
const hasDuplicateAddresses = (entries: readonly Entry[]): boolean =>
  new Set(entries.map(({ address }) => address)).size < entries.length

// Inclusion probabilities: with which probability each entry is among the k of n that drawSample
// (sampling.ts) and the draw of spread.ts select.

interface Entry {
  readonly target: Target
  readonly address: string
  readonly weight: number
}

/**
 * In the order of the entries: k·w/W, at most 1; what exceeds 1 goes to the others in proportion to
 * their weights.
 */
export function sampleProbabilities(
  entries: readonly { readonly weight: number }[],
  count: number,
): readonly number[] {
  if (count >= entries.length) return entries.map(() => 1)
  const certain = new Set<object>()
  for (let before = -1; before < certain.size && certain.size < count;) {
    before = certain.size
    const threshold = weightOf(entries, certain) / (count - certain.size)
    for (const one of entries)
      if (!certain.has(one) && one.weight >= threshold && certain.size < count) certain.add(one)
  }
  const left = count - certain.size
  const total = weightOf(entries, certain)
  return entries.map((one) => (certain.has(one) ? 1 : left === 0 ? 0 : (left * one.weight) / total))
}

const weightOf = (
  entries: readonly { readonly weight: number }[],
  without: ReadonlySet<object>,
): number => entries.reduce((sum, one) => sum + (without.has(one) ? 0 : one.weight), 0)

type GroupOf = (entry: Entry) => unknown

const ofTarget: GroupOf = ({ target }) => target

const levels: readonly GroupOf[] = [
  ({ target }) => target.regionGroup,
  ({ target }) => target.rackGroup,
  ofTarget,
]

/**
 * The count is divided among regions, each region's among racks, theirs among targets, theirs among
 * addresses.
 */
const spreadProbabilities = (
  entries: readonly Entry[],
  isSpread: boolean,
  count: number,
): readonly number[] => spreadAmong(entries, isSpread ? levels : [ofTarget], count)

function spreadAmong(
  entries: readonly Entry[],
  [groupOf, ...below]: readonly GroupOf[],
  count: number,
): readonly number[] {
  if (count === 0) return entries.map(() => 0)
  if (groupOf === undefined || count >= entries.length) return sampleProbabilities(entries, count)
  const groups = [...Map.groupBy(entries, groupOf).values()].map((members) => ({
    members,
    weight: members.reduce((sum, one) => sum + one.weight, 0),
  }))
  const { rounds, left } = fullRounds(
    groups.map(({ members }) => members.length),
    count,
  )
  const open = groups.filter(({ members }) => members.length > rounds)
  const more = left === 0 ? open.map(() => 0) : sampleProbabilities(open, left)
  const probabilities = new Map<Entry, number>()
  for (const group of groups) {
    const { members } = group
    const one = more[open.indexOf(group)] ?? 0
    const base = spreadAmong(members, below, Math.min(members.length, rounds))
    const extra = one === 0 ? base : spreadAmong(members, below, rounds + 1)
    for (const [i, member] of members.entries())
      probabilities.set(member, (1 - one) * (base[i] as number) + one * (extra[i] as number))
  }
  return entries.map((entry) => probabilities.get(entry) as number)
}

/**
 * Rounds in which every group with entries left gets one record, and the records left for a last,
 * partial round.
 */
function fullRounds(
  sizes: readonly number[],
  count: number,
): { readonly rounds: number; readonly left: number } {
  let left = count
  for (let rounds = 0; ; rounds++) {
    const open = sizes.filter((size) => size > rounds).length
    if (open === 0) return { rounds, left: 0 }
    if (open > left) return { rounds, left }
    left -= open
  }
}
