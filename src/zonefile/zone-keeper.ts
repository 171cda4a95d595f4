// Holds the zones that are served. A load replaces all of them or none: after an error the old ones
// stay.

import type { NameMemory, SharedNames } from '../departed/name-memory.ts'
import type { KnownNames, ZoneDepartures } from '../departed/name-round.ts'
import type { ZoneMail } from '../coherence/zone-mail.ts'
import type { Clock } from '../lib/clock.ts'
import { answeredSerial } from '../lib/signing-grid.ts'
import type { ZoneSerials } from '../lib/zone-serials.ts'
import type { CheckedAddress } from '../reputation/findings.ts'
import type { WatchedAddress } from '../probe/smtp/profile.ts'
import { type PackedCatalog, packCatalog } from '../zone/packed-catalog.ts'
import type { Catalog, Zone } from '../zone/zone.ts'
import { createAllocation } from './allocation.ts'
import type { LoadedTarget } from './load-zones.ts'
import type { LoadedZoneName } from './other-zones.ts'
import type { ZonePlaces } from '../coherence/zone-places.ts'
import type { Diagnostic } from './diagnostic.ts'
import type { FileLooks, KeptFiles, ZoneFolder } from './read-folder.ts'
import { loadZones, type ZonesLoaded } from './run-load.ts'

interface ServedZones {
  readonly catalog: Catalog
  /** The same catalog, as it is sent to the answering workers. */
  readonly packed: PackedCatalog
  readonly watched: readonly WatchedAddress[]
  readonly targets: readonly LoadedTarget[]
  readonly identities: readonly CheckedAddress[]
  /** Names and serials, those of the contents. */
  readonly zones: readonly LoadedZoneName[]
  /** When the contents of each zone were put in force, on the wall clock, by its name. */
  readonly loadedMs: ReadonlyMap<string, number>
  readonly warnings: readonly Diagnostic[]
  /** Hash of what the zones contain (`hashContent`); empty before the first load. */
  readonly content: string
}

export type LoadResult =
  | {
      readonly kind: 'loaded'
      readonly served: ServedZones
      readonly warnings: readonly Diagnostic[]
      readonly departures: readonly ZoneDepartures[]
      /** Whether any file or serial differs from the load before. */
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
  /** The most heap that was seen in its thread; 0: it had none. */
  readonly peakHeapOctets: number
  /** The master files that it asked for, as they were then. */
  readonly masterLooks: FileLooks
  /** Why it was rejected, or which files could not be read; empty: all is as on disk. */
  readonly mistakes: readonly Diagnostic[]
  /** The files that have them, the first of them; empty: none has, or they are not as large. */
  readonly refused: KeptFiles
  /** On the wall clock; 0: there was none. */
  readonly atMs: number
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
  /** Names and serials, for logs and metrics: those that are answered now. */
  answered(): readonly { readonly name: string; readonly serial: number }[]
  lastReload(): LastZoneLoad
  reloads(): ReloadCounts
  /** The serial of each zone that was served, removed ones included. */
  serials(): ZoneSerials
  /** What caches may lead to: the names of the zones, and those that have left them. */
  names(): NameMemory
  /** The files of what is served, by their names in the folder. */
  files(): KeptFiles
}

/** What is remembered of serials beyond this process. */
export interface SerialMemory {
  /** What an earlier process of this instance knew. */
  readonly restored: ZoneSerials
  /**
   * The serials of all instances, newly read where the store answers; null: this instance stands
   * alone.
   */
  shared(): Promise<ZoneSerials | null>
}

/** What is remembered of names beyond this process. */
export interface NameKeeping {
  /** What an earlier process of this instance knew. */
  readonly restored: NameMemory
  /** What has departed on other instances, newly read where the store answers; null: this instance stands alone. */
  shared(): Promise<SharedNames | null>
  /** Whether the settings let others take whole zones. */
  readonly hasSecondaries: boolean
}

const forgetful: NameKeeping = {
  restored: new Map(),
  shared: () => Promise.resolve(null),
  hasSecondaries: false,
}

const nothing: Catalog = { zones: new Map(), generation: 0 }

const noZones: ServedZones = {
  catalog: nothing,
  packed: packCatalog(nothing),
  watched: [],
  targets: [],
  identities: [],
  zones: [],
  loadedMs: new Map(),
  warnings: [],
  content: '',
}

