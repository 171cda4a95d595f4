// Holds the zones that are served. A load replaces all of them or none: after an error the old ones
// stay.

import type { Clock } from '../lib/clock.ts'
import type { CheckedAddress } from '../reputation/findings.ts'
import type { WatchedAddress } from '../probe/smtp/profile.ts'
import type { Catalog } from '../zone/zone.ts'
import { createAllocation } from './allocation.ts'
import { loadZones, type LoadedTarget } from './load-zones.ts'
import type { Diagnostic } from './diagnostic.ts'
import { createSerialKeeper } from './serials.ts'

interface ServedZones {
  readonly catalog: Catalog
  readonly watched: readonly WatchedAddress[]
  readonly targets: readonly LoadedTarget[]
  readonly identities: readonly CheckedAddress[]
  /** Names and serials, for logs and metrics. */
  readonly zones: readonly { readonly name: string; readonly serial: number }[]
  /** Hash of what the zones contain (`hashContent`); empty before the first load. */
  readonly content: string
}

export type LoadResult =
  | {
      readonly kind: 'loaded'
      readonly served: ServedZones
      readonly warnings: readonly Diagnostic[]
      /** Whether any file differs from the load before. */
      readonly isChanged: boolean
    }
  | { readonly kind: 'rejected'; readonly diagnostics: readonly Diagnostic[] }

export interface LastReload {
  readonly successful: boolean
  /** Unix time of the last successful load; 0: there was none. */
  readonly successAtSeconds: number
}

interface LastZoneLoad extends LastReload {
  /** Why it was rejected; empty: it was not. */
  readonly mistakes: readonly Diagnostic[]
}

/** Completed loads of the zone folder by result, the one at start included. */
export interface ReloadCounts {
  readonly success: number
  readonly failure: number
}

export interface ZoneKeeper {
  /** Reads the folder. Concurrent calls run one after another. */
  load(): Promise<LoadResult>
  current(): ServedZones
  lastReload(): LastZoneLoad
  reloads(): ReloadCounts
}

const noZones: ServedZones = {
  catalog: { zones: new Map(), generation: 0 },
  watched: [],
  targets: [],
  identities: [],
  zones: [],
  content: '',
}

const errorsOf = (diagnostics: readonly Diagnostic[]): readonly Diagnostic[] =>
  diagnostics.filter(({ severity }) => severity === 'error')

const succeededNow = (clock: Clock): LastZoneLoad => ({
  successful: true,
  successAtSeconds: Math.floor(clock.wallMs() / 1000),
  mistakes: [],
})

export function createZoneKeeper(folder: string, clock: Clock): ZoneKeeper {
  const allocation = createAllocation()
  const serials = createSerialKeeper(clock)
  let served = noZones
  let hash = ''
  let last: LastZoneLoad = { successful: false, successAtSeconds: 0, mistakes: [] }
  let reloads: ReloadCounts = { success: 0, failure: 0 }
  let queue: Promise<unknown> = Promise.resolve()

  const loadNow = async (): Promise<LoadResult> => {
    const loaded = await loadZones(folder, allocation, serials)
    if (loaded.kind === 'rejected') {
      last = { ...last, successful: false, mistakes: errorsOf(loaded.diagnostics) }
      reloads = { ...reloads, failure: reloads.failure + 1 }
      return loaded
    }
    const isChanged = loaded.hash !== hash
    hash = loaded.hash
    served = {
      catalog: { zones: loaded.catalogZones, generation: served.catalog.generation + 1 },
      watched: loaded.watched,
      targets: loaded.targets,
      identities: loaded.identities,
      zones: loaded.zones,
      content: loaded.content,
    }
    reloads = { ...reloads, success: reloads.success + 1 }
    last = succeededNow(clock)
    return { kind: 'loaded', served, warnings: loaded.warnings, isChanged }
  }
  return {
    load() {
      const next = queue.then(loadNow)
      queue = next.catch(() => {})
      return next
    },
    current: () => served,
    lastReload: () => last,
    reloads: () => reloads,
  }
}
