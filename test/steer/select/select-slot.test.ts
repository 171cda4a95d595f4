// Exchange slots: names of one ladder, over many clients, over time, and over instances that know nothing of each other.

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SlotState, type HealthReader } from '../../../src/health/table.ts'
import type { Policy, Pool } from '../../../src/steer/policy.ts'
import { createSteering, standingClock } from '../../../src/steer/select/steering.ts'
import type { Locus } from '../../../src/steer/selection.ts'
import { runs } from '../../support/runs.ts'
import {
  type Arranged,
  arrange,
  catchAllOf,
  locusAt,
  namesOf,
  network,
  policyOf,
  slotOf,
  textsOf,
  type World,
  selectAddresses,
} from '../arrange.ts'
import { build, type ModelWorld } from '../model-world.ts'
import { worlds } from '../random-worlds.ts'
import { ladderOutcomes } from '../slow-steering.ts'

const noChance = (): number => {
  throw new Error('a slot asked for chance')
}

const clientAt = (at: number): Locus =>
  locusAt(`${100 + (at >> 16)}.${(at >> 8) & 255}.${at & 255}.7`)

const startSeconds = 1_780_000_000

interface Asked {
  readonly policy: Policy
  readonly health: HealthReader
  readonly names?: number
  readonly changes?: Parameters<typeof slotOf>[3]
}

/** An instance: asks for one of the names. */
function instanceOf({ policy, health, names = 3, changes = {} }: Asked) {
  let nowSeconds = startSeconds
  const clock = { wallMs: () => nowSeconds * 1000 + 250 }
  const steering = createSteering({ health, random: noChance, clock })
  const sets = Array.from({ length: names }, (_, rung) => slotOf(policy, names, rung, changes))
  return {
    ask(rung: number, locus: Locus, atSeconds = startSeconds) {
      nowSeconds = atSeconds
      return selectAddresses(sets[rung] as (typeof sets)[number], locus, steering)
    },
    /** Targets of all names. */
    ladder(locus: Locus, atSeconds = startSeconds): string[] {
      return sets.map((_, rung) => namesOf(this.ask(rung, locus, atSeconds))[0] ?? '')
    },
  }
}

interface Subject extends Arranged {
  readonly policy: Policy
}

function subject(world: World, change: (pool: Pool) => Pool = (pool) => pool): Subject {
  const arranged = arrange(world)
  const pools = Object.values(arranged.pools).map(change)
  return { ...arranged, policy: policyOf([catchAllOf(pools)]) }
}

const weights = [1, 2, 3, 1, 2, 3, 1, 2, 3, 1]
const ten: World = {
  eu: Object.fromEntries(weights.map((weight, i) => [`mx${i}`, `${weight} up`])),
}

/** Three regions; each region has two racks. */
const inRegions = (pool: Pool): Pool => ({
  ...pool,
  isSpread: true,
  members: pool.members.map((member, i) => ({
    ...member,
    target: {
      ...member.target,
      region: `r${i % 3}`,
      regionGroup: i % 3,
      rack: `${i % 2}`,
      rackGroup: i % 6,
    },
  })),
})

const clients = 100_000

function expectShares(counts: ReadonlyMap<string, number>, shares: Record<string, number>): void {
  const total = Object.values(shares).reduce((sum, one) => sum + one, 0)
  expect([...counts.keys()].sort()).toEqual(Object.keys(shares).sort())
  for (const [name, share] of Object.entries(shares)) {
    const odd = share / total
    const sigma = Math.sqrt(clients * odd * (1 - odd))
    const distance = Math.abs((counts.get(name) ?? 0) - clients * odd) / Math.max(sigma, 1)
    expect(distance, `${name}: ${counts.get(name)}`).toBeLessThan(4)
  }
}

const named = (from: number, of: readonly number[]): Record<string, number> =>
  Object.fromEntries(of.map((weight, i) => [`mx${from + i}`, weight]))

