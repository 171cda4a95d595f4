// First rungs against weights: expected shares follow the weights at the time of the answers.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { type PoolShares, createPoolShares } from '../../src/metrics/pool-shares.ts'
import { type Counters, createCounters, AnswerPosition } from '../../src/answer/counters.ts'
import { Standing } from '../../src/health/table.ts'
import type { MemberState } from '../../src/weights/member-state.ts'

let counters: readonly Counters[]
let weights: Record<string, number>
let shares: PoolShares
let nowMs: number

const stateOf = ([target, effective]: [string, number], i: number): MemberState => ({
  member: {
    zone: 'z',
    target,
    pool: 'p',
    weight: 1,
    poolWeight: 2,
    row: i + 1,
    slots: [],
    targetIndex: i,
    warmup: null,
  },
  standing: Standing.normal,
  warmUpShare: 1,
  overrideShare: 1,
  feedback: 1,
  reputation: 1,
  factor: 1,
  holdSeconds: Infinity,
  out: null,
  effective,
})

beforeEach(() => {
  counters = [createCounters(), createCounters()]
  weights = { a: 3, b: 1 }
  nowMs = 90_000
  shares = createPoolShares({
    counters,
    states: () => Object.entries(weights).map(stateOf),
    clock: { monotonicMs: () => nowMs },
  })
})
afterEach(() => shares.close())

const countSelections = (target: number, times: number): void => {
  for (let i = 0; i < times; i++)
    counters[i % 2]?.answerCounts.add(target, AnswerPosition.first, 'eligible', 1000 + i)
}
const read = (): object =>
  Object.fromEntries(shares.read().map((one) => [one.target, [one.actual, one.expected]]))

test('each member is credited with its share of the answers, by the weights of that time', () => {
  shares.sample()
  countSelections(0, 70)
  countSelections(1, 30)
  expect(read()).toEqual({ a: [70, 75], b: [30, 25] })
  countSelections(0, 10)
  weights = { a: 0, b: 1 }
  shares.sample()
  countSelections(1, 50)
  expect(read()).toEqual({ a: [80, 82.5], b: [80, 77.5] })
})

test('lower rungs, addresses and failing open do not count', () => {
  const [one] = counters as [Counters, Counters]
  one.answerCounts.add(0, AnswerPosition.later, 'eligible', 5)
  one.answerCounts.add(0, AnswerPosition.address, 'eligible', 7)
  one.answerCounts.add(0, AnswerPosition.first, 'failed-open', 9)
  one.answerCounts.add(0, AnswerPosition.address, 'own-name', 11)
  expect(read()).toEqual({ a: [0, 0], b: [0, 0] })
  expect(one.read().answerCounts(0)).toEqual({ first: 3, any: 4 })
  // A query for the target's own name does not prolong the exposure.
  expect([one.answerCounts.exposedUntilMs(0), one.answerCounts.exposedUntilMs(1)]).toEqual([9, 0])
})

test('a target beyond the counters is not counted, without harm to others', () => {
  const [one] = counters as [Counters, Counters]
  one.answerCounts.add(16_384, AnswerPosition.first, 'eligible', 5)
  one.answerCounts.add(16_383, AnswerPosition.first, 'eligible', 5)
  expect(one.answerCounts.count(16_383, AnswerPosition.first, 'eligible')).toBe(1)
  expect(one.read().scalars.packets).toBe(0)
})

describe('the window', () => {
  const windows = (): object =>
    Object.fromEntries(
      shares
        .read()
        .map(({ target, window, addresses }) => [
          target,
          [window.seconds, window.had, window.due, addresses.had, addresses.due],
        ]),
    )

  test('holds 15 minutes, by the minute, and less after a start', () => {
    shares.sample()
    countSelections(0, 8)
    expect(windows()).toEqual({ a: [0, 8, 6, 0, 0], b: [0, 0, 2, 0, 0] })
    nowMs += 60_000
    countSelections(1, 4)
    expect(windows()).toEqual({ a: [60, 8, 9, 0, 0], b: [60, 4, 3, 0, 0] })
    // The minute of the first answers is the one that leaves first.
    nowMs = 60_000 + 15 * 60_000
    expect(windows()).toEqual({ a: [840, 0, 3, 0, 0], b: [840, 4, 1, 0, 0] })
    nowMs += 30_000
    expect(windows()).toMatchObject({ a: [870, 0, 3, 0, 0] })
    nowMs += 3_600_000
    expect(windows()).toEqual({ a: [870, 0, 0, 0, 0], b: [870, 0, 0, 0, 0] })
    expect(read()).toEqual({ a: [8, 9], b: [4, 3] })
  })

  test('has answers of address sets apart', () => {
    shares.sample()
    const [one] = counters as [Counters, Counters]
    for (let i = 0; i < 4; i++) one.answerCounts.add(1, AnswerPosition.address, 'eligible', 5)
    one.answerCounts.add(1, AnswerPosition.address, 'own-name', 5)
    expect(windows()).toEqual({ a: [0, 0, 0, 0, 3], b: [0, 0, 0, 4, 1] })
  })
})
