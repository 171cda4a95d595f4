// Zones and GeoIP databases as a server would have them, without one running.

import { existsSync } from 'node:fs'

import { createAllocation } from '../zonefile/allocation.ts'
import { type LoadedTarget, loadZones } from '../zonefile/load-zones.ts'
import { formatDiagnostics } from '../zonefile/diagnostic.ts'
import { createSerialKeeper } from '../zonefile/serials.ts'
import { type Settings, loadSettings } from '../settings/settings.ts'
import { createPlaceKeeper } from '../geo/place-keeper.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import type { PlaceNetworks } from '../steer/scope/place-networks.ts'
import type { Catalog } from '../zone/zone.ts'
import type { FlagValues } from './flags.ts'

const usualConfig = 'mxsteer.yaml'

/** As `serve` would have them. */
export async function readSettings({
  zones,
  config,
}: FlagValues): Promise<Settings | { readonly why: string }> {
  const configFile = existsSync(usualConfig) ? usualConfig : undefined
  const flags = { ...(zones && { zones }), ...(config && { config }) }
  const loaded = await loadSettings({ flags, env: process.env, configFile })
  return loaded.kind === 'settings'
    ? loaded.settings
    : { why: formatDiagnostics(loaded.diagnostics).trimEnd() }
}

export type LoadedFolder =
  | {
      readonly kind: 'loaded'
      readonly catalog: Catalog
      readonly targets: readonly LoadedTarget[]
    }
  | { readonly kind: 'bad'; readonly why: string }

export async function loadFolder(
  folder: string,
  clock: Clock = systemClock,
): Promise<LoadedFolder> {
  const loaded = await loadZones(folder, createAllocation(), createSerialKeeper(clock))
  if (loaded.kind === 'rejected')
    return { kind: 'bad', why: formatDiagnostics(loaded.diagnostics).trimEnd() }
  const { catalogZones, targets } = loaded
  return { kind: 'loaded', catalog: { zones: catalogZones, generation: 1 }, targets }
}

interface OpenedPlaces {
  readonly places: PlaceNetworks
  /** What could not be read. */
  readonly refused: readonly string[]
}

export async function openPlaces(files: {
  readonly country?: string | undefined
  readonly asn?: string | undefined
}): Promise<OpenedPlaces> {
  const refused: string[] = []
  const keeper = createPlaceKeeper({
    files,
    watchFolder: () => Promise.resolve({ close() {} }),
    wallMs: () => systemClock.wallMs(),
    onEvent(event) {
      if (event.kind === 'refused') refused.push(event.why)
    },
  })
  await keeper.open()
  return { places: keeper.current(), refused }
}
