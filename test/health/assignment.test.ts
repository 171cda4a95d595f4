import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { assignees, hashVantages } from '../../src/health/assignment.ts'
import { hashText } from '../../src/lib/hash.ts'
import { runs } from '../support/runs.ts'

const fleets = fc.uniqueArray(
  fc.record({
    instance: fc.stringMatching(/^[a-z0-9]{1,8}$/),
    site: fc.constantFrom('fra', 'nyc', 'sin', 'gru'),
  }),
  { selector: ({ instance }) => instance, minLength: 1, maxLength: 12 },
)
const endpoints = fc.string().map(hashText)
const counts = fc.integer({ min: 1, max: 7 })

test('as many as configured, at most one per site while there are enough sites, independent of the order of instances', () => {
  fc.assert(
    fc.property(endpoints, fleets, counts, (endpoint, fleet, count) => {
      const chosen = assignees(endpoint, hashVantages(fleet), count)
      expect(new Set(chosen).size).toBe(Math.min(count, fleet.length))
      const sites = new Set(fleet.map(({ site }) => site)).size
      const chosenSites = fleet.filter(({ instance }) => chosen.includes(instance))
      expect(new Set(chosenSites.map(({ site }) => site)).size).toBe(Math.min(count, sites))
      expect(assignees(endpoint, hashVantages(fleet.toReversed()), count)).toEqual(chosen)
    }),
    { numRuns: runs(1000) },
  )
})

test('an instance that leaves moves only its own endpoints; one that joins displaces at most one per endpoint', () => {
  fc.assert(
    fc.property(endpoints, fleets, counts, (endpoint, fleet, count) => {
      const [gone, ...rest] = fleet
      const before = assignees(endpoint, hashVantages(fleet), count)
      const after = assignees(endpoint, hashVantages(rest), count)
      const lost = before.filter((one) => !after.includes(one))
      if (!before.includes(gone?.instance ?? '')) expect(after).toEqual(before)
      expect(lost).toEqual(before.filter((one) => one === gone?.instance))
    }),
    { numRuns: runs(1000) },
  )
})

test('the load is even', () => {
  const fleet = hashVantages(
    Array.from({ length: 9 }, (_, i) => ({ instance: `ns${i}`, site: `s${i % 3}` })),
  )
  const loads = new Map<string, number>()
  for (let i = 0; i < 9000; i++)
    for (const one of assignees(hashText(`192.0.2.1|25|${i}`), fleet, 3))
      loads.set(one, (loads.get(one) ?? 0) + 1)
  // 3000 each; the deviation of such a count is some 45.
  expect([...loads.values()].filter((load) => Math.abs(load - 3000) > 225)).toEqual([])
  expect(loads.size).toBe(9)
})
