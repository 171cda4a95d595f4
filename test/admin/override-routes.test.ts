// GET, POST and DELETE of /overrides over real HTTP: accepted requests, and every refusal.

import { request } from 'node:http'

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { type AdminListener, listenAdmin } from '../../src/admin/http.ts'
import { writeAccess } from '../../src/admin/access.ts'
import type { OverrideEffects, OverrideKept } from '../../src/admin/override-routes.ts'
import { type AdminSources, adminRoutes } from '../../src/admin/routes.ts'
import { SlotState, Standing } from '../../src/health/table.ts'
import { watchedMembers } from '../../src/weights/member-state.ts'
import { unwatched } from '../support/admin-listener.ts'
import { freePort } from '../support/free-ports.ts'
import { createVirtualTime } from '../support/virtual-time.ts'
import { loaded, openOverrides, zone } from './override-world.ts'

const time = createVirtualTime()
let { control, table, watch, events, endedOverrides } = openOverrides(time)
const renew = (): void =>
  void ({ control, table, watch, events, endedOverrides } = openOverrides(time))

/** Where overrides are kept, and what they come to, as the tests have it. */
const effects: { kept: OverrideKept; short: ReturnType<OverrideEffects['shortPools']> } = {
  kept: { kind: 'memory' },
  short: [],
}

/** Listeners of the same sources, by who may write. */
const accesses = {
  open: writeAccess({ address: '127.0.0.1', port: 0 }, null),
  token: writeAccess({ address: '127.0.0.1', port: 0 }, 'a-token-of-16-chars'),
  closed: writeAccess({ address: '192.0.2.1', port: 0 }, null),
}
const ports = { open: 0, token: 0, closed: 0 }
let listeners: readonly AdminListener[] = []
/** Of the listener that is asked. */
let port = 0

const listen = async (kind: keyof typeof accesses): Promise<AdminListener> => {
  const served = {
    get overrides() {
      return control
    },
    get endedOverrides() {
      return endedOverrides
    },
    overrideEffects: { shortPools: () => effects.short, kept: async () => effects.kept },
  }
  ports[kind] = await freePort()
  return listenAdmin(
    { address: '127.0.0.1', port: ports[kind] },
    {
      ...unwatched(),
      routes: adminRoutes,
      sources: served as Partial<AdminSources> as AdminSources,
      access: { writes: accesses[kind], loadToken: null },
    },
  )
}

beforeAll(async () => {
  listeners = await Promise.all([listen('open'), listen('token'), listen('closed')])
})
afterAll(() => Promise.all(listeners.map((one) => one.close())))
beforeEach(() => {
  port = ports.open
  renew()
  effects.kept = { kind: 'memory' }
  effects.short = []
})

interface Answer {
  readonly status: number
  readonly value: Record<string, unknown>
}