describe(`${clients.toLocaleString('en')} clients`, () => {
  const proportional = (pool: Pool): Pool =>
    pool.name === 'eu' ? { ...pool, minHealthy: 1, spill: 'proportional' } : pool
  const cases: [string, Subject, Record<string, number>][] = [
    ['one pool', subject(ten), named(0, weights)],
    ['three regions', subject(ten, inRegions), named(0, weights)],
    [
      'dead, slow and suspect members',
      subject({
        eu: { mx0: '1 down', mx1: '2 up', mx2: '4 up*0.25', mx3: '9 suspect', mx4: '1 up' },
      }),
      { mx1: 2, mx2: 1, mx4: 1 },
    ],
    [
      'a pool of two before others',
      subject({ eu: { mx0: '1 up', mx1: '3 up' }, us: { mx2: '1 up', mx3: '1 up' } }),
      { mx0: 1, mx1: 3 },
    ],
    [
      'a pool that hands over half',
      subject(
        { eu: { mx0: '1 up', mx1: '1 down' }, us: { mx2: '1 up', mx3: '3 up' } },
        proportional,
      ),
      { mx0: 0.5, mx2: 0.125, mx3: 0.375 },
    ],
    [
      'all down',
      subject({ eu: { mx0: '1 down', mx1: '1 down', mx2: '2 down' } }),
      { mx0: 1, mx1: 1, mx2: 2 },
    ],
  ]
  test.each(cases)(
    '%s: three targets each, and the first by weight',
    (_, { policy, health }, shares) => {
      const instance = instanceOf({ policy, health })
      const regions = new Map(
        policy.rules.flatMap(({ pools }) =>
          pools.flatMap(({ members }) => members.map(({ target }) => [target.name, target.region])),
        ),
      )
      const counts = new Map<string, number>()
      let alike = 0
      for (let at = 0; at < clients; at++) {
        const ladder = instance.ladder(clientAt(at))
        const first = ladder[0] as string
        counts.set(first, (counts.get(first) ?? 0) + 1)
        if (new Set(ladder).size < 3) alike++
        if (regions.get(first) && new Set(ladder.map((name) => regions.get(name))).size < 3) alike++
      }
      expect(alike).toBe(0)
      expectShares(counts, shares)
    },
  )
})

describe('a client', () => {
  test.each([
    ['alike', subject(ten)],
    ['in regions', subject(ten, inRegions)],
  ])('moves only where it had the target that left, and from there on: %s', (_, it) => {
    const instance = instanceOf(it)
    const before = Array.from({ length: 8000 }, (_, at) => instance.ladder(clientAt(at)))
    it.health.set(4, SlotState.down, 1, Infinity)
    let moved = 0
    for (const [at, had] of before.entries()) {
      const has = instance.ladder(clientAt(at))
      const rung = had.indexOf('mx3')
      if (rung < 0) expect(has).toEqual(had)
      else {
        moved++
        expect(has.slice(0, rung)).toEqual(had.slice(0, rung))
        expect(has).not.toContain('mx3')
        expect(new Set(has).size).toBe(3)
      }
    }
    expect(moved).toBeGreaterThan(500)
    it.health.set(4, SlotState.up, 1, Infinity)
    expect(before.map((_, at) => instance.ladder(clientAt(at)).join())).toEqual(before.map(String))
  })

  test('without regions keeps its other targets when one leaves', () => {
    const it = subject(ten)
    const instance = instanceOf(it)
    const before = Array.from({ length: 5000 }, (_, at) => instance.ladder(clientAt(at)))
    it.health.set(4, SlotState.down, 1, Infinity)
    for (const [at, had] of before.entries()) {
      const kept = had.filter((name) => name !== 'mx3')
      expect(instance.ladder(clientAt(at)).slice(0, kept.length)).toEqual(kept)
    }
  })

  test('is answered at any time of an epoch, by any instance, from one ladder; then from another one', () => {
    const { policy, health } = subject(ten)
    // Of which the TTL shows the end.
    const changes = { epochSeconds: 600, ttl: 600 }
    const instances = [1, 2, 3].map(() => instanceOf({ policy, health, changes }))
    let changed = 0
    let asked = 0
    fc.assert(
      fc.property(
        fc.nat(0x7f_ffff),
        fc.nat(1_000_000),
        fc.array(fc.tuple(fc.nat(2), fc.nat(2), fc.double({ min: 0, max: 0.999, noNaN: true }))),
        (client, afterSeconds, questions) => {
          const locus = clientAt(client)
          const now = startSeconds + afterSeconds
          const [first] = instances
          const whole = first?.ladder(locus, now) ?? []
          expect(new Set(whole).size).toBe(3)
          const answer = first?.ask(0, locus, now)
          const left = answer?.kind === 'selected' ? answer.ttl : 0
          expect(left).toBeGreaterThan(0)
          for (const [instance, rung, part] of questions) {
            const then = now + Math.floor(left * part)
            const again = instances[instance]?.ask(rung, locus, then)
            expect(namesOf(again ?? { kind: 'servfail' })).toEqual([whole[rung]])
            // What is cached of any name ends with the epoch.
            expect(again?.kind === 'selected' && then + again.ttl).toBe(now + left)
          }
          asked++
          if (String(first?.ladder(locus, now + left)) !== String(whole)) changed++
        },
      ),
      { numRuns: runs(1000) },
    )
    expect(changed).toBeGreaterThan(0.9 * asked)
  })

  test('is drawn anew at another time than its neighbours', () => {
    const { policy, health } = subject(ten)
    const instance = instanceOf({ policy, health, changes: { ttl: 600 } })
    const ends = new Set<number>()
    for (let at = 0; at < 2000; at++) {
      const answer = instance.ask(0, clientAt(at))
      ends.add(answer.kind === 'selected' ? answer.ttl : 0)
    }
    expect(ends.size).toBeGreaterThan(500)
    expect(Math.min(...ends)).toBeGreaterThan(0)
    expect(Math.max(...ends)).toBeLessThanOrEqual(600)
  })

  test('has a TTL of the zone until the epoch nears its end, whatever min_ttl says', () => {
    const { policy, health } = subject(ten)
    const instance = instanceOf({ policy, health, changes: { ttl: 60, minTtl: 30 } })
    const ttls = Array.from({ length: 600 }, (_, second) => {
      const answer = instance.ask(1, clientAt(5), startSeconds + second)
      return answer.kind === 'selected' ? answer.ttl : 0
    })
    const counted = (ttl: number): number => ttls.filter((one) => one === ttl).length
    expect(counted(60)).toBe(541)
    for (let ttl = 1; ttl < 60; ttl++) expect(counted(ttl), `${ttl}`).toBe(1)
  })

  test('that is an MTA itself gets one ladder for all of them, regardless of time and health', () => {
    const it = subject(ten)
    const changes = { internal: [network('100.0.0.0', 8)] }
    const instance = instanceOf({ ...it, changes })
    it.health.set(3, SlotState.down, 1, Infinity)
    for (const at of [0, 1, 77, 4000])
      expect(instance.ladder(clientAt(at), startSeconds + at * 1000)).toEqual(['mx2', 'mx5', 'mx8'])
  })
})

