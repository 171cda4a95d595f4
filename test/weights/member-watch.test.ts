// The watch of members on simulated time: overrides and calendar → rows of the health table.

import { beforeEach, describe, expect, test } from 'vitest'

import type { Override, OverrideAction } from '../../src/health/overrides.ts'
import {
  type HealthWriter,
  SlotState,
  Standing,
  createHealthTable,
} from '../../src/health/table.ts'
import { type LoadedMembers, watchedMembers } from '../../src/weights/member-state.ts'
import { type MemberWatch, createMemberWatch } from '../../src/weights/member-watch.ts'
import { createStandaloneOverrides } from '../../src/cluster/standalone.ts'
import { type VirtualTime, createVirtualTime } from '../support/virtual-time.ts'

const dayMs = 86_400_000

let time: VirtualTime
let table: HealthWriter
let watch: MemberWatch
let ends: string[]

beforeEach(() => {
  time = createVirtualTime()
  table = createHealthTable(16)
  ends = []
  watch = createMemberWatch({
    table,
    clock: time.clock,
    timer: time.timer,
    store: createStandaloneOverrides(),
    onSet: () => {},
    onEnd: ({ target }, end) => ends.push(`${end} ${target}`),
  })
})

const loaded = (name: string, row: number, warmup: LoadedMembers['target']['warmup'] = null) => ({
  zone: 'z',
  target: { name, index: row, warmup },
  pools: [{ pool: 'p', member: { weight: 1, row, slots: [row] } }],
})
const watchAll = (...all: readonly LoadedMembers[]): void => watch.update(watchedMembers(all))

const override = (target: string, action: OverrideAction, forMs: number | null): Override => ({
  id: `${target} ${action.kind}`,
  zone: 'z',
  target,
  pool: null,
  action,
  why: '',
  by: '',
  setMs: time.clock.wallMs(),
  untilMs: forMs === null ? null : time.clock.wallMs() + forMs,
})
const half: OverrideAction = { kind: 'weight', weight: { unit: 'factor', value: 0.5 } }

describe('overrides', () => {
  test('are in the row at once, and gone at their end', () => {
    watchAll(loaded('a', 1), loaded('b', 2))
    expect(watch.set(override('a', { kind: 'drain' }, 10_000), false).kind).toBe('set')
    watch.set(override('a', half, 20_000), false)
    expect([table.standing(1), table.share(1)]).toEqual([Standing.drained, 0.5])
    expect([table.standing(2), table.share(2)]).toEqual([Standing.normal, 1])
    time.advance(9999)
    expect([table.standing(1), ends]).toEqual([Standing.drained, []])
    time.advance(1)
    expect([table.standing(1), table.share(1), ends]).toEqual([Standing.normal, 0.5, ['time a']])
    time.advance(10_000)
    expect([table.share(1), ends, time.pending()]).toEqual([1, ['time a', 'time a'], 0])
  })

  test('the hold of the row runs down with the time', () => {
    watchAll(loaded('a', 1), loaded('b', 2))
    watch.set(override('a', { kind: 'up' }, 3_600_000), false)
    for (const leftMs of [3_000_000, 600_000, 60_000, 2000]) {
      time.advance((watch.overrides()[0]?.untilMs ?? 0) - time.clock.wallMs() - leftMs)
      const hold = table.rowHoldSeconds(1)
      expect(hold).toBeGreaterThanOrEqual(leftMs / 1000)
      expect(hold).toBeLessThanOrEqual((leftMs / 1000) * 1.15 + 1)
    }
  })

  test('wait for a target that a reload took away, and leave its row to others', () => {
    watchAll(loaded('a', 1), loaded('b', 2))
    watch.set(override('a', { kind: 'drain' }, 60_000), false)
    watchAll(loaded('b', 2))
    expect([table.standing(1), watch.overrides()]).toEqual([
      Standing.normal,
      [expect.objectContaining({ target: 'a' })],
    ])
    watchAll(loaded('b', 2), loaded('a', 3))
    expect([table.standing(1), table.standing(3)]).toEqual([Standing.normal, Standing.drained])
  })

  test('end in time although no zone has their target', () => {
    watchAll(loaded('a', 1), loaded('b', 2))
    watch.set(override('a', { kind: 'drain' }, 60_000), false)
    watchAll(loaded('b', 2))
    time.advance(60_000)
    expect(ends).toEqual(['time a'])
  })
})

describe('leaving a pool empty', () => {
  const refusal = { kind: 'would-empty', pools: ['p'] }
  test.each([
    ['down', (): void => table.set(2, SlotState.down, 1, Infinity)],
    ['drained', (): void => void watch.set(override('b', { kind: 'drain' }, 1000), true)],
    ['worth nothing', (): void => table.set(2, SlotState.up, 0, Infinity)],
  ])('is refused where the other one is %s', (_, arrange) => {
    watchAll(loaded('a', 1), loaded('b', 2))
    expect(watch.set(override('a', { kind: 'drain' }, 1000), false).kind).toBe('set')
    watch.undo('a drain', '')
    arrange()
    expect(watch.set(override('a', { kind: 'drain' }, 1000), false)).toEqual(refusal)
    expect(watch.set(override('a', { kind: 'disable' }, null), false)).toEqual(refusal)
    const none: OverrideAction = { kind: 'weight', weight: { unit: 'factor', value: 0 } }
    expect(watch.set(override('a', none, 1000), false)).toEqual(refusal)
    expect(watch.set(override('a', half, 1000), false).kind).toBe('set')
    expect(watch.set(override('a', { kind: 'drain' }, 1000), true).kind).toBe('set')
  })

  test('is not where the other one is taken as up', () => {
    watchAll(loaded('a', 1), loaded('b', 2))
    table.set(2, SlotState.down, 1, Infinity)
    watch.set(override('b', { kind: 'up' }, 1000), false)
    expect(watch.set(override('a', { kind: 'drain' }, 1000), false).kind).toBe('set')
  })
})

test('warm-up: a share for each day, times the operator’s', () => {
  const fromMs = Math.ceil(time.clock.wallMs() / dayMs) * dayMs
  watchAll(loaded('a', 1, { fromMs, days: 4, curve: 'linear', start: 0.2 }), loaded('b', 2))
  expect(table.share(1)).toBe(0)
  time.advance(fromMs - time.clock.wallMs() + 10)
  expect(table.share(1)).toBeCloseTo(0.2, 6)
  watch.set(override('a', half, 4 * dayMs), false)
  time.advance(dayMs)
  expect(table.share(1)).toBeCloseTo(0.2, 6)
  expect(watch.states()[0]).toMatchObject({
    overrideShare: 0.5,
    effective: expect.closeTo(0.2) as number,
  })
  time.advance(3 * dayMs)
  expect(table.share(1)).toBe(1)
})
