// Budgets of CPU time: what is spent is paid off at a rate, by each client and by all.

import { expect, test } from 'vitest'

import { createBudget } from '../../../src/admin/listener/budget.ts'

const limits = {
  client: { perSecond: 100, advanceMs: 200 },
  all: { perSecond: 150, advanceMs: 400 },
  clients: 3,
}
const only = (client: string): ReadonlySet<string> => new Set([client])

test('a client that has spent its advance waits until it is paid off, others do not', () => {
  const budget = createBudget(limits)
  expect(budget.waitMs('a', 1000)).toBe(0)
  budget.charge(only('a'), 190, 1000)
  expect(budget.waitMs('a', 1000)).toBe(0)
  budget.charge(only('a'), 60, 1000)
  expect(budget.waitMs('a', 1000)).toBeCloseTo(510)
  expect(budget.waitMs('b', 1000)).toBe(0)
  expect(budget.waitMs('a', 1511)).toBe(0)
})

test('what many spend together is bounded too', () => {
  const budget = createBudget({ ...limits, clients: 100 })
  for (let i = 0; i < 5; i++) budget.charge(only(`client ${i}`), 90, 1000)
  expect(budget.waitMs('another', 1000)).toBeCloseTo((51 / 150) * 1000)
})

test('debt is bounded, whatever a request took', () => {
  const budget = createBudget(limits)
  budget.charge(only('a'), 1e6, 0)
  expect(budget.waitMs('a', 0)).toBeLessThanOrEqual(2674)
  expect(budget.waitMs('a', 2675)).toBe(0)
})

test('in the long run nobody gets more than its share, however it asks', () => {
  const budget = createBudget(limits)
  let spentMs = 0
  for (let nowMs = 0; nowMs < 100_000; nowMs += 5) {
    if (budget.waitMs('a', nowMs) > 0) continue
    budget.charge(only('a'), 40, nowMs)
    spentMs += 40
  }
  expect(spentMs).toBeLessThanOrEqual(200 + 100 * 100 + 40)
  expect(spentMs).toBeGreaterThan(9000)
})

test('the clients remembered are bounded', () => {
  const budget = createBudget({ ...limits, all: { perSecond: 1e9, advanceMs: 1e9 } })
  budget.charge(only('a'), 1000, 0)
  for (const client of ['b', 'c']) budget.charge(only(client), 1, 0)
  expect(budget.waitMs('a', 0)).toBeGreaterThan(0)
  budget.charge(only('d'), 1, 0)
  expect(budget.waitMs('a', 0)).toBe(0)
})
