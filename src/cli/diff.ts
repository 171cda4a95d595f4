// `mxsteer check --diff DIR`: which answers would change if the zones of DIR replaced those that
// are served.

import { plannedDepartures } from '../departed/planned-departures.ts'
import { compareCatalogs, type ComparedCatalog } from '../explain/compare.ts'
import { systemClock } from '../lib/clock.ts'
import { seededRandom } from '../lib/random.ts'
import { assumeHealth } from './assumed-health.ts'
import { diffText } from './text/diff-text.ts'
import { printJson } from './text/output.ts'
import { readSettings, zoneFolderOf } from './command-settings.ts'
import { fail, failAt, type FlagValues } from './commands/flags.ts'
import { type LoadedFolder, loadFolder, openPlaces } from './offline-data.ts'

/**
 * Resolves to the exit code: 0 if nothing changes, 1 if something does, 2 for bad usage or files.
 */
export async function diff(after: string, values: FlagValues): Promise<number> {
  const read = await readSettings(values, ['zones', 'config'])
  if (read.kind === 'bad') return failAt('check', read.why)
  const { settings } = read
  const atMs = values['at'] === undefined ? systemClock.wallMs() : Date.parse(String(values['at']))
  if (Number.isNaN(atMs)) return fail('check', '--at: expected a day or a time, such as 2026-12-03')
  const sides: Side[] = []
  for (const folder of [settings.zones, after]) {
    const loaded = await loadFolder({ ...zoneFolderOf(settings), folder })
    const side = sideOf(loaded, atMs)
    if ('why' in side) return failAt('check', side.why)
    sides.push(side)
  }
  const [before, then] = sides as [Side, Side]
  const { places, refused } = await openPlaces(settings.geoip)
  // Without the country database, differences between places would be missed.
  if (!places.country) return failAt('check', refused.join('\n'))
  for (const why of refused) fail('check', why)
  const differences = compareCatalogs({
    before,
    after: then,
    places: places.country.places,
    random: seededRandom(1),
  })
  const asJson = values['json'] !== undefined
  const hasSecondaries = settings.streams.transferAllow.length > 0
  const departures = plannedDepartures(before.catalog, then, hasSecondaries)
  if (asJson) printJson({ differences, departures })
  else process.stdout.write(diffText(differences, departures))
  return differences.length > 0 ? 1 : 0
}

interface Side extends ComparedCatalog {
  readonly dropping: readonly string[]
}

function sideOf(loaded: LoadedFolder, atMs: number): Side | { readonly why: string } {
  if (loaded.kind === 'bad') return loaded
  const { catalog, targets, dropping } = loaded
  const assumed = assumeHealth(targets, { down: [], actions: [], atMs })
  return assumed.kind === 'bad' ? assumed : { catalog, dropping, health: assumed.health }
}
