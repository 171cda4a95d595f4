// Which part of the first choices each target can expect, by formula: what the draws of select-*.ts come to. For
// people, never for answers; what is drawn is compared with it by tests.
//
//   ladder                    the first rung: weight ÷ weights of the pool that leads
//   addresses, mode equal     whoever asks picks one of what an answer has, so one of k counts 1/k: k·w/W and capped,
//                             and where regions, racks or addresses of one target meet, dealt as spread.ts deals
//   sticky                    the same over all clients, for a ladder's first rung and for one address
//
// No formula (null): suspects drawn beside others of their risk, sticky sets of several, SRV (whose records carry their
// weights), one target or address twice in an answer, fixed ladders, and wherever nobody is eligible. There, ask often.

import type { HealthReader } from '../health/table.ts'
import { type Candidates, weightAt, weightFrom } from '../steer/draw/candidates.ts'
import type { Pool, SelectedSet, SteeredAddresses, SteeredMx, Target } from '../steer/policy.ts'
import {
  type PoolEvaluation,
  evaluatePool,
  createPoolEvaluation,
} from '../steer/select/eligibility.ts'
import type { Family } from '../steer/select/last-resort.ts'
import { isInternal, matchRule } from '../steer/select/match.ts'
import { targetAt } from '../steer/select/select-mx.ts'
import { familyOf } from '../steer/select/select-addresses.ts'
import { leadProbabilities } from '../steer/select/leading-pool.ts'
import type { Locus } from '../steer/selection.ts'

/** Sums to 1. */
export type TargetShares = ReadonlyMap<Target, number>

