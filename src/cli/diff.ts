// `mxsteer check --diff DIR`: what would be answered differently if DIR took the place of the zones that are served.

import { compareCatalogs, type Side } from '../explain/compare.ts'
import { systemClock } from '../lib/clock.ts'
import { seededRandom } from '../lib/random.ts'
import { assumeHealth } from './assumed-health.ts'
import { diffText } from './text/diff-text.ts'
import type { FlagValues } from './flags.ts'
import { type LoadedFolder, loadFolder, openPlaces, readSettings } from './offline-data.ts'

/** 0: no difference, 1: some, 2: trouble. */
export async function diff(after: string, values: FlagValues): Promise<number> {
  const settings = await readSettings(values)
  if ('why' in settings) return fail(settings.why)
  const atMs = values['at'] === undefined ? systemClock.wallMs() : Date.parse(String(values['at']))
  if (Number.isNaN(atMs)) return fail('--at: expected a day or a time, such as 2026-12-03')
  const sides: Side[] = []
  for (const folder of [settings.zones, after]) {
    const loaded = await loadFolder(folder)
    const side = sideOf(loaded, atMs)
    if ('why' in side) return fail(side.why)
    sides.push(side)
  }
  const { places, refused } = await openPlaces(settings.geoip)
  // Without it, differences of places would go unseen.
  if (!places.country) return fail(refused.join('\n'))
  for (const why of refused) process.stderr.write(`mxsteer check: ${why}\n`)
  const differences = compareCatalogs({
    before: sides[0] as Side,
    after: sides[1] as Side,
    places: places.country.places,
    random: seededRandom(1),
  })
  const asJson = values['json'] !== undefined
  process.stdout.write(
    asJson ? `${JSON.stringify({ differences }, null, 2)}\n` : diffText(differences),
  )
  return differences.length > 0 ? 1 : 0
}

function sideOf(loaded: LoadedFolder, atMs: number): Side | { readonly why: string } {
  if (loaded.kind === 'bad') return loaded
  const assumed = assumeHealth(loaded.targets, { down: [], actions: [], atMs })
  return assumed.kind === 'bad' ? assumed : { catalog: loaded.catalog, health: assumed.health }
}

function fail(why: string): number {
  const isPlaced = /^\S+:\d+/.test(why)
  process.stderr.write(`${isPlaced ? '' : 'mxsteer check: '}${why}\n`)
  return 2
}
