// What an override would come to, giving one another end, and those that have ended, over real HTTP.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { type AdminListener, listenAdmin } from '../../src/admin/http.ts'
import type { OverrideEffects } from '../../src/admin/override-routes.ts'
import { type AdminSources, adminRoutes } from '../../src/admin/routes.ts'
import { SlotState, Standing } from '../../src/health/table.ts'
import { unwatched } from '../support/admin-listener.ts'
import { freePort } from '../support/free-ports.ts'
import { createVirtualTime } from '../support/virtual-time.ts'
import { openOverrides, zone } from './override-world.ts'

const time = createVirtualTime()
let { control, table, watch, events, endedOverrides } = openOverrides(time)
const renew = (): void =>
  void ({ control, table, watch, events, endedOverrides } = openOverrides(time))

const effects: { short: ReturnType<OverrideEffects['shortPools']> } = { short: [] }

let listener: AdminListener
let port = 0

beforeAll(async () => {
  port = await freePort()
  const served = {
    get overrides() {
      return control
    },
    get endedOverrides() {
      return endedOverrides
    },
    overrideEffects: {
      shortPools: () => effects.short,
      kept: () => Promise.resolve({ kind: 'memory' } as const),
    },
  }
  listener = await listenAdmin(
    { address: '127.0.0.1', port },
    {
      ...unwatched(),
      routes: adminRoutes,
      sources: served as Partial<AdminSources> as AdminSources,
      access: { writes: { kind: 'open' }, loadToken: null },
    },
  )
})
afterAll(() => listener.close())
beforeEach(() => {
  renew()
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

describe('a dry run', () => {
  const dry = async (body: object): Promise<Answer> =>
    ask('POST', '/overrides?dry_run', {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })

  test('says the shares before and after, and sets nothing', async () => {
    const { status, value } = await dry({ ...drain, target: 'mx2', why: '' })
    expect(status).toBe(200)
    expect(value).toMatchObject({
      override: { id: '', target: 'mx2', kind: 'drain' },
      replaced: null,
      refusal: null,
      exposedUntil: null,
      pools: [
        {
          pool: 'eu',
          members: [
            { target: 'mx1', weight: { before: 2, after: 2 }, share: { before: 2 / 3, after: 1 } },
            { target: 'mx2', weight: { before: 1, after: 0 }, share: { before: 1 / 3, after: 0 } },
          ],
        },
        { pool: 'us', members: [{ target: 'mx2' }, { target: 'mx3', share: { after: 1 } }] },
      ],
    })
    expect([watch.overrides(), events, table.standing(5)]).toEqual([[], [], Standing.normal])
  })

  test('one pool, a weight, and what it would replace', async () => {
    await post({ target: 'mx2', pool: 'us', kind: 'weight', factor: 0, seconds: 60 })
    const { value } = await dry({
      target: 'mx2',
      pool: 'us',
      kind: 'weight',
      weight: 3,
      seconds: 60,
    })
    expect(value).toMatchObject({
      replaced: { kind: 'weight', factor: 0 },
      pools: [
        {
          pool: 'us',
          members: [
            { target: 'mx2', weight: { before: 0, after: 3 }, share: { before: 0, after: 0.5 } },
            { target: 'mx3', weight: { before: 3, after: 3 }, share: { before: 1, after: 0.5 } },
          ],
        },
      ],
    })
    expect((value['pools'] as unknown[]).length).toBe(1)
  })

  test('what it would be refused with, unless it is forced', async () => {
    table.set(2, SlotState.down, 1, Infinity)
    const emptying = await dry(drain)
    expect([emptying.status, emptying.value['refusal']]).toMatchObject([
      200,
      { code: 'would-empty-pool', message: expect.stringMatching(/mx2 is down/) as string },
    ])
    expect((await dry({ ...drain, force: true })).value['refusal']).toBeNull()
    expect((await post(drain)).value).toMatchObject({ error: { code: 'would-empty-pool' } })
    effects.short = [
      { zone, pool: 'eu', usable: 0.25, minHealthy: 0.5, clients: [], message: 'eu is short' },
    ]
    table.set(2, SlotState.up, 1, Infinity)
    expect((await dry({ ...drain, target: 'mx2' })).value).toMatchObject({
      refusal: { code: 'below-min-healthy', message: 'eu is short' },
      short: [{ pool: 'eu', usable: 0.25 }],
    })
  })

  test('is refused as what it tries would be', async () => {
    expect((await dry({ ...drain, target: 'mx33' })).value).toMatchObject({
      error: { code: 'unknown-target' },
    })
  })
})

describe('PATCH', () => {
  const patch = async (name: string, body: object): Promise<Answer> =>
    ask('PATCH', `/overrides/${name}`, {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const idOf = ({ value }: Answer): string => (value['override'] as { id: string }).id

  test('gives an override another end and reason, by id or target, under a new id', async () => {
    const before = idOf(await post({ ...drain, by: 'anna' }))
    const { status, value } = await patch(before, { seconds: 7200, by: 'jo' })
    const until = new Date(time.clock.wallMs() + 7_200_000).toISOString()
    expect([status, value['override']]).toMatchObject([
      200,
      { target: 'mx3', kind: 'drain', why: 'disk', by: 'jo', until },
    ])
    const again = await patch('mx3', { why: 'a new disk' })
    expect(again.value['override']).toMatchObject({ why: 'a new disk', until })
    expect(watch.overrides().map(({ id }) => id)).toEqual([idOf(again)])
    expect(table.standing(9)).toBe(Standing.drained)
    expect((await patch(before, { seconds: 60 })).status).toBe(404)
    expect((await ask('GET', '/overrides')).value['ended']).toEqual([])
  })

  test.each([
    ['nothing', {}, 400, 'bad-field'],
    ['a misspelt field', { secnods: 1 }, 400, 'unknown-field'],
    ['another kind', { kind: 'up' }, 400, 'unknown-field'],
    ['an end before now', { seconds: -1 }, 400, 'bad-end'],
    ['two ends', { seconds: 1, until: '2030-01-01' }, 400, 'bad-field'],
  ])('%s is refused', async (_, body, status, code) => {
    await post(drain)
    const answer = await patch('mx3', body)
    expect([answer.status, answer.value]).toMatchObject([status, { error: { code } }])
    expect(events).toEqual(['set mx3 drain'])
  })

  test('of a target with two only by the id', async () => {
    await post(drain)
    const id = idOf(await post({ target: 'mx3', kind: 'weight', factor: 2, seconds: 60 }))
    const both = await patch('mx3', { seconds: 600 })
    expect([both.status, both.value]).toMatchObject([
      409,
      { error: { code: 'ambiguous-override', message: expect.stringContaining(id) as string } },
    ])
    expect((await patch('mx3?kind=weight', { seconds: 600 })).status).toBe(200)
  })
})

test('what has ended in the last day is listed, the latest first, with how and by whom', async () => {
  await post(drain)
  await ask('DELETE', '/overrides/mx3?by=jo')
  await post({ target: 'mx3', kind: 'up', seconds: 60 })
  await post({ target: 'mx3', kind: 'disable', by: 'anna' })
  const ended = async (): Promise<unknown> => (await ask('GET', '/overrides')).value['ended']
  expect(await ended()).toMatchObject([
    { target: 'mx3', kind: 'up', end: 'replaced', endedBy: 'anna' },
    { target: 'mx3', kind: 'drain', end: 'undone', endedBy: 'jo', why: 'disk' },
  ])
  time.advance(86_400_000)
  expect(await ended()).toEqual([])
})
