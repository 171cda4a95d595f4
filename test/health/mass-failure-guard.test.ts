// The mass-failure guard: when it holds a group, and that it releases it.

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  allGroup,
  type FailureGroup,
  MassFailureGuard,
} from '../../src/health/mass-failure-guard.ts'
import { runs } from '../support/runs.ts'

const slots = (count: number, from = 1): number[] =>
  Array.from({ length: count }, (_, i) => from + i)

const guardOf = (pools: readonly FailureGroup[], all: readonly number[]): MassFailureGuard => {
  const guard = new MassFailureGuard()
  guard.replace(pools, all)
  return guard
}

/** All begin to fail, one each `everyMs`. Returns the groups that were held because of it, with the counts. */
const failAll = (
  guard: MassFailureGuard,
  which: readonly number[],
  everyMs = 100,
  fromMs = 0,
): string[] =>
  which.flatMap((slot, i) =>
    guard
      .recordFailing(slot, fromMs + i * everyMs)
      .map(({ group, failing, of }) => `${group} ${failing}/${of}`),
  )

describe('a group is held when', () => {
  test('more than half of a pool fails', () => {
    const guard = guardOf([{ name: 'eu', slots: slots(6) }], slots(100))
    expect(failAll(guard, slots(3))).toEqual([])
    expect(guard.isHeld(1, 300)).toBe(false)
    expect(guard.recordFailing(4, 300)).toEqual([{ group: 'eu', failing: 4, of: 6 }])
    expect([1, 4, 6, 7].map((slot) => guard.isHeld(slot, 300))).toEqual([true, true, true, false])
    expect(guard.heldGroups(300)).toHaveLength(1)
  })

  test('30 % of all addresses fail', () => {
    const pools = slots(10).map((i) => ({ name: `p${i}`, slots: slots(10, 10 * i) }))
    const guard = guardOf(pools, slots(100, 10))
    // Three a pool: none is in trouble by itself.
    const spread = pools.flatMap((pool) => pool.slots.slice(0, 3))
    expect(failAll(guard, spread)).toEqual([`${allGroup} 30/100`])
    expect(guard.isHeld(109, 3000)).toBe(true)
  })

  test('every address fails, of two or more', () => {
    expect(failAll(guardOf([], slots(2)), slots(2))).toEqual([`${allGroup} 2/2`])
    expect(failAll(guardOf([], slots(1)), slots(1))).toEqual([])
    expect(failAll(guardOf([], slots(3)), slots(2))).toEqual([])
  })

  test('not when they begin to fail more than a minute apart', () => {
    const guard = guardOf([{ name: 'eu', slots: slots(6) }], slots(6))
    expect(failAll(guard, slots(6), 40_000)).toEqual([])
    const quick = guardOf([{ name: 'eu', slots: slots(6) }], slots(60))
    expect(failAll(quick, slots(6), 19_000)).toEqual(['eu 4/6'])
  })

  test('not when earlier ones have recovered', () => {
    const guard = guardOf([{ name: 'eu', slots: slots(6) }], slots(60))
    failAll(guard, slots(3))
    guard.recordPassing(2)
    expect(failAll(guard, [4], 1, 400)).toEqual([])
    expect(failAll(guard, [2], 1, 500)).toEqual(['eu 4/6'])
  })

  test('an address that fails again counts once', () => {
    const guard = guardOf([{ name: 'eu', slots: slots(6) }], slots(60))
    expect(failAll(guard, [1, 2, 3, 1, 1, 2])).toEqual([])
  })
})

