// Which pools are short of members: against a count of everything, after every step.

import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { type WatchedPool, WatchedPools, watchedPools } from '../../src/watch/watched-pools.ts'
import { runs } from '../support/runs.ts'

const member = fc.record({
  weight: fc.integer({ min: 0, max: 5 }),
  row: fc.integer({ min: 0, max: 5 }),
  slots: fc.uniqueArray(fc.integer({ min: 0, max: 9 }), { maxLength: 2 }),
})
const pools = fc
  .array(fc.array(member, { maxLength: 6 }), { maxLength: 3 })
  .map((all): WatchedPool[] => all.map((members, i) => ({ name: `p${i}`, members })))
const rows = fc.tuple(fc.nat(40), fc.nat(11), fc.nat(11))
const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.boolean()), {
  maxLength: 40,
  size: 'max',
})

const none: ReadonlySet<number> = new Set()

const isShort = ({ members }: WatchedPool, out: ReadonlySet<number>, away = none): boolean => {
  const total = members.reduce((sum, { weight }) => sum + weight, 0)
  const inside = members
    .filter(
      ({ row, slots }) =>
        !away.has(row) && (slots.length === 0 || slots.some((slot) => !out.has(slot))),
    )
    .reduce((sum, { weight }) => sum + weight, 0)
  return inside < total / 2
}

test('short: a pool with less than half of its weight up; its slots are returned when that changes', () => {
  fc.assert(
    fc.property(pools, pools, steps, rows, (first, second, taken, [replaceAt, ...rowsAway]) => {
      const watched = new WatchedPools()
      const out = new Set<number>()
      const away = new Set(rowsAway)
      let now = first
      watched.replace(now)
      for (const [i, [slot, isOut]] of taken.entries()) {
        if (i === replaceAt) {
          now = second
          watched.replace(now)
        }
        const before = now.map((pool) => isShort(pool, out))
        if (isOut) out.add(slot)
        else out.delete(slot)
        const turned = now
          .filter((pool, at) => isShort(pool, out) !== before[at])
          .flatMap(({ members }) => members.flatMap(({ slots }) => slots))
        expect(new Set(watched.setDown(slot, isOut))).toEqual(new Set(turned))
        for (let each = 0; each < 10; each++) {
          const isNeeded = now.some(
            (pool) =>
              pool.members.some(({ slots }) => slots.includes(each)) && isShort(pool, out, away),
          )
          expect(watched.isInShortPool(each, (row) => away.has(row))).toBe(isNeeded)
        }
      }
    }),
    { numRuns: runs(400) },
  )
})

test('pools of targets as they are loaded', () => {
  const target = (name: string) => ({ name, index: 0, warmup: null })
  expect(
    watchedPools([
      {
        zone: 'a.example',
        target: target('mx1'),
        pools: [
          { pool: 'eu', member: { weight: 2, row: 1, slots: [1, 2] } },
          { pool: 'us', member: { weight: 1, row: 2, slots: [3] } },
        ],
      },
      {
        zone: 'b.example',
        target: target('mx1'),
        pools: [{ pool: 'eu', member: { weight: 1, row: 3, slots: [4] } }],
      },
    ]),
  ).toEqual([
    { name: 'eu.a.example', members: [{ weight: 2, row: 1, slots: [1, 2] }] },
    { name: 'us.a.example', members: [{ weight: 1, row: 2, slots: [3] }] },
    { name: 'eu.b.example', members: [{ weight: 1, row: 3, slots: [4] }] },
  ])
})
