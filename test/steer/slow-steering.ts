// Steering as the documents say it, in the plainest way and without regard to cost: every outcome with its
// probability. It shares no code with src/steer.

import { inclusionOdds } from './reference.ts'
import type { ModelMember, ModelPool, ModelWorld } from './model-world.ts'

/** Outcome → probability. */
export type Odds = Map<string, number>

interface Candidate {
  readonly name: string
  readonly weight: number
  readonly region: string
  readonly rack: string
}

const isOut = ({ standing }: ModelMember): boolean =>
  standing === 'drained' || standing === 'disabled'

/** The best factor among its addresses that are of this standing. */
function worth(member: ModelMember, kind: 'up' | 'suspect'): number {
  if (isOut(member)) return 0
  const base = member.weight * member.share
  if (member.standing === 'forced') return kind === 'up' ? base : 0
  const factors = member.addresses
    .filter(({ state }) => state !== 'down' && (state === 'up') === (kind === 'up'))
    .map(({ factor }) => factor)
  return base * Math.max(0, ...factors)
}

const upWorth = (member: ModelMember): number => worth(member, 'up')
const suspectWorth = (member: ModelMember): number =>
  upWorth(member) > 0 ? 0 : worth(member, 'suspect')

const sum = (values: readonly number[]): number => values.reduce((total, one) => total + one, 0)

const candidate = (member: ModelMember, weight: number): Candidate => ({
  name: member.target,
  weight,
  region: member.region ?? `alone ${member.target}`,
  rack: member.rack === null ? `alone ${member.target}` : `${member.region} ${member.rack}`,
})

interface View {
  readonly pool: ModelPool
  readonly up: readonly Candidate[]
  readonly suspect: readonly Candidate[]
  readonly panicked: boolean
  readonly healthy: number
}

const weighed = (
  members: readonly ModelMember[],
  weightOf: (member: ModelMember) => number,
): Candidate[] =>
  members.map((member) => candidate(member, weightOf(member))).filter(({ weight }) => weight > 0)

/** A pool as MX and SRV see it. */
function viewOf(pool: ModelPool, panic: number): View {
  const weighty = pool.members.filter((member) => member.weight > 0)
  const judged = weighty.filter((member) => !isOut(member))
  const usable = judged.filter((member) => upWorth(member) > 0 || suspectWorth(member) > 0)
  const total = (members: readonly ModelMember[]): number => sum(members.map((one) => one.weight))
  if (total(usable) < total(judged) * panic) {
    const up = weighed(judged, (member) => member.weight * member.share)
    return { pool, up, suspect: [], panicked: true, healthy: 1 }
  }
  return {
    pool,
    up: weighed(usable, upWorth),
    suspect: weighed(usable, suspectWorth),
    panicked: false,
    healthy: weighty.length === 0 ? 0 : total(usable) / total(weighty),
  }
}

const isEmpty = (view: View): boolean => view.up.length + view.suspect.length === 0

interface Leads {
  readonly views: readonly View[]
  /** Index of the pool → probability that it leads; empty: no member is eligible. */
  readonly odds: ReadonlyMap<number, number>
}

function leadsOf(pools: readonly ModelPool[]): Leads {
  const views = pools.map((pool) => viewOf(pool, pool.minHealthy > 0 ? 0 : pool.panic))
  const keeps = views.map((view) => {
    if (isEmpty(view)) return 0
    const { minHealthy, spill } = view.pool
    if (view.healthy >= minHealthy) return 1
    return spill === 'proportional' ? view.healthy / minHealthy : 0
  })
  const odds = new Map<number, number>()
  let left = 1
  for (const [at, keep] of keeps.entries()) {
    if (left * keep > 0) odds.set(at, left * keep)
    left *= 1 - keep
  }
  const total = sum([...odds.values()])
  for (const [at, odd] of odds) odds.set(at, odd / total)
  if (odds.size > 0) return { views, odds }
  const doubted = pools.map((pool) => viewOf(pool, pool.panic))
  const first = doubted.findIndex((view) => !isEmpty(view))
  return { views: doubted, odds: new Map(first < 0 ? [] : [[first, 1]]) }
}

/** Every order in which candidates can follow those chosen, least crowded risks first. */
function orders(
  pool: ModelPool,
  candidates: readonly Candidate[],
  standing: readonly Candidate[],
  limit: number,
): readonly { readonly order: readonly Candidate[]; readonly odd: number }[] {
  if (candidates.length === 0 || standing.length >= limit) return [{ order: [], odd: 1 }]
  const crowd = (one: Candidate): number =>
    pool.spread
      ? 1000 * standing.filter(({ region }) => region === one.region).length +
        standing.filter(({ rack }) => rack === one.rack).length
      : 0
  const least = Math.min(...candidates.map(crowd))
  const next = candidates.filter((one) => crowd(one) === least)
  const total = sum(next.map((one) => one.weight))
  return next.flatMap((one) =>
    orders(
      pool,
      candidates.filter((other) => other !== one),
      [...standing, one],
      limit,
    ).map(({ order, odd }) => ({ order: [one, ...order], odd: (odd * one.weight) / total })),
  )
}

type Stage = readonly [ModelPool, readonly Candidate[]]

function climb(
  stages: readonly Stage[],
  limit: number,
): readonly { readonly ladder: readonly Candidate[]; readonly odd: number }[] {
  let ladders: readonly { ladder: readonly Candidate[]; odd: number }[] = [{ ladder: [], odd: 1 }]
  for (const [pool, candidates] of stages) {
    ladders = ladders.flatMap(({ ladder, odd }) =>
      orders(pool, candidates, ladder, limit).map((more) => ({
        ladder: [...ladder, ...more.order],
        odd: odd * more.odd,
      })),
    )
  }
  return ladders
}

