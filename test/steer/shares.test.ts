// Weights over many draws, against exact odds: each share within 5 standard deviations.

import { describe, expect, test } from 'vitest'
import { SlotState } from '../../src/health/table.ts'
import type { World } from './arrange.ts'
import {
  addressesOf,
  arrange,
  catchAllOf,
  mxOf,
  namesOf,
  nowhere,
  policyOf,
  seeded,
  textsOf,
  selectAddresses,
  selectMx,
} from './arrange.ts'
import { inclusionOdds, ladderOdds, outliers, tally } from './reference.ts'
import { createSteering, standingClock } from '../../src/steer/select/steering.ts'

function subject(world: World, panic = 0) {
  const { pools, health } = arrange(world, panic)
  return {
    policy: policyOf([catchAllOf(Object.values(pools))]),
    steering: createSteering({ health, random: seeded(20_261_121), clock: standingClock }),
    health,
  }
}

const even: World = { eu: { a: '5 up', b: '3 up', c: '1 up', d: '1 up' } }

describe('ladder', () => {
  test('each order of 5:3:1:1 comes as often as Plackett–Luce says', () => {
    const { policy, steering } = subject(even)
    const set = mxOf(policy)
    const counts = tally(() => [namesOf(selectMx(set, nowhere, steering)).join('>')])
    expect(outliers(counts, ladderOdds({ a: 5, b: 3, c: 1, d: 1 }, 4))).toEqual([])
  })

  test('a ladder shorter than the pool wins first places by weight all the same', () => {
    const { policy, steering } = subject(even)
    const set = mxOf(policy, { ladder: 2 })
    const counts = tally(() => [namesOf(selectMx(set, nowhere, steering)).join('>')])
    expect(outliers(counts, ladderOdds({ a: 5, b: 3, c: 1, d: 1 }, 2))).toEqual([])
  })

  test('down members leave, suspects and unknown ones go to the tail, factors count', () => {
    const { policy, steering } = subject({
      eu: {
        a: '5 down',
        b: '3 up',
        c: '4 up*0.25',
        d: '1 suspect',
        e: '2 suspect',
        f: '2 unknown',
      },
    })
    const set = mxOf(policy, { ladder: 5 })
    const counts = tally(() => [namesOf(selectMx(set, nowhere, steering)).join('>')])
    const odds: [string, number][] = []
    for (const [up, odd] of ladderOdds({ b: 3, c: 1 }, 2))
      for (const [tail, tailOdd] of ladderOdds({ d: 1, e: 2, f: 2 }, 3))
        odds.push([`${up}>${tail}`, odd * tailOdd])
    expect(outliers(counts, odds)).toEqual([])
  })

  test('while nothing is known, all are drawn by weight; who is known up comes first', () => {
    const { policy, steering, health } = subject({
      eu: { a: '5 unknown', b: '3 unknown', c: '1 unknown', d: '1 unknown' },
    })
    const set = mxOf(policy, { ladder: 2 })
    const draw = (): string[] => [namesOf(selectMx(set, nowhere, steering)).join('>')]
    expect(outliers(tally(draw), ladderOdds({ a: 5, b: 3, c: 1, d: 1 }, 2))).toEqual([])
    health.set(4, SlotState.up, 1, Infinity)
    const after = ladderOdds({ a: 5, b: 3, c: 1 }, 1)
    const odds = [...after].map(([next, odd]): [string, number] => [`d>${next}`, odd])
    expect(outliers(tally(draw), odds)).toEqual([])
  })

  test('a member with several addresses is worth what its best one is', () => {
    const { policy, steering } = subject({
      eu: { a: '2 down v6:up*0.5', b: '2 up*0.1 v6:suspect', c: '1 suspect v6:up*0.5' },
    })
    const set = mxOf(policy)
    const counts = tally(() => namesOf(selectMx(set, nowhere, steering)).slice(0, 1))
    expect(outliers(counts, ladderOdds({ a: 1, b: 0.2, c: 0.5 }, 1))).toEqual([])
  })

  test('the order in the file does not matter', () => {
    const { policy, steering } = subject({ eu: { d: '1 up', b: '3 up', c: '1 up', a: '5 up' } })
    const counts = tally(() => [namesOf(selectMx(mxOf(policy), nowhere, steering)).join('>')])
    expect(outliers(counts, ladderOdds({ a: 5, b: 3, c: 1, d: 1 }, 4))).toEqual([])
  })
})

