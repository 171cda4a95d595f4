// `mxsteer test CASES`: what zones are to answer, as assertions for continuous integration (cases/case-schema.ts).

import { type CaseFile, readCaseFile, type SteeringCase } from '../../cases/case-schema.ts'
import { runCase } from '../../cases/run-case.ts'
import type { DryRunContext } from '../../explain/dry-run.ts'
import type { Subnet } from '../../explain/question.ts'
import { describeFailure, readRegularFile } from '../../files/read-file.ts'
import { createLocate } from '../../geo/places.ts'
import { type Random, systemClock } from '../../lib/clock.ts'
import { seededRandom } from '../../lib/random.ts'
import { suggestName } from '../../lib/suggest-name.ts'
import type { PlaceNetworks } from '../../steer/scope/place-networks.ts'
import { Scopes } from '../../steer/scope/scope-cache.ts'
import type { DocumentPath, Problem } from '../../zone/compile/problem.ts'
import { formatDiagnostics } from '../../zonefile/diagnostic.ts'
import { documentOctetsLimit } from '../../zonefile/document.ts'
import { assumeHealth } from '../assumed-health.ts'
import { readSettings, zoneFolderOf } from '../command-settings.ts'
import { fail, failAt, parseFlags } from '../commands/flags.ts'
import { type LoadedFolder, loadFolder, openPlaces } from '../offline-data.ts'
import { drawClients } from '../../explain/simulate.ts'
import { printJson, printLines } from '../text/output.ts'

const name = 'test'

type Folder = Extract<LoadedFolder, { kind: 'loaded' }>

/** Clients of a case that names none. */
const anybody = 1000

/** Addresses that are drawn to find some of a country. */
const maxDraws = 300_000

const wantedOfCountry = 20

export async function testCases(argv: readonly string[]): Promise<number> {
  const flags = parseFlags(name, argv)
  if (flags.kind === 'bad') return fail(name, flags.why)
  const [file, ...rest] = flags.words
  if (file === undefined || rest.length > 0)
    return fail(name, 'give one file of cases, such as cases.yaml')
  const settings = await readSettings(flags.values, ['zones', 'config'])
  if (settings.kind === 'bad') return failAt(name, settings.why)
  const octets = await readRegularFile(file, { maxOctets: documentOctetsLimit })
  if (octets.kind !== 'octets') return fail(name, `cannot read ${file}: ${describeFailure(octets)}`)
  const read = readCaseFile(file, octets.octets)
  if (read.kind === 'bad') return failAt(name, formatDiagnostics(read.diagnostics).trim())
  const folder = await loadFolder(zoneFolderOf(settings.settings))
  if (folder.kind === 'bad') return failAt(name, folder.why)
  const mistakes = read.cases.flatMap((one, i) => unknownTargets(one, folder, ['cases', i]))
  if (mistakes.length > 0)
    return failAt(name, formatDiagnostics(read.document.toDiagnostics(mistakes)).trim())
  const { places, refused } = await openPlaces(settings.settings.geoip)
  for (const why of refused) fail(name, why)
  const results = runAll(read, folder, places)
  tell(results, flags.values['json'] !== undefined)
  return results.every(({ failures }) => failures.length === 0) ? 0 : 1
}

/** Names of targets that no zone has. */
function unknownTargets(one: SteeringCase, folder: Folder, path: DocumentPath): Problem[] {
  const known = new Set(folder.targets.map(({ target }) => target.name))
  const whole = new Set(
    folder.targets.flatMap(({ zone, target }) => [
      `${target.name}.${zone}`,
      ...target.addresses.map(({ text }) => text),
    ]),
  )
  const { expect, down, drain } = one
  const named: (readonly [string, DocumentPath, 'key' | 'value'])[] = [
    ...[...down].map((word) => [word, [...path, 'down'], 'value'] as const),
    ...[...drain].map((word) => [word, [...path, 'drain'], 'value'] as const),
    ...[...expect.shares.keys()].map(
      (word) => [word, [...path, 'expect', 'shares', word], 'key'] as const,
    ),
    ...(expect.first ?? []).map((word) => [word, [...path, 'expect', 'first'], 'value'] as const),
    ...expect.never.map((word) => [word, [...path, 'expect', 'never'], 'value'] as const),
  ]
  return named.flatMap(([word, at, place]): Problem[] => {
    const isState = at.at(-1) === 'down' || at.at(-1) === 'drain'
    if (known.has(word) || (isState && whole.has(word))) return []
    const message = `unknown target ${JSON.stringify(word)}, ${suggestName('target', known, word)}`
    return [{ severity: 'error', code: 'unknown-target', path: at, at: place, message }]
  })
}

interface CaseResult {
  readonly name: string
  readonly file: string
  readonly line: number
  readonly failures: readonly string[]
}

function runAll(
  { cases, document }: CaseFile,
  folder: Folder,
  places: PlaceNetworks,
): CaseResult[] {
  const scopes = new Scopes()
  scopes.use(places)
  const locate = createLocate(places)
  return cases.map((one, i) => {
    const path: DocumentPath = ['cases', i, 'name']
    const place: Problem = { severity: 'error', code: 'bad-value', path, at: 'key', message: '' }
    const { file, line } = document.toDiagnostic(place)
    // The same in every run and whatever stands before it in the file.
    const random = seededRandom(1)
    const { down, drain } = one
    const actions = drain.map((target) => ({ target, action: { kind: 'drain' } as const }))
    const atMs = one.atMs ?? systemClock.wallMs()
    const assumed = assumeHealth(folder.targets, { down, actions, atMs })
    const head = { name: one.name, file, line }
    if (assumed.kind === 'bad') return { ...head, failures: [assumed.why] }
    const clock = { wallMs: () => atMs }
    const world: DryRunContext = { ...folder, health: assumed.health, locate, scopes, clock }
    const clients = clientsOf(one, places, random)
    if (clients.length === 0) {
      const failures = [`no address of ${one.country?.join(', ')} was found: name a client`]
      return { ...head, failures }
    }
    return {
      ...head,
      failures: runCase({ world, ask: one.ask, expect: one.expect, clients, random }),
    }
  })
}

function clientsOf(
  { client, country }: SteeringCase,
  places: PlaceNetworks,
  random: Random,
): readonly Subnet[] {
  if (client !== null) return client
  if (country === null) return drawClients(anybody, places.country, random)
  const locate = createLocate(places)
  const found: Subnet[] = []
  for (let draws = 0; draws < maxDraws && found.length < wantedOfCountry; draws++) {
    const [drawn] = drawClients(1, places.country, random)
    if (drawn && country.includes(locate(drawn.octets, 4).country ?? '')) found.push(drawn)
  }
  return found
}

function tell(results: readonly CaseResult[], asJson: boolean): void {
  const failed = results.filter(({ failures }) => failures.length > 0).length
  if (asJson) return printJson({ cases: results, passed: results.length - failed, failed })
  printLines([
    ...results.flatMap(({ name: text, file, line, failures }) =>
      failures.length === 0
        ? [`ok    ${text}`]
        : [`FAIL  ${text} (${file}:${line})`, ...failures.map((why) => `      ${why}`)],
    ),
    `${results.length} ${results.length === 1 ? 'case' : 'cases'}: ${results.length - failed} passed, ${failed} failed`,
  ])
}
