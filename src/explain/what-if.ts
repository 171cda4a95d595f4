// What if targets were down, drained or weighted otherwise, or it were another day: one question from many clients,
// answered as things stand and as they would be. Both sides draw from the same clients.

import type { HealthReader } from '../health/table.ts'
import { SlotState, Standing } from '../health/table.ts'
import { warmUpStep } from '../health/effective-weight.ts'
import { isoTime, type Random } from '../lib/clock.ts'
import { suggestName } from '../lib/suggest-name.ts'
import type { Member, Pool, SelectedSet } from '../steer/policy.ts'
import type { PlaceNetworks } from '../steer/scope/place-networks.ts'
import { nameToText } from '../wire/name.ts'
import type { Zone } from '../zone/zone.ts'
import { createDryRun, type DryRunContext } from './dry-run.ts'
import type { Step } from './lookup-steps.ts'
import type { Question } from './question.ts'
import { drawClients, type Grouping, type Simulation, simulate } from './simulate.ts'

/** What would be otherwise. Each name is a target, with or without its zone, an address, `pool:eu` or `region:us`. */
export interface Assumed {
  readonly down: readonly string[]
  readonly drain: readonly string[]
  /** By name, a factor of the weight in force. */
  readonly weights: Readonly<Record<string, number>>
  /** On the wall clock, for warm-ups; null: now. */
  readonly atMs: number | null
  /** Health slots that would be judged otherwise than they are, such as without the votes of an instance. */
  readonly judged: readonly (readonly [slot: number, judgement: 'up' | 'down'])[]
}

export interface WhatIfQuestion extends Pick<Question, 'name' | 'type'> {
  readonly assumed: Assumed
  readonly clients: number
  readonly by: Grouping
  /** live: health and overrides as they stand; all-up: every target up, and no override. */
  readonly health: 'live' | 'all-up'
}

export interface WhatIfView {
  /** ISO 8601. */
  readonly at: string | null
  readonly clients: number
  readonly by: Grouping
  readonly health: 'live' | 'all-up'
  /** For so many seconds caches may keep what was answered before. */
  readonly ttl: number
  readonly before: Simulation
  readonly after: Simulation
}

type WhatIfResult =
  | { readonly kind: 'simulated'; readonly view: WhatIfView }
  /** The answer is not steered by a policy. */
  | { readonly kind: 'not-steered'; readonly steps: readonly Step[] }
  /** A name belongs to nothing that this question leads to. */
  | { readonly kind: 'bad'; readonly why: string }

/** Enough for shares that are right to about one percentage point. */
const wantedAnswers = 10_000
const mostGroups = 300

interface WhatIfInput {
  readonly world: DryRunContext & { readonly places: PlaceNetworks }
  readonly question: WhatIfQuestion
  /** A new source with the same seed at each call. */
  readonly seeded: () => Random
}

export function whatIf({ world, question, seeded }: WhatIfInput): WhatIfResult {
  const { name, type, assumed, by, health: from } = question
  const anyone = { name, type, peer: new Uint8Array(4), subnet: null }
  const { found, steps } = createDryRun(world, seeded())(anyone)
  if (found === null || found.set.kind === 'target-address') return { kind: 'not-steered', steps }
  const members = membersOf(found.set, found.zone)
  const nowMs = world.clock.wallMs()
  const atMs = assumed.atMs ?? nowMs
  const before = from === 'live' ? world.health : allUp(world.health, members, nowMs)
  const after = assumedHealth(before, members, assumed, { nowMs, atMs })
  if (after.kind === 'bad') return after
  const clients = drawClients(question.clients, world.places.country, seeded())
  const rounds = Math.ceil(wantedAnswers / clients.length)
  const sideOf = (health: HealthReader, wallMs: number): Simulation | null => {
    const side = { ...world, health, clock: { wallMs: () => wallMs } }
    const random = seeded()
    const result = simulate({ world: side, question: { name, type }, clients, rounds, by, random })
    return result.kind === 'simulated' ? bounded(result.simulation) : null
  }
  const [was, is] = [sideOf(before, nowMs), sideOf(after.health, atMs)]
  if (was === null || is === null) return { kind: 'not-steered', steps }
  const at = isoTime(atMs)
  const { ttl } = found.set
  const asked = { at, clients: clients.length, by, health: from, ttl }
  return { kind: 'simulated', view: { ...asked, before: was, after: is } }
}

const bounded = (simulation: Simulation): Simulation => ({
  ...simulation,
  groups: simulation.groups.slice(0, mostGroups),
})

/** A member that the question can lead to. */
interface NamedMember {
  readonly member: Member
  readonly pool: string
  /** Of the target, with its zone and in lower case. */
  readonly wholeName: string
}

