// `mxsteer simulate NAME [TYPE] --clients 10000 --down mx1 --at 2026-12-03`: who would be chosen how often, without a
// server: for a change of zones before it goes live, for a day of a warm-up, for a failure.

import { simulate as run } from '../explain/simulate.ts'
import type { PlaceNetworks } from '../steer/scope/place-networks.ts'
import { createLocate } from '../geo/places.ts'
import type { Random } from '../lib/clock.ts'
import { seededRandom } from '../lib/seeded-random.ts'
import { createScopes } from '../steer/scope/scopes.ts'
import { assumeHealth } from './assumed-health.ts'
import { type ClientList, drawClients, readClients } from './client-list.ts'
import { parseFlags } from './flags.ts'
import { loadFolder, openPlaces, readSettings } from './load-world.ts'
import { type SimulationPlan, readPlan } from './simulation-plan.ts'
import { type SimulationTold, simulationText } from './text/simulation-text.ts'

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