/** null: there is no formula. */
export function expectedShares(
  set: SelectedSet,
  locus: Locus,
  health: HealthReader,
): TargetShares | null {
  if (set.kind === 'steered-srv') return null
  if (set.kind === 'steered-mx' && isInternal(set.internal, locus)) return null
  const pools = matchRule(set.policy, locus)?.pools ?? []
  const family = set.kind === 'steered-address' ? familyOf(set.type) : null
  const { leads, panics } = leadProbabilities(pools, family, health)
  if (leads.every((lead) => lead === 0)) return null
  const canvasses = pools.map((pool, i) => evaluationOf(pool, family, health, panics[i] ?? 0))
  const sum = new Map<Target, number>()
  for (const [at, lead] of leads.entries()) {
    const shares = lead === 0 ? [] : sharesUnderLead(set, pools, canvasses, at)
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
  const canvass = createPoolEvaluation()
  evaluatePool(canvass, pool, family, health, panic)
  return canvass
}

type Shares = readonly (readonly [Target, number])[]

function sharesUnderLead(
  set: SteeredMx | SteeredAddresses,
  pools: readonly Pool[],
  canvasses: readonly PoolEvaluation[],
  lead: number,
): Shares | null {
  if (set.kind === 'steered-mx' && set.mode === 'ladder')
    return firstRungShares(pools, canvasses, lead)
  const places = Math.max(1, set.kind === 'steered-mx' ? set.ladder : set.answers)
  if (set.sticky && places > 1) return null
  return sampledShares(pools[lead] as Pool, canvasses[lead] as PoolEvaluation, places)
}

/** Who is up in the pool that leads; if nobody, in the first one with anyone; if nobody, the suspects of the lead. */
function firstRungShares(
  pools: readonly Pool[],
  canvasses: readonly PoolEvaluation[],
  lead: number,
): Shares {
  const others = canvasses.findIndex(({ up }) => up.count > 0)
  const at = others < 0 || (canvasses[lead] as PoolEvaluation).up.count > 0 ? lead : others
  const { up, suspect } = canvasses[at] as PoolEvaluation
  return sharesByWeight(pools[at] as Pool, up.count > 0 ? up : suspect)
}

function sharesByWeight(pool: Pool, ballot: Candidates): Shares {
  const whole = weightFrom(ballot, 0)
  return entriesOf(ballot, pool).map(({ target, weight }) => [target, weight / whole])
}

/** One pool's members or addresses, all of one height: those that are up, then suspects where there is room. */
function sampledShares(
  pool: Pool,
  { up, suspect, hasSiblings: isDoubled }: PoolEvaluation,
  places: number,
): Shares | null {
  const isMixed = pool.isSpread || isDoubled
  const ups = entriesOf(up, pool)
  const suspects = entriesOf(suspect, pool)
  const taken = Math.min(ups.length, places)
  const rest = Math.min(suspects.length, places - taken)
  if (hasDuplicateAddresses([...ups, ...suspects])) return null
  // Beside those who are up: drawn one by one, for which there is no short formula.
  if (isMixed && taken > 0 && rest > 0 && rest < suspects.length) return null
  const oddsOf = (entries: readonly Entry[], count: number): readonly number[] =>
    isMixed
      ? spreadProbabilities(entries, pool.isSpread, count)
      : sampleProbabilities(entries, count)
  const odds = [...oddsOf(ups, taken), ...oddsOf(suspects, rest)]
  return [...ups, ...suspects].map(({ target }, i) => [
    target,
    (odds[i] as number) / (taken + rest),
  ])
}

const entriesOf = (ballot: Candidates, pool: Pool): Entry[] =>
  Array.from({ length: ballot.count }, (_, i) => {
    const target = targetAt(pool, ballot, i)
    const address = target.addresses[ballot.addresses[i] as number]?.text ?? ''
    return { target, address, weight: weightAt(ballot, i) }
  })

/** An answer names an address once, whoever's it is. */
const hasDuplicateAddresses = (entries: readonly Entry[]): boolean =>
  new Set(entries.map(({ address }) => address)).size < entries.length

// The probability with which each entry is drawn, k of n: what drawSample (sampling.ts) and dealSample (spread.ts) do
// by chance.

interface Entry {
  readonly target: Target
  readonly address: string
  readonly weight: number
}

/** In the order of the entries: k·w/W, at most 1; what is cut off there goes to the others, in proportion. */
export function sampleProbabilities(
  entries: readonly { readonly weight: number }[],
  places: number,
): readonly number[] {
  if (places >= entries.length) return entries.map(() => 1)
  const certain = new Set<object>()
  for (let before = -1; before < certain.size && certain.size < places;) {
    before = certain.size
    const bar = weightOf(entries, certain) / (places - certain.size)
    for (const one of entries)
      if (!certain.has(one) && one.weight >= bar && certain.size < places) certain.add(one)
  }
  const left = places - certain.size
  const whole = weightOf(entries, certain)
  return entries.map((one) => (certain.has(one) ? 1 : left === 0 ? 0 : (left * one.weight) / whole))
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

/** As places are dealt to regions, theirs to racks, theirs to targets, theirs to addresses. */
const spreadProbabilities = (
  entries: readonly Entry[],
  isSpread: boolean,
  places: number,
): readonly number[] => spreadAmong(entries, isSpread ? levels : [ofTarget], places)

function spreadAmong(
  entries: readonly Entry[],
  [groupOf, ...below]: readonly GroupOf[],
  places: number,
): readonly number[] {
  if (places === 0) return entries.map(() => 0)
  if (groupOf === undefined || places >= entries.length) return sampleProbabilities(entries, places)
  const groups = [...Map.groupBy(entries, groupOf).values()].map((members) => ({
    members,
    weight: members.reduce((sum, one) => sum + one.weight, 0),
  }))
  const { rounds, left } = fullRounds(
    groups.map(({ members }) => members.length),
    places,
  )
  const open = groups.filter(({ members }) => members.length > rounds)
  const more = left === 0 ? open.map(() => 0) : sampleProbabilities(open, left)
  const odds = new Map<Entry, number>()
  for (const group of groups) {
    const { members } = group
    const one = more[open.indexOf(group)] ?? 0
    const base = spreadAmong(members, below, Math.min(members.length, rounds))
    const extra = one === 0 ? base : spreadAmong(members, below, rounds + 1)
    for (const [i, member] of members.entries())
      odds.set(member, (1 - one) * (base[i] as number) + one * (extra[i] as number))
  }
  return entries.map((entry) => odds.get(entry) as number)
}

/** One place a round to each group that has anyone left; how many rounds go round, and what is left for one more. */
function fullRounds(
  sizes: readonly number[],
  places: number,
): { readonly rounds: number; readonly left: number } {
  let left = places
  for (let rounds = 0; ; rounds++) {
    const open = sizes.filter((size) => size > rounds).length
    if (open === 0) return { rounds, left: 0 }
    if (open > left) return { rounds, left }
    left -= open
  }
}
