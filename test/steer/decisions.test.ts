// Which pools, members and addresses a decision may use at all, why, and for how long.

import { describe, expect, test } from 'vitest'
import { SlotState } from '../../src/health/table.ts'
import { targetAddresses } from '../../src/steer/select/target-addresses.ts'
import { createSteering, standingClock, type Steering } from '../../src/steer/select/steering.ts'
import type { Member, Pool, TargetAddresses } from '../../src/steer/policy.ts'
import {
  type Arranged,
  type World,
  addressesOf,
  arrange,
  catchAllOf,
  ladderText,
  locusAt,
  mxOf,
  namesOf,
  network,
  nowhere,
  policyOf,
  seeded,
  textsOf,
  selectAddresses,
  selectMx,
} from './arrange.ts'

const steeringOf = ({ health }: Arranged): Steering =>
  createSteering({ health, random: seeded(7), clock: standingClock })

function ladder(world: World, panic = 0, changes = {}, onAllDown: 'all' | 'servfail' = 'all') {
  const arranged = arrange(world, panic)
  const set = mxOf(policyOf([catchAllOf(Object.values(arranged.pools))], onAllDown), changes)
  return selectMx(set, nowhere, steeringOf(arranged))
}

function sample(world: World, answers: number, panic = 0, changes = {}) {
  const arranged = arrange(world, panic)
  const set = addressesOf(policyOf([catchAllOf(Object.values(arranged.pools))]), answers, changes)
  return selectAddresses(set, nowhere, steeringOf(arranged))
}

describe('ladder', () => {
  test('preferences are 10, 20, 30…; later pools below earlier ones, suspects below all', () => {
    const selection = ladder(
      { eu: { a: '1 suspect', b: '1 up' }, us: { c: '9 up' }, ap: { d: '9 suspect', e: '1 up' } },
      0,
      { ladder: 9 },
    )
    expect(ladderText(selection)).toEqual(['10 b', '20 c', '30 e', '40 a', '50 d'])
    expect(selection).toMatchObject({ reason: 'eligible' })
  })

  test('is no longer than asked, and suspects are the first to miss out', () => {
    const world = { eu: { a: '9 suspect', b: '1 up' }, us: { c: '1 up', d: '0 up' } }
    expect(ladderText(ladder(world, 0, { ladder: 2 }))).toEqual(['10 b', '20 c'])
    expect(ladderText(ladder(world, 0, { ladder: 0 }))).toEqual(['10 b'])
  })

  test('a pool that is all down is passed over', () => {
    const world = { eu: { a: '5 down', b: '5 up*0' }, us: { c: '1 up' } }
    expect(ladderText(ladder(world))).toEqual(['10 c'])
  })

  test('a target of several pools stands once, where it stands best', () => {
    const world = { eu: { a: '1 suspect', b: '1 up' }, us: { a: '1 up', b: '1 up', c: '1 down' } }
    expect(ladderText(ladder(world))).toEqual(['10 b', '20 a'])
  })

  test('all down: all members, in the order of the pools, longer than `ladder` if need be', () => {
    const selection = ladder(
      { eu: { a: '5 down' }, us: { b: '1 down', z: '0 up' }, ap: { c: '1 up*0' } },
      0,
      { ladder: 2 },
    )
    expect(ladderText(selection)).toEqual(['10 a', '20 b', '30 c'])
    expect(selection).toMatchObject({ reason: 'failed-open' })
  })

  test('all down with `on_all_down: servfail`', () => {
    expect(ladder({ eu: { a: '5 down' } }, 0, {}, 'servfail')).toEqual({ kind: 'servfail' })
    expect(ladder({ eu: { a: '5 suspect' } }, 0, {}, 'servfail').kind).toBe('selected')
  })

  test('nothing but zero weights: still all members', () => {
    const selection = ladder({ eu: { a: '0 up' }, us: { b: '0 down' } })
    expect(ladderText(selection)).toEqual(['10 a', '20 b'])
  })

  test('panic: with too little left, the pool counts as up; with just enough it does not', () => {
    const world = { eu: { a: '6 down', b: '4 up' }, us: { c: '1 up' } }
    const panicked = ladder(world, 0.5)
    expect(namesOf(panicked).slice(0, 2).sort()).toEqual(['a', 'b'])
    expect(panicked).toMatchObject({ reason: 'panic' })
    const calm = ladder(world, 0.4)
    expect(ladderText(calm)).toEqual(['10 b', '20 c'])
    expect(calm).toMatchObject({ reason: 'eligible' })
  })

  test('panic of a pool that a full ladder does not reach is not the reason', () => {
    const world = { eu: { a: '1 up' }, us: { b: '1 down', c: '1 down' } }
    expect(ladder(world, 0.5, { ladder: 1 })).toMatchObject({ reason: 'eligible' })
    expect(ladder(world, 0.5, { ladder: 2 })).toMatchObject({ reason: 'panic' })
  })

  test('nor is that of a pool whose targets all stand on it already', () => {
    const world = { eu: { a: '1 up' }, us: { a: '1 down' } }
    expect(ladder(world, 0.5)).toMatchObject({ reason: 'eligible', rungs: [{ preference: 10 }] })
  })

  test('equal preferences: the first pool with an eligible member, and only it', () => {
    const world = { eu: { a: '5 down' }, us: { b: '1 up', c: '1 suspect' }, ap: { d: '1 up' } }
    expect(ladderText(ladder(world, 0, { mode: 'equal' }))).toEqual(['10 b', '10 c'])
    const down = { eu: { a: '5 down' }, us: { b: '1 down' } }
    expect(ladderText(ladder(down, 0, { mode: 'equal' }))).toEqual(['10 a', '10 b'])
  })
})

