import { expect, test } from 'vitest'

import { adminRoutes, type AdminSources } from '../../src/admin/routes.ts'
import type { AdminRequest } from '../../src/admin/route.ts'
import { Turns } from '../../src/admin/turns.ts'
import { type BudgetView, budgetsView } from '../../src/admin/views/budgets-view.ts'
import {
  countHandshake,
  createAvailability,
  handshakesIn,
  saveAvailability,
} from '../../src/health/availability.ts'
import type { MeasuredPool } from '../../src/weights/pool-availability.ts'
import { answerMistakes } from '../support/openapi.ts'

const wallMs = Date.parse('2026-11-21T12:34:56Z')

/** Probed four times a minute for `minutes`, of which the last `failures` failed. */
function pool(target: number | null, minutes: number, failures: number): MeasuredPool {
  const rings = createAvailability()
  for (let i = 4 * minutes; i > 0; i--) countHandshake(rings, i > failures, wallMs - i * 15_000)
  return {
    zone: 'example.com',
    pool: 'eu',
    target,
    handshakes: (window) => handshakesIn(rings, window, wallMs),
    saved: () => [saveAvailability(rings)],
  }
}

const viewOf = (one: MeasuredPool, window: '1h' | '24h' | '30d' = '24h'): BudgetView => {
  const [first] = [...budgetsView(() => [one], window, wallMs).pools]
  if (first === undefined) throw new Error('no pool')
  return first
}

test('how fast a budget is spent, by window, and when it is gone', () => {
  const view = viewOf(pool(0.99, 24 * 60, 48))
  // 48 of 240 probes of the last hour, and of 5,760 of the day.
  expect(view.windows['1h'].availability).toBeCloseTo(0.8, 2)
  expect(view.burnRates['1h']).toBeCloseTo(20, 0)
  expect(view.burnRates['24h']).toBeCloseTo(0.83, 1)
  expect(view.errorBudgetLeft).toBeCloseTo(0.17, 1)
  expect(view.goneAfterSeconds).toBe(21_600)
})

test('without a target there is no budget, and without probes nothing is known', () => {
  expect(viewOf(pool(null, 60, 5))).toMatchObject({
    errorBudgetLeft: null,
    burnRates: { '1h': null, '24h': null, '30d': null },
    goneAfterSeconds: null,
  })
  expect(viewOf(pool(0.99, 0, 0))).toMatchObject({
    windows: { '24h': { total: 0, availability: null } },
    burnRates: { '1h': null },
    goneAfterSeconds: null,
  })
})

test('the course has each bucket of the window, and begins where it says', () => {
  for (const [window, buckets, start] of [
    ['1h', 60, '2026-11-21T11:35:00.000Z'],
    ['24h', 96, '2026-11-20T12:45:00.000Z'],
    ['30d', 120, '2026-10-22T18:00:00.000Z'],
  ] as const) {
    const view = budgetsView(() => [pool(0.99, 30, 1)], window, wallMs)
    expect(view.start).toBe(start)
    const [one] = [...view.pools]
    expect(one?.total).toHaveLength(buckets)
    expect(one?.total.reduce((sum, count) => sum + count, 0)).toBe(120)
    expect(one?.good.reduce((sum, count) => sum + count, 0)).toBe(119)
  }
})

test.each([
  ['', 200],
  ['window=30d', 200],
  ['window=1w', 400],
  ['window=1h&pool=eu', 400],
])('/budgets?%s is answered with %d', async (query, status) => {
  const route = adminRoutes.find(({ path }) => path === '/budgets')
  const sources = { availability: () => [pool(0.99, 1, 0)], overrides: { wallMs: () => wallMs } }
  const request = { parameters: new URLSearchParams(query), turns: new Turns() }
  const reply = await route?.handler(
    sources as unknown as AdminSources,
    request as unknown as AdminRequest,
  )
  expect(reply?.status).toBe(status)
  const body = typeof reply?.body === 'string' ? reply.body : Buffer.concat(reply?.body ?? [])
  expect(answerMistakes('GET /budgets', status, JSON.parse(String(body)))).toBeNull()
})
