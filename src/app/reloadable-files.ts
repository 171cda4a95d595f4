// The files that the server reads at start and again while it runs, when they change or on SIGHUP:
// zones with the keys that sign them, GeoIP databases and the certificate of DNS over TLS. Each is
// put in force as a whole or not at all; if it is rejected, the one before stays in force.

import { CoherenceWatch } from '../coherence/coherence-watch.ts'
import { NameKeeper } from '../coherence/name-keeper.ts'
import type { SharedHanded } from '../coherence/shared-handed.ts'
import type { ZoneMail } from '../coherence/zone-mail.ts'
import { isKeyFile } from '../dnssec/key-folder.ts'
import { createKeyKeeper, type KeyKeeper } from '../dnssec/key-keeper.ts'
import { nextReleaseMs } from '../departed/name-memory.ts'
import { needsPlaces } from '../geo/needs-places.ts'
import { type PlaceKeeper, createPlaceKeeper } from '../geo/place-keeper.ts'
import { alignedInterval, type Clock } from '../lib/clock.ts'
import type { SavedState } from '../persistence/state-format.ts'
import type { ReputationWatch } from '../reputation/reputation-watch.ts'
import {
  type CertificateKeeper,
  type CertificateLooks,
  createCertificateKeeper,
  lookAtCertificate,
  watchCertificate,
} from '../settings/certificate.ts'
import type { Settings } from '../settings/settings.ts'
import type { StreamSettings } from '../transport/stream/streams.ts'
import type { Workers } from '../transport/worker/workers.ts'
import type { EndpointWatch } from '../watch/endpoint-watch.ts'
import { watchedPools } from '../watch/watched-pools.ts'
import type { Zone } from '../zone/zone.ts'
import type { Diagnostic } from '../zonefile/diagnostic.ts'
import type { ZonePlaces } from '../coherence/zone-places.ts'
import { isReadable, isZoneFile } from '../zonefile/read-folder.ts'
import {
  type FileWatch,
  type FolderLook,
  lookAtFolder,
  watchFiles,
} from '../zonefile/watch-files.ts'
import {
  type Admitted,
  type NameKeeping,
  type SerialMemory,
  type ZoneKeeper,
  createZoneKeeper,
} from '../zonefile/zone-keeper.ts'
import type { ClusterLink } from './cluster-link.ts'
import { logCertificateLoad, logExclusion, logGeoDatabase, logZoneLoad } from './event-sources.ts'
import type { ControlPlane } from './control-plane.ts'
import { type Recorders, watchHistory } from './live/recorders.ts'
import type { PersistentState } from './persistent-state.ts'
import type { Runtime } from './runtime.ts'

export interface ReloadableFiles {
  readonly zones: ZoneKeeper
  readonly keys: KeyKeeper
  readonly names: NameKeeper
  readonly coherence: CoherenceWatch
  readonly places: PlaceKeeper
  /** null: DNS over TLS is off. */
  readonly certificate: CertificateKeeper | null
  readonly looks: FirstLooks
}

/** What the files were before they were first read. */
interface FirstLooks {
  readonly zones: FolderLook
  /** null: the settings name no folder of keys. */
  readonly keys: FolderLook | null
  /** null: DNS over TLS is off. */
  readonly certificate: CertificateLooks | null
}

type FilesRead =
  | { readonly kind: 'read'; readonly files: ReloadableFiles }
  | { readonly kind: 'bad-files'; readonly diagnostics: readonly Diagnostic[] }

/** The components that get what was reloaded. */
interface FileConsumers extends ReloadableFiles, Pick<Runtime, 'log' | 'clock' | 'parts'> {
  readonly watch: EndpointWatch
  readonly controlPlane: ControlPlane
  readonly reputation: ReputationWatch
  readonly cluster: Pick<
    ClusterLink,
    | 'publishConfig'
    | 'publishSerials'
    | 'onSerialsBehind'
    | 'publishNames'
    | 'onForeignNames'
    | 'namesReadMs'
    | 'publishHanded'
    | 'onForeignHanded'
  >
  readonly state: Pick<PersistentState, 'flushSoon'>
  readonly recorders: Pick<Recorders, 'history'>
  readonly workers: Workers
  /** Databases are not opened any more then. */
  readonly isStopping: boolean
}

/** What is remembered of zones beyond this process. */
interface FileMemory extends SerialMemory, Pick<SavedState, 'signed'> {
  readonly names: NameKeeping
  readonly handed: {
    readonly restored: SavedState['handed']
    /** What all instances have handed out, as the store has it now. */
    readonly shared: () => Promise<SharedHanded>
  }
}

