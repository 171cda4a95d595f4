// `mxsteer check [DIR]`: reports every problem in the zone files without serving them, and with
// --keys DIR in the keys of those that are signed: the host that checks may have none. --live
// probes each target once (check-live.ts); --diff DIR compares with another folder (diff.ts).

import { createKeyKeeper } from '../dnssec/key-keeper.ts'
import { createSigningTime } from '../dnssec/signing-clock.ts'
import { systemClock } from '../lib/clock.ts'
import { checkLive } from './check-live.ts'
import { diff } from './diff.ts'
import { resolverFlags } from './command-settings.ts'
import { fail, parseFlags } from './flags.ts'
import { formatDiagnostics } from '../zonefile/diagnostic.ts'
import { loadZonesOnce } from '../zonefile/run-load.ts'

const allFlags = [...new Set(['diff', 'zones', 'config', 'at', 'keys', ...resolverFlags])]

export async function check(argv: readonly string[]): Promise<number> {
  const flags = parseFlags(argv, allFlags, [], ['json', 'live'])
  if (flags.kind === 'bad') return fail('check', flags.why)
  if (flags.words.length > 1) return fail('check', 'one folder at a time')
  const { diff: after, keys, ...values } = flags.values
  const [folder = String(values['zones'] ?? 'zones')] = flags.words
  if (after !== undefined && keys !== undefined) return fail('check', '--keys goes without --diff')
  if (after !== undefined)
    return diff(String(after), flags.words.length > 0 ? { ...values, zones: folder } : values)
  if (values['at'] ?? values['json']) return fail('check', '--at and --json go with --diff')
  const loaded = await loadZonesOnce(folder, systemClock.wallMs())
  if (loaded.kind === 'rejected') {
    process.stderr.write(formatDiagnostics(loaded.diagnostics))
    return 1
  }
  process.stderr.write(formatDiagnostics(loaded.warnings))
  if (keys !== undefined) {
    const zones = loaded.catalog.zones.values()
    const admitted = await createKeyKeeper(String(keys), createSigningTime(systemClock)).admit(
      zones,
    )
    const isRejected = admitted.kind === 'rejected'
    process.stderr.write(formatDiagnostics(isRejected ? admitted.diagnostics : admitted.warnings))
    if (isRejected) return 1
  }
  if (flags.values['live']) return checkLive(loaded, flags.values)
  if (!loaded.isComplete) return 1
  const count = loaded.zones.length
  process.stdout.write(`${folder}: ${count} ${count === 1 ? 'zone' : 'zones'}, no mistakes\n`)
  return 0
}