const errorsOf = (diagnostics: readonly Diagnostic[]): readonly Diagnostic[] =>
  diagnostics.filter(({ severity }) => severity === 'error')

const neverLoaded: LastZoneLoad = {
  successful: false,
  successAtSeconds: 0,
  durationMs: 0,
  peakHeapOctets: 0,
  masterLooks: new Map(),
  mistakes: [],
  refused: new Map(),
  atMs: 0,
}

/** `isChanged`: it is other than before. */
export type Admitted =
  | {
      readonly kind: 'admitted'
      readonly warnings: readonly Diagnostic[]
      readonly isChanged: boolean
    }
  | { readonly kind: 'rejected'; readonly diagnostics: readonly Diagnostic[] }

/** Reads what has to come into force together with zones, such as the keys that they are signed with. */
type Admit = (
  zones: Iterable<Zone>,
  places: ZonePlaces,
  mail: readonly ZoneMail[],
) => Promise<Admitted>

const admitAll: Admit = () => Promise.resolve({ kind: 'admitted', warnings: [], isChanged: false })

interface ZoneKeeping {
  readonly clock: Clock
  readonly memory: SerialMemory
  /** Absent: names are remembered from load to load. */
  readonly names?: NameKeeping
  /** Absent: zones alone are loaded. */
  readonly admit?: Admit
  /** The time to sign by, milliseconds since 1970; absent: the wall clock. */
  readonly signingMs?: () => number
}

export function createZoneKeeper(folder: ZoneFolder, keeping: ZoneKeeping): ZoneKeeper {
  const { clock, admit = admitAll, signingMs = () => clock.wallMs() } = keeping
  let served = noZones
  let carried = carriedAtStart(keeping)
  let last = neverLoaded
  let reloads: ReloadCounts = { success: 0, failure: 0 }
  let queue: Promise<unknown> = Promise.resolve()

  const loadNow = async (): Promise<LoadResult> => {
    const beganMs = clock.monotonicMs()
    const known = await knownBefore(carried, keeping)
    const job = { ...folder, ...known, wallMs: clock.wallMs(), isAlone: served === noZones }
    const loaded = await loadAndAdmit(job, admit)
    const cost = costOf(loaded, clock.monotonicMs() - beganMs)
    if (loaded.kind === 'rejected') {
      last = { ...last, ...cost, ...refusalOf(loaded, clock.wallMs()) }
      reloads = { ...reloads, failure: reloads.failure + 1 }
      return loaded
    }
    const isChanged = isOther(loaded, carried) || !hasSerialsOf(loaded.zones, served.zones)
    carried = carriedOf(loaded)
    served = servedZones(loaded, served, clock.wallMs())
    reloads = { ...reloads, success: reloads.success + 1 }
    last = { ...outcomeOf(loaded, last, clock), ...cost }
    return { kind: 'loaded', served, ...noticesOf(loaded), isChanged }
  }
  return {
    load() {
      const next = queue.then(loadNow)
      queue = next.catch(() => {})
      return next
    },
    current: () => served,
    answered: () => answeredZones(served, signingMs()),
    lastReload: () => last,
    reloads: () => reloads,
    serials: () => carried.serials,
    names: () => carried.names,
    files: () => carried.kept,
  }
}

type KnownBefore = Pick<
  Parameters<typeof loadZones>[0],
  'allocation' | 'serials' | 'names' | 'kept'
>

/** What the load before has left behind, with what other instances know. */
async function knownBefore(
  { allocation, serials, names, kept }: Carried,
  keeping: ZoneKeeping,
): Promise<KnownBefore> {
  const { memory, names: nameKeeping = forgetful, clock } = keeping
  return {
    allocation,
    kept,
    serials: { own: serials, shared: await memory.shared() },
    names: await knownNames(names, nameKeeping, clock),
  }
}

async function knownNames(
  own: NameMemory,
  keeping: NameKeeping,
  clock: Clock,
): Promise<KnownNames> {
  const { hasSecondaries } = keeping
  const shared = await keeping.shared()
  const releaseMs = Math.min(clock.wallMs(), shared?.readMs ?? Infinity)
  return { memory: own, shared, releaseMs, hasSecondaries }
}

function answeredZones(
  { zones, catalog }: ServedZones,
  nowMs: number,
): ReturnType<ZoneKeeper['answered']> {
  const nowSeconds = Math.floor(nowMs / 1000)
  const inOrder = [...catalog.zones.values()]
  return zones.map(({ name, serial }, i) => {
    const signing = inOrder[i]?.signing ?? null
    return { name, serial: answeredSerial({ serial, signing }, nowSeconds) }
  })
}