/** The first read. GeoIP databases are opened only if a zone has rules that use them. */
export async function readFiles(
  settings: Settings,
  { log, clock, signingTime }: Pick<Runtime, 'log' | 'clock' | 'signingTime'>,
  memory: FileMemory,
): Promise<FilesRead> {
  const { keysFolder, forceUnsigned, streams, geoip } = settings
  const keys = createKeyKeeper(keysFolder, signingTime, { signed: memory.signed, forceUnsigned })
  const names = new NameKeeper(memory.handed.restored)
  const coherence = new CoherenceWatch((change) => logExclusion(log, change))
  const folder = { folder: settings.zones, filesMax: settings.maxZoneFiles }
  const zones = createZoneKeeper(folder, {
    clock,
    memory,
    names: memory.names,
    async admit(all, places, mail) {
      names.learn(await memory.handed.shared(), mail)
      return admitAll({ keys, names, clock }, all, { places, mail })
    },
    signingMs: () => signingTime.nowMs(),
  })
  const looks = await lookAtFiles(settings)
  const loaded = await zones.load()
  if (loaded.kind === 'rejected') return { kind: 'bad-files', diagnostics: loaded.diagnostics }
  logZoneLoad(log, loaded, 'start', zones.answered())
  const certificate = streams.tls && createCertificateKeeper(streams.tls, clock)
  const read = await certificate?.load()
  if (read?.kind === 'bad') return { kind: 'bad-files', diagnostics: [read.diagnostic] }
  const places = createPlaceKeeper({
    files: geoip,
    folders: { look: lookAtFolder, watch: watchFiles },
    wallMs: () => clock.wallMs(),
    onEvent: (event) => logGeoDatabase(log, event),
  })
  if (needsPlaces(zones.current().catalog)) await places.open()
  return { kind: 'read', files: { zones, keys, names, coherence, places, certificate, looks } }
}

const lookAtFiles = async (settings: Settings): Promise<FirstLooks> => ({
  zones: await lookAtFolder(settings.zones, isZoneFile, settings.maxZoneFiles),
  keys: settings.keysFolder === null ? null : await lookAtFolder(settings.keysFolder, isKeyFile),
  certificate: settings.streams.tls && (await lookAtCertificate(settings.streams.tls)),
})

/** Zones, the keys that sign them and the names around their mail come into force together or not at all. */
async function admitAll(
  { keys, names, clock }: Pick<ReloadableFiles, 'keys' | 'names'> & Pick<Runtime, 'clock'>,
  zones: Iterable<Zone>,
  { places, mail }: { readonly places: ZonePlaces; readonly mail: readonly ZoneMail[] },
): Promise<Admitted> {
  const named = names.admit(mail, places, clock.wallMs())
  if (named.kind === 'rejected') return named
  const keyed = await keys.admit(zones, places)
  if (keyed.kind === 'rejected') return keyed
  names.serve(mail, clock.wallMs())
  return { ...keyed, warnings: [...named.warnings, ...keyed.warnings] }
}

/** `cause` is for the log, such as `SIGHUP`. */
export async function reloadFiles(consumers: FileConsumers, cause: string): Promise<void> {
  // Databases come first: rules of the new zones may need what is new in them.
  const placesAndZones = consumers.places.reload().then(() => reloadZones(consumers, cause))
  await Promise.all([placesAndZones, reloadCertificate(consumers, cause)])
}

async function reloadZones(consumers: FileConsumers, cause: string): Promise<void> {
  const { zones, keys, names, places, log, clock, workers, watch, controlPlane } = consumers
  const { reputation, cluster, state } = consumers
  const loaded = await zones.load()
  logZoneLoad(log, loaded, cause, zones.answered())
  if (loaded.kind === 'rejected') return
  const { catalog, packed, watched, targets, identities, content } = loaded.served
  if (needsPlaces(catalog)) await places.open()
  // Opening databases takes a while. If a later load was put in force meanwhile, this one is out of
  // date.
  if (zones.current() !== loaded.served || consumers.isStopping) return
  // Slots come first: a zone must never be served with the health of the address that had a slot
  // before.
  watchHistory(consumers.recorders, watched)
  watch.update(watched, watchedPools(targets))
  controlPlane.setTargets(targets)
  reputation.update(identities)
  workers.publish(packed, keys.current())
  cluster.publishConfig(content, keys.digest())
  cluster.publishSerials(zones.serials())
  cluster.publishNames(zones.names())
  cluster.publishHanded(names.toShare(clock.wallMs()))
  // At once: a crash must not make serials go back.
  state.flushSoon()
}