describe('loop guard', () => {
  const world = {
    eu: { backup: '1 up', main: '9 down', other: '1 up', off: '0 up' },
    us: { far: '20 up', main: '1 up' },
  }
  const arranged = arrange(world)
  const { eu, us } = arranged.pools as { eu: Pool; us: Pool }
  const european = { continents: ['EU'], countries: null, asns: null, networks: null }
  const policy = policyOf([{ when: european, pools: [us, eu] }, catchAllOf([eu, us])])
  const internal = [network('10.9.0.0', 16), network('2001:db8:9::', 48)]

  test('the MTAs get one ladder, whatever the place, the health and the chance', () => {
    const set = mxOf(policy, { internal })
    const steering = steeringOf(arranged)
    const wanted = ['10 main', '20 backup', '30 other', '40 far']
    for (let i = 0; i < 50; i++) {
      expect(ladderText(selectMx(set, locusAt('10.9.1.2'), steering))).toEqual(wanted)
      const european = locusAt('2001:db8:9::1', { continent: 'EU' })
      expect(ladderText(selectMx(set, european, steering))).toEqual(wanted)
    }
    const outside = ladderText(selectMx(set, locusAt('10.10.1.2'), steering))
    expect(outside).not.toContain('10 main')
  })

  test('a short one keeps the best', () => {
    const set = mxOf(policy, { internal, ladder: 2 })
    expect(ladderText(selectMx(set, locusAt('10.9.1.2'), steeringOf(arranged)))).toEqual([
      '10 main',
      '20 backup',
    ])
  })
})

describe('sample', () => {
  test('fewer eligible than asked are not made up from the next pool', () => {
    const world = { eu: { a: '1 up', b: '1 down' }, us: { c: '1 up' } }
    expect(namesOf(sample(world, 2))).toEqual(['a'])
  })

  test('the next pool only where the first has no eligible member', () => {
    const world = { eu: { a: '1 down' }, us: { b: '1 suspect' }, ap: { c: '1 up' } }
    expect(namesOf(sample(world, 2))).toEqual(['b'])
  })

  test('all down: all addresses of all pools, more than asked', () => {
    const selection = sample({ eu: { a: '1 down down' }, us: { b: '1 down', c: '0 up' } }, 1)
    expect(namesOf(selection).sort()).toEqual(['a', 'a', 'b'])
    expect(selection).toMatchObject({ reason: 'failed-open' })
  })

  test('panic goes by the weight of those that have the family', () => {
    const world = { eu: { a: '1 down v6:up', b: '1 up', c: '5 v6:up' } }
    const panicked = sample(world, 9, 0.6)
    expect(namesOf(panicked).sort()).toEqual(['a', 'b'])
    expect(panicked).toMatchObject({ reason: 'panic' })
    expect(namesOf(sample(world, 9, 0.5))).toEqual(['b'])
  })

  test('families are filtered apart; pools without the family are passed over', () => {
    const world = { eu: { a: '1 up' }, us: { b: '1 down v6:up', c: '1 up v6:down' } }
    expect(textsOf(sample(world, 9, 0, { type: 28 }))).toEqual(['2001:db8:1::1'])
    expect(textsOf(sample(world, 9))).toEqual(['10.0.0.0'])
  })

  test('a family that is all down stays while the other lives, even with `servfail`', () => {
    const arranged = arrange({ eu: { a: '1 up v6:down' }, us: { b: '1 down v6:down' } })
    const policy = policyOf([catchAllOf(Object.values(arranged.pools))], 'servfail')
    const six = selectAddresses(addressesOf(policy, 9, { type: 28 }), nowhere, steeringOf(arranged))
    expect(textsOf(six).sort()).toEqual(['2001:db8:0::1', '2001:db8:1::1'])
    expect(six).toMatchObject({ reason: 'failed-open' })
    arranged.health.set(1, SlotState.down, 1, Infinity)
    for (const type of [1, 28]) {
      const set = addressesOf(policy, 9, { type })
      expect(selectAddresses(set, nowhere, steeringOf(arranged))).toEqual({ kind: 'servfail' })
    }
  })

  test('a family without addresses is a fact of the file', () => {
    expect(sample({ eu: { a: '1 down' } }, 2, 0, { type: 28 })).toEqual({ kind: 'no-family' })
  })

  test.each([0, 40])('one address of two targets is one record, beside %i others', (others) => {
    const beside = Array.from({ length: others }, (_, i) => [`other${i}`, '1 up'] as const)
    const arranged = arrange({ eu: { a: '1 up', b: '1 up', ...Object.fromEntries(beside) } })
    const [a, b, ...more] = (arranged.pools['eu'] as Pool).members as [Member, Member, ...Member[]]
    const twin = { ...b, target: { ...b.target, addresses: a.target.addresses } }
    const pool = { ...(arranged.pools['eu'] as Pool), members: [a, twin, ...more] }
    const set = addressesOf(policyOf([catchAllOf([pool])]), Infinity)
    const texts = textsOf(selectAddresses(set, nowhere, steeringOf(arranged)))
    expect(texts).toContain('10.0.0.0')
    expect([texts.length, new Set(texts).size]).toEqual([others + 1, others + 1])
  })
})

