// Who stands in for a target that lacks a family, under the name of an exchange slot: against a plain model that goes by all
// addresses of the family, in the client's order.

import * as fc from 'fast-check'
import { expect, it } from 'vitest'

import type { ExchangeSlot, Policy, Target } from '../../../src/steer/policy.ts'
import type { AddressSelection, MxSelection } from '../../../src/steer/selection.ts'
import { hasFamily } from '../../../src/steer/select/last-resort.ts'
import { familyOf, selectAddresses } from '../../../src/steer/select/select-addresses.ts'
import { selectMx } from '../../../src/steer/select/select-mx.ts'
import { selectSlot } from '../../../src/steer/select/select-slot.ts'
import { createSteering, standingClock } from '../../../src/steer/select/steering.ts'
import { runs } from '../../support/runs.ts'
import { arrange, catchAllOf, mxOf, namesOf, policyOf, slotOf } from '../arrange.ts'

const noChance = (): number => {
  throw new Error('a slot asked for chance')
}

const state = fc.constantFrom('up', 'up', 'down', 'suspect')
/** Most targets have one family. */
const member = fc
  .tuple(
    fc.constantFrom(0, 1, 1, 3),
    fc.constantFrom([4], [6], [6], [4, 6]),
    fc.array(fc.tuple(fc.nat({ max: 1 }), state), { minLength: 1, maxLength: 16 }),
  )
  .map(([weight, families, all]) => {
    const addresses = all.map(([at, is]) =>
      families[at % families.length] === 6 ? `v6:${is}` : is,
    )
    return `${weight} ${addresses.join(' ')}`
  })

const pool = fc.array(member, { minLength: 1, maxLength: 12 })

/** Names of members are of the pool, so that no target is in two. */
const worlds = fc
  .array(pool, { minLength: 1, maxLength: 3 })
  .map((pools) =>
    Object.fromEntries(
      pools.map((members, p) => [
        `pool${p}`,
        Object.fromEntries(members.map((text, i) => [`mx${p}-${i}`, text])),
      ]),
    ),
  )

/** By all that there are. */
function substituteOf(
  set: ExchangeSlot,
  ladder: Extract<MxSelection, { kind: 'selected' }>,
  others: Extract<AddressSelection, { kind: 'selected' }>,
): Target | undefined {
  const { rungs } = ladder
  const onLadder = rungs.slice(0, set.ladder).map(({ target }) => target)
  const distinct = [...new Set(others.addresses.map(({ target }) => target))]
  const spare = distinct.filter((one) => !onLadder.includes(one))
  const open = spare.length > 0 ? spare : distinct
  const before = onLadder.slice(0, set.rung % rungs.length)
  const lacking = before.filter((one) => !hasFamily(one, familyOf(set.type))).length
  return open[lacking % open.length]
}

it('is the target that the model names, of as few addresses as are needed', () => {
  let substituted = 0
  fc.assert(
    fc.property(
      worlds,
      fc.constantFrom(1, 28),
      fc.integer({ min: 1, max: 8 }),
      fc.array(fc.nat({ max: 2 ** 32 - 1 }), { minLength: 5, maxLength: 5 }),
      fc.boolean(),
      (world, type, names, clients, isSpread) => {
        const arranged = arrange(world)
        const pools = Object.values(arranged.pools).map((one) => ({ ...one, isSpread }))
        const policy: Policy = policyOf([catchAllOf(pools)])
        const steering = createSteering({
          health: arranged.health,
          random: noChance,
          clock: standingClock,
        })
        for (const client of clients)
          for (let rung = 0; rung < names; rung++) {
            const set = slotOf(policy, names, rung, { type })
            const mx = mxOf(policy, { ladder: names, sticky: true })
            const ladder = selectMx(mx, pools, client, steering)
            if (ladder.kind !== 'selected') throw new Error('no policy says servfail')
            const own = ladder.rungs[rung % ladder.rungs.length]?.target
            const selection = selectSlot(set, pools, client, steering)
            if (own && hasFamily(own, familyOf(type))) {
              expect(new Set(namesOf(selection))).toEqual(new Set([own.name]))
              continue
            }
            const others = selectAddresses({ ...set, answers: Infinity }, pools, client, steering)
            if (others.kind !== 'selected') {
              expect(selection).toEqual(others)
              continue
            }
            const model = substituteOf(set, ladder, others)
            expect(new Set(namesOf(selection))).toEqual(new Set([model?.name]))
            substituted++
          }
      },
    ),
    { numRuns: runs(400) },
  )
  expect(substituted).toBeGreaterThan(500)
})
