// `mxsteer simulate NAME [TYPE] --clients 10000 --down mx1 --at 2026-12-03`: who would be chosen how often, without a
// server: for a change of zones before it goes live, for a day of a warm-up, for a failure.

import { readFile } from 'node:fs/promises'
import type { Subnet } from '../explain/question.ts'
import { type Grouping, groupings, simulate as run } from '../explain/simulate.ts'
import { createLocate } from '../geo/places.ts'
import type { OverrideAction } from '../health/overrides.ts'
import { type Random, systemClock } from '../lib/clock.ts'
import { parseNetwork } from '../lib/ip.ts'
import { lookUp } from '../lib/prefix-tree.ts'
import { seededRandom } from '../lib/random.ts'
import type { PlaceNetworks, PlaceTree } from '../steer/scope/place-networks.ts'
import { createScopes } from '../steer/scope/scope-cache.ts'
import { parseName } from '../wire/name.ts'
import { typeFromText } from '../wire/rrtype.ts'
import { simulationText, type SimulationTold } from './text/simulation-text.ts'
import { assumeHealth, type Assumptions } from './assumed-health.ts'
import { type FlagValues, parseFlags } from './flags.ts'
import { loadFolder, openPlaces, readSettings } from './offline-data.ts'

const single = ['zones', 'config', 'clients', 'at', 'seed', 'by', 'rounds']

const many = ['down', 'drain', 'weight']

/** Shares within a point or so. */
const wantedAnswers = 20_000

export async function simulate(argv: readonly string[]): Promise<number> {
  const flags = parseFlags(argv, single, many, ['json'])
  if (flags.kind === 'bad') return fail(flags.why)
  const plan = readPlan(flags.words, flags.values)
  if ('why' in plan) return fail(plan.why)
  const settings = await readSettings(flags.values)
  if ('why' in settings) return fail(settings.why)
  const { places, refused } = await openPlaces(settings.geoip)
  for (const why of refused) process.stderr.write(`mxsteer simulate: ${why}\n`)
  const told = await simulateIn(plan, settings.zones, places)
  if ('why' in told) return fail(told.why)
  const asJson = flags.values['json'] !== undefined
  process.stdout.write(asJson ? `${JSON.stringify(told, null, 2)}\n` : simulationText(told))
  return 0
}

async function simulateIn(
  plan: SimulationPlan,
  zones: string,
  places: PlaceNetworks,
): Promise<SimulationTold | { readonly why: string }> {
  const folder = await loadFolder(zones)
  if (folder.kind === 'bad') return folder
  const { seed, by, assumptions } = plan
  const assumed = assumeHealth(folder.targets, assumptions)
  if (assumed.kind === 'bad') return assumed
  const random = seededRandom(seed)
  const list = await clientsOf(plan, places, random)
  if (list.kind === 'bad') return { why: list.why.join('\n') }
  const { clients } = list
  const scopes = createScopes()
  scopes.use(places)
  const world = { ...folder, health: assumed.health, locate: createLocate(places), scopes }
  const rounds = plan.rounds ?? Math.ceil(wantedAnswers / clients.length)
  const simulated = run({ world, question: plan, clients, rounds, by, random })
  if (simulated.kind === 'not-steered') {
    const { name = '', found = '' } = simulated.steps.at(-1) ?? {}
    return { why: `no steering answers this: ${name} is found as ${found}` }
  }
  const at = new Date(assumptions.atMs).toISOString()
  const { nameText: name, typeText: type } = plan
  const { down } = assumptions
  const told = { name, type, zones, seed, by, at, down, overrides: plan.overrides }
  return { ...told, ...simulated.simulation }
}

async function clientsOf(
  { clients }: SimulationPlan,
  { country }: PlaceNetworks,
  random: Random,
): Promise<ClientList> {
  if (typeof clients === 'string') return readClients(clients)
  return { kind: 'clients', clients: drawClients(clients, country, random) }
}

/** Mistakes in files say themselves where they are. */
function fail(why: string): number {
  const isPlaced = /^\S+:\d+/.test(why)
  process.stderr.write(`${isPlaced ? '' : 'mxsteer simulate: '}${why}\n`)
  return 2
}

// What the command line of `simulate` asks for.

interface SimulationPlan {
  readonly name: Uint8Array
  readonly nameText: string
  readonly type: number
  readonly typeText: string
  /** A number of random ones, or a file. */
  readonly clients: number | string
  readonly rounds: number | null
  readonly seed: number
  readonly by: Grouping
  readonly assumptions: Assumptions
  /** Those of `assumptions`, as they were given. */
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
  if (type === undefined) return { why: `${JSON.stringify(typeText)} is no type, such as MX` }
  const by = String(values['by'] ?? 'continent') as Grouping
  if (!groupings.includes(by)) return { why: `--by: expected ${groupings.join(', ')}` }
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
  if (seed === null) return { why: '--seed: expected a whole number' }
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
    const read = /^([^=]+)=(\d+(?:\.\d+)?)(%?)$/.exec(text)
    if (!read) return { why: `--weight: ${JSON.stringify(text)}, expected mx1=3 or mx1=50%` }
    const [, target = '', amount, percent] = read
    const weight =
      percent === '%'
        ? ({ unit: 'factor', value: Number(amount) / 100 } as const)
        : ({ unit: 'absolute', value: Number(amount) } as const)
    actions.push({ target, action: { kind: 'weight', weight } })
  }
  return { down: listOf(values['down']), actions, atMs }
}

/** Repeated, or with commas. */
const listOf = (value: FlagValues[string]): string[] =>
  [value ?? []].flat().flatMap((text) => text.split(',').filter((word) => word !== ''))

// The clients of a simulation: out of a file, or drawn at random.
//
// File: one address or network a line; what follows a `#` is a remark. A network is told of as a resolver would
// (EDNS Client Subnet). Every mistake is named with its line.
// At random: IPv4 addresses, each as likely as any other that the country database places.

type ClientList =
  | { readonly kind: 'clients'; readonly clients: readonly Subnet[] }
  | { readonly kind: 'bad'; readonly why: readonly string[] }

const clientLimit = 1_000_000

const shownMistakes = 20

async function readClients(file: string): Promise<ClientList> {
  let content: string
  try {
    content = await readFile(file, 'utf8')
  } catch (error) {
    return { kind: 'bad', why: [`cannot read ${file}: ${(error as Error).message}`] }
  }
  return parseClients(file, content)
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
  if (why.length > shownMistakes)
    why.splice(shownMistakes, Infinity, `${file}: and ${why.length - shownMistakes} lines more`)
  if (why.length === 0 && clients.length === 0) why.push(`${file}: there is no client in it`)
  if (clients.length > clientLimit) why.push(`${file}: more than ${clientLimit} clients`)
  return why.length > 0 ? { kind: 'bad', why } : { kind: 'clients', clients }
}

const attempts = 1000

export function drawClients(count: number, country: PlaceTree | null, random: Random): Subnet[] {
  return Array.from({ length: count }, () => ({
    octets: drawAddress(country, random),
    prefixLength: 32,
  }))
}

/** A database that places hardly anyone ends the search: then the client is at no place. */
function drawAddress(country: PlaceTree | null, random: Random): Uint8Array {
  let octets = new Uint8Array(4)
  for (let i = 0; i < attempts; i++) {
    octets = Uint8Array.from({ length: 4 }, () => Math.floor(random() * 256))
    // The first place of a tree is nowhere.
    if (country === null || lookUp(country, octets) !== 0) break
  }
  return octets
}
