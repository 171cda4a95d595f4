// The exchange of what instances counted: each counts its own probes and is the only writer of these counts, so that
// the sum over instances counts each probe once.

import type { SavedAvailability } from '../health/availability.ts'

export interface OwnTallies {
  /** By pool, as they are at the time. */
  readonly current: () => ReadonlyMap<string, SavedAvailability>
  /** What lies in the store of ours, when it is first read: of before this boot. */
  readonly restore: (pool: string, saved: SavedAvailability) => void
}

export interface TallyExchange {
  follow(own: OwnTallies): void
  /** What each of the others counted of a pool. */
  of(pool: string): readonly SavedAvailability[]
}
