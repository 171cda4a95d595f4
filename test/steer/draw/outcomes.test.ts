// The outcomes of selections, against odds computed in another way (reference.ts) and against the draws.

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RandomChooser, type Chooser } from '../../../src/steer/draw/chooser.ts'
import {
  addCandidate,
  type Candidates,
  createCandidates,
} from '../../../src/steer/draw/candidates.ts'
import { outcomesOf, type Outcomes, probabilitiesOf } from '../../../src/steer/draw/outcomes.ts'
import { drawLadder, drawSample } from '../../../src/steer/draw/sampling.ts'
import type { Pool } from '../../../src/steer/policy.ts'
import { createSteering, standingClock } from '../../../src/steer/select/steering.ts'
import { selectAddresses } from '../../../src/steer/select/select-addresses.ts'
import { selectMx } from '../../../src/steer/select/select-mx.ts'
import { addressesOf, arrange, catchAllOf, mxOf, policyOf, seeded } from '../arrange.ts'
import { inclusionOdds, ladderOdds } from '../reference.ts'

type Draw = (candidates: Candidates, count: number, chooser: Chooser) => number

function candidatesOf(weights: readonly number[]): Candidates {
  const candidates = createCandidates()
  for (const [i, weight] of weights.entries()) addCandidate(candidates, weight, i, 0)
  return candidates
}

const drawing =
  (draw: Draw, weights: readonly number[], count: number) =>
  (chooser: Chooser): readonly number[] => {
    chooser.begin()
    const candidates = candidatesOf(weights)
    const drawn = draw(candidates, count, chooser)
    return Array.from(candidates.members.subarray(0, drawn))
  }

function found(
  draw: Draw,
  weights: readonly number[],
  count: number,
  seed = 1,
): Outcomes<readonly number[]> {
  const selecting = { select: drawing(draw, weights, count), keyOf: String }
  const outcomes = outcomesOf(selecting, seed)
  if (outcomes === null) throw new Error('none')
  return outcomes
}

/** The index of the selection that a number in [0, 1) leads to: found from the guide on, as answers are. */
function outcomeAt({ ends, indexes, guide }: Outcomes<unknown>, number: number): number {
  let part = guide[Math.floor(number * ends.length)] as number
  while (number >= (ends[part] as number)) part++
  return indexes[part] as number
}

const named = (weights: readonly number[]): Record<string, number> =>
  Object.fromEntries(weights.map((weight, i) => [`m${i}`, weight]))

const weight = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(0.05, 100, 65_535))
const listOf = (minLength: number, maxLength: number): fc.Arbitrary<number[]> =>
  fc.array(weight, { minLength, maxLength })

/** Sum of the probabilities of the outcomes that `counts`. */
function shareOf(
  outcomes: Outcomes<readonly number[]>,
  counts: (selection: readonly number[]) => boolean,
): number {
  const probabilities = probabilitiesOf(outcomes)
  return outcomes.selections.reduce(
    (sum, one, i) => (counts(one) ? sum + (probabilities[i] as number) : sum),
    0,
  )
}

describe('all outcomes', () => {
  test('of a ladder have the odds of Plackett and Luce', () => {
    fc.assert(
      fc.property(listOf(1, 5), fc.integer({ min: 1, max: 5 }), (weights, count) => {
        const outcomes = found(drawLadder, weights, count)
        expect(outcomes.isDeck).toBe(false)
        const odds = ladderOdds(named(weights), count)
        expect(outcomes.selections.length).toBe(odds.size)
        const probabilities = probabilitiesOf(outcomes)
        for (const [i, order] of outcomes.selections.entries())
          expect(probabilities[i]).toBeCloseTo(
            odds.get(order.map((member) => `m${member}`).join('>')) as number,
            9,
          )
      }),
    )
  })

  test('of a sample include each in proportion to its weight', () => {
    fc.assert(
      fc.property(listOf(2, 4), fc.integer({ min: 1, max: 4 }), (weights, count) => {
        const outcomes = found(drawSample, weights, count)
        expect(outcomes.isDeck).toBe(false)
        for (const [name, odd] of Object.entries(inclusionOdds(named(weights), count)))
          expect(shareOf(outcomes, (one) => one.includes(Number(name.slice(1))))).toBeCloseTo(
            odd,
            8,
          )
      }),
    )
  })

  test('are what the same random number draws', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<Draw>(drawLadder, drawSample),
        listOf(1, 4),
        fc.integer({ min: 1, max: 4 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (draw, weights, count, number) => {
          const outcomes = found(draw, weights, count)
          const { ends } = outcomes
          // Next to an end, rounding may decide otherwise.
          fc.pre(ends.every((end) => Math.abs(end - number) > 1e-9))
          let taken = 0
          const chooser = new RandomChooser(() => (taken++, number))
          const drawn = drawing(draw, weights, count)(chooser)
          expect(outcomes.selections[outcomeAt(outcomes, number)]).toEqual(drawn)
          expect(taken).toBe(outcomes.ends.length === 1 ? 0 : 1)
        },
      ),
      { numRuns: 1000 },
    )
  })
})

