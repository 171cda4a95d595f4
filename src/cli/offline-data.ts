// Zones and GeoIP databases as a server would have them, for commands that work without a server.

import { createPlaceKeeper } from '../geo/place-keeper.ts'
import type { ZoneMail } from '../coherence/zone-mail.ts'
import { systemClock } from '../lib/clock.ts'
import type { PlaceNetworks } from '../steer/scope/place-networks.ts'
import type { Catalog } from '../zone/zone.ts'
import { formatDiagnostics } from '../zonefile/diagnostic.ts'
import type { LoadedTarget } from '../zonefile/load-zones.ts'
import type { ZoneFolder } from '../zonefile/read-folder.ts'
import { loadZonesOnce } from '../zonefile/run-load.ts'

export type LoadedFolder =
  | {
      readonly kind: 'loaded'
      readonly catalog: Catalog
      readonly targets: readonly LoadedTarget[]
      /** Names of the zones that keep nothing that leaves them. */
      readonly dropping: readonly string[]
      /** Of each zone. */
      readonly mail: readonly ZoneMail[]
    }
  | { readonly kind: 'bad'; readonly why: string }

/** `why` has a diagnostic with its position for each problem in the folder. */
export async function loadFolder(folder: ZoneFolder): Promise<LoadedFolder> {
  const loaded = await loadZonesOnce(folder, systemClock.wallMs())
  if (loaded.kind === 'rejected')
    return { kind: 'bad', why: formatDiagnostics(loaded.diagnostics).trim() }
  const { catalog, targets, dropping, mail } = loaded
  return { kind: 'loaded', catalog: { ...catalog, generation: 1 }, targets, dropping, mail }
}

interface OpenedPlaces {
  readonly places: PlaceNetworks
  /** A sentence for each database that could not be read. */
  readonly refused: readonly string[]
}

/** `files`: paths of the GeoIP databases, as in the settings. */
export async function openPlaces(files: {
  readonly country?: string | undefined
  readonly asn?: string | undefined
}): Promise<OpenedPlaces> {
  const refused: string[] = []
  const keeper = createPlaceKeeper({
    files,
    folders: null,
    wallMs: () => systemClock.wallMs(),
    onEvent(event) {
      if (event.kind === 'refused') refused.push(event.why)
    },
  })
  await keeper.open()
  return { places: keeper.current(), refused }
}