const ask = async (method: string, path: string, init: RequestInit = {}): Promise<Answer> => {
  // A connection for each: some tests keep this thread busy for longer than idle ones are kept.
  const headers = { connection: 'close', ...(init.headers as Record<string, string> | undefined) }
  const reply = await fetch(`http://127.0.0.1:${port}${path}`, { method, ...init, headers })
  return { status: reply.status, value: (await reply.json()) as Record<string, unknown> }
}
const post = (body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  ask('POST', '/overrides', {
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
const drain = { target: 'mx3', kind: 'drain', seconds: 60, why: 'disk' }

describe('accepted requests', () => {
  test('a drain: the rows of its members have it, the reply says until when it is cached', async () => {
    const { status, value } = await post({ ...drain, by: 'me' })
    expect(status).toBe(201)
    expect(value).toMatchObject({
      override: { zone, target: 'mx3', pool: null, kind: 'drain', why: 'disk', by: 'me' },
      exposedUntil: '2026-12-01T00:00:00.000Z',
      replaced: null,
      lasting: false,
    })
    expect(table.standing(9)).toBe(Standing.drained)
    expect(events).toEqual(['set mx3 drain'])
    const { value: listed } = await ask('GET', '/overrides')
    const { exposedUntil } = value
    expect(listed['overrides']).toEqual([{ ...(value['override'] as object), exposedUntil }])
  })

  test('a whole name with a final dot and in capitals; a pool alone', async () => {
    const body = { ...drain, target: 'MX2.smtp.example.COM.', pool: 'us' }
    expect((await post(body)).status).toBe(201)
    expect([table.standing(5), table.standing(6)]).toEqual([Standing.normal, Standing.drained])
  })

  test.each([
    [{ factor: 0.5 }, 1 / 2],
    [{ weight: 8 }, 4],
    // 1 in 1 + 1.
    [{ share: 0.5 }, 0.5],
  ])('a weight as %o', async (weight, share) => {
    expect(
      (await post({ target: 'mx1', zone, kind: 'weight', seconds: 60, ...weight })).status,
    ).toBe(201)
    expect(table.share(1)).toBe(share)
  })

  test('an end as a time, and none for disable', async () => {
    const until = new Date(time.clock.wallMs() + 5000).toISOString()
    const timed = await post({ target: 'mx3', kind: 'up', until })
    expect(timed.value['override']).toMatchObject({ until })
    expect(table.standing(9)).toBe(Standing.forced)
    const endless = await post({ target: 'mx3', kind: 'disable' })
    expect(endless.value['override']).toMatchObject({ until: null })
    expect(endless.value['replaced']).toMatchObject({ kind: 'up' })
    expect(events).toEqual(['set mx3 up', 'replaced mx3 up ', 'set mx3 disable'])
  })

  test('undoing by id, by target and by kind', async () => {
    const { value } = await post(drain)
    const { id } = value['override'] as { id: string }
    await post({ target: 'mx3', kind: 'weight', factor: 2, seconds: 60 })
    const kinds = await ask('DELETE', '/overrides/mx3?kind=up,disable')
    expect([kinds.status, kinds.value]).toMatchObject([
      404,
      { error: { code: 'no-such-override' } },
    ])
    expect((await ask('DELETE', `/overrides/${id}?by=you`)).status).toBe(200)
    expect([table.standing(9), table.share(9)]).toEqual([Standing.normal, 2])
    expect(events.at(-1)).toBe('undone mx3 drain you')
    expect((await ask('DELETE', '/overrides/mx3.smtp.example.com')).status).toBe(200)
    expect(table.share(9)).toBe(1)
  })

  test('nothing to undo: no other target is proposed', async () => {
    await post({ ...drain, target: 'mx3' })
    const known = await ask('DELETE', '/overrides/mx2')
    expect(known.value).toEqual({
      error: { code: 'no-such-override', message: 'mx2 has no such override' },
    })
    const slip = await ask('DELETE', '/overrides/mx33')
    expect(slip.value).toMatchObject({
      error: { message: expect.stringMatching(/mx3\?/) as string },
    })
  })

  test('the last eligible target of a pool, only with force', async () => {
    table.set(2, SlotState.down, 1, Infinity)
    const refused = await post(drain)
    expect([refused.status, refused.value]).toMatchObject([
      409,
      {
        error: {
          code: 'would-empty-pool',
          message: expect.stringMatching(/us.*mx2 is down/) as string,
        },
      },
    ])
    expect([table.standing(9), events]).toEqual([Standing.normal, []])
    expect((await post({ ...drain, kind: 'weight', factor: 0 })).value).toMatchObject({
      error: { code: 'would-empty-pool' },
    })
    expect((await post({ ...drain, force: true })).status).toBe(201)
  })
})

describe('refusals have a status, a code and a message', () => {
  const json = 'application/json'
  test.each<[string, unknown, number, string, RegExp]>([
    ['no JSON', '{"target":', 400, 'bad-json', /well-formed/],
    ['no object', '[]', 400, 'bad-field', /object/],
    ['a misspelt field', { ...drain, secnods: 1 }, 400, 'unknown-field', /secnods/],
    ['no target', { ...drain, target: undefined }, 400, 'bad-field', /target/],
    ['no kind', { ...drain, kind: 'kill' }, 400, 'bad-field', /drain, disable, up or weight/],
    ['no end', { ...drain, seconds: undefined }, 400, 'no-end', /seconds/],
    ['an end before now', { ...drain, seconds: -1 }, 400, 'bad-end', /366 days/],
    ['an end too far', { ...drain, seconds: 1e9 }, 400, 'bad-end', /366 days/],
    [
      'an end that is none',
      { ...drain, seconds: undefined, until: 'x' },
      400,
      'bad-end',
      /2026-12/,
    ],
    ['two ends', { ...drain, until: '2030-01-01' }, 400, 'bad-field', /not both/],
    ['a terminal escape', { ...drain, why: '\x1b[31m' }, 400, 'bad-field', /printable/],
    ['a long why', { ...drain, why: 'y'.repeat(201) }, 400, 'bad-field', /200/],
    ['no weight', { ...drain, kind: 'weight' }, 400, 'bad-field', /one of factor/],
    ['a huge factor', { ...drain, kind: 'weight', factor: 101 }, 400, 'bad-field', /0 to 100/],
    ['a whole share', { ...drain, kind: 'weight', share: 1 }, 400, 'bad-field', /0.99/],
    ['a weight of a drain', { ...drain, factor: 1 }, 400, 'bad-field', /weight only/],
    [
      'an unknown target',
      { ...drain, target: 'mx33' },
      404,
      'unknown-target',
      /did you mean mx3\?/,
    ],
    ['an unknown zone', { ...drain, zone: 'x' }, 404, 'unknown-zone', /smtp\.example\.com/],
    ['an unknown pool', { ...drain, pool: 'eu' }, 404, 'unknown-pool', /did you mean us\?|us/],
    ['two zones', { ...drain, target: 'mx1' }, 409, 'ambiguous-target', /mx1\.smtp\.example\.net/],
    ['a body too long', { ...drain, why: 'y'.repeat(9000) }, 413, 'body-too-large', /8192/],
  ])('%s', async (_, body, status, code, words) => {
    const answer = await post(body)
    expect([answer.status, answer.value]).toMatchObject([status, { error: { code } }])
    expect((answer.value['error'] as { message: string }).message).toMatch(words)
    expect(watch.overrides()).toEqual([])
  })

  test.each([
    ['text/plain', 415, 'not-json'],
    ['application/x-www-form-urlencoded', 415, 'not-json'],
  ])('a body of type %s', async (type, status, code) => {
    const answer = await post(drain, { 'content-type': type })
    expect([answer.status, answer.value]).toMatchObject([status, { error: { code } }])
  })

  test('a web page', async () => {
    const answer = await new Promise<number>((resolve, reject) => {
      const headers = { 'content-type': json, origin: 'http://127.0.0.1' }
      const sent = request({ port, path: '/overrides', method: 'POST', headers }, (reply) => {
        reply.resume()
        resolve(reply.statusCode ?? 0)
      })
      sent.on('error', reject)
      sent.end(JSON.stringify(drain))
    })
    expect([answer, watch.overrides()]).toEqual([403, []])
  })

  test('a body without length that does not end', async () => {
    const status = await new Promise<number>((resolve, reject) => {
      const headers = { 'content-type': json, 'transfer-encoding': 'chunked' }
      const sent = request({ port, path: '/overrides', method: 'POST', headers }, (reply) => {
        reply.resume()
        resolve(reply.statusCode ?? 0)
        sent.destroy()
      })
      sent.on('error', reject)
      sent.write(Buffer.alloc(10_000, ' '))
    })
    expect(status).toBe(413)
  })

  test('the override after the thousandth', async () => {
    const many = Array.from({ length: 1001 }, (_, i) =>
      loaded('many.example', `t${i}`, 5 + i, { p: 1 }),
    )
    watch.update(watchedMembers(many))
    const named = {
      zone: 'many.example',
      pool: null,
      action: { kind: 'up' },
      why: '',
      by: '',
    } as const
    for (let i = 0; i < 1000; i++) {
      const times = { setMs: 0, untilMs: null }
      const one = { ...named, ...times, id: `many${i}`, target: `t${i}` }
      expect(watch.set(one, false).kind).toBe('set')
    }
    const answer = await post({ ...drain, target: 't1000', kind: 'up' })
    expect([answer.status, answer.value]).toMatchObject([
      409,
      { error: { code: 'too-many-overrides' } },
    ])
    expect((await post({ ...drain, target: 't7', kind: 'up' })).status).toBe(201)
  }, 600_000)
})

describe('tokens', () => {
  test('are required if one is set, and on any address but loopback', async () => {
    port = ports.token
    expect((await post(drain)).value).toMatchObject({ error: { code: 'token-required' } })
    const wrong = await post(drain, { authorization: 'Bearer wrong' })
    expect([wrong.status, wrong.value]).toMatchObject([401, { error: { code: 'bad-token' } }])
    expect((await ask('DELETE', '/overrides/mx3')).status).toBe(401)
    expect((await ask('GET', '/overrides')).status).toBe(200)
    expect((await post(drain, { authorization: 'Bearer a-token-of-16-chars' })).status).toBe(201)
    port = ports.closed
    expect([(await post(drain)).status, (await post(drain)).value]).toMatchObject([
      403,
      { error: { code: 'token-required' } },
    ])
    expect(writeAccess({ address: '::1', port }, null)).toEqual({ kind: 'open' })
    expect(writeAccess({ address: '::', port }, null)).toEqual({ kind: 'closed' })
  })
})

describe('warnings', () => {
  const short = {
    zone,
    pool: 'us',
    usable: 0.25,
    minHealthy: 0.5,
    clients: [],
    message: 'pool us is left with 25 % of its weight',
  }

  test.each([
    [
      { kind: 'unwritten', file: '/s/a.state', why: 'EROFS' },
      'not-kept',
      /a\.state cannot be written \(EROFS\)/,
    ],
    [
      { kind: 'store-away', why: 'ECONNREFUSED' },
      'not-shared',
      /this instance alone.*ECONNREFUSED/,
    ],
  ] as const)('%o: in force, and said to be kept nowhere', async (kept, code, message) => {
    effects.kept = kept
    const { status, value } = await post(drain)
    expect(status).toBe(201)
    expect(value).toMatchObject({
      lasting: false,
      warnings: [{ code, message: expect.stringMatching(message) }],
    })
    const undone = await ask('DELETE', '/overrides/mx3')
    expect(undone.status).toBe(200)
    expect(undone.value).toMatchObject({ undone: [{ target: 'mx3' }], warnings: [{ code }] })
  })

  test('none where overrides are kept, or not meant to be', async () => {
    expect((await post(drain)).value['warnings']).toEqual([])
    effects.kept = { kind: 'kept' }
    const up = { target: 'mx2', kind: 'up', seconds: 60 }
    expect((await post(up)).value).toMatchObject({ warnings: [], lasting: false })
  })

  test('a pool below min_healthy: a script is told, who asks is refused, who forces is not', async () => {
    effects.short = [short]
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    }
    const asked = await ask('POST', '/overrides?ask=yes', { ...init, body: JSON.stringify(drain) })
    expect(asked.status).toBe(409)
    expect(asked.value).toEqual({ error: { code: 'below-min-healthy', message: short.message } })
    expect(events).toEqual([])
    const forced = JSON.stringify({ ...drain, force: true })
    expect((await ask('POST', '/overrides?ask=yes', { ...init, body: forced })).status).toBe(201)
    const { status, value } = await post(drain)
    expect(status).toBe(201)
    expect(value['warnings']).toEqual([{ code: 'below-min-healthy', ...short }])
  })

  test('what leaves nobody is refused as that, whether asked or not', async () => {
    effects.short = [{ ...short, usable: 0 }]
    expect((await post({ ...drain, target: 'mx2', pool: 'us' })).status).toBe(201)
    const body = JSON.stringify(drain)
    const headers = { 'content-type': 'application/json' }
    const asked = await ask('POST', '/overrides?ask=yes', { headers, body })
    expect(asked.value).toMatchObject({ error: { code: 'would-empty-pool' } })
  })
})
