// Holds the zones that are served. A load replaces all of them or none: after an error the old ones
// stay.

import type { Clock } from '../lib/clock.ts'
import type { CheckedAddress } from '../reputation/findings.ts'
import type { WatchedAddress } from '../probe/smtp/profile.ts'
import { type PackedCatalog, packCatalog } from '../zone/packed-catalog.ts'
import type { Catalog } from '../zone/zone.ts'
import { createAllocation } from './allocation.ts'
import type { LoadedTarget } from './load-zones.ts'
import type { Diagnostic } from './diagnostic.ts'
import { loadZones, type ZonesLoaded } from './run-load.ts'

interface ServedZones {
  readonly catalog: Catalog
  /** The same catalog, as it is sent to the answering workers. */
  readonly packed: PackedCatalog
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
  /** How long it took. */
  readonly durationMs: number
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

const nothing: Catalog = { zones: new Map(), generation: 0 }

const noZones: ServedZones = {
  catalog: nothing,
  packed: packCatalog(nothing),
  watched: [],
  targets: [],
  identities: [],
  zones: [],
  content: '',
}

const errorsOf = (diagnostics: readonly Diagnostic[]): readonly Diagnostic[] =>
  diagnostics.filter(({ severity }) => severity === 'error')

const neverLoaded: LastZoneLoad = {
  successful: false,
  successAtSeconds: 0,
  durationMs: 0,
  mistakes: [],
}

export function createZoneKeeper(folder: string, clock: Clock): ZoneKeeper {
  let served = noZones
  let carried: Carried = { allocation: createAllocation(), serials: new Map(), hash: '' }
  let last = neverLoaded
  let reloads: ReloadCounts = { success: 0, failure: 0 }
  let queue: Promise<unknown> = Promise.resolve()

  const loadNow = async (): Promise<LoadResult> => {
    const beganMs = clock.monotonicMs()
    const { allocation, serials } = carried
    const isAlone = served === noZones
    const loaded = await loadZones({ folder, allocation, serials, wallMs: clock.wallMs(), isAlone })
    const durationMs = clock.monotonicMs() - beganMs
    if (loaded.kind === 'rejected') {
      const mistakes = errorsOf(loaded.diagnostics)
      last = { ...last, successful: false, durationMs, mistakes }
      reloads = { ...reloads, failure: reloads.failure + 1 }
      return loaded
    }
    const isChanged = loaded.hash !== carried.hash
    carried = { allocation: loaded.allocation, serials: loaded.serials, hash: loaded.hash }
    served = servedZones(loaded, served.catalog.generation + 1)
    reloads = { ...reloads, success: reloads.success + 1 }
    const successAtSeconds = Math.floor(clock.wallMs() / 1000)
    last = { successful: true, successAtSeconds, durationMs, mistakes: [] }
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

/** What one load leaves behind for the next. */
type Carried = Pick<Loaded, 'allocation' | 'serials' | 'hash'>

type Loaded = Extract<ZonesLoaded, { kind: 'loaded' }>

const servedZones = (
  { catalog, packed, watched, targets, identities, zones, content }: Loaded,
  generation: number,
): ServedZones => ({
  catalog: { ...catalog, generation },
  packed: { ...packed, generation },
  watched,
  targets,
  identities,
  zones,
  content,
})
