// The names of all zones over one load: what the load before left behind goes in, what the next one gets comes out. It
// counts once the load is put in force.

import type { Zone } from '../zone/zone.ts'
import { type Departures, departures, type UncoveredSet } from './departures.ts'
import { type ExposedSet, exposedSets } from './exposed-sets.ts'
import {
  type CurrentSet,
  type DepartedSet,
  keyOfSet,
  departedNow,
  mergeNames,
  type NameMemory,
  type SharedNames,
  noNames,
  singleRecords,
  type ZoneNames,
} from './name-memory.ts'

/** What is known before zone files are read: plain data, since they are read in another thread. */
export interface KnownNames {
  /** Of this instance. */
  readonly memory: NameMemory
  /** What other instances know; null: there are none. */
  readonly shared: SharedNames | null
  /**
   * Sets whose time is before this are released, milliseconds since 1970: now, or where instances share a store, when that
   * was last read, since others may still hand out what has left here.
   */
  readonly releaseMs: number
  /** Whether the settings let others take whole zones. */
  readonly hasSecondaries: boolean
}

export const noKnownNames: KnownNames = {
  memory: new Map(),
  shared: null,
  releaseMs: Infinity,
  hasSecondaries: false,
}

/** Departures of a zone, by its name without the final dot and in lower case. */
export interface ZoneDepartures extends Omit<Departures, 'uncovered'> {
  readonly zone: string
  /** A zone that is served no more covers none of its names. */
  readonly uncovered: readonly (
    | UncoveredSet
    | { readonly set: DepartedSet; readonly why: 'zone-removed' }
  )[]
}

export interface NameRound {
  /** What is kept in the zone, as compiled from its file: see `departures`. */
  depart(name: string, zone: Zone, isDropping: boolean): readonly DepartedSet[]
  close(): { readonly names: NameMemory; readonly departures: readonly ZoneDepartures[] }
}

export function beginNames(known: KnownNames, nowMs: number): NameRound {
  const { memory: own, shared, releaseMs, hasSecondaries } = known
  const memory = shared === null ? own : mergeNames(own, shared, releaseMs)
  const names = new Map<string, ZoneNames>()
  const found: ZoneDepartures[] = []
  return {
    depart(name, zone, isDropping) {
      const before = memory.get(name) ?? noNames
      const departed = departures(zone, before, { nowMs, releaseMs, isDropping })
      const exposed = exposedSets(zone, departed.kept, hasSecondaries)
      names.set(name, { current: withLeads(exposed, before, nowMs), departed: departed.kept })
      found.push({ zone: name, ...departed })
      return departed.kept
    },
    close() {
      for (const [zone, before] of own) {
        if (names.has(zone)) continue
        const left = before.current.map((set) => departedNow(set, nowMs))
        const departed = [...before.departed, ...left].filter(({ untilMs }) => untilMs > nowMs)
        // They are answered again if the zone is, in time.
        if (departed.length > 0) names.set(zone, { current: [], departed })
        const uncovered = left.map((set) => ({ set, why: 'zone-removed' as const }))
        if (left.length > 0) found.push({ zone, kept: [], left: [], released: [], uncovered })
      }
      return { names, departures: found }
    },
  }
}

/** Sets of the zone file, with the time until which caches may lead to them by what was before it. */
function withLeads(
  sets: readonly ExposedSet[],
  { current, departed }: ZoneNames,
  nowMs: number,
): readonly CurrentSet[] {
  const led = new Map<string, number>()
  const add = (set: ExposedSet, untilMs: number): void => {
    for (const one of singleRecords(set)) {
      const key = keyOfSet(one)
      led.set(key, Math.max(untilMs, led.get(key) ?? 0))
    }
  }
  for (const set of current) add(set, departedNow(set, nowMs).untilMs)
  for (const set of departed) add(set, set.untilMs)
  return sets.map((set) => {
    const ledUntilMs = Math.max(...singleRecords(set).map((one) => led.get(keyOfSet(one)) ?? 0))
    // Whatever names it now leads there for longer.
    const isOver = ledUntilMs <= nowMs + set.keepSeconds * 1000
    return { ...set, ledUntilMs: isOver ? 0 : ledUntilMs }
  })
}

/** What is kept, for a digest of what a zone contains: the same on all instances. */
export const keptText = (kept: readonly DepartedSet[]): string =>
  JSON.stringify(kept.map(({ owner, type, ttl, rdata }) => [owner, type, ttl, rdata]))
