// Simulates one question from many clients: the drawn and the expected share of each target, in
// total and by group of clients.

import type { Random } from '../lib/clock.ts'
import { lookUp } from '../lib/prefix-tree.ts'
import { ruleLabel } from './decision.ts'
import { isSticky } from '../steer/draw/sticky.ts'
import type { PlaceTree } from '../steer/scope/place-networks.ts'
import type { SelectedSet, Target } from '../steer/policy.ts'
import { createSteering } from '../steer/select/steering.ts'
import type { Locus } from '../steer/selection.ts'
import { type DryRunContext, createDryRun } from './dry-run.ts'
import type { Question, Subnet } from './question.ts'
import {
  type ExpectedShares,
  type Tally,
  addDraw,
  drawOnce,
  expectedOf,
  newTally,
} from './shares.ts'
import type { Step } from './lookup-steps.ts'

export const groupings = ['continent', 'country', 'asn', 'rule'] as const
export type Grouping = (typeof groupings)[number]

interface SimulationInput {
  readonly world: DryRunContext
  readonly question: Pick<Question, 'name' | 'type'>
  /** Addresses, and networks that a resolver sends as EDNS Client Subnet. */
  readonly clients: readonly Subnet[]
  /** Answers for each client. */
  readonly rounds: number
  readonly by: Grouping
  readonly random: Random
}

type SimulationResult =
  | { readonly kind: 'simulated'; readonly simulation: Simulation }
  /** The answer is not steered by a policy. */
  | { readonly kind: 'not-steered'; readonly steps: readonly Step[] }

export interface Simulation {
  readonly policy: string
  /**
   * Source of `expected`: `exact`, or a number of draws; null: a sticky set of several records
   * has neither.
   */
  readonly expectedBy: number | 'exact' | null
  readonly all: GroupView
  readonly groups: readonly GroupView[]
}

export interface GroupView {
  readonly group: string
  readonly clients: number
  readonly answers: number
  /** Answers without a record. */
  readonly empty: number
  readonly reasons: Readonly<Record<string, number>>
  readonly targets: readonly ShareOfTarget[]
}

export interface ShareOfTarget {
  readonly target: string
  readonly region: string | null
  readonly expected: number | null
  readonly drawn: number
  /** Share of the answers that name the target. */
  readonly included: number
}

const expectedDraws = 20_000

interface Group {
  clients: number
  readonly tally: Tally
  readonly expected: Map<Target, number>
}

const newGroup = (): Group => ({ clients: 0, tally: newTally(), expected: new Map() })

export function simulate(input: SimulationInput): SimulationResult {
  const { world, question, clients, random } = input
  const ask = createDryRun(world, random)
  const totals: GroupTotals = { all: newGroup(), groups: new Map(), expectations: new Map() }
  let set: SelectedSet | null = null
  for (const client of clients) {
    const { found, locus, steps } = ask(questionOf(question, client))
    // The set that a name leads to does not depend on the client.
    if (found === null || found.set.kind === 'target-address') return { kind: 'not-steered', steps }
    set = found.set
    simulateClient(totals, input, set, locus)
  }
  if (set === null) return { kind: 'not-steered', steps: [] }
  const { all, groups, expectations } = totals
  const expectedBy = methodOf(set, [...expectations.values()])
  const views = [...groups].map(([name, group]) => groupView(name, group, expectedBy !== null))
  return {
    kind: 'simulated',
    simulation: {
      policy: set.policy.name,
      expectedBy,
      all: groupView('all', all, expectedBy !== null),
      groups: views.toSorted((a, b) => b.clients - a.clients || (a.group < b.group ? -1 : 1)),
    },
  }
}

interface GroupTotals {
  readonly all: Group
  readonly groups: Map<string, Group>
  /** Key: the rule that applies to the client. */
  readonly expectations: Map<string, ExpectedShares>
}

/** Draws the answers of one client and adds them to its group and to the total. */
function simulateClient(
  { all, groups, expectations }: GroupTotals,
  { world, by, rounds, random }: SimulationInput,
  set: SelectedSet,
  locus: Locus,
): void {
  const rule = ruleLabel(set, locus)
  const steering = createSteering({ health: world.health, random, clock: world.clock })
  const expected = expectations.get(rule) ?? expectedOf(set, locus, steering, expectedDraws)
  expectations.set(rule, expected)
  const key = by === 'rule' ? rule : placeOf(locus, by)
  const group = groups.get(key) ?? newGroup()
  groups.set(key, group)
  for (const one of [all, group]) addExpected(one, expected)
  for (let i = 0; i < rounds; i++) {
    const draw = drawOnce(set, locus, steering)
    for (const { tally } of [all, group]) addDraw(tally, draw)
  }
}

const questionOf = (question: Pick<Question, 'name' | 'type'>, client: Subnet): Question => {
  const { octets, prefixLength } = client
  const isAddress = prefixLength === octets.length * 8
  return { ...question, peer: octets, subnet: isAddress ? null : client }
}

function placeOf({ continent, country, asn }: Locus, by: Exclude<Grouping, 'rule'>): string {
  if (by === 'asn') return asn === null ? 'unknown' : `AS${asn}`
  return (by === 'country' ? country : continent) ?? 'unknown'
}

function addExpected(group: Group, { shares }: ExpectedShares): void {
  group.clients++
  for (const [target, share] of shares)
    group.expected.set(target, (group.expected.get(target) ?? 0) + share)
}

function methodOf(
  set: SelectedSet,
  expectations: readonly ExpectedShares[],
): Simulation['expectedBy'] {
  if (expectations.every(({ draws }) => draws === 'exact')) return 'exact'
  return isSticky(set) && set.kind !== 'exchange-slot' ? null : expectedDraws
}

function groupView(name: string, group: Group, hasExpected: boolean): GroupView {
  const { clients, tally, expected } = group
  const targets = new Set([...expected.keys(), ...tally.included.keys()])
  return {
    group: name,
    clients,
    answers: tally.draws,
    empty: tally.empty,
    reasons: Object.fromEntries(tally.reasons),
    targets: [...targets]
      .map((target) => ({
        target: target.name,
        region: target.region,
        expected: hasExpected ? (expected.get(target) ?? 0) / clients : null,
        drawn: (tally.first.get(target) ?? 0) / tally.draws,
        included: (tally.included.get(target) ?? 0) / tally.draws,
      }))
      .toSorted((a, b) => b.drawn - a.drawn || (a.target < b.target ? -1 : 1)),
  }
}

const drawLimit = 1000

/** Random IPv4 addresses, uniformly distributed over those that the country database knows. */
export function drawClients(count: number, country: PlaceTree | null, random: Random): Subnet[] {
  return Array.from({ length: count }, () => ({
    octets: drawAddress(country, random),
    prefixLength: 32,
  }))
}

/**
 * After `drawLimit` draws the address may be one of no known country: a database may know very few.
 */
function drawAddress(country: PlaceTree | null, random: Random): Uint8Array {
  let octets = new Uint8Array(4)
  for (let i = 0; i < drawLimit; i++) {
    octets = Uint8Array.from({ length: 4 }, () => Math.floor(random() * 256))
    // Index 0 of a tree stands for addresses that the database does not know.
    if (country === null || lookUp(country, octets) !== 0) break
  }
  return octets
}
