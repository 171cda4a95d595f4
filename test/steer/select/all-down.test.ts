// What is answered when a pool is weak, when no member is eligible, and when an operator took a member out.

import { describe, expect, test } from 'vitest'
import { SlotState, Standing } from '../../../src/health/table.ts'
import type { OnAllDown, Pool, SteeredSrv } from '../../../src/steer/policy.ts'
import {
  addressesOf,
  arrange,
  catchAllOf,
  ladderText,
  mxOf,
  namesOf,
  nowhere,
  policyOf,
  seeded,
  selectAddresses,
  selectMx,
  selectSrv,
} from '../arrange.ts'
import type { Arranged, World } from '../arrange.ts'
import { outliers, tally } from '../reference.ts'
import { createSteering, standingClock } from '../../../src/steer/select/steering.ts'

interface Setting extends Arranged {
  readonly list: Pool[]
}

function setting(world: World, changes: Readonly<Record<string, Partial<Pool>>> = {}): Setting {
  const arranged = arrange(world)
  const list = Object.values(arranged.pools).map((pool) => ({ ...pool, ...changes[pool.name] }))
  return { ...arranged, list }
}

const policyFor = (pools: readonly Pool[], onAllDown: OnAllDown = { kind: 'all' }) => ({
  ...policyOf([catchAllOf(pools)]),
  onAllDown,
})

function ladder({ list, health }: Setting, onAllDown?: OnAllDown, changes = {}) {
  const set = mxOf(policyFor(list, onAllDown), changes)
  return selectMx(set, nowhere, createSteering({ health, random: seeded(3), clock: standingClock }))
}

function sample({ list, health }: Setting, onAllDown?: OnAllDown, answers = 9) {
  const set = addressesOf(policyFor(list, onAllDown), answers)
  return selectAddresses(
    set,
    nowhere,
    createSteering({ health, random: seeded(3), clock: standingClock }),
  )
}

const srvOf = (list: readonly Pool[], answers = 16, onAllDown?: OnAllDown): SteeredSrv => ({
  kind: 'steered-srv',
  type: 33,
  policy: policyFor(list, onAllDown),
  ttl: 60,
  minTtl: 5,
  port: 587,
  answers,
})

describe('a pool below min_healthy', () => {
  const world = { eu: { a: '1 up', b: '3 down' }, us: { c: '1 up' } }

  test('leaves the lead to the next one, and stays on the ladder below it', () => {
    const it = setting(world, { eu: { minHealthy: 0.5 } })
    expect(ladderText(ladder(it))).toEqual(['10 c', '20 a'])
    expect(ladder(it)).toMatchObject({ reason: 'spilled' })
    expect(namesOf(sample(it))).toEqual(['c'])
    const enough = setting(world, { eu: { minHealthy: 0.25 } })
    expect(ladderText(ladder(enough))).toEqual(['10 a', '20 c'])
    expect(namesOf(sample(enough))).toEqual(['a'])
  })

  test('leads all the same where no pool has enough', () => {
    const it = setting(
      { eu: { a: '1 up', b: '3 down' }, us: { c: '1 up', d: '3 down' } },
      { eu: { minHealthy: 0.5 }, us: { minHealthy: 0.5 } },
    )
    expect(ladderText(ladder(it))).toEqual(['10 a', '20 c'])
    expect(ladder(it)).toMatchObject({ reason: 'eligible' })
  })

  test('is doubted only then', () => {
    const doubted = { minHealthy: 0.5, panic: 0.3 }
    const left = setting(world, { eu: doubted })
    expect(ladderText(ladder(left))).toEqual(['10 c', '20 a'])
    const alone = setting({ eu: world.eu }, { eu: doubted })
    expect(namesOf(ladder(alone)).sort()).toEqual(['a', 'b'])
    expect(ladder(alone)).toMatchObject({ reason: 'panic' })
  })

  test('counts who is drained as missing', () => {
    const it = setting(
      { eu: { a: '1 up', b: '1 up' }, us: { c: '1 up' } },
      { eu: { minHealthy: 0.6 } },
    )
    expect(namesOf(ladder(it))[2]).toBe('c')
    it.health.setRow(2, Standing.drained, 1)
    expect(ladderText(ladder(it))).toEqual(['10 c', '20 a'])
  })

  test('hands over in proportion if so configured: what each pool leads', () => {
    const spill = { minHealthy: 1, spill: 'proportional' } as const
    const it = setting(
      { eu: { a: '1 up', b: '1 down' }, us: { c: '3 up', d: '1 down' }, ap: { e: '1 up' } },
      { eu: spill, us: spill },
    )
    const steering = createSteering({ health: it.health, random: seeded(11), clock: standingClock })
    const mx = mxOf(policyFor(it.list))
    const addresses = addressesOf(policyFor(it.list), 1)
    const odds: [string, number][] = [
      ['a', 0.5],
      ['c', 0.375],
      ['e', 0.125],
    ]
    const firsts = tally(() => namesOf(selectMx(mx, nowhere, steering)).slice(0, 1))
    expect(outliers(firsts, odds)).toEqual([])
    const drawn = tally(() => namesOf(selectAddresses(addresses, nowhere, steering)))
    expect(outliers(drawn, odds)).toEqual([])
  })

  test('and what no pool keeps goes to all in proportion', () => {
    const spill = { minHealthy: 1, spill: 'proportional' } as const
    const it = setting(
      { eu: { a: '1 up', b: '1 down' }, us: { c: '1 up', d: '1 down' } },
      { eu: spill, us: spill },
    )
    const steering = createSteering({ health: it.health, random: seeded(12), clock: standingClock })
    const mx = mxOf(policyFor(it.list))
    const firsts = tally(() => namesOf(selectMx(mx, nowhere, steering)).slice(0, 1))
    expect(
      outliers(firsts, [
        ['a', 2 / 3],
        ['c', 1 / 3],
      ]),
    ).toEqual([])
  })
})

