// What is remembered of the names of a zone from one load to the next: over restarts in the state file, and among
// instances in the store.

import { RRType } from '../wire/rrtype.ts'
import type { ExposedSet } from './exposed-sets.ts'

/** A set that has left its zone and is still answered. */
export interface DepartedSet extends ExposedSet {
  /** Caches may lead to it until then, milliseconds since 1970. */
  readonly untilMs: number
}

/** A set of the zone file. */
export interface CurrentSet extends ExposedSet {
  /** Caches may lead to it until then by what named it in earlier files, milliseconds since 1970; 0: nothing did. */
  readonly ledUntilMs: number
}

/** The set if it leaves now. */
export const departedNow = ({ ledUntilMs, ...set }: CurrentSet, nowMs: number): DepartedSet => ({
  ...set,
  untilMs: Math.max(nowMs + set.keepSeconds * 1000, ledUntilMs),
})

export interface ZoneNames {
  /** What the zone file had when it was last taken over. */
  readonly current: readonly CurrentSet[]
  readonly departed: readonly DepartedSet[]
}

/** By name of the zone, without the final dot and in lower case. */
export type NameMemory = ReadonlyMap<string, ZoneNames>

export const noNames: ZoneNames = { current: [], departed: [] }

/** The key of a set: one of an owner and type, but for TLSA, of which single records depart. */
export const keyOfSet = ({ owner, type, rdata }: ExposedSet): string =>
  type === RRType.TLSA ? `${owner} ${type} ${rdata.join(' ')}` : `${owner} ${type}`

/** The records of TLSA one by one, since a set of several targets loses some of them; any other set as it is. */
export const singleRecords = <Set extends ExposedSet>(set: Set): readonly Set[] =>
  set.type === RRType.TLSA ? set.rdata.map((one) => ({ ...set, rdata: [one] })) : [set]

/** What other instances know, as the store has it. */
export interface SharedNames {
  /** Sets that instances have, or have had, each with the time until which caches may lead to it. */
  readonly sets: ReadonlyMap<string, readonly SharedSet[]>
  /** When the store was last read, milliseconds since 1970; 0: it never was. */
  readonly readMs: number
}

export interface SharedSet extends DepartedSet {
  /** Whether an instance of the fleet has written it, as its seal proves; without, it may be anybody's. */
  readonly isProven: boolean
}

/**
 * The memory of this instance with what others know. Records come from the store only where a seal proves that the fleet
 * wrote them: whoever else may write there could give the zone names. Times alone only make known sets stay. What ended
 * before `releaseMs` is nobody's any more.
 */
export function mergeNames(own: NameMemory, { sets }: SharedNames, releaseMs: number): NameMemory {
  const merged = new Map(own)
  for (const [zone, others] of sets) {
    const mine = merged.get(zone) ?? noNames
    const known = new Map(
      [...mine.departed, ...mine.current.map((set) => departedNow(set, 0))]
        .flatMap(singleRecords)
        .map((set) => [keyOfSet(set), set] as const),
    )
    const departed = others.flatMap(({ isProven, ...set }): readonly DepartedSet[] => {
      const same = known.get(keyOfSet(set))
      if (same) return [{ ...same, untilMs: set.untilMs }]
      return isProven && set.untilMs > releaseMs ? [set] : []
    })
    merged.set(zone, { ...mine, departed: [...mine.departed, ...departed] })
  }
  return merged
}

/** When the next set is to be released, milliseconds since 1970; Infinity: none is kept. */
export function nextReleaseMs(names: NameMemory): number {
  let nextMs = Infinity
  for (const { departed } of names.values())
    for (const { untilMs } of departed) nextMs = Math.min(nextMs, untilMs)
  return nextMs
}
