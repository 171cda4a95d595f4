// Steering against a slow reference (slow-steering.ts) over random worlds: nothing comes that the reference does not
// know, and what it knows comes as often as it says, within 5 standard deviations.

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { locusAt, mxOf, seeded, selectMx } from './arrange.ts'
import { build } from './model-world.ts'
import type { ModelWorld } from './model-world.ts'
import { worlds } from './random-worlds.ts'
import { ladderOutcomes } from './slow-steering.ts'
import { runs } from '../support/runs.ts'
import { createSteering, standingClock } from '../../src/steer/select/steering.ts'

const client = locusAt('192.0.2.1')

function drawn(world: ModelWorld, ladder: number, seed: number): () => string {
  const { policy, health } = build(world)
  const set = mxOf(policy, { ladder })
  const steering = createSteering({ health, random: seeded(seed), clock: standingClock })
  return () => {
    const selection = selectMx(set, client, steering)
    if (selection.kind === 'servfail') return 'servfail'
    return `${selection.reason} ${selection.rungs.map(({ target }) => target.name).join('>')}`
  }
}

describe('the ladder', () => {
  test('is one that the reference knows', () => {
    fc.assert(
      fc.property(worlds, fc.integer({ min: 1, max: 6 }), fc.nat(), (world, ladder, seed) => {
        const outcomes = ladderOutcomes(world, ladder)
        const draw = drawn(world, ladder, seed)
        for (let i = 0; i < 20; i++) expect([...outcomes.keys()]).toContain(draw())
      }),
      { numRuns: runs(1500) },
    )
  })

  test('and comes as often as the reference says', () => {
    const draws = 4000
    // Of rarer ones the normal law says nothing: they are counted together.
    const rare = 20 / draws
    fc.assert(
      fc.property(worlds, fc.integer({ min: 1, max: 6 }), fc.nat(), (world, ladder, seed) => {
        const outcomes = ladderOutcomes(world, ladder)
        const keyOf = (key: string): string => ((outcomes.get(key) ?? 0) < rare ? 'rare' : key)
        const odds = new Map<string, number>()
        for (const [key, odd] of outcomes) odds.set(keyOf(key), (odds.get(keyOf(key)) ?? 0) + odd)
        const draw = drawn(world, ladder, seed)
        const counts = new Map<string, number>()
        for (let i = 0; i < draws; i++) {
          const key = keyOf(draw())
          counts.set(key, (counts.get(key) ?? 0) + 1)
        }
        for (const [key, odd] of odds) {
          if (key === 'rare' && odd < rare) continue
          const sigma = Math.sqrt(draws * odd * (1 - odd)) + 1e-6
          const distance = Math.abs((counts.get(key) ?? 0) - draws * odd) / sigma
          expect(distance, `${key}: ${counts.get(key)} of ${draws}, odds ${odd}`).toBeLessThan(5)
        }
      }),
      { numRuns: 60, seed: 20_261_121 },
    )
  })
})
