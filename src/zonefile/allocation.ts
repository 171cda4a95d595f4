// Stable indexes into shared memory: a probed address keeps its health slot, a member its row and a
// target its counters over reloads, for as long as a zone file uses them.
//
// A load takes indexes in a round, which counts only once it is committed: a rejected load changes
// nothing. An index that the last committed round did not take is released. Released indexes are
// reused only when no fresh one is left, oldest first, since an answering worker may still read an
// older catalog. The writer of the health table must reset a released slot before it is reused
// (`releasedSlots`).

import { maxCountedTargets } from '../answer/counters.ts'
import { slotLimit } from '../health/table.ts'

/** Each method returns the same index for the same key; null: none is left. */
export interface AllocationRound {
  /** `key`: address and probe profile. */
  takeSlot(key: string): number | null
  /** `key`: zone, pool and target. */
  takeRow(key: string): number | null
  /** `key`: zone and target. */
  takeTargetIndex(key: string): number | null
  commit(): void
}

export interface Allocation {
  begin(): AllocationRound
  /**
   * Health slots that are unused since the last committed round: they have to be reset before they
   * are reused.
   */
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
  // Slot 0 belongs to addresses that are not probed: always up.
  let slots = createIndexes(1, limits.slots)
  // Row 0 belongs to members that cannot be overridden.
  let rows = createIndexes(1, limits.rows)
  let targets = createIndexes(0, limits.targets)
  return {
    begin() {
      const slotRound = openRound(slots)
      const rowRound = openRound(rows)
      const targetRound = openRound(targets)
      return {
        takeSlot: slotRound.take,
        takeRow: rowRound.take,
        takeTargetIndex: targetRound.take,
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

/** Immutable: a committed round replaces it. */
interface Indexes {
  readonly taken: ReadonlyMap<string, number>
  /** The least index that was never taken. */
  readonly fresh: number
  /** Indexes are below this. */
  readonly limit: number
  /** Released numbers, the one released first in front. */
  readonly released: readonly number[]
}

const createIndexes = (fresh: number, limit: number): Indexes => ({
  taken: new Map(),
  fresh,
  limit,
  released: [],
})

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
