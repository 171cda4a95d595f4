// The files that the server lives from: zones, GeoIP databases, the certificate of DNS over TLS. Read at start, and
// again when they change or somebody asks. Each is taken over whole or not at all; what was in force before goes on.

import {
  type CertificateKeeper,
  createCertificateKeeper,
  watchCertificate,
} from '../settings/certificate.ts'
import type { Diagnostic } from '../zonefile/diagnostic.ts'
import type { Settings } from '../settings/settings.ts'
import { isYaml, watchFiles } from '../zonefile/watch-files.ts'
import { type ZoneKeeper, createZoneKeeper } from '../zonefile/zone-keeper.ts'
import { type PlaceKeeper, createPlaceKeeper } from '../geo/place-keeper.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from './log.ts'
import { logCertificateLoad, logPlaces, logZoneLoad } from './component-events.ts'
import type { IdentityWatch } from '../reputation/reputation-watch.ts'
import type { Operator } from './control-plane.ts'
import type { Watch } from '../watch/endpoint-watch.ts'
import { watchedPools } from '../watch/watched-pools.ts'
import type { SharedState } from './cluster-link.ts'
import { needsPlaces } from '../geo/needs-places.ts'
import type { StreamSettings } from '../transport/stream/streams.ts'
import type { Workers } from '../transport/worker/workers.ts'

export interface ServedFiles {
  readonly keeper: ZoneKeeper
  readonly places: PlaceKeeper
  /** null: no DNS over TLS. */
  readonly certificate: CertificateKeeper | null
}

type ReadServedFiles =
  | { readonly kind: 'read'; readonly files: ServedFiles }
  | { readonly kind: 'bad-files'; readonly diagnostics: readonly Diagnostic[] }

/** Who is told of what changed. */
interface FileTakers extends ServedFiles {
  readonly log: Log
  readonly watch: Watch
  readonly operator: Operator
  readonly identity: IdentityWatch
  readonly shared: Pick<SharedState, 'configure'>
  readonly workers: Workers
}

export async function readServedFiles(
  { zones, streams, geoip }: Settings,
  log: Log,
  clock: Clock,
): Promise<ReadServedFiles> {
  const keeper = createZoneKeeper(zones, clock)
  const loaded = await keeper.load()
  if (loaded.kind === 'rejected') return { kind: 'bad-files', diagnostics: loaded.diagnostics }
  logZoneLoad(log, loaded, 'start')
  const certificate = streams.tls && createCertificateKeeper(streams.tls, clock)
  const read = await certificate?.load()
  if (read?.kind === 'bad') return { kind: 'bad-files', diagnostics: [read.diagnostic] }
  const places = createPlaceKeeper({
    files: geoip,
    watchFolder: watchFiles,
    wallMs: () => clock.wallMs(),
    onEvent: (event) => logPlaces(log, event),
  })
  if (needsPlaces(keeper.current().catalog)) await places.open()
  return { kind: 'read', files: { keeper, places, certificate } }
}

export async function reloadServedFiles(takers: FileTakers, cause: string): Promise<void> {
  // Databases first: rules of the zones to come may ask for what is new in them.
  const places = takers.places.reload().then(() => reloadZones(takers, cause))
  await Promise.all([places, reloadCertificate(takers, cause)])
}

async function reloadZones(
  { keeper, places, log, workers, watch, operator, identity, shared }: FileTakers,
  cause: string,
): Promise<void> {
  const loaded = await keeper.load()
  logZoneLoad(log, loaded, cause)
  if (loaded.kind === 'rejected') return
  if (needsPlaces(loaded.served.catalog)) await places.open()
  // Opening took a while: what has overtaken these zones is in force already.
  if (keeper.current() !== loaded.served) return
  // Slots first: a zone must never be served against the health of what had its slots before.
  watch.watch(loaded.served.watched, watchedPools(loaded.served.targets))
  operator.watch(loaded.served.targets)
  identity.watch(loaded.served.identities)
  workers.publish(loaded.served.catalog)
  shared.configure(loaded.served.content)
}

async function reloadCertificate(
  { certificate, log, workers }: FileTakers,
  cause: string,
): Promise<void> {
  const loaded = await certificate?.load()
  if (loaded === undefined) return
  logCertificateLoad(log, loaded, cause)
  if (loaded.kind === 'renewed') workers.renewCertificate(loaded.certificate.pair)
}

/** Reloads what changes. */
export async function watchServedFiles(
  folder: string,
  takers: FileTakers,
): Promise<{ close(): void }> {
  const cause = 'file change'
  const zones = await watchFiles(folder, isYaml, () => void reloadZones(takers, cause))
  await takers.places.follow((networks) => takers.workers.publishPlaces(networks))
  const certificate =
    takers.certificate &&
    (await watchCertificate(takers.certificate.files, () => void reloadCertificate(takers, cause)))
  return {
    close() {
      zones.close()
      takers.places.close()
      certificate?.close()
    },
  }
}

/** As workers are told at birth, with the certificate in force. */
export function streamsOf(
  { streams }: Settings,
  certificate: CertificateKeeper | null,
): StreamSettings {
  const pair = certificate?.current()?.pair
  const tls = streams.tls && pair ? { listen: streams.tls.listen, pair } : null
  return { ...streams, tls }
}
