// Laws of every selection, over arbitrary worlds of health, weights and pools (docs/adr/0002-fail-open.md).

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SlotState } from '../../src/health/table.ts'
import type { HealthReader } from '../../src/health/table.ts'
import type { Member, Policy, Pool, SteeredMx, TargetAddresses } from '../../src/steer/policy.ts'
import { targetAddresses } from '../../src/steer/select/target-addresses.ts'
import type { AddressSelection, MxSelection } from '../../src/steer/selection.ts'
import type { Arranged, World } from '../steer/arrange.ts'
import {
  addressesOf,
  arrange,
  catchAllOf,
  locusAt,
  mxOf,
  network,
  nowhere,
  policyOf,
  seeded,
  selectAddresses,
  selectMx,
} from '../steer/arrange.ts'
import { createSteering, standingClock, type Steering } from '../../src/steer/select/steering.ts'

interface Case {
  readonly world: World
  readonly places: number
  readonly seed: number
}

const address = fc
  .tuple(
    fc.constantFrom('', 'v6:'),
    fc.constantFrom('up', 'unknown', 'suspect', 'down', 'down'),
    fc.constantFrom('', '', '*0.5', '*0'),
  )
  .map((parts) => parts.join(''))
const member = fc
  .tuple(fc.nat({ max: 9 }), fc.array(address, { minLength: 1, maxLength: 3 }))
  .map(([weight, states]) => [weight, ...states].join(' '))
const pool = (name: string, most: number) =>
  fc
    .array(member, { minLength: 1, maxLength: most })
    .map((members) => Object.fromEntries(members.map((text, i) => [`${name}-${i}`, text])))
const cases: fc.Arbitrary<Case> = fc.record({
  world: fc.record({ eu: pool('eu', 6), us: pool('us', 40), ap: pool('ap', 3) }),
  places: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.constant(Infinity)),
  seed: fc.nat(),
})

interface Subject extends Arranged {
  readonly list: readonly Pool[]
  readonly members: readonly Member[]
  readonly policy: Policy
  readonly steering: Steering
}

function subject({ world, seed }: Case, panic = 0): Subject {
  const arranged = arrange(world, panic)
  const list = Object.values(arranged.pools)
  return {
    ...arranged,
    list,
    members: list.flatMap((pool) => pool.members),
    policy: policyOf([catchAllOf(list)]),
    steering: createSteering({
      health: arranged.health,
      random: seeded(seed),
      clock: standingClock,
    }),
  }
}

const isDown = ({ health }: Arranged, slot: number | undefined): boolean =>
  health.state(slot ?? 0) === SlotState.down || health.factor(slot ?? 0) === 0

const isUsable = (arranged: Arranged, { weight, slots }: Member): boolean =>
  weight > 0 && !slots.every((slot) => isDown(arranged, slot))

const namesOfMembers = (members: readonly Member[]): string[] =>
  members.map((one) => one.target.name).sort()

const rungsOf = (selection: MxSelection) => (selection.kind === 'selected' ? selection.rungs : [])

const modes = fc.constantFrom<SteeredMx['mode']>('ladder', 'equal')

const laddersOf = (selection: MxSelection): string[] =>
  rungsOf(selection)
    .map((rung) => rung.target.name)
    .sort()

const chosenTexts = (selection: AddressSelection): string[] =>
  selection.kind === 'selected' ? selection.addresses.map(({ address }) => address.text) : []

const hasDoubles = (values: readonly string[]): boolean => new Set(values).size !== values.length

/** What is broken of a law, by name; an empty list is what the tests want. */
const broken = (laws: Readonly<Record<string, boolean>>): string[] =>
  Object.entries(laws).flatMap(([law, holds]) => (holds ? [] : [law]))

const isWithin = (few: readonly string[], many: readonly string[]): boolean =>
  few.every((one) => many.includes(one))

/** Suspects after all others, then by the order of the pools. */
function rank(it: Subject, name: string): number {
  const poolAt = it.list.findIndex((pool) => pool.members.some((one) => one.target.name === name))
  const slots = it.members.find((one) => one.target.name === name)?.slots ?? []
  const up = slots.some((slot) => !isDown(it, slot) && it.health.state(slot) === SlotState.up)
  return (up ? 0 : 100) + poolAt
}

