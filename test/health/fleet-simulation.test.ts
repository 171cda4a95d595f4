// The simulated fleet of bench/simulate-fleet.ts at a smaller size: it agrees after deaths and after a partition, and
// judges no target down that never failed, whatever the phases of its instances are.

import { expect, test } from 'vitest'

import { simulateFleet } from '../../bench/simulate-fleet.ts'

const plan = { instances: 12, sites: 4, targets: 60, dying: 0.1, vantages: 3 }

test.each([1, 2, 3])('agrees after deaths and a partition (seed %i)', (seed) => {
  const figures = simulateFleet({ ...plan, seed })
  // An interval with its jitter, `fall` less one fast ones, and one read of the store.
  const slowestMs = 22_000 + 2 * 5500 + 2000
  expect(figures.agreedAfterDeathMs).toBeLessThanOrEqual(slowestMs)
  expect(figures.agreedAfterHealMs).toBeLessThanOrEqual(slowestMs)
  expect(figures.falseDowns).toBe(0)
  // Per instance: a heartbeat every 3 s, a snapshot of two batches every 2 s, the votes of eleven peers every 30 s.
  const each = figures.calm.batches / plan.instances
  expect(each).toBeGreaterThan(1 / 3 + 1)
  expect(each).toBeLessThan(1 / 3 + 1 + 0.5 + 11 / 24 + 1)
})

test('two sites, two vantages: both have to see it', () => {
  const figures = simulateFleet({ ...plan, sites: 2, vantages: 2, seed: 4 })
  expect(figures.falseDowns).toBe(0)
  expect(figures.agreedAfterDeathMs).not.toBeNull()
  expect(figures.agreedAfterHealMs).not.toBeNull()
})

test('the same seed, the same fleet', () => {
  const { judgementUs: _a, assignmentMs: _b, ...first } = simulateFleet({ ...plan, seed: 9 })
  const { judgementUs: _c, assignmentMs: _d, ...second } = simulateFleet({ ...plan, seed: 9 })
  expect(second).toEqual(first)
})