describe('a deck', () => {
  test('of a ladder has first places by weight exactly, and about as many cards as it may', () => {
    fc.assert(
      fc.property(listOf(6, 40), fc.nat(), (weights, seed) => {
        const outcomes = found(drawLadder, weights, 6, seed)
        expect(outcomes.isDeck).toBe(true)
        expect(outcomes.ends.length).toBeLessThanOrEqual(128)
        const total = weights.reduce((sum, one) => sum + one, 0)
        for (const [member, one] of weights.entries())
          expect(shareOf(outcomes, ([first]) => first === member)).toBeCloseTo(one / total, 10)
        for (const order of outcomes.selections) expect(new Set(order).size).toBe(order.length)
      }),
      { numRuns: 40 },
    )
  })

  test('of a sample includes each in proportion to its weight exactly', () => {
    fc.assert(
      fc.property(
        listOf(6, 40),
        fc.integer({ min: 2, max: 6 }),
        fc.nat(),
        (weights, count, seed) => {
          const outcomes = found(drawSample, weights, count, seed)
          expect(outcomes.isDeck).toBe(true)
          for (const [name, odd] of Object.entries(inclusionOdds(named(weights), count)))
            expect(shareOf(outcomes, (one) => one.includes(Number(name.slice(1))))).toBeCloseTo(
              odd,
              8,
            )
        },
      ),
      { numRuns: 40 },
    )
  })

  test('is another with another seed, and over many decks every second place comes by weight', () => {
    const weights = [8, 4, 2, 1, 1, 1, 1]
    const seconds = new Float64Array(weights.length)
    const decks = 400
    for (let seed = 0; seed < decks; seed++) {
      const outcomes = found(drawLadder, weights, 4, seed)
      for (const member of weights.keys())
        seconds[member] =
          (seconds[member] as number) + shareOf(outcomes, (one) => one[1] === member) / decks
    }
    const odds = ladderOdds(named(weights), 2)
    for (const [member, share] of seconds.entries()) {
      const wanted = [...odds].reduce(
        (sum, [order, odd]) => (order.endsWith(`>m${member}`) ? sum + odd : sum),
        0,
      )
      // 128 cards a deck: five standard deviations of the share of 51,200 of them.
      expect(Math.abs(share - wanted)).toBeLessThan(
        5 * Math.sqrt((wanted * (1 - wanted)) / (decks * 100)),
      )
    }
    const decksOf = [1, 2].map((seed) => String(found(drawLadder, weights, 4, seed).selections))
    expect(decksOf[0]).not.toBe(decksOf[1])
  })

  test('of more than 128 candidates is not dealt', () => {
    const weights = Array.from({ length: 129 }, () => 1)
    const selecting = { select: drawing(drawLadder, weights, 2), keyOf: String }
    expect(outcomesOf(selecting, 1)).toBeNull()
  })
})

/** The pool, spread over regions: the group of each member. */
const inRegions = (pool: Pool | undefined, groups: readonly number[]): Pool => ({
  ...(pool as Pool),
  isSpread: true,
  members: (pool as Pool).members.map((member, i) => ({
    ...member,
    target: { ...member.target, regionGroup: groups[i] as number },
  })),
})

test('outcomes of ten million draws come as often as they are likely', () => {
  const { pools, health } = arrange({
    eu: { a: '5 up', b: '3 up', c: '1 suspect' },
    us: { d: '2 up', e: '1 down', f: '1 up' },
  })
  const policy = policyOf([catchAllOf([inRegions(pools['eu'], [0, 0, 1]), pools['us'] as Pool])])
  const steering = createSteering({ health, random: () => 0, clock: standingClock })
  const mx = mxOf(policy, { ladder: 4 })
  const outcomes = outcomesOf(
    {
      select: (chooser) =>
        selectMx(mx, policy.rules[0]?.pools ?? [], null, { ...steering, chooser }),
      keyOf: (selection) =>
        selection.kind === 'selected'
          ? selection.rungs.map(({ target }) => target.name).join('>')
          : 'servfail',
    },
    1,
  )
  if (outcomes === null) throw new Error('none')
  const counts = new Float64Array(outcomes.selections.length)
  const draws = 10_000_000
  const random = seeded(7)
  for (let i = 0; i < draws; i++) {
    const index = outcomeAt(outcomes, random())
    counts[index] = (counts[index] as number) + 1
  }
  for (const [i, probability] of probabilitiesOf(outcomes).entries())
    expect(Math.abs((counts[i] as number) - draws * probability)).toBeLessThan(
      5 * Math.sqrt(draws * probability * (1 - probability)) + 1,
    )
})

test('addresses spread over regions have outcomes that include each by its weight', () => {
  const { pools, health } = arrange({
    eu: { a: '4 up', b: '2 up', c: '3 up', d: '3 up' },
  })
  const policy = policyOf([catchAllOf([inRegions(pools['eu'], [0, 0, 1, 2])])])
  const steering = createSteering({ health, random: () => 0, clock: standingClock })
  const set = addressesOf(policy, 2)
  const outcomes = outcomesOf(
    {
      select: (chooser) =>
        selectAddresses(set, policy.rules[0]?.pools ?? [], null, { ...steering, chooser }),
      keyOf: (selection) =>
        selection.kind === 'selected'
          ? selection.addresses.map(({ target }) => target.name).join()
          : selection.kind,
    },
    1,
  )
  if (outcomes === null) throw new Error('none')
  const probabilities = probabilitiesOf(outcomes)
  const included = new Map<string, number>()
  for (const [i, selection] of outcomes.selections.entries())
    if (selection.kind === 'selected')
      for (const { target } of selection.addresses)
        included.set(target.name, (included.get(target.name) ?? 0) + (probabilities[i] as number))
  expect(outcomes.isDeck).toBe(false)
  for (const [name, odd] of [
    ['a', 2 / 3],
    ['b', 1 / 3],
    ['c', 1 / 2],
    ['d', 1 / 2],
  ] as const)
    expect(included.get(name)).toBeCloseTo(odd, 10)
})
