// `mxsteer simulate NAME [TYPE] --clients 10000 --down mx1 --at 2026-12-03`: the share that each
// target would get, computed without a server: to check a change of zones, a day of a warm-up or a
// failure.

import type { Subnet } from '../explain/question.ts'
import { drawClients, type Grouping, groupings, simulate as run } from '../explain/simulate.ts'
import { describeFailure, readRegularFile } from '../files/read-file.ts'
import { createLocate } from '../geo/places.ts'
import type { OverrideAction } from '../health/overrides.ts'
import { bareName } from '../lib/bare-name.ts'
import { type Random, systemClock } from '../lib/clock.ts'
import { parseNetwork } from '../lib/ip.ts'
import { suggestName } from '../lib/suggest-name.ts'
import { seededRandom } from '../lib/random.ts'
import type { PlaceNetworks } from '../steer/scope/place-networks.ts'
import { Scopes } from '../steer/scope/scope-cache.ts'
import { nameToBareText, parseName } from '../wire/name.ts'
import { typeFromText } from '../wire/rrtype.ts'
import { printJson } from './text/output.ts'
import { simulationText, type SimulationReport } from './text/simulation-text.ts'
import { assumeHealth, type Assumptions } from './assumed-health.ts'
import { readSettings, zoneFolderOf } from './command-settings.ts'
import { fail, failAt, type FlagValues, noZone, parseFlags } from './commands/flags.ts'
import { loadFolder, openPlaces } from './offline-data.ts'
import type { ZoneFolder } from '../zonefile/read-folder.ts'

/** Enough for shares that are right to about one percentage point. */
const wantedAnswers = 20_000

export async function simulate(argv: readonly string[]): Promise<number> {
  const flags = parseFlags('simulate', argv)
  if (flags.kind === 'bad') return fail('simulate', flags.why)
  const plan = readPlan(flags.words, flags.values)
  if ('why' in plan) return failAt('simulate', plan.why)
  const read = await readSettings(flags.values, ['zones', 'config'])
  if (read.kind === 'bad') return failAt('simulate', read.why)
  const { places, refused } = await openPlaces(read.settings.geoip)
  for (const why of refused) fail('simulate', why)
  const report = await runPlan(plan, zoneFolderOf(read.settings), places)
  if ('why' in report) return failAt('simulate', report.why)
  const asJson = flags.values['json'] !== undefined
  if (asJson) printJson(report)
  else process.stdout.write(simulationText(report))
  return 0
}

async function runPlan(
  plan: SimulationPlan,
  zones: ZoneFolder,
  places: PlaceNetworks,
): Promise<SimulationReport | Bad> {
  const folder = await loadFolder(zones)
  if (folder.kind === 'bad') return folder
  const { seed, by, assumptions } = plan
  const assumed = assumeHealth(folder.targets, assumptions)
  if (assumed.kind === 'bad') return assumed
  const random = seededRandom(seed)
  const list = await clientsOf(plan, places, random)
  if (list.kind === 'bad') return { why: list.why.join('\n') }
  const { clients } = list
  const scopes = new Scopes()
  scopes.use(places)
  const world = {
    ...folder,
    health: assumed.health,
    clock: { wallMs: () => assumptions.atMs },
    locate: createLocate(places),
    scopes,
  }
  const rounds = plan.rounds ?? Math.ceil(wantedAnswers / clients.length)
  const simulated = run({ world, question: plan, clients, rounds, by, random })
  if (simulated.kind === 'not-steered') {
    const { name = '', found = '' } = simulated.steps.at(-1) ?? {}
    if (found !== 'refused')
      return { why: `no steering answers this: ${name} is found as ${found}` }
    const known = Array.from(folder.catalog.zones.values(), ({ apex }) => nameToBareText(apex))
    return { why: noZone(bareName(name), zones.folder, known) }
  }
  const at = new Date(assumptions.atMs).toISOString()
  const { nameText: name, typeText: type } = plan
  const { down } = assumptions
  const inputs = { name, type, zones: zones.folder, seed, by, at, down, overrides: plan.overrides }
  return { ...inputs, ...simulated.simulation }
}

async function clientsOf(
  { clients }: SimulationPlan,
  { country }: PlaceNetworks,
  random: Random,
): Promise<ClientList> {
  if (typeof clients === 'string') return readClients(clients)
  return { kind: 'clients', clients: drawClients(clients, country, random) }
}

/** What a command line of `simulate` asks for. */
interface SimulationPlan {
  readonly name: Uint8Array
  readonly nameText: string
  readonly type: number
  readonly typeText: string
  /** How many random ones, or the path of a file with them. */
  readonly clients: number | string
  /** Answers for each client; null: as many as `wantedAnswers` takes. */
  readonly rounds: number | null
  readonly seed: number
  readonly by: Grouping
  readonly assumptions: Assumptions
  /** The overrides of `assumptions` as text, such as `drain mx3`. */
  readonly overrides: readonly string[]
}

type Bad = { readonly why: string }