type AdmittedLoad =
  | (Loaded & { readonly isAdmittedChanged: boolean })
  | Extract<ZonesLoaded, { kind: 'rejected' }>

/** Loads the folder, and reads what comes into force with its zones. */
async function loadAndAdmit(
  job: Parameters<typeof loadZones>[0],
  admit: Admit,
): Promise<AdmittedLoad> {
  const loaded = await loadZones(job)
  if (loaded.kind === 'rejected') return loaded
  const admitted = await admit(loaded.catalog.zones.values(), loaded.places, loaded.mail)
  const { peakHeapOctets, masterLooks } = loaded
  if (admitted.kind === 'rejected')
    return { ...admitted, refused: new Map(), peakHeapOctets, masterLooks }
  const warnings = [...loaded.warnings, ...admitted.warnings]
  return { ...loaded, warnings, isAdmittedChanged: admitted.isChanged }
}

const costOf = (
  { peakHeapOctets, masterLooks }: Pick<ZonesLoaded, 'peakHeapOctets' | 'masterLooks'>,
  durationMs: number,
): Pick<LastZoneLoad, 'durationMs' | 'peakHeapOctets' | 'masterLooks'> => ({
  durationMs,
  peakHeapOctets,
  masterLooks,
})

const isOther = (
  { hash, isAdmittedChanged }: Pick<Loaded, 'hash'> & { readonly isAdmittedChanged: boolean },
  before: Pick<Carried, 'hash'>,
): boolean => hash !== before.hash || isAdmittedChanged

/** What one load leaves behind for the next. */
type Carried = Pick<Loaded, 'allocation' | 'serials' | 'names' | 'hash' | 'kept'>

type Loaded = Extract<ZonesLoaded, { kind: 'loaded' }>

const carriedAtStart = ({ memory, names = forgetful }: ZoneKeeping): Carried => ({
  allocation: createAllocation(),
  serials: memory.restored,
  names: names.restored,
  hash: '',
  kept: new Map(),
})

const carriedOf = ({ allocation, serials, names, hash, kept }: Loaded): Carried => ({
  allocation,
  serials,
  names,
  hash,
  kept,
})

/** A file that cannot be read is not what is served. */
const outcomeOf = (
  { isComplete, warnings }: Loaded,
  before: LastReload,
  clock: Clock,
): Omit<LastZoneLoad, keyof ReturnType<typeof costOf>> => ({
  ...(isComplete
    ? { successful: true, successAtSeconds: Math.floor(clock.wallMs() / 1000), mistakes: [] }
    : { ...before, successful: false, mistakes: warnings.filter(isUnreadable) }),
  refused: new Map(),
  atMs: clock.wallMs(),
})

const noticesOf = ({ warnings, departures }: Loaded): Pick<Loaded, 'warnings' | 'departures'> => ({
  warnings,
  departures,
})

const refusalOf = (
  { diagnostics, refused }: Extract<AdmittedLoad, { kind: 'rejected' }>,
  atMs: number,
): Pick<LastZoneLoad, 'successful' | 'mistakes' | 'refused' | 'atMs'> => ({
  successful: false,
  mistakes: errorsOf(diagnostics),
  refused,
  atMs,
})

const hasSerialsOf = (a: ServedZones['zones'], b: ServedZones['zones']): boolean =>
  a.length === b.length && a.every(({ serial }, i) => serial === b[i]?.serial)

const isUnreadable = ({ code }: Diagnostic): boolean => code === 'unreadable-file'

function servedZones(
  { catalog, packed, watched, targets, identities, zones, warnings, content }: Loaded,
  before: ServedZones,
  nowMs: number,
): ServedZones {
  const generation = before.catalog.generation + 1
  const known = new Map(before.zones.map((one) => [one.name, one.hash]))
  const loadedMs = new Map(
    zones.map(({ name, hash }) => [
      name,
      known.get(name) === hash ? (before.loadedMs.get(name) ?? nowMs) : nowMs,
    ]),
  )
  return {
    catalog: { ...catalog, generation },
    packed: { ...packed, generation },
    watched,
    targets,
    identities,
    zones,
    loadedMs,
    warnings,
    content,
  }
}
