// Verdicts from before the start to those who are watched now, and theirs to whoever keeps them.

import type { SavedVerdict, TwoClocks } from '../health/saved-verdict.ts'
import type { Clock } from '../lib/clock.ts'
import type { WatchedSlot } from './watched-slot.ts'

export type VerdictsByKey = ReadonlyMap<string, SavedVerdict>

/** Whether anything fresh was known of it. */
export function restoreSlot(watched: WatchedSlot, restored: VerdictsByKey, clock: Clock): boolean {
  const saved = restored.get(watched.key)
  return saved !== undefined && watched.restore(saved, clocksOf(clock))
}

export function saveSlots(slots: Iterable<WatchedSlot>, clock: Clock): VerdictsByKey {
  const clocks = clocksOf(clock)
  const saved = new Map<string, SavedVerdict>()
  for (const watched of slots) {
    const verdict = watched.save(clocks)
    if (verdict) saved.set(watched.key, verdict)
  }
  return saved
}

const clocksOf = (clock: Clock): TwoClocks => ({
  wallMs: clock.wallMs(),
  monotonicMs: clock.monotonicMs(),
})