describe('names share', () => {
  test.each([
    [1, ['mx1', 'mx1', 'mx1']],
    [2, ['mx1', 'mx2', 'mx1']],
  ])('%i targets by turns, while there are no more', (count, ladder) => {
    const states = [1, 2, 3].map((i) => [`mx${i}`, `1 ${i <= count ? 'up' : 'down'}`] as const)
    const it = subject({ eu: Object.fromEntries(states) })
    const instance = instanceOf(it)
    for (let at = 0; at < 200; at++) {
      const has = instance.ladder(clientAt(at))
      expect([...has].sort()).toEqual(has[0] === 'mx2' ? ['mx1', 'mx2', 'mx2'] : ladder.toSorted())
      expect(has[2]).toBe(has[0])
    }
  })
})

describe('families', () => {
  const mixed: World = {
    eu: { a: '1 up', b: '1 up v6:up', c: '1 up', d: '1 up v6:up', e: '1 v6:up', f: '1 v6:up' },
  }
  const has = { 4: ['a', 'b', 'c', 'd'], 6: ['b', 'd', 'e', 'f'] }
  const of = (family: 4 | 6, it: Asked) =>
    instanceOf({ ...it, changes: { type: family === 4 ? 1 : 28 } })

  test('a target of both has both under its name, another one the addresses of a third', () => {
    const it = subject(mixed)
    const [four, six] = [of(4, it), of(6, it)]
    for (let at = 0; at < 2000; at++) {
      const [a, aaaa] = [four.ladder(clientAt(at)), six.ladder(clientAt(at))]
      expect(new Set(a).size).toBe(3)
      expect(new Set(aaaa).size).toBe(3)
      for (const name of a) expect(has[4]).toContain(name)
      for (const [rung, name] of aaaa.entries()) {
        expect(has[6]).toContain(name)
        // Those of one family stand under two names, each in place of an MTA of the other.
        if (has[4].includes(name) && has[6].includes(a[rung] ?? '')) expect(a[rung]).toBe(name)
      }
    }
  })

  test('names in place of targets that lack it do not meet, and instances agree, when all of it is down', () => {
    const it = subject({
      eu: { a: '1 up', b: '1 up', c: '1 up', d: '1 v6:down', e: '1 v6:down', f: '1 v6:down' },
    })
    const [one, other] = [of(6, it), of(6, it)]
    for (let at = 0; at < 500; at++) {
      const ladder = one.ladder(clientAt(at))
      expect(new Set(ladder).size).toBe(3)
      expect(other.ladder(clientAt(at))).toEqual(ladder)
    }
  })

  test('none is denied while a target has it, whatever its health', () => {
    const states = ['up', 'down', 'suspect']
    for (const x of states)
      for (const y of states) {
        const it = subject({ eu: { a: `1 ${x}`, b: `1 v6:${y}` }, us: { c: `1 ${y} v6:${x}` } })
        for (const instance of [of(4, it), of(6, it)])
          for (let at = 0; at < 50; at++)
            for (let rung = 0; rung < 3; rung++)
              expect(instance.ask(rung, clientAt(at)).kind).toBe('selected')
      }
  })
})

