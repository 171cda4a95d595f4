// What outlives the process, put together: verdicts, overrides, availability of pools; and the file that they lie in.
// Without `state_dir` everything is as if the file were empty, and nothing is written.

import type { Settings } from '../settings/settings.ts'
import type { SavedDamping } from '../health/saved-damping.ts'
import { systemClock } from '../lib/clock.ts'
import type { Log } from './log.ts'
import { logStateFile } from './component-events.ts'
import { type PoolAvailability, createPoolAvailability } from '../weights/pool-availability.ts'
import { persistOverrides, type StateFile, openStateFile } from '../persistence/state-file.ts'
import type { OverrideStore } from '../cluster/cluster-votes.ts'
import { type SavedState, emptyState } from '../persistence/state-format.ts'

export interface KeptState {
  readonly restored: SavedState
  readonly availability: PoolAvailability
  /** The same overrides, lasting where there is a file; those of a store last by themselves. */
  keep(overrides: OverrideStore): OverrideStore
  /** From now on these are written, as they are at the time. */
  follow(verdicts: () => ReadonlyMap<string, SavedDamping>): void
  /** A verdict changed. */
  touch(): void
  /** null: there is no file. */
  lastWrite(): ReturnType<StateFile['lastWrite']> | null
  close(): Promise<void>
}

export async function openKeptState(
  { stateDir, instance }: Pick<Settings, 'stateDir' | 'instance'>,
  log: Log,
): Promise<KeptState> {
  const onEvent = (event: Parameters<typeof logStateFile>[1]): void => logStateFile(log, event)
  const clock = systemClock
  const file =
    stateDir === null ? null : await openStateFile({ folder: stateDir, instance, clock, onEvent })
  const restored = file?.restored ?? emptyState
  const availability = createPoolAvailability(clock, restored.availability)
  let overrides: OverrideStore | null = null
  return {
    restored,
    availability,
    keep(exchange) {
      const isKept = file !== null && !exchange.isPersistent
      overrides = isKept
        ? persistOverrides(exchange, restored.overrides, () => file.flushSoon())
        : null
      return overrides ?? exchange
    },
    follow: (verdicts) =>
      file?.track(() => ({
        verdicts: verdicts(),
        overrides: overrides?.list() ?? [],
        availability: availability.saved(),
      })),
    touch: () => file?.markDirty(),
    lastWrite: () => file?.lastWrite() ?? null,
    close: async () => file?.close(),
  }
}
