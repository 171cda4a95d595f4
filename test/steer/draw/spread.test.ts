// Risk groups: inclusion of addresses over many weight vectors, against the reference's exact odds, and what is never
// together while others exist.

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  addressesOf,
  mxOf,
  nowhere,
  seeded,
  textsOf,
  selectAddresses,
  selectMx,
} from '../arrange.ts'
import { build } from '../model-world.ts'
import type { Built, ModelMember, ModelWorld } from '../model-world.ts'
import { dealtOdds } from '../slow-steering.ts'
import type { Entry } from '../slow-steering.ts'
import { runs } from '../../support/runs.ts'
import { createSteering, standingClock } from '../../../src/steer/select/steering.ts'

const member = fc.record({
  weight: fc.integer({ min: 1, max: 30 }),
  region: fc.constantFrom(null, 'eu', 'eu', 'us', 'ap'),
  rack: fc.constantFrom(null, 'r1', 'r2'),
  addresses: fc.integer({ min: 1, max: 3 }),
})
const members = fc.array(member, { minLength: 2, maxLength: 7 })

type Drawn = (typeof member extends fc.Arbitrary<infer One> ? One : never)[]

function worldOf(drawn: Drawn, spread: boolean): ModelWorld {
  const pool = {
    ...({ name: 'a', panic: 0, minHealthy: 0, spill: 'all', spread } as const),
    members: drawn.map(({ weight, region, rack, addresses }, i): ModelMember => ({
      target: `t${i}`,
      weight,
      region,
      rack,
      standing: 'normal',
      share: 1,
      addresses: Array.from({ length: addresses }, () => ({
        family: 4,
        state: 'up',
        factor: 1,
        fell: 0,
      })),
    })),
  }
  return { pools: [pool], onAllDown: 'all', backup: pool }
}

function entriesOf(drawn: Drawn, spread: boolean): Entry[] {
  return drawn.flatMap(({ weight, region, rack, addresses }, i) =>
    Array.from({ length: addresses }, (_, a): Entry => {
      const near = `t${i}`
      const wide = [region ?? `alone ${i}`, rack === null ? `alone ${i}` : `${region} ${rack}`]
      return {
        text: `10.0.${i}.${a}`,
        weight: weight / addresses,
        risks: spread ? [...wide, near] : [near],
      }
    }),
  )
}

const draws = 3000

function inclusions({ policy, health }: Built, answers: number, seed: number): Map<string, number> {
  const steering = createSteering({ health, random: seeded(seed), clock: standingClock })
  const counts = new Map<string, number>()
  for (let i = 0; i < draws; i++)
    for (const text of textsOf(selectAddresses(addressesOf(policy, answers), nowhere, steering)))
      counts.set(text, (counts.get(text) ?? 0) + 1)
  return counts
}

describe('k of n', () => {
  test('each address is included as often as its odds say, caps and groups among them', () => {
    fc.assert(
      fc.property(members, fc.integer({ min: 1, max: 6 }), fc.boolean(), fc.nat(), (...drawn) => {
        const [list, answers, spread, seed] = drawn
        const counts = inclusions(build(worldOf(list, spread)), answers, seed)
        for (const [text, odd] of dealtOdds(entriesOf(list, spread), answers)) {
          const sigma = Math.sqrt(draws * odd * Math.max(0, 1 - odd)) + 1e-6
          const distance = Math.abs((counts.get(text) ?? 0) - draws * odd) / sigma
          expect(distance, `${text}: ${counts.get(text)} of ${draws}, odds ${odd}`).toBeLessThan(5)
        }
      }),
      { numRuns: 80, seed: 4 },
    )
  })

  test('while no group is due more than a place, the share is k·w/W as if there were none', () => {
    const list: Drawn = [
      { weight: 3, region: 'eu', rack: 'r1', addresses: 1 },
      { weight: 1, region: 'eu', rack: 'r1', addresses: 1 },
      { weight: 2, region: 'eu', rack: 'r2', addresses: 2 },
      { weight: 4, region: 'us', rack: null, addresses: 1 },
      { weight: 2, region: 'ap', rack: null, addresses: 1 },
    ]
    const plain = dealtOdds(entriesOf(list, false), 2)
    for (const [text, odd] of dealtOdds(entriesOf(list, true), 2))
      expect(odd).toBeCloseTo(plain.get(text) ?? 0, 9)
    expect(plain.get('10.0.0.0')).toBeCloseTo((2 * 3) / 12, 9)
  })

  test('nothing repeats while something else is left: regions, their racks, targets', () => {
    fc.assert(
      fc.property(members, fc.integer({ min: 1, max: 6 }), fc.nat(), (list, answers, seed) => {
        const { policy, health } = build(worldOf(list, true))
        const steering = createSteering({ health, random: seeded(seed), clock: standingClock })
        for (const sticky of [false, true]) {
          const set = addressesOf(policy, answers, { sticky })
          const texts = textsOf(selectAddresses(set, nowhere, steering))
          const entries = entriesOf(list, true)
          expect(texts).toHaveLength(Math.min(answers, entries.length))
          expect(unevenRisk(entries, texts)).toEqual([])
        }
      }),
      { numRuns: runs(500) },
    )
  })
})

/** Groups that have two more than a sister which could have had one of them. */
function unevenRisk(entries: readonly Entry[], texts: readonly string[], level = 0): string[] {
  const groups = Map.groupBy(entries, ({ risks }) => risks[level] ?? '')
  if (level > 2) return []
  const counts = [...groups].map(([risk, of]) => {
    const count = of.filter(({ text }) => texts.includes(text)).length
    return { risk, of, count, isFull: count === of.length }
  })
  return counts.flatMap(({ risk, of, count }) => [
    ...counts
      .filter((one) => !one.isFull && one.count < count - 1)
      .map((one) => `${risk} ${one.risk}`),
    ...unevenRisk(of, texts, level + 1),
  ])
}

test('a ladder alternates regions, then racks, and its first rung goes by weight alone', () => {
  const list: Drawn = [
    { weight: 10, region: 'eu', rack: 'r1', addresses: 1 },
    { weight: 10, region: 'eu', rack: 'r1', addresses: 1 },
    { weight: 10, region: 'eu', rack: 'r2', addresses: 1 },
    { weight: 1, region: 'us', rack: null, addresses: 1 },
  ]
  const { policy, health } = build(worldOf(list, true))
  const steering = createSteering({ health, random: seeded(5), clock: standingClock })
  let firsts = 0
  for (let i = 0; i < draws; i++) {
    const selection = selectMx(mxOf(policy, { ladder: 4 }), nowhere, steering)
    const names = selection.kind === 'selected' ? selection.rungs.map(({ target }) => target) : []
    const regions = names.map(({ region }) => region)
    expect(new Set(regions.slice(0, 2))).toEqual(new Set(['eu', 'us']))
    const racks = names.filter(({ region }) => region === 'eu').map(({ rack }) => rack)
    expect(new Set(racks.slice(0, 2))).toEqual(new Set(['r1', 'r2']))
    if (regions[0] === 'us') firsts++
  }
  const odd = 1 / 31
  expect(Math.abs(firsts - draws * odd)).toBeLessThan(5 * Math.sqrt(draws * odd * (1 - odd)))
})