function readPlan(words: readonly string[], values: FlagValues): SimulationPlan | Bad {
  const [nameText, typeText = 'MX', ...rest] = words
  if (nameText === undefined || rest.length > 0)
    return { why: 'give a name and a type, for example: smtp.example.com MX' }
  const name = parseName(nameText)
  if (name.kind === 'bad') return { why: `${JSON.stringify(nameText)}: ${name.why}` }
  const type = typeFromText(typeText)
  if (type === undefined && typeFromText(nameText) !== undefined)
    return { why: `the name comes first: ${typeText} ${nameText}` }
  if (type === undefined)
    return {
      why: `${JSON.stringify(typeText)} is no type, ${suggestName('type', ['MX', 'A', 'AAAA', 'SRV'], typeText)}`,
    }
  const by = String(values['by'] ?? 'continent') as Grouping
  if (!groupings.includes(by)) return { why: `--by is "${by}", expected ${groupings.join(', ')}` }
  const numbers = readNumbers(values)
  if ('why' in numbers) return numbers
  const assumptions = readAssumptions(values)
  if ('why' in assumptions) return assumptions
  return {
    name: name.name,
    nameText,
    type,
    typeText: typeText.toUpperCase(),
    by,
    ...numbers,
    assumptions,
    overrides: [
      ...listOf(values['drain']).map((target) => `drain ${target}`),
      ...listOf(values['weight']).map((text) => `weight ${text}`),
    ],
  }
}

function readNumbers(
  values: FlagValues,
): Pick<SimulationPlan, 'clients' | 'rounds' | 'seed'> | Bad {
  const clientsText = String(values['clients'] ?? '10000')
  const clients = wholeNumber(clientsText) ?? clientsText
  if (clients === 0 || (typeof clients === 'number' && clients > clientLimit))
    return { why: `--clients: a file, or a number from 1 to ${clientLimit}` }
  const seed = wholeNumber(String(values['seed'] ?? '1'))
  if (seed === null)
    return { why: `--seed is "${String(values['seed'])}", expected a whole number` }
  const rounds = values['rounds'] === undefined ? null : wholeNumber(String(values['rounds']))
  if (values['rounds'] !== undefined && !rounds) return { why: '--rounds: a number above 0' }
  return { clients, seed, rounds }
}

const wholeNumber = (text: string): number | null => (/^\d{1,9}$/.test(text) ? Number(text) : null)

function readAssumptions(values: FlagValues): Assumptions | Bad {
  const at = values['at']
  const atMs = at === undefined ? systemClock.wallMs() : Date.parse(String(at))
  if (Number.isNaN(atMs))
    return { why: '--at: expected a day or a time, such as 2026-12-03 or 2026-12-03T08:00:00Z' }
  const actions: { target: string; action: OverrideAction }[] = []
  for (const target of listOf(values['drain'])) actions.push({ target, action: { kind: 'drain' } })
  for (const text of listOf(values['weight'])) {
    const parts = /^([^=]+)=(\d+(?:\.\d+)?)(%?)$/.exec(text)
    if (!parts) return { why: `--weight: ${JSON.stringify(text)}, expected mx1=3 or mx1=50%` }
    const [, target = '', amount, percent] = parts
    const weight =
      percent === '%'
        ? ({ unit: 'factor', value: Number(amount) / 100 } as const)
        : ({ unit: 'absolute', value: Number(amount) } as const)
    actions.push({ target, action: { kind: 'weight', weight } })
  }
  return { down: listOf(values['down']), actions, atMs }
}

/** Values of a flag that may be repeated, and whose values may be lists with commas. */
const listOf = (value: FlagValues[string]): string[] =>
  [value ?? []].flat().flatMap((text) => text.split(',').filter((word) => word !== ''))

// The clients of a simulation. A file has an address or a network in each line; a network stands
// for the EDNS Client Subnet of a query (RFC 7871), and `#` begins a comment.

type ClientList =
  | { readonly kind: 'clients'; readonly clients: readonly Subnet[] }
  | { readonly kind: 'bad'; readonly why: readonly string[] }

const clientLimit = 1_000_000

const clientOctetsLimit = 64 * clientLimit

const shownDiagnostics = 20

async function readClients(file: string): Promise<ClientList> {
  const read = await readRegularFile(file, { maxOctets: clientOctetsLimit })
  return read.kind === 'octets'
    ? parseClients(file, read.octets.toString('utf8'))
    : {
        kind: 'bad',
        why: [
          `--clients: cannot read ${file}: ${describeFailure(read)}, expected a number of clients, or a file with one address or network a line`,
        ],
      }
}

export function parseClients(file: string, content: string): ClientList {
  const clients: Subnet[] = []
  const why: string[] = []
  for (const [i, line] of content.split(/\r?\n/).entries()) {
    const text = line.replace(/#.*$/, '').trim()
    if (text === '') continue
    const parsed = parseNetwork(text)
    if (parsed.kind === 'bad') why.push(`${file}:${i + 1}: ${parsed.why}`)
    else clients.push({ octets: parsed.octets, prefixLength: parsed.prefixLength })
  }
  if (why.length > shownDiagnostics)
    why.splice(
      shownDiagnostics,
      Infinity,
      `${file}: and ${why.length - shownDiagnostics} lines more`,
    )
  if (why.length === 0 && clients.length === 0) why.push(`${file}: there is no client in it`)
  if (clients.length > clientLimit) why.push(`${file}: more than ${clientLimit} clients`)
  return why.length > 0 ? { kind: 'bad', why } : { kind: 'clients', clients }
}
