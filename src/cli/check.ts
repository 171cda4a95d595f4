// `mxsteer check [PATH…]`: reports every problem in the zone files of folders, or in the files that are named, without
// serving them, and with --keys DIR in the keys of those that are signed: the host that checks may have none. --live
// probes each target once, and compares the SPF of domains that are named with the targets (live/); --diff DIR compares
// with another folder (diff.ts).

import { basename, dirname } from 'node:path'

import { createKeyKeeper } from '../dnssec/key-keeper.ts'
import { createSigningTime } from '../dnssec/signing-clock.ts'
import { lookAtPath } from '../files/read-file.ts'
import { systemClock } from '../lib/clock.ts'
import { checkLive, isAllRight, liveLines } from './live/check-live.ts'
import { isDomain } from './live/domain-spf.ts'
import { checkNames, type FileNames } from './names/file-names.ts'
import { matrixLines } from './names/coherence.ts'
import { filesMaxOf } from './command-settings.ts'
import { diff } from './diff.ts'
import { fail, type FlagValues, parseFlags } from './commands/flags.ts'
import { paintFor, printJson, printLines } from './text/output.ts'
import { type Diagnostic, formatDiagnostics } from '../zonefile/diagnostic.ts'
import { loadZonesOnce, type ZonesLoaded } from '../zonefile/run-load.ts'

export async function check(argv: readonly string[]): Promise<number> {
  const flags = parseFlags('check', argv)
  if (flags.kind === 'bad') return fail('check', flags.why)
  const { words, values: all } = flags
  const { diff: after, keys, live, ...values } = all
  const { named, domains } = await sortWords(words, live !== undefined)
  const paths = named.length > 0 ? named : [String(values['zones'] ?? 'zones')]
  const why = refusalOf(paths, all)
  if (why !== null) return fail('check', why)
  if (after !== undefined) {
    const before = words.length > 0 ? { ...values, zones: paths[0] } : values
    return diff(String(after), before)
  }
  const sets = await fileSetsOf(paths)
  if (sets.length > 1 && (live !== undefined || keys !== undefined))
    return fail('check', '--live and --keys go with one folder, or files of one')
  const filesMax = await filesMaxOf(values)
  const read = await readAll(sets, { keys: keys === undefined ? null : String(keys), filesMax })
  const names = await checkNames(read.loads, all['state'])
  if (names.kind === 'bad') return fail('check', names.why)
  const report = { ...read, names, diagnostics: [...read.diagnostics, ...names.diagnostics] }
  const [only] = report.loads
  const isLooked =
    live !== undefined && only?.kind === 'loaded' && !report.diagnostics.some(isError)
  const isJson = all['json'] !== undefined
  if (!isJson) tell(report, paths, all)
  const looked = isLooked ? await checkLive(only, domains, all) : null
  if (looked?.kind === 'bad') return fail('check', looked.why)
  const findings = looked?.findings
  if (isJson) printJson({ ...foundOf(report, all), live: findings })
  else if (findings) printLines(liveLines(findings))
  const code = exitCodeOf(report, all)
  return findings === undefined || isAllRight(findings) ? code : 1
}

interface Words {
  readonly named: readonly string[]
  readonly domains: readonly string[]
}

/** With --live what is no path, and could be a domain, is one. */
async function sortWords(words: readonly string[], isLive: boolean): Promise<Words> {
  const named: string[] = []
  const domains: string[] = []
  for (const word of words) {
    const isOne = isLive && isDomain(word) && (await lookAtPath(word)) === 'nothing'
    if (isOne) domains.push(word)
    else named.push(word)
  }
  return { named, domains }
}

/** Why the flags do not go together; null: they do. */
function refusalOf(paths: readonly string[], values: FlagValues): string | null {
  const isDiff = values['diff'] !== undefined
  if (isDiff && paths.length > 1) return 'one folder at a time with --diff'
  if (isDiff && values['keys'] !== undefined) return '--keys goes without --diff'
  if (isDiff && values['strict'] !== undefined) return '--strict goes without --diff'
  if (!isDiff && values['at'] !== undefined) return '--at goes with --diff'
  if (isDiff && values['state'] !== undefined) return '--state goes without --diff'
  if (isDiff && values['names'] !== undefined) return '--names goes without --diff'
  if (values['policy-port'] !== undefined && values['live'] === undefined)
    return '--policy-port is of the look at hosted policies: it goes with --live'
  return null
}

