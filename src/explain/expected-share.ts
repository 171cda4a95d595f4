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
import type { Ballot } from '../steer/draw/candidates.ts'
import { weightAt, weightFrom } from '../steer/draw/candidates.ts'
import { canvassPool, createCanvass } from '../steer/select/eligibility.ts'
import type { Canvass } from '../steer/select/eligibility.ts'
import type { Family } from '../steer/select/everyone.ts'
import { isInternal, matchRule } from '../steer/select/match.ts'
import type { Pool, SelectedSet, SteeredAddresses, SteeredMx, Target } from '../steer/policy.ts'
import { targetAt } from '../steer/select/rungs.ts'
import { type Entry, dealOdds, sampleOdds } from './sample-odds.ts'
import { familyOf } from '../steer/select/select-addresses.ts'
import type { Locus } from '../steer/selection.ts'
import { leadOdds } from '../steer/select/survey.ts'

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
  const { leads, panics } = leadOdds(pools, family, health)
  if (leads.every((lead) => lead === 0)) return null
  const canvasses = pools.map((pool, i) => canvassOf(pool, family, health, panics[i] ?? 0))
  const sum = new Map<Target, number>()
  for (const [at, lead] of leads.entries()) {
    const shares = lead === 0 ? [] : sharesOfLead(set, pools, canvasses, at)
    if (shares === null) return null
    for (const [target, share] of shares)
      sum.set(target, Math.min(1, (sum.get(target) ?? 0) + lead * share))
  }
  return sum
}

// oxlint-disable-next-line max-params -- what a canvass is made of
function canvassOf(pool: Pool, family: Family, health: HealthReader, panic: number): Canvass {
  const canvass = createCanvass()
  canvassPool(canvass, pool, family, health, panic)
  return canvass
}

type Shares = readonly (readonly [Target, number])[]

function sharesOfLead(
  set: SteeredMx | SteeredAddresses,
  pools: readonly Pool[],
  canvasses: readonly Canvass[],
  lead: number,
): Shares | null {
  if (set.kind === 'steered-mx' && set.mode === 'ladder') return firstRung(pools, canvasses, lead)
  const places = Math.max(1, set.kind === 'steered-mx' ? set.ladder : set.answers)
  if (set.sticky && places > 1) return null
  return dealt(pools[lead] as Pool, canvasses[lead] as Canvass, places)
}

/** Who is up in the pool that leads; if nobody, in the first one with anyone; if nobody, the suspects of the lead. */
function firstRung(pools: readonly Pool[], canvasses: readonly Canvass[], lead: number): Shares {
  const others = canvasses.findIndex(({ up }) => up.count > 0)
  const at = others < 0 || (canvasses[lead] as Canvass).up.count > 0 ? lead : others
  const { up, suspect } = canvasses[at] as Canvass
  return byWeight(pools[at] as Pool, up.count > 0 ? up : suspect)
}

function byWeight(pool: Pool, ballot: Ballot): Shares {
  const whole = weightFrom(ballot, 0)
  return entriesOf(ballot, pool).map(({ target, weight }) => [target, weight / whole])
}

/** One pool's members or addresses, all of one height: those that are up, then suspects where there is room. */
function dealt(pool: Pool, { up, suspect, isDoubled }: Canvass, places: number): Shares | null {
  const isMixed = pool.isSpread || isDoubled
  const ups = entriesOf(up, pool)
  const suspects = entriesOf(suspect, pool)
  const taken = Math.min(ups.length, places)
  const rest = Math.min(suspects.length, places - taken)
  if (hasTwins([...ups, ...suspects])) return null
  // Beside those who are up: drawn one by one, for which there is no short formula.
  if (isMixed && taken > 0 && rest > 0 && rest < suspects.length) return null
  const oddsOf = (entries: readonly Entry[], count: number): readonly number[] =>
    isMixed ? dealOdds(entries, pool.isSpread, count) : sampleOdds(entries, count)
  const odds = [...oddsOf(ups, taken), ...oddsOf(suspects, rest)]
  return [...ups, ...suspects].map(({ target }, i) => [
    target,
    (odds[i] as number) / (taken + rest),
  ])
}

const entriesOf = (ballot: Ballot, pool: Pool): Entry[] =>
  Array.from({ length: ballot.count }, (_, i) => {
    const target = targetAt(pool, ballot, i)
    const address = target.addresses[ballot.addresses[i] as number]?.text ?? ''
    return { target, address, weight: weightAt(ballot, i) }
  })

/** An answer names an address once, whoever's it is. */
const hasTwins = (entries: readonly Entry[]): boolean =>
  new Set(entries.map(({ address }) => address)).size < entries.length