const textOf = (reason: string, ladder: readonly Candidate[]): string =>
  `${reason} ${ladder.map(({ name }) => name).join('>')}`

function addTo(odds: Odds, key: string, odd: number): void {
  odds.set(key, (odds.get(key) ?? 0) + odd)
}

/** Ladder and reason, as `reason a>b>c`. */
export function ladderOutcomes(world: ModelWorld, limit: number): Odds {
  const { views, odds: leads } = leadsOf(world.pools)
  const outcomes: Odds = new Map()
  if (leads.size === 0) return allDownOutcomes(world, limit)
  for (const [lead, leadOdd] of leads) {
    const inOrder = [views[lead] as View, ...views.filter((_, at) => at !== lead)]
    const ups = inOrder.map(({ pool, up }): Stage => [pool, up])
    const tails = inOrder.map(({ pool, suspect }): Stage => [pool, suspect])
    for (const { ladder, odd } of climb([...ups, ...tails], limit)) {
      const panicked = inOrder.some(
        (view) =>
          view.panicked && view.up.some(({ name }) => ladder.some((one) => one.name === name)),
      )
      const reason = panicked ? 'panic' : lead > 0 ? 'spilled' : 'eligible'
      addTo(outcomes, textOf(reason, ladder), leadOdd * odd)
    }
  }
  return outcomes
}

const together = 60

function allDownOutcomes(world: ModelWorld, limit: number): Odds {
  const { onAllDown, pools, backup } = world
  if (onAllDown === 'servfail') return new Map([['servfail', 1]])
  const view = viewOf(backup, backup.panic)
  if (onAllDown === 'backup' && !isEmpty(view))
    return named(
      'backup',
      climb(
        [
          [backup, view.up],
          [backup, view.suspect],
        ],
        limit,
      ),
    )
  const last = lastGood(pools)
  if (onAllDown === 'last_good' && last.length > 0) return named('last-good', climb(last, limit))
  const all = onAllDown === 'backup' ? [...pools, backup] : pools
  return named('failed-open', climb(allMembers(all), Infinity))
}

const named = (
  reason: string,
  ladders: readonly { readonly ladder: readonly Candidate[]; readonly odd: number }[],
): Odds => {
  const odds: Odds = new Map()
  for (const { ladder, odd } of ladders) addTo(odds, textOf(reason, ladder), odd)
  return odds
}

const fellOf = (member: ModelMember): number =>
  Math.max(0, ...member.addresses.map(({ state, fell }) => (state === 'down' ? fell : 0)))

function lastGood(pools: readonly ModelPool[]): readonly Stage[] {
  const able = (member: ModelMember): boolean => !isOut(member) && member.weight * member.share > 0
  const falls = pools.flatMap((pool) => pool.members.filter(able).map(fellOf))
  const latest = Math.max(0, ...falls)
  if (latest === 0) return []
  return pools.map((pool): Stage => {
    const members = pool.members.filter(
      (one) => able(one) && fellOf(one) > 0 && fellOf(one) >= latest - together,
    )
    return [pool, weighed(members, (one) => one.weight * one.share)]
  })
}

/** All members that may be answered; without any, those with the least against them. */
function allMembers(pools: readonly ModelPool[]): readonly Stage[] {
  const all = pools.flatMap((pool) => pool.members)
  const standIn = all.some((one) => one.weight > 0) ? 0 : 1
  const configured = (one: ModelMember): number => one.weight || standIn
  const tiers: ((one: ModelMember) => number)[] = [
    (one) => (isOut(one) ? 0 : configured(one) * one.share),
    (one) => (isOut(one) ? 0 : configured(one)),
    (one) => (one.standing === 'disabled' ? 0 : configured(one)),
    configured,
  ]
  const tier = tiers.find((weightOf) => all.some((one) => weightOf(one) > 0)) ?? configured
  return pools.map((pool): Stage => [pool, weighed(pool.members, tier)])
}

export interface Entry {
  readonly text: string
  readonly weight: number
  /** From the widest risk to the nearest. */
  readonly risks: readonly string[]
}

/** Inclusion of each of n in k of them, dealt over risks. */
export function dealtOdds(entries: readonly Entry[], places: number): Map<string, number> {
  if (places >= entries.length) return new Map(entries.map(({ text }) => [text, 1]))
  const [first] = entries
  if (!first || first.risks.length === 0) {
    const weights = Object.fromEntries(entries.map(({ text, weight }) => [text, weight]))
    return new Map(Object.entries(places === 0 ? {} : inclusionOdds(weights, places)))
  }
  const groups = [...Map.groupBy(entries, ({ risks }) => risks[0] as string)]
  let rounds = 0
  let left = places
  const open = () => groups.filter(([, of]) => of.length > rounds)
  while (open().length <= left) {
    left -= open().length
    rounds++
  }
  const weights = open().map(([name, of]) => [name, sum(of.map(({ weight }) => weight))] as const)
  const last = left === 0 ? {} : inclusionOdds(Object.fromEntries(weights), left)
  const odds = new Map<string, number>()
  for (const [name, of] of groups) {
    const inner = of.map((entry) => ({ ...entry, risks: entry.risks.slice(1) }))
    const sure = Math.min(rounds, of.length)
    const more = last[name] ?? 0
    const with0 = dealtOdds(inner, sure)
    const with1 = dealtOdds(inner, sure + 1)
    for (const { text } of of)
      odds.set(text, (1 - more) * (with0.get(text) ?? 0) + more * (with1.get(text) ?? 0))
  }
  return odds
}
