// `mxsteer check [DIR]`: every mistake of every zone file, and nothing served.

import { createAllocation } from '../config/allocation.ts'

import { loadZones } from '../config/load-zones.ts'
import { createSerialKeeper } from '../config/serials.ts'
import { systemClock } from '../lib/clock.ts'
import { parseFlags } from './flags.ts'
import { formatMistakes } from '../config/format-mistakes.ts'

export async function check(argv: readonly string[]): Promise<number> {
  const flags = parseFlags(argv, [])
  if (flags.kind === 'bad' || flags.words.length > 1) {
    process.stderr.write(
      `mxsteer check: ${flags.kind === 'bad' ? flags.why : 'one folder at a time'}\n`,
    )
    return 2
  }
  const folder = flags.words[0] ?? 'zones'
  const loaded = await loadZones(folder, createAllocation(), createSerialKeeper(systemClock))
  if (loaded.kind === 'rejected') {
    process.stderr.write(formatMistakes(loaded.mistakes))
    return 1
  }
  process.stderr.write(formatMistakes(loaded.warnings))
  const count = loaded.catalogZones.size
  process.stdout.write(`${folder}: ${count} ${count === 1 ? 'zone' : 'zones'}, no mistakes\n`)
  return 0
}
