// `mxsteer check [DIR]`: every mistake of every zone file, and nothing served. With --live each target is probed once;
// `--diff DIR`: see diff.ts.

import { createAllocation } from '../zonefile/allocation.ts'

import { loadZones } from '../zonefile/load-zones.ts'
import { createSerialKeeper } from '../zonefile/serials.ts'
import { systemClock } from '../lib/clock.ts'
import { checkLive } from './check-live.ts'
import { diff } from './diff.ts'
import { resolverFlags } from './find-resolver.ts'
import { parseFlags } from './flags.ts'
import { formatDiagnostics } from '../zonefile/diagnostic.ts'

const allFlags = [...new Set(['diff', 'zones', 'config', 'at', ...resolverFlags])]

export async function check(argv: readonly string[]): Promise<number> {
  const flags = parseFlags(argv, allFlags, [], ['json', 'live'])
  if (flags.kind === 'bad' || flags.words.length > 1) {
    process.stderr.write(
      `mxsteer check: ${flags.kind === 'bad' ? flags.why : 'one folder at a time'}\n`,
    )
    return 2
  }
  const { diff: after, ...values } = flags.values
  const [folder = String(values['zones'] ?? 'zones')] = flags.words
  if (after !== undefined)
    return diff(String(after), flags.words.length > 0 ? { ...values, zones: folder } : values)
  if (values['at'] ?? values['json']) {
    process.stderr.write('mxsteer check: --at and --json go with --diff\n')
    return 2
  }
  const loaded = await loadZones(folder, createAllocation(), createSerialKeeper(systemClock))
  if (loaded.kind === 'rejected') {
    process.stderr.write(formatDiagnostics(loaded.diagnostics))
    return 1
  }
  process.stderr.write(formatDiagnostics(loaded.warnings))
  if (flags.values['live']) return checkLive(loaded, flags.values)
  const count = loaded.catalogZones.size
  process.stdout.write(`${folder}: ${count} ${count === 1 ? 'zone' : 'zones'}, no mistakes\n`)
  return 0
}