describe('a group is released', () => {
  test('after two minutes, and the failures counted so far do not hold it again', () => {
    const guard = guardOf([{ name: 'eu', slots: slots(6) }], slots(60))
    failAll(guard, slots(6), 1)
    expect(guard.isHeld(6, 119_000)).toBe(true)
    expect(guard.isHeld(6, 120_010)).toBe(false)
    expect(failAll(guard, [1, 2, 3], 1, 121_000)).toEqual([])
    expect(failAll(guard, [4], 1, 121_100)).toEqual(['eu 4/6'])
  })

  test('and reported once, also if a reload removed its pool', () => {
    const guard = guardOf([{ name: 'eu', slots: slots(6) }], slots(60))
    expect([guard.takeReleased(0), guard.nextReleaseInMs(0)]).toEqual([[], null])
    failAll(guard, slots(6), 1000)
    expect(guard.nextReleaseInMs(4000)).toBe(119_000)
    expect(guard.takeReleased(122_999)).toEqual([])
    expect(guard.takeReleased(123_000)).toEqual([{ group: 'eu', seconds: 120 }])
    expect([guard.takeReleased(123_000), guard.nextReleaseInMs(123_000)]).toEqual([[], null])
    failAll(guard, slots(6), 1, 200_000)
    guard.replace([{ name: 'us', slots: slots(6) }], slots(60))
    expect(guard.takeReleased(210_000)).toEqual([{ group: 'eu', seconds: 10 }])
  })

  test('not when it is held anew before the release was taken', () => {
    const guard = guardOf(
      [
        { name: 'eu', slots: slots(6) },
        { name: 'us', slots: slots(6, 10) },
      ],
      slots(60),
    )
    failAll(guard, slots(6), 1)
    failAll(guard, slots(6, 10), 1, 60_000)
    failAll(guard, slots(6), 1, 130_000)
    expect(guard.nextReleaseInMs(130_000)).toBe(50_003)
    expect(guard.takeReleased(180_003)).toEqual([{ group: 'us', seconds: 120 }])
    expect(guard.takeReleased(250_003)).toEqual([{ group: 'eu', seconds: 120 }])
  })

  test('when its pool is renamed, but a reload of the same pool keeps its failures', () => {
    const guard = guardOf([{ name: 'eu', slots: slots(6) }], slots(60))
    failAll(guard, slots(3))
    guard.replace([{ name: 'eu', slots: slots(7) }], slots(61))
    expect(failAll(guard, [4], 1, 400)).toEqual(['eu 4/7'])
    guard.replace([{ name: 'us', slots: slots(7) }], slots(61))
    expect(guard.isHeld(4, 500)).toBe(false)
  })
})

/** The reference keeps when each slot last began to fail, and counts anew each time. */
test('holds exactly when a naive reference does', () => {
  const step = fc.record({
    slot: fc.integer({ min: 1, max: 12 }),
    isFailing: fc.boolean(),
    afterMs: fc.constantFrom(0, 500, 9000, 40_000, 70_000),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      const guard = guardOf([{ name: 'p', slots: slots(5) }], slots(12))
      const begun = { p: new Map<number, number>(), [allGroup]: new Map<number, number>() }
      const until = { p: -1, [allGroup]: -1 }
      let nowMs = 0
      for (const { slot, isFailing, afterMs } of steps) {
        nowMs += afterMs
        const held = isFailing ? guard.recordFailing(slot, nowMs).map(({ group }) => group) : []
        if (!isFailing) guard.recordPassing(slot)
        const expected: string[] = []
        for (const group of [allGroup, 'p'] as const) {
          if (group === 'p' && slot > 5) continue
          if (!isFailing) begun[group].delete(slot)
          else if (nowMs >= until[group]) begun[group].set(slot, nowMs)
          const recent = [...begun[group].values()].filter((atMs) => nowMs - atMs <= 60_000).length
          const limit = group === 'p' ? 3 : 4
          if (!isFailing || nowMs < until[group] || recent < limit) continue
          until[group] = nowMs + 120_000
          begun[group].clear()
          expected.push(group)
        }
        expect(held).toEqual(expected)
        expect(guard.isHeld(1, nowMs)).toBe(nowMs < until.p || nowMs < until[allGroup])
        expect(guard.isHeld(12, nowMs)).toBe(nowMs < until[allGroup])
      }
    }),
    { numRuns: runs(500) },
  )
})