test('all addresses of a target stand under its name, the same ones while they are too many', () => {
  const it = subject({ eu: { a: '1 up up up down', b: '1 up', c: '1 up' } })
  const addresses = (limit: number, at: number): string[] => {
    const sets = [0, 1, 2].map((rung) => slotOf(it.policy, 3, rung))
    const limited = sets.map((set) => ({
      ...set,
      ofTargets: new Map([...set.ofTargets].map(([i, one]) => [i, { ...one, answers: limit }])),
    }))
    const steering = createSteering({ health: it.health, random: noChance, clock: standingClock })
    return limited.flatMap((set) => textsOf(selectAddresses(set, clientAt(at), steering)))
  }
  expect(addresses(Infinity, 3).sort()).toEqual(
    ['10.0.0.0', '10.0.0.1', '10.0.0.2', '10.0.1.0', '10.0.2.0'].sort(),
  )
  const pairs = new Set<string>()
  for (let at = 0; at < 200; at++) {
    const some = addresses(2, at)
    expect(some).toHaveLength(4)
    expect(addresses(2, at)).toEqual(some)
    pairs.add(
      some
        .filter((text) => text.startsWith('10.0.0.'))
        .sort()
        .join(),
    )
  }
  expect(pairs.size).toBe(3)
})

describe('against a slow reference, over random worlds', () => {
  /** Names as they share the rungs of a ladder of the reference. */
  function expectedNames(world: ModelWorld, names: number): Map<string, number> {
    const odds = new Map<string, number>()
    for (const [key, odd] of ladderOutcomes(world, names)) {
      const rungs = key.split(' ')[1]?.split('>') ?? ['servfail']
      const text = Array.from({ length: names }, (_, i) => rungs[i % rungs.length]).join('>')
      odds.set(text, (odds.get(text) ?? 0) + odd)
    }
    return odds
  }

  test('the names have the rungs of a ladder that it knows, as often as it says', () => {
    const draws = 2000
    const rare = 20 / draws
    fc.assert(
      fc.property(worlds, fc.integer({ min: 1, max: 4 }), (world, names) => {
        const { policy, health } = build(world)
        const instance = instanceOf({ policy, health, names })
        const odds = expectedNames(world, names)
        const counts = new Map<string, number>()
        for (let at = 0; at < draws; at++) {
          const text = instance.ladder(clientAt(at)).join('>')
          if (!odds.has(text)) expect([...odds.keys()]).toContain(text)
          counts.set(text, (counts.get(text) ?? 0) + 1)
        }
        for (const [text, odd] of odds) {
          if (odd < rare) continue
          const sigma = Math.sqrt(draws * odd * (1 - odd)) + 1e-6
          const distance = Math.abs((counts.get(text) ?? 0) - draws * odd) / sigma
          expect(distance, `${text}: ${counts.get(text)}, odds ${odd}`).toBeLessThan(5)
        }
      }),
      { numRuns: 40, seed: 20_261_129 },
    )
  })
})

test('what instances agree on does not move with a release', () => {
  const instance = instanceOf(subject(ten))
  expect([1, 2, 3].map((at) => instance.ladder(clientAt(at)).join(' '))).toMatchInlineSnapshot(`
    [
      "mx0 mx8 mx2",
      "mx5 mx1 mx3",
      "mx5 mx8 mx7",
    ]
  `)
})
