// The brake: when it takes a second round, and that it lets go.

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

const brakeOf = (pools: readonly FailureGroup[], all: readonly number[]): MassFailureGuard => {
  const brake = new MassFailureGuard()
  brake.replace(pools, all)
  return brake
}

/** All begin to fail, one each `everyMs`; the groups that were engaged, with the count that it took. */
const failAll = (
  brake: MassFailureGuard,
  which: readonly number[],
  everyMs = 100,
  fromMs = 0,
): string[] =>
  which.flatMap((slot, i) =>
    brake
      .recordFailing(slot, fromMs + i * everyMs)
      .map(({ group, failing, of }) => `${group} ${failing}/${of}`),
  )

describe('engaged by', () => {
  test('more than half of a pool', () => {
    const brake = brakeOf([{ name: 'eu', slots: slots(6) }], slots(100))
    expect(failAll(brake, slots(3))).toEqual([])
    expect(brake.isHeld(1, 300)).toBe(false)
    expect(brake.recordFailing(4, 300)).toEqual([{ group: 'eu', failing: 4, of: 6 }])
    expect([1, 4, 6, 7].map((slot) => brake.isHeld(slot, 300))).toEqual([true, true, true, false])
    expect(brake.engaged(300)).toBe(1)
  })

  test('30 % of all addresses', () => {
    const pools = slots(10).map((i) => ({ name: `p${i}`, slots: slots(10, 10 * i) }))
    const brake = brakeOf(pools, slots(100, 10))
    // Three a pool: none is in trouble by itself.
    const spread = pools.flatMap((pool) => pool.slots.slice(0, 3))
    expect(failAll(brake, spread)).toEqual([`${allGroup} 30/100`])
    expect(brake.isHeld(109, 3000)).toBe(true)
  })

  test('every one there is, of two or more', () => {
    expect(failAll(brakeOf([], slots(2)), slots(2))).toEqual([`${allGroup} 2/2`])
    expect(failAll(brakeOf([], slots(1)), slots(1))).toEqual([])
    expect(failAll(brakeOf([], slots(3)), slots(2))).toEqual([])
  })

  test('nobody where they begin to fail more than a minute apart', () => {
    const brake = brakeOf([{ name: 'eu', slots: slots(6) }], slots(6))
    expect(failAll(brake, slots(6), 40_000)).toEqual([])
    const quick = brakeOf([{ name: 'eu', slots: slots(6) }], slots(60))
    expect(failAll(quick, slots(6), 19_000)).toEqual(['eu 4/6'])
  })

  test('nobody where those before are well again', () => {
    const brake = brakeOf([{ name: 'eu', slots: slots(6) }], slots(60))
    failAll(brake, slots(3))
    brake.recordPassing(2)
    expect(failAll(brake, [4], 1, 400)).toEqual([])
    expect(failAll(brake, [2], 1, 500)).toEqual(['eu 4/6'])
  })

  test('an address that fails again counts once', () => {
    const brake = brakeOf([{ name: 'eu', slots: slots(6) }], slots(60))
    expect(failAll(brake, [1, 2, 3, 1, 1, 2])).toEqual([])
  })
})

describe('lets go', () => {
  test('after two minutes, and those who were counted do not engage it again', () => {
    const brake = brakeOf([{ name: 'eu', slots: slots(6) }], slots(60))
    failAll(brake, slots(6), 1)
    expect(brake.isHeld(6, 119_000)).toBe(true)
    expect(brake.isHeld(6, 120_010)).toBe(false)
    expect(failAll(brake, [1, 2, 3], 1, 121_000)).toEqual([])
    expect(failAll(brake, [4], 1, 121_100)).toEqual(['eu 4/6'])
  })

  test('and says so once, also of a pool that a reload took away', () => {
    const brake = brakeOf([{ name: 'eu', slots: slots(6) }], slots(60))
    expect([brake.takeReleased(0), brake.nextReleaseInMs(0)]).toEqual([[], null])
    failAll(brake, slots(6), 1000)
    expect(brake.nextReleaseInMs(4000)).toBe(119_000)
    expect(brake.takeReleased(122_999)).toEqual([])
    expect(brake.takeReleased(123_000)).toEqual([{ group: 'eu', seconds: 120 }])
    expect([brake.takeReleased(123_000), brake.nextReleaseInMs(123_000)]).toEqual([[], null])
    failAll(brake, slots(6), 1, 200_000)
    brake.replace([{ name: 'us', slots: slots(6) }], slots(60))
    expect(brake.takeReleased(210_000)).toEqual([{ group: 'eu', seconds: 10 }])
  })

  test('who is held back anew before that was said is held on', () => {
    const brake = brakeOf(
      [
        { name: 'eu', slots: slots(6) },
        { name: 'us', slots: slots(6, 10) },
      ],
      slots(60),
    )
    failAll(brake, slots(6), 1)
    failAll(brake, slots(6, 10), 1, 60_000)
    failAll(brake, slots(6), 1, 130_000)
    expect(brake.nextReleaseInMs(130_000)).toBe(50_003)
    expect(brake.takeReleased(180_003)).toEqual([{ group: 'us', seconds: 120 }])
    expect(brake.takeReleased(250_003)).toEqual([{ group: 'eu', seconds: 120 }])
  })

  test('over a reload a pool keeps what is known of it', () => {
    const brake = brakeOf([{ name: 'eu', slots: slots(6) }], slots(60))
    failAll(brake, slots(3))
    brake.replace([{ name: 'eu', slots: slots(7) }], slots(61))
    expect(failAll(brake, [4], 1, 400)).toEqual(['eu 4/7'])
    brake.replace([{ name: 'us', slots: slots(7) }], slots(61))
    expect(brake.isHeld(4, 500)).toBe(false)
  })
})

/** Every slot's last beginning, in a list; counted anew each time. */
test('engages when a list of beginnings says so', () => {
  const step = fc.record({
    slot: fc.integer({ min: 1, max: 12 }),
    isFailing: fc.boolean(),
    afterMs: fc.constantFrom(0, 500, 9000, 40_000, 70_000),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      const brake = brakeOf([{ name: 'p', slots: slots(5) }], slots(12))
      const begun = { p: new Map<number, number>(), [allGroup]: new Map<number, number>() }
      const until = { p: -1, [allGroup]: -1 }
      let nowMs = 0
      for (const { slot, isFailing, afterMs } of steps) {
        nowMs += afterMs
        const engaged = isFailing ? brake.recordFailing(slot, nowMs).map(({ group }) => group) : []
        if (!isFailing) brake.recordPassing(slot)
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
        expect(engaged).toEqual(expected)
        expect(brake.isHeld(1, nowMs)).toBe(nowMs < until.p || nowMs < until[allGroup])
        expect(brake.isHeld(12, nowMs)).toBe(nowMs < until[allGroup])
      }
    }),
    { numRuns: runs(500) },
  )
})
