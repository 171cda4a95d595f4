// Availability of pools: every probe of an address counts for each pool that its target is in. What other instances
// counted stands beside what this one did, and is summed only where somebody looks.

import {
  type Availability,
  type AvailabilityWindow,
  type Handshakes,
  type SavedAvailability,
  countsSince,
  countHandshake,
  createAvailability,
  handshakesIn,
  restoreAvailability,
  saveAvailability,
  savedHandshakesIn,
} from '../health/availability.ts'
import { effectOf } from '../health/verdict.ts'
import type { Clock } from '../lib/clock.ts'
import type { TallyStore } from '../cluster/cluster-votes.ts'
import type { Outcome } from '../health/outcome.ts'
import type { WatchedAddress } from '../probe/smtp/profile.ts'

/** As zones are loaded. */
interface MeasuredTarget {
  readonly zone: string
  readonly target: { readonly name: string }
  readonly pools: readonly {
    readonly pool: string
    /** The share of handshakes that are to succeed; null: none is said. */
    readonly availabilityTarget: number | null
    readonly member: { readonly slots: readonly number[] }
  }[]
}

export interface MeasuredPool {
  readonly zone: string
  readonly pool: string
  readonly target: number | null
  readonly handshakes: (window: AvailabilityWindow) => Handshakes
}

export interface PoolAvailability {
  /** Replaces the set of pools. */
  update(targets: readonly MeasuredTarget[]): void
  observe(watched: WatchedAddress, outcome: Outcome): void
  /** By all instances. */
  pools(): readonly MeasuredPool[]
  /** Tells others what was counted here, and counts what they tell. */
  shareTallies(tallies: TallyStore): void
  /** Counted here, by zone and pool. */
  saved(): ReadonlyMap<string, SavedAvailability>
}

export const createPoolAvailability = (
  clock: Clock,
  restored: ReadonlyMap<string, SavedAvailability> = new Map(),
): PoolAvailability => new CountedPools(clock, restored)

interface CountedPool {
  readonly zone: string
  readonly pool: string
  readonly target: number | null
  readonly rings: Availability
}

class CountedPools implements PoolAvailability {
  readonly #clock: Clock
  readonly #restored: ReadonlyMap<string, SavedAvailability>
  #tallies: TallyStore | null = null
  #pools: ReadonlyMap<string, CountedPool> = new Map()
  /** By slot, zone and target: which pools an outcome counts for. */
  #byAddress: ReadonlyMap<string, readonly CountedPool[]> = new Map()

  constructor(clock: Clock, restored: ReadonlyMap<string, SavedAvailability>) {
    this.#clock = clock
    this.#restored = restored
  }

  update(targets: readonly MeasuredTarget[]): void {
    const before = this.#pools
    const pools = new Map<string, CountedPool>()
    const byAddress = new Map<string, CountedPool[]>()
    for (const { zone, target, pools: memberships } of targets) {
      for (const { pool, availabilityTarget, member } of memberships) {
        const key = `${zone} ${pool}`
        const rings = pools.get(key)?.rings ?? before.get(key)?.rings ?? this.#ringsOf(key)
        const counted = pools.get(key) ?? { zone, pool, target: availabilityTarget, rings }
        // Without a probe there is nothing to measure.
        for (const slot of new Set(member.slots)) {
          if (slot === 0) continue
          pools.set(key, counted)
          const address = `${slot} ${zone} ${target.name}`
          byAddress.set(address, [...(byAddress.get(address) ?? []), counted])
        }
      }
    }
    this.#pools = pools
    this.#byAddress = byAddress
  }

  observe({ slot, zone, target, profile }: WatchedAddress, outcome: Outcome): void {
    const { verdict } = effectOf(outcome, { requiresTls: profile.tls.isRequired })
    if (verdict === 'unknown') return
    const wallMs = this.#clock.wallMs()
    for (const { rings } of this.#byAddress.get(`${slot} ${zone} ${target}`) ?? [])
      countHandshake(rings, verdict === 'pass', wallMs)
  }

  pools(): readonly MeasuredPool[] {
    const wallMs = this.#clock.wallMs()
    return [...this.#pools.values()].map(({ zone, pool, target, rings }) => ({
      zone,
      pool,
      target,
      handshakes: (window) =>
        [
          handshakesIn(rings, window, wallMs),
          ...this.#othersOf(zone, pool).map((saved) => savedHandshakesIn(saved, window, wallMs)),
        ].reduce(addHandshakes),
    }))
  }

  shareTallies(tallies: TallyStore): void {
    this.#tallies = tallies
    tallies.attach({
      current: () => this.saved(),
      restore: (key, saved) => this.#restoreShared(key, saved),
    })
  }

  saved(): ReadonlyMap<string, SavedAvailability> {
    return new Map([...this.#pools].map(([key, { rings }]) => [key, saveAvailability(rings)]))
  }

  #othersOf(zone: string, pool: string): readonly SavedAvailability[] {
    return this.#tallies?.ofOthers(`${zone} ${pool}`) ?? []
  }

  /** Only what the state file, where there was one, did not have already. */
  #restoreShared(key: string, saved: SavedAvailability): void {
    const rings = this.#pools.get(key)?.rings
    const known = this.#restored.get(key) ?? []
    if (rings) restoreAvailability(rings, countsSince(saved, known))
  }

  #ringsOf(key: string): Availability {
    const rings = createAvailability()
    const saved = this.#restored.get(key)
    if (saved) restoreAvailability(rings, saved)
    return rings
  }
}

const addHandshakes = (a: Handshakes, b: Handshakes): Handshakes => ({
  good: a.good + b.good,
  total: a.total + b.total,
})
