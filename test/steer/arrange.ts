// Builds policies, health and seeded chance for steering tests. A world is described as
// `{ eu: { mx1: '5 up', mx2: '3 down' } }`: pool → target → weight, then the state of each address; IPv4
// first, a state after `v6:` is of an IPv6 address, and `up*0.5` gives a factor.

import { parseName } from '../../src/wire/name.ts'
import { createHealthTable, SlotState, type HealthWriter } from '../../src/health/table.ts'
import { hashText } from '../../src/lib/hash.ts'
import { parseAddress, type Network } from '../../src/lib/ip.ts'
import type { Random } from '../../src/lib/clock.ts'
import type {
  ExchangeSlot,
  Member,
  Policy,
  Pool,
  Rule,
  SteeredAddresses,
  SteeredMx,
  SteeredSrv,
  Target,
  TargetAddress,
} from '../../src/steer/policy.ts'
import { select } from '../../src/steer/select/select.ts'
import type { Steering } from '../../src/steer/select/steering.ts'
import type {
  AddressSelection,
  Locus,
  MxSelection,
  SrvSelection,
} from '../../src/steer/selection.ts'
import { membersOf } from '../../src/zone/policy-members.ts'

export type World = Readonly<Record<string, Readonly<Record<string, string>>>>

/** mulberry32: a small seeded generator, so that a failure can be replayed. */
export function seeded(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

export interface Arranged {
  readonly pools: Readonly<Record<string, Pool>>
  readonly targets: ReadonlyMap<string, Target>
  readonly health: HealthWriter
}

export function arrange(world: World, panic = 0): Arranged {
  const health = createHealthTable(4_096)
  const targets = new Map<string, Target>()
  let slot = 0
  let row = 0
  const pools = Object.entries(world).map(([poolName, described]): Pool => {
    const members = Object.entries(described).map(([name, text]): Member => {
      const [weight, ...states] = text.split(' ')
      const target = targets.get(name) ?? newTarget(name, targets.size, states)
      targets.set(name, target)
      const slots = states.map((state) => setState(health, ++slot, state))
      return { target, weight: Number(weight), slots, row: ++row }
    })
    return { name: poolName, members, panic, minHealthy: 0, spill: 'all', isSpread: false }
  })
  return { pools: Object.fromEntries(pools.map((pool) => [pool.name, pool])), targets, health }
}

function setState(health: HealthWriter, slot: number, text: string): number {
  const [state = '', factor = '1'] = text.replace('v6:', '').split('*')
  if (!(state in SlotState)) throw new Error(`no such state: ${state}`)
  health.set(slot, SlotState[state as keyof typeof SlotState], Number(factor), Infinity)
  return slot
}

function newTarget(name: string, index: number, states: readonly string[]): Target {
  const addresses = states.map((state, i) => newAddress(state.startsWith('v6:') ? 6 : 4, index, i))
  return {
    name,
    index,
    owner: owner(`${name}.smtp.example.com.`),
    region: null,
    rack: null,
    regionGroup: index,
    rackGroup: index,
    hash: hashText(name),
    warmup: null,
    addresses,
  }
}

export function newAddress(family: 4 | 6, target: number, at: number): TargetAddress {
  const text =
    family === 4 ? `10.${target >> 8}.${target & 255}.${at}` : `2001:db8:${target}::${at}`
  const octets = parseAddress(text)?.octets
  if (!octets) throw new Error(`no address: ${text}`)
  return { family, text, rdata: { octets, compressible: [] } }
}

export function owner(text: string): Uint8Array {
  const parsed = parseName(text)
  if (parsed.kind === 'bad') throw new Error(parsed.why)
  return parsed.name
}

export const catchAllOf = (pools: readonly Pool[]): Rule => ({ when: null, pools })

export const policyOf = (
  rules: readonly Rule[],
  onAllDown: 'all' | 'last_good' | 'servfail' = 'all',
): Policy => ({
  name: 'inbound',
  hash: hashText('inbound'),
  rules,
  onAllDown: { kind: onAllDown },
})

export const mxOf = (policy: Policy, changes: Partial<SteeredMx> = {}): SteeredMx => ({
  kind: 'steered-mx',
  type: 15,
  policy,
  ttl: 60,
  minTtl: 5,
  mode: 'ladder',
  ladder: 4,
  internal: [],
  sticky: false,
  ...changes,
})

export const addressesOf = (
  policy: Policy,
  answers: number,
  changes: Partial<SteeredAddresses> = {},
): SteeredAddresses => ({
  kind: 'steered-address',
  type: 1,
  policy,
  ttl: 60,
  minTtl: 5,
  answers,
  sticky: false,
  ...changes,
})

/** The slot of that rung, of `names` that answer all addresses of the policy's targets. */
export function slotOf(
  policy: Policy,
  names: number,
  rung: number,
  changes: Partial<ExchangeSlot> = {},
): ExchangeSlot {
  const { type = 1, ttl = 60, minTtl = 5 } = changes
  const family = type === 1 ? 4 : 6
  const members = membersOf(policy)
  const having = members.filter(({ target }) =>
    target.addresses.some((address) => address.family === family),
  )
  return {
    kind: 'exchange-slot',
    type,
    policy,
    ttl,
    minTtl,
    mode: 'ladder',
    names: Array.from({ length: names }, (_, i) => owner(`in${i + 1}.smtp.example.com.`)),
    ladder: names,
    rung,
    epochSeconds: 600,
    internal: [],
    sticky: true,
    ofTargets: new Map(
      having.map(({ target }) => [
        target.index,
        {
          kind: 'target-address',
          type,
          ttl,
          minTtl,
          target,
          answers: Infinity,
          memberships: members.filter((one) => one.target.index === target.index),
        },
      ]),
    ),
    ...changes,
  }
}

export function network(text: string, prefixLength: number): Network {
  const octets = parseAddress(text)?.octets
  if (!octets) throw new Error(`no address: ${text}`)
  return { octets, prefixLength }
}

export function locusAt(text: string, known: Partial<Locus> = {}): Locus {
  const address = parseAddress(text)
  if (!address) throw new Error(`no address: ${text}`)
  return { ...address, continent: null, country: null, asn: null, ...known }
}

export const nowhere: Locus = locusAt('192.0.2.1')

/** `select`, which gives back what the kind of set has. */
export const selectMx = (set: SteeredMx, locus: Locus, steering: Steering): MxSelection =>
  select(set, locus, steering) as MxSelection

export const selectSrv = (set: SteeredSrv, locus: Locus, steering: Steering): SrvSelection =>
  select(set, locus, steering) as SrvSelection

export const selectAddresses = (
  set: SteeredAddresses | ExchangeSlot,
  locus: Locus,
  steering: Steering,
): AddressSelection => select(set, locus, steering) as AddressSelection

/** `10 mx1`, in the order of the answer. */
export const ladderText = (selection: MxSelection): string[] =>
  selection.kind === 'selected'
    ? selection.rungs.map((rung) => `${rung.preference} ${rung.target.name}`)
    : [selection.kind]

export const namesOf = (selection: MxSelection | AddressSelection): string[] => {
  if (selection.kind !== 'selected') return [selection.kind]
  const chosen = 'rungs' in selection ? selection.rungs : selection.addresses
  return chosen.map(({ target }) => target.name)
}

export const textsOf = (selection: AddressSelection): string[] =>
  selection.kind === 'selected'
    ? selection.addresses.map(({ address }) => address.text)
    : [selection.kind]
