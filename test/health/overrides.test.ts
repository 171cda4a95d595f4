import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import {
  type Override,
  type OverrideAction,
  effectOf,
  expireOverrides,
  keyOfOverride,
  nextEndMs,
  overrideKeysOf,
  overrideLimit,
  setOverride,
  unknownOverrideLimits,
  withinOverrideLimits,
} from '../../src/health/overrides.ts'
import { Standing } from '../../src/health/table.ts'

const of = (action: OverrideAction, changes: Partial<Override> = {}): Override => ({
  id: 'a',
  zone: 'z',
  target: 't',
  pool: null,
  action,
  why: '',
  by: '',
  setMs: 0,
  untilMs: 100,
  ...changes,
})
const drain = of({ kind: 'drain' })
const weigh = (unit: 'factor' | 'absolute' | 'share', value: number): Override =>
  of({ kind: 'weight', weight: { unit, value } })
const member = { zone: 'z', target: 't', pool: 'p', weight: 2, poolWeight: 8 }

const anyTarget = (): boolean => true

const listOf = (...overrides: Override[]): readonly Override[] =>
  overrides.reduce<readonly Override[]>((list, one) => {
    const taken = setOverride(list, one, anyTarget)
    if (taken.kind === 'full') throw new Error('full')
    return taken.list
  }, [])

describe('setting', () => {
  test('replaces one of the same target, scope and class, and no other', () => {
    const up = of({ kind: 'up' }, { id: 'b' })
    expect(setOverride([drain], up, anyTarget)).toEqual({
      kind: 'set',
      list: [up],
      replaced: drain,
    })
    for (const other of [
      weigh('factor', 1),
      of({ kind: 'drain' }, { pool: 'p' }),
      of({ kind: 'drain' }, { target: 'u' }),
      of({ kind: 'drain' }, { zone: 'y' }),
    ])
      expect(setOverride([drain], other, anyTarget)).toMatchObject({
        list: [drain, other],
        replaced: null,
      })
  })

  test('stops at the limit, but not for one that replaces', () => {
    const many = Array.from({ length: overrideLimit }, (_, i) =>
      of(drain.action, { target: `t${i}` }),
    )
    expect(setOverride(many, drain, anyTarget)).toEqual({ kind: 'full' })
    expect(setOverride(many, of({ kind: 'up' }, { target: 't7' }), anyTarget).kind).toBe('set')
  })
})

describe('overrides of targets that no zone has', () => {
  const keys = overrideKeysOf([{ zone: 'z', target: 't', pool: 'p' }])
  const isKnown = (one: Override): boolean => keys.has(keyOfOverride(one))
  const strangers = Array.from({ length: 1000 }, (_, i) =>
    of(drain.action, { id: `s${i}`, target: `t${i}`, setMs: 1 }),
  )

  test('are told by zone, target and pool', () => {
    for (const known of [drain, of(drain.action, { pool: 'p' }), weigh('factor', 1)])
      expect(isKnown(known)).toBe(true)
    for (const changes of [{ zone: 'y' }, { target: 'u' }, { pool: 'q' }])
      expect(isKnown(of(drain.action, changes))).toBe(false)
  })

  test('refuse no other, however many there are', () => {
    expect(setOverride(strangers, drain, isKnown)).toMatchObject({ kind: 'set', replaced: null })
    const list = [...strangers, ...strangers.map((one) => ({ ...one, target: `u${one.id}` }))]
    expect(withinOverrideLimits([...list, drain], isKnown)).toEqual([...strangers, drain])
  })

  test('are kept up to a number, and up to a size', () => {
    const long = Array.from({ length: unknownOverrideLimits.count }, (_, i) =>
      of(drain.action, { target: `t${i}`, zone: 'y'.repeat(255), why: 'x'.repeat(200) }),
    )
    const kept = withinOverrideLimits(long, isKnown)
    expect(kept.length).toBeGreaterThan(100)
    expect(JSON.stringify(kept).length).toBeLessThan(unknownOverrideLimits.characters * 1.01)
  })
})

test('ending: at its time, none before, those without an end never', () => {
  const endless = of({ kind: 'disable' }, { target: 'u', untilMs: null })
  const list = [drain, endless]
  expect(expireOverrides(list, 99)).toEqual({ list, ended: [] })
  expect(expireOverrides(list, 100)).toEqual({ list: [endless], ended: [drain] })
  expect([nextEndMs(list), nextEndMs([endless])]).toEqual([100, Infinity])
})

describe('what they make of a member', () => {
  test.each([
    ['nothing', [], Standing.normal, 1],
    ['a drain', [drain], Standing.drained, 1],
    ['disable', [of({ kind: 'disable' })], Standing.disabled, 1],
    ['up, with a weight', [of({ kind: 'up' }), weigh('factor', 0.5)], Standing.forced, 0.5],
    ['one of another pool', [of(drain.action, { pool: 'q' })], Standing.normal, 1],
    ['its pool before all', [drain, of({ kind: 'up' }, { pool: 'p' })], Standing.forced, 1],
    ['an absolute weight', [weigh('absolute', 3)], Standing.normal, 1.5],
  ] as const)('%s', (_, list, standing, share) => {
    expect(effectOf(listOf(...list), member)).toMatchObject({ standing, share })
  })

  test('the first end of those in force', () => {
    const list = [drain, of(weigh('factor', 1).action, { untilMs: 50 })]
    expect(effectOf(list, member).endMs).toBe(50)
    expect(effectOf([], member).endMs).toBe(Infinity)
  })

  test('a share of the pool is that share, by configured weights', () => {
    const weights = {
      weight: fc.integer({ min: 1, max: 1000 }),
      others: fc.integer({ min: 1, max: 5000 }),
    }
    fc.assert(
      fc.property(
        fc.record({ ...weights, share: fc.double({ min: 0, max: 0.99, noNaN: true }) }),
        (one) => {
          const its = { ...member, weight: one.weight, poolWeight: one.weight + one.others }
          const weight = one.weight * effectOf([weigh('share', one.share)], its).share
          expect(weight / (weight + one.others)).toBeCloseTo(one.share, 9)
        },
      ),
    )
  })

  test('alone in a pool it has all of it; a weight of 0 has no share', () => {
    expect(effectOf([weigh('share', 0.1)], { ...member, poolWeight: 2 }).share).toBe(1)
    const spare = { ...member, weight: 0 }
    for (const unit of ['factor', 'absolute', 'share'] as const)
      expect(spare.weight * effectOf([weigh(unit, 0.5)], spare).share).toBe(0)
  })
})