describe('MX', () => {
  test('never empty, no target twice, no down one while another is eligible', () => {
    fc.assert(
      fc.property(cases, modes, (drawn, mode) => {
        const it = subject(drawn)
        const set = mxOf(it.policy, { mode, ladder: drawn.places })
        const selection = selectMx(set, nowhere, it.steering)
        const names = laddersOf(selection)
        const usable = it.members.filter((one) => isUsable(it, one))
        const open = usable.length === 0
        const reason = selection.kind === 'selected' ? selection.reason : selection.kind
        const laws = {
          'not empty': names.length > 0,
          'no doubles': !hasDoubles(names),
          'only eligible ones': open || isWithin(names, namesOfMembers(usable)),
          'no longer than asked': open || names.length <= drawn.places,
          'says why': open
            ? reason === 'failed-open'
            : reason === 'eligible' || reason === 'spilled',
        }
        expect(broken(laws)).toEqual([])
      }),
    )
  })

  test('a ladder is as long as it can be, strictly ascending, suspects below the others', () => {
    fc.assert(
      fc.property(cases, (drawn) => {
        const it = subject(drawn)
        const selection = selectMx(mxOf(it.policy, { ladder: drawn.places }), nowhere, it.steering)
        const rungs = rungsOf(selection)
        expect(rungs.map((rung) => rung.preference)).toEqual(rungs.map((_, i) => 10 * (i + 1)))
        const usable = it.members.filter((one) => isUsable(it, one))
        fc.pre(usable.length > 0)
        expect(rungs.length).toBe(Math.min(drawn.places, usable.length))
        const ranks = rungs.map(({ target }) => rank(it, target.name))
        expect(ranks).toEqual(ranks.toSorted((a, b) => a - b))
      }),
    )
  })

  test('all down: all members with a weight', () => {
    fc.assert(
      fc.property(cases, modes, (drawn, mode) => {
        const it = subject(drawn)
        for (const slot of it.members.flatMap((one) => one.slots))
          it.health.set(slot, SlotState.down, 1, Infinity)
        const set = mxOf(it.policy, { mode, ladder: drawn.places })
        const selection = selectMx(set, nowhere, it.steering)
        const weighty = it.members.filter((one) => one.weight > 0)
        const wanted = weighty.length > 0 ? weighty : it.members
        expect(laddersOf(selection)).toEqual(namesOfMembers(wanted))
        expect(selection).toMatchObject({ reason: 'failed-open' })
      }),
    )
  })

  test('the MTAs’ own ladder does not move with the order of the file, health or random numbers', () => {
    const internal = [network('10.0.0.0', 8)]
    const inside = locusAt('10.1.2.3')
    fc.assert(
      fc.property(cases, fc.nat(), (drawn, otherSeed) => {
        const it = subject(drawn)
        const other = subject({ ...drawn, seed: otherSeed })
        for (const slot of other.members.flatMap((one) => one.slots))
          other.health.set(slot, SlotState.down, 0, 1)
        const one = selectMx(mxOf(it.policy, { internal }), inside, it.steering)
        const reversed = it.list.map((pool) => ({ ...pool, members: pool.members.toReversed() }))
        const policy = policyOf([catchAllOf(reversed)])
        expect(selectMx(mxOf(policy, { internal }), inside, other.steering)).toEqual(one)
        expect(rungsOf(one).length).toBeGreaterThan(0)
      }),
    )
  })
})

const types = fc.constantFrom(1, 28)
const familyOf = (type: number): 4 | 6 => (type === 1 ? 4 : 6)

interface Owned {
  readonly text: string
  readonly pool: number
  readonly usable: boolean
}

/** Every address of the family that weight lets take part, in the order of the pools. */
function ownedBy(it: Subject, type: number): Owned[] {
  const anyWeight = it.members.some((one) => one.weight > 0)
  return it.list.flatMap((pool, at) =>
    pool.members.flatMap(({ target, weight, slots }) =>
      target.addresses.flatMap(({ family, text }, i) =>
        family === familyOf(type) && (weight > 0 || !anyWeight)
          ? [{ text, pool: at, usable: weight > 0 && !isDown(it, slots[i]) }]
          : [],
      ),
    ),
  )
}