async function reloadCertificate(
  { certificate, log, workers }: FileConsumers,
  cause: string,
): Promise<void> {
  const loaded = await certificate?.load()
  if (loaded === undefined) return
  logCertificateLoad(log, loaded, cause)
  if (loaded.kind === 'renewed') workers.renewCertificate(loaded.certificate.pair)
}

const retryMs = 30_000

/**
 * Reads the zones again where a file that could not be read can be: for want of descriptors or of a network, say, of
 * which the file itself shows no change.
 */
async function reloadReadable(consumers: FileConsumers): Promise<void> {
  for (const { code, file } of consumers.zones.lastReload().mistakes) {
    if (code !== 'unreadable-file') continue
    if (await isReadable(file)) return reloadZones(consumers, 'readable again')
  }
}

/** Reloads each kind of file when it changes, until `close`. `folder` is the one of the zones. */
export async function reloadOnChange(
  folder: string,
  consumers: FileConsumers,
): Promise<{ close(): void }> {
  const { names, places, certificate, looks, workers, cluster, parts } = consumers
  const cause = 'file change'
  const zoneFiles = await parts.run('zones', () =>
    watchFiles(folder, isZoneFile, () => void reloadZones(consumers, cause), {
      ...looks.zones,
      others: () => consumers.zones.lastReload().masterLooks,
    }),
  )
  const reloadFor = (why: string): void =>
    parts.run('zones', () => void reloadZones(consumers, why))
  cluster.onSerialsBehind(() => reloadFor('serials of other instances'))
  cluster.onForeignNames(() => reloadFor('names of other instances'))
  cluster.onForeignHanded((shared) => names.learn(shared, names.zones()))
  const released = releaseNames(consumers)
  await parts.run('geoip', () => places.follow((networks) => workers.publishPlaces(networks)))
  const certificateFiles =
    certificate &&
    (await watchCertificate(
      certificate.files,
      () => void reloadCertificate(consumers, cause),
      looks.certificate ?? undefined,
    ))
  const keyFiles = await followKeys(consumers, () => void reloadZones(consumers, cause))
  const retry = setInterval(() => parts.run('zones', () => void reloadReadable(consumers)), retryMs)
  retry.unref()
  return {
    close() {
      clearInterval(retry)
      released()
      zoneFiles.close()
      void places.close()
      certificateFiles?.close()
      keyFiles?.close()
    },
  }
}

const releaseCheckMs = 1000

/** Where names were not released: files have been changed meanwhile, or other instances still hand them out. */
const releaseRetryMs = 60_000

/**
 * Reads the zones again when caches have let go of a name that has left them, as far as the store tells, too. Files with
 * mistakes are not read for that: names are released once they are mended. Returns the function that ends it.
 */
function releaseNames(consumers: FileConsumers): () => void {
  const { clock, parts } = consumers
  let triedMs = -Infinity
  return alignedInterval(releaseCheckMs, () => {
    const nowMs = clock.monotonicMs()
    if (nowMs - triedMs < releaseRetryMs || !isReleaseDue(consumers)) return
    triedMs = nowMs
    parts.run('zones', () => void reloadZones(consumers, 'names that have left the zones'))
  })
}

/** Whether there is a name to be released, by the clock and by when the store was read. */
export const isReleaseDue = ({
  zones,
  clock,
  cluster,
}: {
  readonly zones: Pick<ZoneKeeper, 'lastReload' | 'names'>
  readonly clock: Pick<Clock, 'wallMs'>
  readonly cluster: Pick<ClusterLink, 'namesReadMs'>
}): boolean =>
  zones.lastReload().successful &&
  nextReleaseMs(zones.names()) < Math.min(clock.wallMs(), cluster.namesReadMs())

/** null: the settings name no folder of keys. */
const followKeys = async (
  { keys, looks }: Pick<ReloadableFiles, 'keys' | 'looks'>,
  onChange: () => void,
): Promise<FileWatch | null> =>
  keys.folder === null
    ? null
    : watchFiles(keys.folder, isKeyFile, onChange, looks.keys ?? undefined)

/**
 * The settings of TCP and TLS with the certificate in force, as workers get them when they start.
 */
export function streamSettings(
  { streams }: Settings,
  certificate: CertificateKeeper | null,
): StreamSettings {
  const pair = certificate?.current()?.pair
  const tls = streams.tls && pair ? { listen: streams.tls.listen, pair } : null
  return { ...streams, tls }
}