describe('sample', () => {
  const cases: [string, World, number, Record<string, number>][] = [
    ['5:3:1:1, k=1', even, 1, { a: 5, b: 3, c: 1, d: 1 }],
    ['5:3:1:1, k=2', even, 2, { a: 5, b: 3, c: 1, d: 1 }],
    ['5:3:1:1, k=3', even, 3, { a: 5, b: 3, c: 1, d: 1 }],
    ['5:3:1:1, all', even, Infinity, { a: 5, b: 3, c: 1, d: 1 }],
    ['10:1:1, k=2', { eu: { c: '1 up', a: '10 up', b: '1 up' } }, 2, { a: 10, b: 1, c: 1 }],
    [
      'caps upon caps: 100:10:1:1:1, k=3',
      { eu: { a: '1 up', b: '100 up', c: '1 up', d: '10 up', e: '1 up' } },
      3,
      { a: 1, b: 100, c: 1, d: 10, e: 1 },
    ],
    [
      'down and drained ones take no part',
      { eu: { a: '5 down', b: '3 up', c: '2 up*0.5', d: '7 up*0', e: '0 up', f: '2 up' } },
      2,
      { b: 3, c: 1, f: 2 },
    ],
    [
      'factors: 4×½, 1, 1',
      { eu: { a: '4 up*0.5', b: '1 up', c: '1 up' } },
      2,
      { a: 2, b: 1, c: 1 },
    ],
  ]

  test.each(cases)(
    '%s: each target is in the answer in proportion',
    (_, world, answers, weights) => {
      const { policy, steering } = subject(world)
      const set = addressesOf(policy, answers)
      const counts = tally(() => namesOf(selectAddresses(set, nowhere, steering)))
      const odds = inclusionOdds(weights, answers)
      expect(outliers(counts, Object.entries(odds))).toEqual([])
    },
  )

  test.each(cases)('%s: equal preferences are drawn likewise', (_, world, answers, weights) => {
    const { policy, steering } = subject(world)
    const set = mxOf(policy, { mode: 'equal', ladder: answers })
    const counts = tally(() => namesOf(selectMx(set, nowhere, steering)))
    expect(outliers(counts, Object.entries(inclusionOdds(weights, answers)))).toEqual([])
  })

  test('suspects share the places that the up ones leave free', () => {
    const { policy, steering } = subject({
      eu: { a: '1 up', b: '3 suspect', c: '2 suspect', d: '1 suspect', e: '9 down' },
    })
    const set = addressesOf(policy, 2)
    const counts = tally(() => namesOf(selectAddresses(set, nowhere, steering)))
    expect(
      outliers(counts, Object.entries({ a: 1, ...inclusionOdds({ b: 3, c: 2, d: 1 }, 1) })),
    ).toEqual([])
  })

  test('a target’s weight is shared by those of its addresses that are usable', () => {
    const { policy, steering } = subject({ eu: { a: '4 up down up v6:up', b: '1 up', c: '3 up' } })
    const set = addressesOf(policy, 2)
    const counts = tally(() => textsOf(selectAddresses(set, nowhere, steering)))
    const odds = inclusionOdds({ '10.0.0.0': 2, '10.0.0.2': 2, '10.0.1.0': 1, '10.0.2.0': 3 }, 2)
    expect(outliers(counts, Object.entries(odds))).toEqual([])
  })

  test('in panic the configured weight is shared by all addresses', () => {
    const { policy, steering } = subject(
      { eu: { a: '4 down down', b: '1 up*0.5', c: '3 down' } },
      0.5,
    )
    const set = addressesOf(policy, 2)
    const counts = tally(() => textsOf(selectAddresses(set, nowhere, steering)))
    const weights = { '10.0.0.0': 2, '10.0.0.1': 2, '10.0.1.0': 1, '10.0.2.0': 3 }
    expect(outliers(counts, Object.entries(inclusionOdds(weights, 2)))).toEqual([])
  })

  test('any two of equals are drawn together as often as any other two', () => {
    const { policy, steering } = subject({ eu: { a: '1 up', b: '1 up', c: '1 up', d: '1 up' } })
    const set = addressesOf(policy, 2)
    const counts = tally(() => [
      namesOf(selectAddresses(set, nowhere, steering))
        .sort()
        .join('+'),
    ])
    const pairs = ['a+b', 'a+c', 'a+d', 'b+c', 'b+d', 'c+d']
    expect(
      outliers(
        counts,
        pairs.map((pair) => [pair, 1 / 6]),
      ),
    ).toEqual([])
  })
})