function addresses(type: number, states: string, more?: string) {
  const arranged = arrange({
    eu: { a: `1 ${states}` },
    ...(more === undefined ? {} : { us: { a: `0 ${more}` } }),
  })
  const memberships = Object.values(arranged.pools).flatMap((pool) => pool.members)
  const target = (memberships[0] as Member).target
  const set: TargetAddresses = {
    kind: 'target-address',
    type,
    ttl: 60,
    minTtl: 5,
    target,
    answers: Infinity,
    memberships: more === 'none' ? [] : memberships,
  }
  return targetAddresses(set, steeringOf(arranged))
}

describe('addresses of a target', () => {
  test('down ones leave, suspect and unknown ones stay', () => {
    const selection = addresses(1, 'up down suspect unknown v6:down')
    expect(textsOf(selection)).toEqual(['10.0.0.0', '10.0.0.2', '10.0.0.3'])
    expect(selection).toMatchObject({ reason: 'eligible' })
  })

  test('the last of a family stays, whether or not the other lives', () => {
    for (const states of ['down v6:up', 'down v6:down']) {
      const selection = addresses(1, states)
      expect(textsOf(selection)).toEqual(['10.0.0.0'])
      expect(selection).toMatchObject({ reason: 'failed-open' })
    }
  })

  test('up if any membership sees it up', () => {
    expect(textsOf(addresses(1, 'down down up', 'up down down'))).toEqual(['10.0.0.0', '10.0.0.2'])
  })

  test('a family it does not have', () => {
    expect(addresses(28, 'up')).toEqual({ kind: 'no-family' })
  })
})

function hold(seconds: number[], changes = {}, panic = 0) {
  const arranged = arrange({ eu: { a: '1 up', b: '1 down' }, us: { c: '1 up' } }, panic)
  seconds.forEach((holdSeconds, i) => {
    const state = arranged.health.state(i + 1)
    arranged.health.set(i + 1, state, 1, holdSeconds)
  })
  const policy = policyOf([catchAllOf(Object.values(arranged.pools))])
  const steering = steeringOf(arranged)
  const mx = selectMx(mxOf(policy, changes), nowhere, steering)
  const addresses = selectAddresses(addressesOf(policy, 2, changes), nowhere, steering)
  return [mx, addresses].map((selection) => selection.kind === 'selected' && selection.ttl)
}

describe('TTL', () => {
  test('is the soonest change, in whole seconds, within the bounds', () => {
    expect(hold([Infinity, Infinity, Infinity])).toEqual([60, 60])
    expect(hold([40, 12.9, 30])).toEqual([12, 12])
    expect(hold([40, 2, 30])).toEqual([5, 5])
    expect(hold([400, 200, 300])).toEqual([60, 60])
    expect(hold([0, 0, 0], { minTtl: 0 })).toEqual([1, 1])
    expect(hold([-5, 8, 8], { minTtl: 0.5, ttl: 0.5 })).toEqual([1, 1])
    expect(hold([7, 8, 9], { minTtl: 30, ttl: 20 })).toEqual([20, 20])
  })

  test('pools that the answer does not need do not shorten it', () => {
    expect(hold([40, 50, 6])).toEqual([6, 40])
    expect(hold([40, 50, 6], { ladder: 1 })).toEqual([40, 40])
  })
})
