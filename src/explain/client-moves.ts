// Where clients go when an override takes a pool below its `min_healthy`: for each rule that uses the pool, the pools that
// lead before and after. Both are asked of the code that answers, on the health table as it is and as it would be.

import type { HealthReader, Standing } from '../health/table.ts'
import type { Policy, Pool } from '../steer/policy.ts'
import { createPoolEvaluation, evaluatePool } from '../steer/select/eligibility.ts'
import { EvaluatedPools } from '../steer/select/leading-pool.ts'
import { nameToText } from '../wire/name.ts'
import type { Catalog } from '../zone/zone.ts'
import { conditionsText } from './rule-view.ts'

/** A pool that an override takes below its threshold, or further below it. */
export interface ShortPool {
  readonly zone: string
  readonly pool: string
  /** Share of its weight that is usable then, 0 to 1. */
  readonly usable: number
  readonly minHealthy: number
  /** The rules that use it. */
  readonly clients: readonly ClientMove[]
}

interface ClientMove {
  readonly policy: string
  /** From 1, as in the file. */
  readonly rule: number
  /** null: the catch-all. */
  readonly when: string | null
  /** Share of these clients that the pools lead for; empty: no pool leads, `on_all_down` decides. */
  readonly before: readonly LeadingPool[]
  readonly after: readonly LeadingPool[]
}

interface LeadingPool {
  readonly pool: string
  readonly share: number
}

/** The row of one member as it would be. */
export interface ChangedRow {
  readonly row: number
  readonly standing: Standing
  readonly share: number
}

/** The pools of a zone that the changed rows take below `min_healthy`, in the order of its policies. */
export function shortPools(
  { zones }: Catalog,
  zone: string,
  health: HealthReader,
  changed: readonly ChangedRow[],
): readonly ShortPool[] {
  const served = [...zones.values()].find(({ apex }) => nameToText(apex) === `${zone}.`)
  const policies = new Map<string, Policy>()
  for (const { sets } of served?.nodes.values() ?? [])
    for (const set of sets.values()) if ('policy' in set) policies.set(set.policy.name, set.policy)
  const after = withRows(health, changed)
  const rows = new Set(changed.map(({ row }) => row))
  const seen = new Map<string, ShortPool>()
  for (const policy of policies.values())
    for (const pool of policy.rules.flatMap(({ pools }) => pools)) {
      if (seen.has(pool.name) || !pool.members.some(({ row }) => rows.has(row))) continue
      const usable = usableShare(pool, after)
      if (usable >= pool.minHealthy || usable >= usableShare(pool, health)) continue
      const clients = [...policies.values()].flatMap((one) => movesOf(one, pool, health, after))
      const { name, minHealthy } = pool
      seen.set(name, { zone, pool: name, usable, minHealthy, clients })
    }
  return [...seen.values()]
}

const withRows = (health: HealthReader, changed: readonly ChangedRow[]): HealthReader => {
  const byRow = new Map(changed.map((one) => [one.row, one]))
  return {
    ...health,
    standing: (row) => byRow.get(row)?.standing ?? health.standing(row),
    share: (row) => byRow.get(row)?.share ?? health.share(row),
  }
}

function usableShare(pool: Pool, health: HealthReader): number {
  const evaluation = createPoolEvaluation()
  evaluatePool(evaluation, pool, null, health, 0)
  return evaluation.usableShare
}

function movesOf(
  { name, rules }: Policy,
  pool: Pool,
  health: HealthReader,
  changed: HealthReader,
): readonly ClientMove[] {
  return rules.flatMap(({ when, pools }, i) =>
    pools.some((one) => one.name === pool.name)
      ? [
          {
            policy: name,
            rule: i + 1,
            when: when && conditionsText(when),
            before: leadsOf(pools, health),
            after: leadsOf(pools, changed),
          },
        ]
      : [],
  )
}

const leadsOf = (pools: readonly Pool[], health: HealthReader): readonly LeadingPool[] => {
  const { leads } = new EvaluatedPools(health).leadProbabilities(pools, null)
  return pools.flatMap(({ name }, at) => {
    const share = leads[at] ?? 0
    return share > 0 ? [{ pool: name, share }] : []
  })
}

/** One sentence a pool: how much of it is left, and who goes where. */
export const shortPoolText = ({ zone, pool, usable, minHealthy, clients }: ShortPool): string =>
  `pool ${pool} of ${zone} is left with ${percent(usable)} of its weight, ` +
  `below min_healthy ${percent(minHealthy)}: ${clients.map((one) => moveText(one, pool)).join('; ')}`

function moveText({ policy, rule, when, before, after }: ClientMove, short: string): string {
  const who = `clients of ${when ?? 'everywhere else'} (${policy} rule ${rule})`
  const gains = after.flatMap(({ pool, share }) => {
    const gain = share - (before.find((one) => one.pool === pool)?.share ?? 0)
    return gain > 1e-9 ? [`${percent(gain)} of ${who} go to pool ${pool}`] : []
  })
  if (gains.length > 0) return gains.join(', ')
  if (after[0]?.pool !== undefined && !after.some((one) => one.pool === short))
    return `${who} are answered as before`
  return after.length > 0 ? `${who} stay with what is left` : `${who} get what on_all_down says`
}

const percent = (share: number): string => `${Number((share * 100).toFixed(1))} %`
