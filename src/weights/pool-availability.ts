// Availability of pools: every probe of an address counts for each pool that its target is in. Each instance counts its
// own probes; the sum over instances is computed only when it is read.

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

/** A target and its pools, as loaded from a zone file. */
interface MeasuredTarget {
  readonly zone: string
  readonly target: { readonly name: string }
  readonly pools: readonly {
    readonly pool: string
    /** Share of handshakes that should succeed, 0…1; null if none is configured. */
    readonly availabilityTarget: number | null
    readonly member: { readonly slots: readonly number[] }
  }[]
}

export interface MeasuredPool {
  readonly zone: string
  readonly pool: string
  /** Share of handshakes that should succeed, 0…1; null if none is configured. */
  readonly target: number | null
  /** Handshakes of all instances in a window. */
  readonly handshakes: (window: AvailabilityWindow) => Handshakes
  /** What each instance counted, for the course of it. */
  readonly saved: () => readonly SavedAvailability[]
}

export interface PoolAvailability {
  /** Replaces the set of pools. */
  update(targets: readonly MeasuredTarget[]): void
  /** Counts an outcome, unless its verdict is `unknown`. */
  observe(watched: WatchedAddress, outcome: Outcome): void
  /** Returns each pool with the counts of all instances. */
  pools(): readonly MeasuredPool[]
  /** Shares the counts with other instances from now on. */
  shareTallies(tallies: TallyStore): void
  /** Returns the counts of this instance, by zone and pool. */
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

/** The pools of one target. */
interface PoolsOfTarget {
  readonly zone: string
  readonly target: string
  readonly pools: CountedPool[]
}

/** The pools of a target with an address in the slot, which are added if there are none yet. */
function poolsOfTarget(
  bySlot: Map<number, PoolsOfTarget[]>,
  slot: number,
  zone: string,
  target: string,
): CountedPool[] {
  const targets = bySlot.get(slot) ?? []
  bySlot.set(slot, targets)
  const known = targets.find((one) => one.target === target && one.zone === zone)
  if (known) return known.pools
  const pools: CountedPool[] = []
  targets.push({ zone, target, pools })
  return pools
}

class CountedPools implements PoolAvailability {
  readonly #clock: Clock
  readonly #restored: ReadonlyMap<string, SavedAvailability>
  #tallies: TallyStore | null = null
  #pools: ReadonlyMap<string, CountedPool> = new Map()
  /** Pools that an outcome counts for, by slot: those of each target that has the address. */
  #bySlot: ReadonlyMap<number, readonly PoolsOfTarget[]> = new Map()

  constructor(clock: Clock, restored: ReadonlyMap<string, SavedAvailability>) {
    this.#clock = clock
    this.#restored = restored
  }

  update(targets: readonly MeasuredTarget[]): void {
    const before = this.#pools
    const pools = new Map<string, CountedPool>()
    const bySlot = new Map<number, PoolsOfTarget[]>()
    for (const { zone, target, pools: memberships } of targets) {
      for (const { pool, availabilityTarget, member } of memberships) {
        const key = `${zone} ${pool}`
        const rings = pools.get(key)?.rings ?? before.get(key)?.rings ?? this.#ringsOf(key)
        const counted = pools.get(key) ?? { zone, pool, target: availabilityTarget, rings }
        // Slot 0 is never probed: there is nothing to count.
        for (const slot of new Set(member.slots)) {
          if (slot === 0) continue
          pools.set(key, counted)
          poolsOfTarget(bySlot, slot, zone, target.name).push(counted)
        }
      }
    }
    this.#pools = pools
    this.#bySlot = bySlot
  }

  observe({ slot, zone, target, profile }: WatchedAddress, outcome: Outcome): void {
    const { verdict } = effectOf(outcome, { requiresTls: profile.tls.isRequired })
    if (verdict === 'unknown') return
    const wallMs = this.#clock.wallMs()
    for (const of of this.#bySlot.get(slot) ?? [])
      if (of.target === target && of.zone === zone)
        for (const { rings } of of.pools) countHandshake(rings, verdict === 'pass', wallMs)
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
      saved: () => [saveAvailability(rings), ...this.#othersOf(zone, pool)],
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

  /** Takes over counts from the store, less those that the state file had already. */
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
  sinceMs: Math.min(a.sinceMs, b.sinceMs),
})