describe('no member eligible', () => {
  const dead = { eu: { a: '1 down', b: '1 down' }, us: { c: '1 down' } }

  test('last_good: who went down last, with those of the same minute', () => {
    const it = setting(dead)
    for (const [slot, at] of [
      [1, 500],
      [2, 1000],
      [3, 950],
    ] as const)
      it.health.setFell(slot, at)
    const lastGood = { kind: 'last_good' } as const
    expect(ladderText(ladder(it, lastGood))).toEqual(['10 b', '20 c'])
    expect(ladder(it, lastGood)).toMatchObject({ reason: 'last-good' })
    expect(namesOf(sample(it, lastGood)).sort()).toEqual(['b', 'c'])
    it.health.setFell(3, 939)
    expect(namesOf(sample(it, lastGood))).toEqual(['b'])
    it.health.setRow(2, Standing.drained, 1)
    expect(namesOf(ladder(it, lastGood))).toEqual(['c'])
  })

  test('last_good without any memory: all members', () => {
    const it = setting(dead)
    expect(namesOf(ladder(it, { kind: 'last_good' })).sort()).toEqual(['a', 'b', 'c'])
    expect(sample(it, { kind: 'last_good' })).toMatchObject({ reason: 'failed-open' })
  })

  test('backup: its pool, by its own health; with none there all members, that pool last', () => {
    const it = setting({ ...dead, spare: { y: '1 down', z: '1 up' } })
    const pool = it.list.pop() as Pool
    const backup = { kind: 'backup', pool } as const
    expect(ladderText(ladder(it, backup))).toEqual(['10 z'])
    expect(ladder(it, backup)).toMatchObject({ reason: 'backup' })
    expect(namesOf(sample(it, backup))).toEqual(['z'])
    it.health.set(5, SlotState.down, 1, Infinity)
    expect(namesOf(ladder(it, backup)).slice(0, 3).sort()).toEqual(['a', 'b', 'c'])
    expect(namesOf(ladder(it, backup)).slice(3).sort()).toEqual(['y', 'z'])
    expect(ladder(it, backup)).toMatchObject({ reason: 'failed-open' })
    it.health.set(1, SlotState.up, 1, Infinity)
    expect(ladderText(ladder(it, backup))).toEqual(['10 a'])
  })
})