/** Zone files of one folder. */
interface FileSet {
  readonly folder: string
  /** Names of those that are read; null: all. */
  readonly only: readonly string[] | null
}

/** A path that leads nowhere counts as a folder, whose reading says so, unless its name is that of a file. */
async function fileSetsOf(paths: readonly string[]): Promise<readonly FileSet[]> {
  const folders: FileSet[] = []
  const files = new Map<string, Set<string>>()
  for (const path of paths) {
    const found = await lookAtPath(path)
    const isNamedAsFile = /\.ya?ml$/.test(path)
    if (found === 'folder' || (found !== 'other' && !isNamedAsFile))
      folders.push({ folder: path, only: null })
    else {
      const names = files.get(dirname(path)) ?? new Set()
      files.set(dirname(path), names.add(basename(path)))
    }
  }
  return [...folders, ...[...files].map(([folder, names]) => ({ folder, only: [...names] }))]
}

interface Report {
  readonly names: Pick<Extract<FileNames, { kind: 'names' }>, 'rows'>
  readonly loads: readonly ZonesLoaded[]
  readonly diagnostics: readonly Diagnostic[]
}

async function readAll(
  sets: readonly FileSet[],
  { keys, filesMax }: { readonly keys: string | null; readonly filesMax: number },
): Promise<Omit<Report, 'names'>> {
  const loads: ZonesLoaded[] = []
  const diagnostics: Diagnostic[] = []
  for (const { folder, only } of sets) {
    const loaded = await loadZonesOnce({ folder, filesMax }, systemClock.wallMs(), only)
    loads.push(loaded)
    if (loaded.kind === 'rejected') {
      diagnostics.push(...loaded.diagnostics)
      continue
    }
    diagnostics.push(...loaded.warnings)
    if (keys === null) continue
    const zones = loaded.catalog.zones.values()
    const admitted = await createKeyKeeper(keys, createSigningTime(systemClock)).admit(zones)
    diagnostics.push(...(admitted.kind === 'rejected' ? admitted.diagnostics : admitted.warnings))
  }
  return { loads, diagnostics }
}

const isError = ({ severity }: Diagnostic): boolean => severity === 'error'

const mistakesIn = (diagnostics: readonly Diagnostic[]): number =>
  diagnostics.filter(isError).length

const isWhole = ({ loads }: Report): boolean =>
  loads.every((load) => load.kind === 'loaded' && load.isComplete)

const zonesOf = ({ loads }: Report): readonly { readonly name: string }[] =>
  loads.flatMap((load) => (load.kind === 'loaded' ? load.zones : []))

/** What was found in files, for scripts. */
function foundOf(report: Report, values: FlagValues): object {
  const { diagnostics, names } = report
  const mistakes = mistakesIn(diagnostics)
  return {
    zones: zonesOf(report).map(({ name }) => name),
    mistakes,
    warnings: diagnostics.length - mistakes,
    diagnostics: diagnostics.map((diagnostic) => ({ ...diagnostic, excerpt: undefined })),
    targets: values['names'] === undefined ? undefined : names.rows,
  }
}

function exitCodeOf(report: Report, values: FlagValues): number {
  const { diagnostics } = report
  const isStrict = values['strict'] !== undefined
  const isRefused = mistakesIn(diagnostics) > 0 || (isStrict && diagnostics.length > 0)
  return isRefused || !isWhole(report) ? 1 : 0
}

/** Prints what was found in files, for people. */
function tell(report: Report, paths: readonly string[], values: FlagValues): void {
  const { diagnostics, names } = report
  const mistakes = mistakesIn(diagnostics)
  const warnings = diagnostics.length - mistakes
  process.stderr.write(formatDiagnostics(diagnostics, { withCodes: true }))
  const paint = paintFor(values['color'], mistakes > 0 ? process.stderr : process.stdout)
  const found = [
    ...(mistakes > 0 ? [] : [counted(zonesOf(report).length, 'zone')]),
    mistakes > 0 ? paint('red', counted(mistakes, 'mistake')) : paint('green', 'no mistakes'),
    ...(warnings > 0 ? [paint('yellow', counted(warnings, 'warning'))] : []),
  ]
  if (values['names'] !== undefined) printLines(matrixLines(names.rows))
  const line = `${paths.join(' ')}: ${found.join(', ')}\n`
  if (mistakes > 0) process.stderr.write(line)
  else if (values['live'] === undefined && isWhole(report)) process.stdout.write(line)
}

const counted = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`
