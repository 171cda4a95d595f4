// A prepared draw selects what the slow path selects with the same random numbers, over random worlds; and the common cases
// can be prepared.

import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { HealthReader } from '../../../src/health/table.ts'
import type { Random } from '../../../src/lib/clock.ts'
import {
  createDrawScratch,
  outcomeIndexAt,
  uint31Of,
  drawPrepared,
  outcomeAt,
  outcomesOf,
  prepareAddresses,
  prepareLadder,
  type DrawOutcome,
  type PreparedDraw,
} from '../../../src/steer/draw/outcomes.ts'
import type { Pool } from '../../../src/steer/policy.ts'
import { selectAddresses } from '../../../src/steer/select/select-addresses.ts'
import { selectMx } from '../../../src/steer/select/select-mx.ts'
import type { Locus } from '../../../src/steer/selection.ts'
import { addressesOf, arrange, catchAllOf, mxOf, policyOf, seeded } from '../arrange.ts'
import { runs } from '../../support/runs.ts'
import { createSteering, type Steering } from '../../../src/steer/select/steering.ts'

const locus: Locus = {
  family: 4,
  octets: new Uint8Array(4),
  continent: null,
  country: null,
  asn: null,
}

const member = fc
  .tuple(
    fc.constantFrom('1', '2', '5', '0'),
    fc.constantFrom('up', 'up', 'up*0.5', 'suspect', 'down', 'up*0'),
  )
  .map(([weight, state]) => `${weight} ${state}`)
const poolOf = (names: string): fc.Arbitrary<Record<string, string>> =>
  fc.record(Object.fromEntries(names.split('').map((name) => [name, member])))
const world = fc.record({ near: poolOf('abcd'), far: poolOf('efg'), mixed: poolOf('ahi') })
const rule = fc.constantFrom(['near'], ['near', 'far'], ['far', 'near'], ['near', 'mixed'])
const threshold = fc.constantFrom(0, 0, 0.5)
const spill = fc.constantFrom('all' as const, 'proportional' as const)

/** How many were prepared, since what is always null proves nothing. */
const seen = { ladders: 0, addresses: 0, unprepared: 0, tables: 0 }

const scratch = createDrawScratch()

/** Preparing draws nothing. */
const steeringOf = (health: HealthReader): Steering =>
  createSteering({
    health,
    random: () => {
      throw new Error('drawn while preparing')
    },
  })

/** Step by step, and by the table of its outcomes where it has one; both with the same random numbers. */
function drawnOf<Entry>(draw: PreparedDraw<Entry>, random: Random, same: Random): Entry[] {
  const drawn = ({ indexes, count }: DrawOutcome): Entry[] =>
    [...indexes.subarray(0, count)].map((index) => draw.entries[index] as Entry)
  const stepwise = drawn(drawPrepared(scratch, draw, random))
  const outcomes = outcomesOf(draw)
  if (outcomes !== null) {
    const uint31 = outcomes.ends.length === 1 ? 0 : uint31Of(same())
    const outcome = outcomeAt(scratch, outcomes, outcomeIndexAt(outcomes, uint31))
    expect(drawn(outcome)).toEqual(stepwise)
    seen.tables++
  }
  return stepwise
}

test('selects as the slow path does', () => {
  const cases = fc.record({
    world,
    rule,
    threshold,
    spill,
    panic: fc.constantFrom(0, 0.4),
    size: fc.constantFrom(1, 2, 3, 5, Infinity),
    mode: fc.constantFrom('ladder' as const, 'equal' as const),
    seed: fc.nat(),
  })
  fc.assert(
    fc.property(cases, ({ world: described, rule: names, size, mode, seed, ...rest }) => {
      const { pools, health } = arrange(described, rest.panic)
      const rulePools = names.map((name): Pool => ({
        ...(pools[name] as Pool),
        minHealthy: rest.threshold,
        spill: rest.spill,
      }))
      const policy = policyOf([catchAllOf(rulePools)])
      const [set, mx] = [addressesOf(policy, size), mxOf(policy, { mode, ladder: size })]
      const prepared = steeringOf(health)
      const ladder = prepareLadder(mx, 0, prepared)
      const addresses = prepareAddresses(set, 0, prepared)
      for (let again = 0; again < 4; again++) {
        const [random, same] = [seeded(seed + again), seeded(seed + again)]
        if (ladder === null) seen.unprepared++
        else {
          const targets = drawnOf(ladder, random, seeded(seed + again))
          const { ttl, reason } = ladder
          const long = selectMx(mx, locus, createSteering({ health, random: same }))
          const rungs = long.kind === 'selected' ? long.rungs.map(({ target }) => target) : null
          expect({ ...long, rungs: targets }).toEqual({ kind: 'selected', ttl, reason, rungs })
          expect(random()).toBe(same())
          seen.ladders++
        }
        if (addresses !== null) {
          const [chance, other] = [seeded(seed - again), seeded(seed - again)]
          const chosen = drawnOf(addresses, chance, seeded(seed - again))
          const { ttl, reason } = addresses
          expect(selectAddresses(set, locus, createSteering({ health, random: other }))).toEqual({
            kind: 'selected',
            ttl,
            reason,
            addresses: chosen,
          })
          expect(chance()).toBe(other())
          seen.addresses++
        }
      }
    }),
    { numRuns: runs(2000) },
  )
  expect(Math.min(...Object.values(seen))).toBeGreaterThan(50)
})

test('is null where pools are spread, sets sticky, leads random or candidates too many', () => {
  const { pools, health } = arrange({ one: { a: '1 up', b: '1 up' }, two: { c: '1 up' } })
  const [one, two] = [pools['one'] as Pool, pools['two'] as Pool]
  const preparedOf = (first: Pool, changes: { sticky?: boolean } = {}): unknown[] => {
    const policy = policyOf([catchAllOf([first, two])])
    return [
      prepareLadder(mxOf(policy, changes), 0, steeringOf(health)),
      prepareAddresses(addressesOf(policy, 1, changes), 0, steeringOf(health)),
    ]
  }
  const none = [null, null]
  expect(preparedOf(one)).toEqual([expect.anything(), expect.anything()])
  expect(preparedOf({ ...one, isSpread: true })).toEqual(none)
  expect(preparedOf(one, { sticky: true })).toEqual(none)
  const members = Array.from({ length: 40 }, (_, i) => [`m${i}`, '1 up'])
  const many = arrange({ many: Object.fromEntries(members) as Record<string, string> })
  const policy = policyOf([catchAllOf([many.pools['many'] as Pool])])
  expect(prepareLadder(mxOf(policy), 0, steeringOf(many.health))).toBe(null)
  const weak = arrange({ one: { a: '1 up', b: '2 down' } }).health
  const halved = { ...one, minHealthy: 0.9, spill: 'proportional' as const }
  const spilling = policyOf([catchAllOf([halved, two])])
  expect(prepareLadder(mxOf(spilling), 0, steeringOf(weak))).toBe(null)
})