describe('who is drained or disabled', () => {
  test('stays out of panic and of all members, while any other is there', () => {
    const it = setting(
      { eu: { a: '1 down', b: '1 down', c: '1 up', d: '1 up' } },
      { eu: { panic: 1 } },
    )
    it.health.setRow(3, Standing.drained, 1)
    it.health.setRow(4, Standing.disabled, 1)
    expect(namesOf(ladder(it)).sort()).toEqual(['a', 'b'])
    expect(namesOf(sample(it)).sort()).toEqual(['a', 'b'])
    const calm = setting({ eu: { a: '1 down', b: '1 up' } })
    calm.health.setRow(2, Standing.drained, 1)
    expect(ladder(calm)).toMatchObject({
      reason: 'failed-open',
      rungs: [{ target: { name: 'a' } }],
    })
  })

  test('is answered where no other member is left: the drained before the disabled', () => {
    const it = setting({ eu: { a: '1 up', b: '1 up', c: '0 up' } })
    it.health.setRow(1, Standing.disabled, 1)
    it.health.setRow(2, Standing.drained, 1)
    expect(namesOf(ladder(it))).toEqual(['b'])
    expect(namesOf(sample(it))).toEqual(['b'])
    it.health.setRow(2, Standing.disabled, 1)
    expect(namesOf(ladder(it)).sort()).toEqual(['a', 'b'])
  })

  test('a share of 0 is out likewise, but before them where no member is left', () => {
    const it = setting({ eu: { a: '1 up', b: '1 up' } })
    it.health.setRow(1, Standing.normal, 0)
    expect(namesOf(ladder(it))).toEqual(['b'])
    it.health.setRow(2, Standing.drained, 1)
    expect(namesOf(ladder(it))).toEqual(['a'])
  })

  test('forced up: whatever its addresses are', () => {
    const it = setting({ eu: { a: '1 down', b: '1 up' } })
    it.health.setRow(1, Standing.forced, 1)
    expect(namesOf(ladder(it)).sort()).toEqual(['a', 'b'])
    expect(namesOf(sample(it)).sort()).toEqual(['a', 'b'])
  })

  test('the end of it caps the TTL', () => {
    const it = setting({ eu: { a: '1 up', b: '1 up' } })
    it.health.setRow(1, Standing.drained, 1, 17.9)
    expect(ladder(it)).toMatchObject({ ttl: 17 })
    expect(sample(it)).toMatchObject({ ttl: 17 })
  })
})

describe('SRV', () => {
  const choicesOf = (it: Setting, answers?: number, onAllDown?: OnAllDown, seed = 1) => {
    const set = srvOf(it.list, answers, onAllDown)
    const selection = selectSrv(
      set,
      nowhere,
      createSteering({ health: it.health, random: seeded(seed), clock: standingClock }),
    )
    return selection.kind === 'selected' ? selection.records : []
  }
  const textOf = (it: Setting, answers?: number, onAllDown?: OnAllDown): string[] =>
    choicesOf(it, answers, onAllDown)
      .map(({ priority, weight, target }) => `${priority} ${weight} ${target.name}`)
      .sort()

  test('priority is the pool, weight the weight; suspects below all', () => {
    const it = setting({
      eu: { a: '5 up', b: '3 suspect', x: '1 down' },
      us: { c: '2 up', a: '9 up' },
    })
    expect(textOf(it)).toEqual(['10 5 a', '20 2 c', '30 3 b'])
    it.health.setRow(1, Standing.normal, 0.25)
    expect(textOf(it)).toEqual(['10 125 a', '20 2 c', '30 3 b'])
  })

  test('no member eligible', () => {
    const it = setting({ eu: { a: '5 down', b: '3 down' } })
    expect(textOf(it, 1)).toEqual(['10 3 b', '10 5 a'])
    expect(textOf(it, 16, { kind: 'servfail' })).toEqual([])
    it.health.setFell(2, 9)
    expect(textOf(it, 16, { kind: 'last_good' })).toEqual(['10 3 b'])
  })

  test('where not all fit, expected shares are what they would be with all', () => {
    const weights = { a: 50, b: 20, c: 15, d: 10, e: 5 }
    const eu = Object.fromEntries(Object.entries(weights).map(([name, w]) => [name, `${w} up`]))
    const it = setting({ eu })
    const set = srvOf(it.list, 3)
    const steering = createSteering({ health: it.health, random: seeded(8), clock: standingClock })
    const pick = seeded(9)
    const picked = tally(() => {
      const selection = selectSrv(set, nowhere, steering)
      if (selection.kind !== 'selected') return []
      expect(selection.records).toHaveLength(3)
      let point = pick() * selection.records.reduce((sum, { weight }) => sum + weight, 0)
      const one = selection.records.find(({ weight }) => (point -= weight) < 0)
      return [one?.target.name ?? '']
    })
    expect(
      outliers(
        picked,
        Object.entries(weights).map(([name, w]) => [name, w / 100]),
      ),
    ).toEqual([])
  })
})

test.each([1, 2, 3])(
  'last_good, equal: a ladder of %i names no more, however many pools there are',
  (limit) => {
    const all = setting({
      eu: { a: '1 down', b: '1 down', c: '1 down' },
      us: { d: '1 down' },
      as: { e: '1 down' },
    })
    for (let slot = 1; slot <= 5; slot++) all.health.setFell(slot, 1000)
    const chosen = ladder(all, { kind: 'last_good' }, { mode: 'equal', ladder: limit })
    expect(chosen).toMatchObject({ reason: 'last-good' })
    expect(namesOf(chosen)).toHaveLength(limit)
  },
)