function membersOf({ policy }: SelectedSet, { apex }: Zone): readonly NamedMember[] {
  const zone = nameToText(apex).replace(/\.$/, '').toLowerCase()
  const { rules, onAllDown } = policy
  const backup = onAllDown.kind === 'backup' ? [onAllDown.pool] : []
  const pools = new Set<Pool>([...rules.flatMap((rule) => rule.pools), ...backup])
  return [...pools].flatMap(({ name: pool, members }) =>
    members.map((member) => {
      const wholeName = `${member.target.name}.${zone}`.toLowerCase()
      return { member, pool, wholeName }
    }),
  )
}

type Bad = Extract<WhatIfResult, { kind: 'bad' }>

/** The members that a name stands for, and the only address of theirs that it does; null: all of them. */
function named(
  members: readonly NamedMember[],
  text: string,
):
  | {
      readonly kind: 'members'
      readonly members: readonly NamedMember[]
      readonly address: string | null
    }
  | Bad {
  const name = text.toLowerCase()
  const [, what, of = ''] = /^(pool|region):(.*)$/.exec(name) ?? []
  const isNamed = ({ member: { target }, pool, wholeName }: NamedMember): boolean => {
    if (what === 'pool') return pool.toLowerCase() === of
    if (what === 'region') return target.region?.toLowerCase() === of
    return target.name.toLowerCase() === name || wholeName === name.replace(/\.$/, '')
  }
  const ofName = members.filter(isNamed)
  if (ofName.length > 0) return { kind: 'members', members: ofName, address: null }
  const ofAddress = members.filter(({ member }) =>
    member.target.addresses.some((one) => one.text === name),
  )
  if (ofAddress.length > 0) return { kind: 'members', members: ofAddress, address: name }
  const known = new Set(members.map(({ member }) => member.target.name))
  const advice = suggestName('target', known, text)
  return {
    kind: 'bad',
    why: `${JSON.stringify(text.slice(0, 60))} is nothing that this name leads to, ${advice}`,
  }
}

/** Every target up, warm-ups as far as they are then, and no override. */
function allUp(health: HealthReader, members: readonly NamedMember[], nowMs: number): HealthReader {
  const shares = new Map(
    members.map(({ member }) => [member.row, warmUpStep(member.target.warmup, nowMs).share]),
  )
  return {
    ...health,
    state: () => SlotState.up,
    factor: () => 1,
    holdSeconds: () => Infinity,
    standing: () => Standing.normal,
    share: (row) => shares.get(row) ?? 1,
    rowHoldSeconds: () => Infinity,
  }
}

interface Times {
  readonly nowMs: number
  readonly atMs: number
}

/** The health of before with what is assumed put over it. */
function assumedHealth(
  before: HealthReader,
  members: readonly NamedMember[],
  { down, drain, weights, judged }: Assumed,
  times: Times,
): { readonly kind: 'health'; readonly health: HealthReader } | Bad {
  const slots = new Set<number>()
  for (const text of down) {
    const found = named(members, text)
    if (found.kind === 'bad') return found
    const its = found.members.flatMap(({ member }) => slotsOf(member, found.address))
    if (its.length === 0)
      return {
        kind: 'bad',
        why: `${text} is in no pool with a probe: nothing can see that it is down`,
      }
    for (const slot of its) slots.add(slot)
  }
  const drained = new Set<number>()
  for (const text of drain) {
    const found = named(members, text)
    if (found.kind === 'bad') return found
    for (const { member } of found.members) drained.add(member.row)
  }
  const factors = new Map(members.map(({ member }) => [member.row, warmUpFactor(member, times)]))
  for (const [text, factor] of Object.entries(weights)) {
    const found = named(members, text)
    if (found.kind === 'bad') return found
    for (const { member } of found.members)
      factors.set(member.row, factor * (factors.get(member.row) ?? 1))
  }
  const base = judgedHealth(before, new Map(judged))
  const health: HealthReader = {
    ...base,
    state: (slot) => (slots.has(slot) ? SlotState.down : base.state(slot)),
    standing: (row) => (drained.has(row) ? Standing.drained : before.standing(row)),
    share: (row) => before.share(row) * (factors.get(row) ?? 1),
  }
  return { kind: 'health', health }
}

const judgedHealth = (
  before: HealthReader,
  judged: ReadonlyMap<number, 'up' | 'down'>,
): HealthReader => ({
  ...before,
  state(slot) {
    const judgement = judged.get(slot)
    return judgement === undefined ? before.state(slot) : SlotState[judgement]
  },
  factor: (slot) => (judged.get(slot) === 'up' ? 1 : before.factor(slot)),
})

/** Slot 0 is of what no probe looks at. */
const slotsOf = ({ target, slots }: Member, address: string | null): readonly number[] =>
  slots.filter(
    (slot, i) => slot !== 0 && (address === null || target.addresses[i]?.text === address),
  )

/** How much further the warm-up of a target is then; a share of 0 says nothing of other days. */
function warmUpFactor({ target }: Member, { nowMs, atMs }: Times): number {
  const now = warmUpStep(target.warmup, nowMs).share
  return now > 0 ? warmUpStep(target.warmup, atMs).share / now : 1
}
