// Stable indexes into shared memory: a probed address keeps its health slot, a member its row and a
// target its counters over reloads, for as long as a zone file uses them.
//
// An allocation is plain data, since zone files are read in a thread of their own (run-load.ts). A
// load takes indexes in a round, and what the round closes with counts once the load is put in
// force: a rejected load changes nothing. An index that the round did not take is released.
// Released indexes are reused only when no fresh one is left, oldest first, since an answering
// worker may still read an older catalog. The writer of the health table must reset a released slot
// before it is reused (`slots.released`).

import { maxCountedTargets } from '../answer/counters.ts'
import { slotLimit } from '../health/table.ts'

export interface Allocation {
  readonly slots: Indexes
  readonly rows: Indexes
  readonly targets: Indexes
}

/** Indexes of one kind. */
interface Indexes {
  readonly taken: ReadonlyMap<string, number>
  /** The least index that was never taken. */
  readonly fresh: number
  /** Indexes are below this. */
  readonly limit: number
  /** Released indexes, the one released first in front. */
  readonly released: readonly number[]
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

/** An allocation of which nothing is taken. */
export const createAllocation = (limits: AllocationLimits = defaultLimits): Allocation => ({
  // Slot 0 belongs to addresses that are not probed: always up.
  slots: createIndexes(1, limits.slots),
  // Row 0 belongs to members that cannot be overridden.
  rows: createIndexes(1, limits.rows),
  targets: createIndexes(0, limits.targets),
})

const createIndexes = (fresh: number, limit: number): Indexes => ({
  taken: new Map(),
  fresh,
  limit,
  released: [],
})

/** Each method that takes returns the same index for the same key; null: none is left. */
export interface AllocationRound {
  /** `key`: address and probe profile. */
  takeSlot(key: string): number | null
  /** `key`: zone, pool and target. */
  takeRow(key: string): number | null
  /** `key`: zone and target. */
  takeTargetIndex(key: string): number | null
  /** The allocation of what this round took. */
  close(): Allocation
}

export function beginAllocation(before: Allocation): AllocationRound {
  const slots = openRound(before.slots)
  const rows = openRound(before.rows)
  const targets = openRound(before.targets)
  return {
    takeSlot: slots.take,
    takeRow: rows.take,
    takeTargetIndex: targets.take,
    close: () => ({ slots: slots.close(), rows: rows.close(), targets: targets.close() }),
  }
}

function openRound(before: Indexes): {
  take: (key: string) => number | null
  close: () => Indexes
} {
  const taken = new Map<string, number>()
  let fresh = before.fresh
  let reused = 0
  const next = (): number | null => {
    if (fresh < before.limit) return fresh++
    return before.released[reused++] ?? null
  }
  return {
    take(key) {
      const index = taken.get(key) ?? before.taken.get(key) ?? next()
      if (index !== null) taken.set(key, index)
      return index
    },
    close() {
      const released = [...before.taken]
        .filter(([key]) => !taken.has(key))
        .map(([, index]) => index)
      return { ...before, taken, fresh, released: [...before.released.slice(reused), ...released] }
    },
  }
}
