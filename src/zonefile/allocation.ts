// Stable places in shared memory: health slots and target counters keep their index while anything names them.
//
// A load takes places in a round, and a round counts only once it is committed: a rejected load changes nothing.
// A place that the last committed round did not name is released. Released places are given out again only
// after every fresh one was, oldest first: an answering worker may still read an older snapshot, and by then
// whoever writes health must have reset the slot (see `releasedSlots`).

import { maxCountedTargets } from '../answer/counters.ts'
import { slotLimit } from '../health/table.ts'

export interface AllocationRound {
  /** null: none is left. */
  slotOf(key: string): number | null
  /** `key`: zone, pool and target. */
  rowOf(key: string): number | null
  /** `key`: zone and target. */
  targetIndexOf(key: string): number | null
  commit(): void
}

export interface Allocation {
  begin(): AllocationRound
  /** Slots that nothing names since the last committed round: to be reset before they are named again. */
  releasedSlots(): readonly number[]
}

interface AllocationLimits {
  readonly slots: number
  readonly rows: number
  readonly targets: number
}

const defaultLimits: AllocationLimits = {
  slots: slotLimit,
  rows: slotLimit,
  targets: maxCountedTargets,
}

export function createAllocation(limits: AllocationLimits = defaultLimits): Allocation {
  // Slot 0 is what nobody probes: always up.
  let slots = createPlaces(1, limits.slots)
  // Row 0 is what nobody may override.
  let rows = createPlaces(1, limits.rows)
  let targets = createPlaces(0, limits.targets)
  return {
    begin() {
      const slotRound = openRound(slots)
      const rowRound = openRound(rows)
      const targetRound = openRound(targets)
      return {
        slotOf: slotRound.take,
        rowOf: rowRound.take,
        targetIndexOf: targetRound.take,
        commit() {
          slots = slotRound.close()
          rows = rowRound.close()
          targets = targetRound.close()
        },
      }
    },
    releasedSlots: () => slots.released,
  }
}

/** Never changed: a round makes the next ones. */
interface Places {
  readonly taken: ReadonlyMap<string, number>
  /** The first that was never given out. */
  readonly fresh: number
  readonly limit: number
  /** Oldest first. */
  readonly released: readonly number[]
}

const createPlaces = (fresh: number, limit: number): Places => ({
  taken: new Map(),
  fresh,
  limit,
  released: [],
})

function openRound(before: Places): { take: (key: string) => number | null; close: () => Places } {
  const taken = new Map<string, number>()
  let fresh = before.fresh
  let reused = 0
  const next = (): number | null => {
    if (fresh < before.limit) return fresh++
    return before.released[reused++] ?? null
  }
  return {
    take(key) {
      const place = taken.get(key) ?? before.taken.get(key) ?? next()
      if (place !== null) taken.set(key, place)
      return place
    },
    close() {
      const dropped = [...before.taken].filter(([key]) => !taken.has(key)).map(([, place]) => place)
      return { ...before, taken, fresh, released: [...before.released.slice(reused), ...dropped] }
    },
  }
}
