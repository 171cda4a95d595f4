// Pools of which no member is eligible, and what the rules that use them answer instead. What is answered is asked of the
// code that answers (steer/select/), one rule at a time, so that the two cannot disagree.
//
//   another pool of the rule leads      its clients go there
//   that pool ignores its health        panic
//   no pool of the rule has a member    the policy's `on_all_down`, as far as it comes to anything

import type { HealthReader } from '../health/table.ts'
import type { Policy, Pool, Rule } from '../steer/policy.ts'
import { type RecordSelector, selectAllDown } from '../steer/select/all-down.ts'
import { createPoolEvaluation, evaluatePool, isEmpty } from '../steer/select/eligibility.ts'
import { createSteering, standingClock, type Steering } from '../steer/select/steering.ts'
import { nameToText } from '../wire/name.ts'
import type { Catalog } from '../zone/zone.ts'

/** What the clients of a rule are answered while a pool of it is empty. `servfail`: no records at all. */
export type Instead = 'other-pool' | 'backup' | 'panic' | 'last-good' | 'all' | 'servfail'

interface PoolUse {
  readonly policy: string
  /** Number of the rule, from 1 as in the file. */
  readonly rule: number
  readonly instead: Instead
  /** Pools that lead instead; empty unless `other-pool` or `backup`. */
  readonly pools: readonly string[]
}

/** A pool without an eligible member. */
export interface EmptyPool {
  readonly zone: string
  readonly pool: string
  /** The rules that name it; empty: it is a backup only. */
  readonly uses: readonly PoolUse[]
}

/** Whether clients are answered members that are not eligible, or nothing. */
export const isAnsweredBadly = ({ uses }: EmptyPool): boolean =>
  uses.some(({ instead }) => instead !== 'other-pool' && instead !== 'backup')

interface ZonePolicies {
  readonly zone: string
  readonly policies: readonly Policy[]
}

/** Finds the empty pools of a catalog. The policies of the last catalog are kept. */
export class EmptyPools {
  readonly #health: HealthReader
  readonly #steering: Steering
  readonly #evaluation = createPoolEvaluation()
  #catalog: Catalog | null = null
  #zones: readonly ZonePolicies[] = []
  /** What was found last, and at which generation of the health table. */
  #found: readonly EmptyPool[] = []
  #generation = -1

  constructor(health: HealthReader) {
    this.#health = health
    this.#steering = createSteering({ health, random: () => 0, clock: standingClock })
  }

  /** Of all zones, in their order. */
  find(catalog: Catalog): readonly EmptyPool[] {
    // Read first: what changes from here on is found next time.
    const generation = this.#health.generation()
    if (catalog === this.#catalog && generation === this.#generation) return this.#found
    if (catalog !== this.#catalog) this.#zones = policiesOf(catalog)
    this.#catalog = catalog
    this.#generation = generation
    this.#found = this.#zones.flatMap(({ zone, policies }) => {
      const empty = new Map<string, PoolUse[]>()
      for (const pool of poolsOf(policies)) if (this.#isEmpty(pool)) empty.set(pool.name, [])
      if (empty.size > 0) for (const policy of policies) this.#addUses(empty, policy)
      return [...empty].map(([pool, uses]) => ({ zone, pool, uses }))
    })
    return this.#found
  }

  #isEmpty(pool: Pool): boolean {
    evaluatePool(this.#evaluation, pool, null, this.#health, 0)
    return isEmpty(this.#evaluation)
  }

  #addUses(empty: ReadonlyMap<string, PoolUse[]>, policy: Policy): void {
    for (const [index, rule] of policy.rules.entries()) {
      if (!rule.pools.some(({ name }) => empty.has(name))) continue
      const answered = this.#answeredBy(policy, rule)
      for (const { name } of rule.pools)
        empty.get(name)?.push({ policy: policy.name, rule: index + 1, ...answered })
    }
  }

  #answeredBy(policy: Policy, { pools }: Rule): Pick<PoolUse, 'instead' | 'pools'> {
    const { leads } = this.#steering.pools.leadProbabilities(pools, null)
    const leading = pools.filter((_, at) => (leads[at] ?? 0) > 0)
    const isPanic = pools.some(
      (_, at) => (leads[at] ?? 0) > 0 && this.#steering.pools.at(at).isPanic,
    )
    if (isPanic) return { instead: 'panic', pools: [] }
    if (leading.length > 0) return { instead: 'other-pool', pools: leading.map(({ name }) => name) }
    const { onAllDown } = policy
    const reason = selectAllDown(new CountingSelector(), policy, pools, this.#steering)
    if (reason === 'servfail') return { instead: 'servfail', pools: [] }
    if (reason === 'backup' && onAllDown.kind === 'backup')
      return { instead: 'backup', pools: [onAllDown.pool.name] }
    return { instead: reason === 'last-good' ? 'last-good' : 'all', pools: [] }
  }
}

/** Counts what would be answered. */
class CountingSelector implements RecordSelector {
  readonly family = null
  readonly client = null
  readonly takesAllPools = true
  readonly isFull = false
  count = 0

  add(_: Pool, candidates: { readonly count: number }): boolean {
    this.count += candidates.count
    return candidates.count > 0
  }

  addEvery(_: Pool, candidates: { readonly count: number }): void {
    this.count += candidates.count
  }
}

function policiesOf({ zones }: Catalog): readonly ZonePolicies[] {
  return [...zones.values()].map(({ apex, nodes, steered = nodes }) => {
    const policies = new Map<string, Policy>()
    for (const { sets } of steered.values())
      for (const set of sets.values())
        if ('policy' in set) policies.set(set.policy.name, set.policy)
    return { zone: nameToText(apex).replace(/(?<=.)\.$/, ''), policies: [...policies.values()] }
  })
}

/** Each pool once, backups last. */
function poolsOf(policies: readonly Policy[]): ReadonlySet<Pool> {
  const backups = policies.flatMap(({ onAllDown }) =>
    onAllDown.kind === 'backup' ? [onAllDown.pool] : [],
  )
  const named = policies.flatMap(({ rules }) => rules.flatMap(({ pools }) => pools))
  return new Set([...named, ...backups])
}
