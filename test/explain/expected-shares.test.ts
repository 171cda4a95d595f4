// Expected shares against the draws themselves: random pools, health and sizes of answers.

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addDraw, drawOnce, expectedShares, newTally } from '../../src/explain/shares.ts'
import type { Policy, SelectedSet } from '../../src/steer/policy.ts'
import {
  addressesOf,
  arrange,
  catchAllOf,
  locusAt,
  mxOf,
  nowhere,
  policyOf,
  seeded,
} from '../steer/arrange.ts'
import { build } from '../steer/model-world.ts'
import { worlds } from '../steer/random-worlds.ts'
import type { HealthReader } from '../../src/health/table.ts'
import { createSteering, standingClock, type Steering } from '../../src/steer/select/steering.ts'

const draws = 10_000
const sigmas = 5

type SetOf = (policy: Policy) => SelectedSet
const sets: readonly (readonly [name: string, set: SetOf])[] = [
  ['a ladder', (policy) => mxOf(policy)],
  ['a ladder of one', (policy) => mxOf(policy, { ladder: 1 })],
  ['two of equal preference', (policy) => mxOf(policy, { mode: 'equal', ladder: 2 })],
  ['one address', (policy) => addressesOf(policy, 1)],
  ['two addresses', (policy) => addressesOf(policy, 2)],
  ['three addresses', (policy) => addressesOf(policy, 3)],
  ['all addresses', (policy) => addressesOf(policy, Infinity)],
]

test.each(sets)('%s: each target is drawn as often as it is expected', (_, setOf) => {
  let compared = 0
  fc.assert(
    fc.property(worlds, fc.nat(), (world, seed) => {
      const { policy, health } = build(world)
      const set = setOf(policy)
      const steering = createSteering({ health, random: seeded(seed), clock: standingClock })
      const shares = expectedShares(set, nowhere, steering)
      const tally = newTally()
      if (shares === null) return
      compared++
      for (let i = 0; i < draws; i++) addDraw(tally, drawOnce(set, nowhere, steering))
      for (const target of new Set([...shares.keys(), ...tally.first.keys()])) {
        const share = shares.get(target) ?? 0
        const drawn = (tally.first.get(target) ?? 0) / draws
        const deviation = Math.sqrt((share * (1 - share)) / draws)
        expect(Math.abs(drawn - share), `${target.name} ${share} ${drawn}`).toBeLessThanOrEqual(
          sigmas * deviation + 1e-9,
        )
      }
      expect([...shares.values()].reduce((sum, share) => sum + share, 0)).toBeCloseTo(
        tally.empty === draws ? 0 : 1,
        9,
      )
    }),
    { numRuns: 24, seed: 4 },
  )
  expect(compared).toBeGreaterThan(20)
})

const steeringOf = (health: HealthReader): Steering =>
  createSteering({ health, random: seeded(1), clock: standingClock })

describe('by hand', () => {
  test('a member due more than one record is certain, and the others share the rest', () => {
    const { pools, targets, health } = arrange({ eu: { a: '8 up', b: '1 up', c: '1 up' } })
    const set = addressesOf(policyOf([catchAllOf(Object.values(pools))]), 2)
    const shares = expectedShares(set, nowhere, steeringOf(health))
    const of = (name: string): number | undefined => {
      const target = targets.get(name)
      return target && shares?.get(target)
    }
    expect(of('a')).toBeCloseTo(0.5, 12)
    expect(of('b')).toBeCloseTo(0.25, 12)
    expect(of('c')).toBeCloseTo(0.25, 12)
  })

  test('sticky sets of several have none', () => {
    const { pools, health } = arrange({ eu: { a: '8 up', b: '1 up', c: '1 up' } })
    const policy = policyOf([catchAllOf(Object.values(pools))])
    const set = addressesOf(policy, 2, { sticky: true })
    expect(expectedShares(set, nowhere, steeringOf(health))).toBeNull()
  })

  test('where no member is eligible, those that are answered share', () => {
    const { pools, targets, health } = arrange({ eu: { a: '3 down', b: '1 down' } })
    const set = mxOf(policyOf([catchAllOf(Object.values(pools))]))
    const shares = expectedShares(set, nowhere, steeringOf(health))
    const of = (name: string): number | undefined =>
      shares?.get(targets.get(name) as NonNullable<ReturnType<typeof targets.get>>)
    expect([of('a'), of('b')]).toEqual([0.75, 0.25])
  })

  test('sticky: over all clients, the shares of random draws', () => {
    const { pools, health } = arrange({ eu: { a: '5 up', b: '3 up', c: '2 suspect' } })
    const set = mxOf(policyOf([catchAllOf(Object.values(pools))]), { sticky: true })
    const tally = newTally()
    const random = seeded(7)
    const steering = createSteering({ health, random, clock: standingClock })
    const shares = expectedShares(set, nowhere, steering)
    for (let i = 0; i < draws; i++) {
      const octet = (): number => Math.floor(random() * 256)
      const client = locusAt(`${octet()}.${octet()}.${octet()}.1`)
      addDraw(tally, drawOnce(set, client, steering))
    }
    for (const [target, share] of shares ?? []) {
      const drawn = (tally.first.get(target) ?? 0) / draws
      expect(Math.abs(drawn - share)).toBeLessThan(
        sigmas * Math.sqrt((share * (1 - share)) / draws),
      )
    }
    expect(shares?.size).toBe(2)
  })
})
