// PUT and DELETE of /targets/NAME/load over real HTTP, with a load token and an admin token.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { type AdminListener, listenAdmin } from '../../src/admin/http.ts'
import { type AdminSources, adminRoutes } from '../../src/admin/routes.ts'
import {
  type FeedbackRegistry,
  createFeedbackRegistry,
} from '../../src/weights/feedback-registry.ts'
import { unwatched } from '../support/admin-listener.ts'
import { freePort } from '../support/free-ports.ts'
import { createVirtualTime } from '../support/virtual-time.ts'

const time = createVirtualTime()
const targets = [
  { zone: 'smtp.example.com', target: 'mx1' },
  { zone: 'smtp.example.com', target: 'mx2' },
  { zone: 'smtp.example.net', target: 'mx1' },
]
const adminToken = 'an-admin-token-of-some-length'
const loadToken = 'a-load-token-of-some-length'

let registry: FeedbackRegistry
let admin: AdminListener
let port = 0
beforeAll(async () => {
  port = await freePort()
  const served = {
    get feedback() {
      return { registry, targets: () => targets }
    },
  }
  admin = await listenAdmin(
    { address: '127.0.0.1', port },
    {
      ...unwatched(),
      routes: adminRoutes,
      sources: served as Partial<AdminSources> as AdminSources,
      access: { writes: { kind: 'token', token: adminToken }, loadToken },
    },
  )
})
afterAll(() => admin.close())
beforeEach(() => {
  registry = createFeedbackRegistry(time.clock, time.timer)
  registry.retain(targets)
})

interface Answer {
  readonly status: number
  readonly value: Record<string, unknown>
}

async function ask(
  method: string,
  path: string,
  { body, token = loadToken }: { readonly body?: unknown; readonly token?: string } = {},
): Promise<Answer> {
  const reply = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: body === undefined ? null : JSON.stringify(body),
  })
  return { status: reply.status, value: (await reply.json()) as Record<string, unknown> }
}

describe('accepted reports', () => {
  test.each([
    [{ share: 0.5, for: '2m' }, 0.5, 120],
    [{ share: 0, for: 120 }, 0, 120],
    [{ load: 0.5, for: '1d' }, 1, 86_400],
    [{ load: 10, low: 8, high: 10, for: '90s', zone: null }, 0.1, 90],
    [{ load: 2, low: null, high: null, for: '1' }, 0.1, 1],
  ])('%o', async (body, factor, seconds) => {
    const until = new Date(time.clock.wallMs() + seconds * 1000).toISOString()
    expect(await ask('PUT', '/targets/mx2/load', { body })).toEqual({
      status: 200,
      value: { zone: 'smtp.example.com', target: 'mx2', writer: 'load-token', factor, until },
    })
  })

  test('each token withdraws its own report alone', async () => {
    await ask('PUT', '/targets/mx2/load', { body: { share: 0.5, for: '2m' } })
    const other = await ask('DELETE', '/targets/mx2/load', { token: adminToken })
    expect([other.status, other.value]).toMatchObject([404, { error: { code: 'no-such-load' } }])
    const own = await ask('DELETE', '/targets/mx2.smtp.example.com/load')
    expect([own.status, own.value]).toEqual([200, { withdrawn: true }])
  })
})

describe('refusals', () => {
  test.each<[string, unknown, number, string, RegExp]>([
    ['no object', [], 400, 'bad-field', /object/],
    [
      'a misspelt field',
      { lod: 1, for: '2m' },
      400,
      'unknown-field',
      /"lod", expected load, share/,
    ],
    ['no end', { load: 1 }, 400, 'no-end', /1s to 1d/],
    ['an end that is too far', { load: 1, for: '25h' }, 400, 'no-end', /1s to 1d/],
    ['an end that is none', { load: 1, for: ['2m'] }, 400, 'no-end', /1s to 1d/],
    ['neither load nor share', { for: '2m' }, 400, 'bad-field', /give load/],
    ['both', { load: 1, share: 1, for: '2m' }, 400, 'bad-field', /give load/],
    ['a share with low', { share: 1, low: 0, for: '2m' }, 400, 'bad-field', /without low/],
    ['low not below high', { load: 1, low: 1, high: 1, for: '2m' }, 400, 'bad-field', /low below/],
    ['a share above the whole', { share: 1.1, for: '2m' }, 400, 'bad-field', /0 to 1/],
    ['a load that is text', { load: '1', for: '2m' }, 400, 'bad-field', /give load/],
    ['a zone that is none', { load: 1, for: '2m', zone: 1 }, 400, 'bad-field', /zone: expected/],
    ['an unknown zone', { load: 1, for: '2m', zone: 'x' }, 404, 'unknown-zone', /example/],
  ])('%s', async (_, body, status, code, words) => {
    const answer = await ask('PUT', '/targets/mx2/load', { body })
    expect([answer.status, answer.value]).toMatchObject([status, { error: { code } }])
    expect((answer.value['error'] as { message: string }).message).toMatch(words)
    expect(registry.reports({ zone: 'smtp.example.com', target: 'mx2' })).toEqual([])
  })

  test('an ambiguous target, a wrong token, and the load token elsewhere', async () => {
    const body = { share: 1, for: '2m' }
    const ambiguous = await ask('PUT', '/targets/mx1/load', { body })
    expect(ambiguous.value).toMatchObject({ error: { code: 'ambiguous-target' } })
    const wrong = await ask('PUT', '/targets/mx2/load', { body, token: 'wrong' })
    expect([wrong.status, wrong.value]).toMatchObject([401, { error: { code: 'bad-token' } }])
    const elsewhere = await ask('POST', '/overrides', { body: {} })
    expect([elsewhere.status, elsewhere.value]).toMatchObject([
      401,
      { error: { code: 'bad-token' } },
    ])
  })
})
