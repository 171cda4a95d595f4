// State that survives a restart: verdicts, overrides and the availability of pools, in the file
// below `state_dir`. Without `state_dir` the file counts as empty and is not written.

import type { OverrideKept } from '../admin/override-routes.ts'
import type { OverrideStore } from '../cluster/cluster-votes.ts'
import type { NameMemory } from '../departed/name-memory.ts'
import type { SavedDamping } from '../health/saved-damping.ts'
import type { ZoneSerials } from '../lib/zone-serials.ts'
import { openStateFile, persistOverrides, type StateFile } from '../persistence/state-file.ts'
import { type SavedState, type SignedZones, emptyState } from '../persistence/state-format.ts'
import type { Settings } from '../settings/settings.ts'
import { type PoolAvailability, createPoolAvailability } from '../weights/pool-availability.ts'
import { logStateFileEvent } from './event-sources.ts'
import type { Runtime } from './runtime.ts'

interface PersistedSources {
  /** By slot key. */
  readonly verdicts: () => ReadonlyMap<string, SavedDamping>
  readonly serials: () => ZoneSerials
  readonly signed: () => SignedZones
  readonly handed: () => SavedState['handed']
  /** A time that is known to have been, milliseconds since 1970; 0: nothing depends on it. */
  readonly knownMs: () => number
  readonly names: () => NameMemory
  readonly events: () => SavedState['events']
}

export interface PersistentState {
  /** The state that the file held when the process started. */
  readonly restored: SavedState
  readonly availability: PoolAvailability
  /**
   * Returns overrides that survive a restart: `overrides` itself if it is persistent or
   * if there is no file.
   */
  persistOverrides(overrides: OverrideStore): OverrideStore
  /** Starts writing the file. The sources are called at each write. */
  persist(sources: PersistedSources): void
  /** Has the file written soon, because a verdict changed. */
  markDirty(): void
  /** Has the file written at once. */
  flushSoon(): void
  /** null: there is no file. */
  lastWrite(): ReturnType<StateFile['lastWrite']> | null
  /** Resolves when what changed before is in the file, or is known not to be. */
  kept(): Promise<OverrideKept>
  /** Leaves the file to another process. Resolves when no write is under way. */
  abandon(): Promise<void>
  close(): Promise<void>
}

/** A write that hangs must not hold up what waits for it. */
const longestWaitMs = 2000

async function settled(file: StateFile | null): Promise<OverrideKept> {
  if (file === null) return { kind: 'memory' }
  const timeout = new Promise<'late'>((resolve) => {
    setTimeout(() => resolve('late'), longestWaitMs).unref()
  })
  const ended = await Promise.race([file.settled(), timeout])
  const { file: path, successful, why } = file.lastWrite()
  if (ended === 'late')
    return { kind: 'unwritten', file: path, why: `not within ${longestWaitMs} ms` }
  return successful ? { kind: 'kept' } : { kind: 'unwritten', file: path, why: why ?? 'unknown' }
}

type StateFileEvent = Parameters<typeof logStateFileEvent>[1]

const loggerOf =
  (log: Runtime['log']) =>
  (event: StateFileEvent): void =>
    logStateFileEvent(log, event)

export async function openPersistentState(
  { stateDir, instance }: Pick<Settings, 'stateDir' | 'instance'>,
  { log, clock, parts }: Pick<Runtime, 'log' | 'clock' | 'parts'>,
): Promise<PersistentState> {
  const onEvent = loggerOf(log)
  const file =
    stateDir === null ? null : await openStateFile({ folder: stateDir, instance, clock, onEvent })
  const restored = file?.restored ?? emptyState
  const availability = createPoolAvailability(clock, restored.availability)
  let persisted: OverrideStore | null = null
  return {
    restored,
    availability,
    persistOverrides(overrides) {
      // Those that a store keeps must not return from a file: another instance may have ended them.
      if (file !== null && !overrides.isPersistent)
        persisted = persistOverrides(overrides, restored.overrides, () => file.flushSoon())
      return persisted ?? overrides
    },
    persist: ({ verdicts, serials, signed, knownMs, names, handed, events }) =>
      parts.run('state-file', () =>
        file?.track(() => ({
          verdicts: verdicts(),
          serials: serials(),
          signed: signed(),
          knownMs: knownMs(),
          names: names(),
          handed: handed(),
          events: events(),
          overrides: persisted?.list() ?? [],
          availability: availability.saved(),
        })),
      ),
    markDirty: () => file?.markDirty(),
    flushSoon: () => file?.flushSoon(),
    lastWrite: () => file?.lastWrite() ?? null,
    kept: () => settled(file),
    abandon: async () => file?.abandon(),
    close: async () => file?.close(),
  }
}