/** The usable ones of the first pool that has any; else all. */
function allowed(owned: readonly Owned[]): string[] {
  const usable = owned.filter((one) => one.usable)
  const first = usable.filter((one) => one.pool === usable[0]?.pool)
  return (usable.length > 0 ? first : owned).map((one) => one.text)
}

describe('addresses', () => {
  test('empty only if the file has none of the family; none down while another lives', () => {
    fc.assert(
      fc.property(cases, types, (drawn, type) => {
        const it = subject(drawn)
        const set = addressesOf(it.policy, drawn.places, { type })
        const selection = selectAddresses(set, nowhere, it.steering)
        const owned = ownedBy(it, type)
        const texts = chosenTexts(selection)
        const open = !owned.some((one) => one.usable)
        const wanted = open ? owned.length : Math.min(drawn.places, allowed(owned).length)
        const laws = {
          'NODATA by the file alone': (selection.kind === 'no-family') === (owned.length === 0),
          'no doubles': !hasDoubles(texts),
          'only eligible ones of the first pool that has any': isWithin(texts, allowed(owned)),
          'as many as asked, or all there are': texts.length === wanted,
        }
        expect(broken(laws)).toEqual([])
      }),
    )
  })

  test('whoever is due a whole place has it, in every answer', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 2, maxLength: 12 })
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 11 }), fc.nat(), (weights, places, seed) => {
        const eu = Object.fromEntries(weights.map((weight, i) => [`m${i}`, `${weight} up`]))
        const it = subject({ world: { eu }, places, seed })
        const total = weights.reduce((sum, weight) => sum + weight, 0)
        const certain = it.members.filter(({ weight }) => places * weight >= total)
        const due = certain.map((one) => one.target.addresses[0]?.text ?? '')
        for (let i = 0; i < 20; i++) {
          const selection = selectAddresses(addressesOf(it.policy, places), nowhere, it.steering)
          const texts = chosenTexts(selection)
          expect(texts.length).toBe(Math.min(places, weights.length))
          expect(isWithin(due, texts)).toBe(true)
        }
      }),
    )
  })

  test('of a target: never empty for health, down ones only when all of the family are', () => {
    fc.assert(
      fc.property(cases, types, (drawn, type) => {
        const it = subject(drawn)
        for (const one of it.members) {
          const set = targetSet(one, type)
          const states = one.slots.map((slot) => it.health.state(slot))
          const owned = one.target.addresses.filter(({ family }) => family === familyOf(type))
          const living = one.target.addresses.filter(
            ({ family }, i) => family === familyOf(type) && states[i] !== SlotState.down,
          )
          const wanted = (living.length > 0 ? living : owned).map((address) => address.text)
          const selection = targetAddresses(set, it.steering)
          expect(chosenTexts(selection)).toEqual(wanted)
          expect(selection.kind).toBe(owned.length > 0 ? 'selected' : 'no-family')
        }
      }),
    )
  })
})

const targetSet = (member: Member, type: number): TargetAddresses => ({
  kind: 'target-address',
  type,
  ttl: 60,
  minTtl: 5,
  target: member.target,
  answers: Infinity,
  memberships: [member],
})

test('health that moves between two reads never makes a selection empty or double', () => {
  fc.assert(
    fc.property(cases, modes, (drawn, mode) => {
      const it = subject(drawn, 0.5)
      const flicker = seeded(drawn.seed + 1)
      const state = (): SlotState => Math.floor(flicker() * 4) as SlotState
      const health: HealthReader = { ...it.health, state }
      const steering = createSteering({ health, random: seeded(drawn.seed), clock: standingClock })
      const set = mxOf(it.policy, { mode, ladder: drawn.places })
      const names = laddersOf(selectMx(set, nowhere, steering))
      const addresses = addressesOf(it.policy, drawn.places)
      const selection = selectAddresses(addresses, nowhere, steering)
      const texts = chosenTexts(selection)
      const laws = {
        'an exchange': names.length > 0,
        'no exchange twice': !hasDoubles(names),
        'no address twice': !hasDoubles(texts),
        'an address, if the file has one': texts.length > 0 || ownedBy(it, 1).length === 0,
      }
      expect(broken(laws)).toEqual([])
    }),
  )
})
