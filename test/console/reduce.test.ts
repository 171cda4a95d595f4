// News of the stream on the overview: what changes is new, what does not is the same object, and what does not fit asks
// for the overview again.

import { describe, expect, test } from 'vitest'

import { addEvents, applyDelta, keepEqualRows, wholeOverview } from '../../console/store/reduce.ts'
import { factsOf, poolMembersOf } from '../../console/store/places.ts'
import type { EventRecord, Overview, TargetRow } from '../../console/store/rows.ts'
import { targetRow } from './sample-rows.ts'
import { memberRow } from './scripted-console.ts'

const row = (target: string, more: Partial<TargetRow> = {}): TargetRow =>
  targetRow('example.com', target, { probe: 'default', ...more })

const known = {
  generation: 'aaaaaaaa:7',
  at: '2026-01-01T00:00:00.000Z',
  targets: [row('mx1'), row('mx2')],
  members: [],
  pools: [],
  overrides: [],
} as unknown as Overview

const delta = { generation: 'aaaaaaaa:8', at: '2026-01-01T00:00:01.000Z' }

describe('a delta', () => {
  test('replaces rows of its keys, and leaves the others as they are', () => {
    const outcome = applyDelta(known, { ...delta, targets: [row('mx2', { state: 'down' })] })
    if (outcome.kind !== 'applied') throw new Error(outcome.kind)
    expect(outcome.overview.targets.map(({ state }) => state)).toEqual(['up', 'down'])
    expect(outcome.overview.targets[0]).toBe(known.targets[0])
    expect(outcome.overview.members).toBe(known.members)
    expect(outcome.overview.generation).toBe('aaaaaaaa:8')
  })

  test('replaces other sections whole', () => {
    const outcome = applyDelta(known, { ...delta, overrides: [{ id: 'a' } as never] })
    expect(outcome.kind === 'applied' && outcome.overview.overrides).toEqual([{ id: 'a' }])
  })

  test.each([
    ['of a sequence that is known', { ...delta, generation: 'aaaaaaaa:7' }, 'old'],
    ['of another process', { ...delta, generation: 'bbbbbbbb:9' }, 'resync'],
    ['with a row that has no place', { ...delta, targets: [row('mx3')] }, 'resync'],
  ])('%s', (_, frame, kind) => {
    expect(applyDelta(known, frame).kind).toBe(kind)
  })
})

test('the members of a pool are the same array until one of them changes', () => {
  const sent = (pool: string, target: string, due: number) =>
    ({ ...memberRow(pool, target, due), zone: 'example.com' }) as const
  const before = wholeOverview({
    ...known,
    members: [sent('a', 'mx1', 0.5), sent('b', 'mx1', 1), sent('a', 'mx2', 0.5)],
  })
  const pools = (of: Overview) =>
    ['example.com a', 'example.com b'].map((key) => poolMembersOf(of, key))
  const [a, b] = pools(before)
  expect(a?.map(({ target }) => target)).toEqual(['mx1', 'mx2'])
  const outcome = applyDelta(before, { ...delta, members: [sent('a', 'mx2', 0.2)] })
  if (outcome.kind !== 'applied') throw new Error(outcome.kind)
  const [nextA, nextB] = pools(outcome.overview)
  expect(nextB).toBe(b)
  expect(nextA?.map(({ due }) => due)).toEqual([0.5, 0.2])
  expect(nextA?.[0]).toBe(a?.[0])
})

test('the facts of a target are the same arrays until one of its addresses or an order changes', () => {
  const second = row('mx1', { address: '192.0.2.99' })
  const before: Overview = { ...known, targets: [row('mx1'), row('mx2'), second] }
  const facts = factsOf(before, 'example.com mx1')
  expect(facts.addresses).toEqual([before.targets[0], second])
  const after = (changed: readonly TargetRow[]) => {
    const outcome = applyDelta(before, { ...delta, targets: changed })
    if (outcome.kind !== 'applied') throw new Error(outcome.kind)
    return factsOf(outcome.overview, 'example.com mx1')
  }
  expect(after([row('mx2', { state: 'down' })]).addresses).toBe(facts.addresses)
  const down = row('mx1', { address: '192.0.2.99', state: 'down' })
  expect(after([down]).addresses).toEqual([before.targets[0], down])
  expect(after([row('mx2')]).overrides).toBe(facts.overrides)
  const order = { zone: 'example.com', target: 'mx1' } as never
  expect(factsOf({ ...before, overrides: [order] }, 'example.com mx1').overrides).toEqual([order])
  expect(factsOf(before, 'example.com mx9')).toEqual({ addresses: [], overrides: [] })
})

test('factors of a weight that were not sent are 1', () => {
  const weight = { configured: 3, health: 1, effective: 1.5, shedding: 0.5 } as const
  const sent = { zone: 'example.com', pool: 'main', target: 'mx1', weight }
  const whole = wholeOverview({ ...known, members: [sent as never] })
  const factors = {
    warmUp: 1,
    override: 1,
    feedback: 1,
    reputation: 1,
    slowStart: 1,
    shedding: 0.5,
  }
  expect(whole.members[0]?.weight).toEqual({ configured: 3, health: 1, effective: 1.5, ...factors })
  const outcome = applyDelta(whole, {
    ...delta,
    members: [{ ...sent, weight: { configured: 3, health: 1, effective: 3 } } as never],
  })
  if (outcome.kind !== 'applied') throw new Error(outcome.kind)
  expect(outcome.overview.members[0]?.weight.shedding).toBe(1)
})

test('an overview taken anew keeps the objects of rows that are equal', () => {
  const fresh = { ...known, targets: [row('mx1'), row('mx2', { reason: 'timeout' })] }
  const kept = keepEqualRows(known, fresh)
  expect(kept.targets[0]).toBe(known.targets[0])
  expect(kept.targets[1]).toBe(fresh.targets[1])
})

test('events stand once each, the newest first, and no more than are kept', () => {
  const event = (id: number): EventRecord => ({ id, at: '', event: 'x', level: 'info', text: '' })
  expect(addEvents([event(2), event(1)], [event(3), event(2)], 2).map(({ id }) => id)).toEqual([
    3, 2,
  ])
})
