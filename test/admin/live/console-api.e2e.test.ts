// What a console asks a running server: the overview and the stream that keeps it current, events, history, traffic, one
// target, and a probe now; with an MTA that dies and comes back meanwhile.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type {
  EventsReply,
  HistoryReply,
  TrafficReply,
} from '../../../src/admin/live/live-routes.ts'
import type { Overview } from '../../../src/admin/live/overview-rows.ts'
import type { TargetReply } from '../../../src/admin/live/target-routes.ts'
import { openUdpClient } from '../../support/dns-client.ts'
import { type EventStream, openStream } from '../../support/event-stream.ts'
import { freePort } from '../../support/free-ports.ts'
import { type OddMta, startGreeters } from '../../support/odd-mtas.ts'
import { answerMistakes, schemaMistakes } from '../../support/openapi.ts'
import { type RunningServer, startServer, temporaryFolder } from '../../support/server.ts'
import { until } from '../../support/wait.ts'

const [steady, mortal] = ['127.0.0.96', '127.0.0.97']
const folder = temporaryFolder()

let port: number
let server: RunningServer
let steadyMta: OddMta | undefined
let mortalMta: OddMta | undefined
const streams: EventStream[] = []

const zone = (): string => `
zone: smtp.example.test
ttl: 30
soa: { mname: ns1, rname: hostmaster.example.test., minimum: 30 }
targets:
  mx1: { addresses: [${steady}], region: eu }
  mx2: { addresses: [${mortal}], region: us }
probes:
  inbound: { port: ${port}, level: banner, interval: 1s, fast_interval: 500ms, fall: 2, rise: 2, slow_start: 0s }
pools:
  main: { probe: inbound, targets: { mx1: 3, mx2: 1 }, availability_target: 99.9% }
steering:
  inbound:
    - { pools: [main] }
records:
  '@': { NS: ns1, MX: { steer: inbound } }
  ns1: { A: 127.0.0.1 }
  relay: { address: { steer: inbound } }
`

const settings = (more: string): string =>
  `instance: one\nsite: fra\nworkers: 1\nlameduck: 0\nstate: memory\nstate_dir: ${folder}\n${more}`

beforeAll(async () => {
  port = await freePort([steady, mortal])
  ;[steadyMta] = await startGreeters([steady], port)
  ;[mortalMta] = await startGreeters([mortal], port)
  server = await startServer({
    zones: { 'mail.yaml': zone() },
    settings: settings('console_url: https://ns1.example.test/console/\n'),
  })
  for (const target of ['mx1', 'mx2']) await server.waitForState(target, 'up', 60_000)
  const isReady = async (): Promise<boolean> => (await read<Overview>('/overview')).self.ready
  await until(isReady, { what: 'a server that is ready', withinMs: 60_000 })
})
afterAll(async () => {
  for (const stream of streams) stream.close()
  await server?.stop()
  await steadyMta?.close()
  await mortalMta?.close()
})

const soon = (what: string) => ({ what, withinMs: 30_000 })
const get = async (path: string): Promise<Response> =>
  fetch(`http://127.0.0.1:${server.adminPort}${path}`)
const read = async <Value>(path: string): Promise<Value> =>
  (await (await get(path)).json()) as Value
const post = (path: string): Promise<Response> =>
  fetch(`http://127.0.0.1:${server.adminPort}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  })
async function stream(since: string | null, headers = {}): Promise<EventStream> {
  const path = since === null ? '/stream' : `/stream?since=${since}`
  const opened = await openStream(server.adminPort, path, headers)
  streams.push(opened)
  return opened
}
const codeOf = async (reply: Response): Promise<unknown> =>
  ((await reply.json()) as { error: { code: string } }).error.code

describe('the overview', () => {
  test('has a row for each thing, and 304 where nothing has changed', async () => {
    const overview = await read<Overview>('/overview')
    expect(overview.self).toMatchObject({
      instance: 'one',
      site: 'fra',
      ready: true,
      consoleUrl: 'https://ns1.example.test/console/',
    })
    expect(overview.targets.map(({ target, state }) => [target, state])).toEqual([
      ['mx1', 'up'],
      ['mx2', 'up'],
    ])
    expect(overview.members).toMatchObject([
      { target: 'mx1', due: 0.75, out: null, weight: { configured: 3, health: 1, effective: 3 } },
      { target: 'mx2', due: 0.25 },
    ])
    expect(overview.pools).toMatchObject([{ pool: 'main', healthy: 2, availabilityTarget: 0.999 }])
    expect(overview.pools[0]?.since).not.toBe(null)
    expect(overview.zones[0]?.hash).toMatch(/^[\w-]{16}$/)
    expect(overview.figures.addresses).toEqual({ up: 2, of: 2 })
    // Factors of 1 are left out.
    expect(Object.keys(overview.members[0]?.weight ?? {})).toEqual([
      'configured',
      'health',
      'effective',
    ])
    // Latencies may have their turn between two looks.
    await until(async () => {
      const { generation } = await read<Overview>('/overview')
      return (await get(`/overview?since=${generation}`)).status === 304
    }, soon('an overview that is as it was'))
  })

  test('refuses parameters that it does not know', async () => {
    const paths = ['/overview?sinse=1', '/stream?x=1', '/events?kinds=a', '/traffic?window=2h']
    for (const path of [...paths, '/events?before=x', '/events?limit=501', '/history?window=1d'])
      expect([path, await codeOf(await get(path))]).toEqual([path, 'bad-field'])
  })
})

describe('the stream', () => {
  test('tells of a target that dies: as an event, a row, and in the history', async () => {
    const { generation } = await read<Overview>('/overview')
    const open = await stream(generation)
    expect(open.status).toBe(200)
    expect(open.headers['content-type']).toBe('text/event-stream; charset=utf-8')
    await open.message('hello', ({ boot }) => boot === generation.split(':')[0])
    await open.message('figures')
    await mortalMta?.close()
    await open.message('event', ({ event, target }) => event === 'target.down' && target === 'mx2')
    const hasRow = (rows: unknown, isMeant: (row: Record<string, unknown>) => boolean): boolean =>
      ((rows ?? []) as Record<string, unknown>[]).some(isMeant)
    await open.message('delta', ({ targets }) =>
      hasRow(targets, ({ target, state }) => target === 'mx2' && state === 'down'),
    )
    await open.message('delta', ({ members }) =>
      hasRow(members, ({ target, out }) => target === 'mx2' && out === 'down'),
    )
    const ids = open.messages.flatMap(({ id }) => (id === null ? [] : [Number(id.split(':')[1])]))
    expect(ids.toSorted((a, b) => a - b)).toEqual(ids)

    const { events } = await read<EventsReply>('/events?kind=target&target=mx2&limit=5')
    expect(events[0]).toMatchObject({ event: 'target.down', to: 'down', reason: 'connect-refused' })
    const history = await read<HistoryReply>('/history?target=mx2')
    expect(history).toMatchObject({ available: true, stepSeconds: 60 })
    expect(history.series).toMatchObject([{ target: 'mx2', address: mortal }])
    expect(history.series[0]?.worst.includes('down')).toBe(true)
    expect(history.series[0]?.bad.some((count) => count !== null && count > 0)).toBe(true)

    // What it missed comes first where it comes back, and a generation of another process is no beginning.
    const back = await stream(null, { 'last-event-id': generation })
    await back.message('event', ({ event }) => event === 'target.down')
    expect(back.messages.some(({ event }) => event === 'resync')).toBe(false)
    for (const since of ['00000000:1', 'x', `${generation.split(':')[0]}:999999`]) {
      const lost = await stream(since)
      await lost.message('resync')
      lost.close()
    }
    back.close()
    open.close()
  })

  test('the seventeenth is refused, until one of the others is closed', async () => {
    await until(async () => (await server.metric('mxsteer_admin_streams')) === 0, soon('no stream'))
    const open = await Promise.all(Array.from({ length: 16 }, () => stream(null)))
    expect(open.map(({ status }) => status)).toEqual(open.map(() => 200))
    const refused = await stream(null)
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '5'])
    expect((await read<Overview>('/overview')).figures.streams).toBe(16)
    // Others are served meanwhile.
    expect((await get('/livez')).status).toBe(200)
    open[0]?.close()
    await until(async () => (await stream(null)).status === 200, soon('room for another stream'))
    const refusals = await server.metric('mxsteer_admin_streams_ended_total{reason="refused"}')
    expect(refusals).toBeGreaterThan(0)
    for (const one of streams) one.close()
    await until(async () => (await server.metric('mxsteer_admin_streams')) === 0, soon('no stream'))
  })
})

describe('one target', () => {
  test('is told of with its last failure, which a pass does not end', async () => {
    ;[mortalMta] = await startGreeters([mortal], port)
    await server.waitForState('mx2', 'up', 20_000)
    const target = await read<TargetReply>('/targets/mx2.smtp.example.test')
    expect(target.addresses).toMatchObject([
      {
        state: 'up',
        fall: 2,
        rise: 2,
        slowStart: 1,
        shedding: 1,
        last: { kind: 'ok' },
        lastFailure: { kind: 'dead', reason: 'connect-refused' },
        votes: [{ instance: 'one', vote: 'up' }],
      },
    ])
    expect(target.addresses[0]?.lastFailure?.dialogue.length).toBeGreaterThan(0)
    expect(target.members).toMatchObject([{ pool: 'main', window: { had: 0 } }])
    expect((await read<TargetReply>('/targets/mx1')).addresses[0]?.lastFailure).toBe(null)
    expect(await codeOf(await get('/targets/mx9'))).toBe('unknown-target')
    expect(await codeOf(await get('/targets/mx1?zone=other.test'))).toBe('unknown-zone')
  })

  test('is probed on request, once in five seconds', async () => {
    const lastAt = async (): Promise<string | null | undefined> =>
      (await read<TargetReply>('/targets/mx1')).addresses[0]?.last?.at
    const before = await lastAt()
    const reply = await post('/targets/mx1/probe')
    expect([reply.status, await reply.json()]).toEqual([
      202,
      { zone: 'smtp.example.test', target: 'mx1', addresses: [steady] },
    ])
    const again = await post('/targets/mx1/probe')
    expect([again.status, await codeOf(again)]).toEqual([429, 'too-soon'])
    expect(Number(again.headers.get('retry-after'))).toBeGreaterThan(0)
    await until(async () => (await lastAt()) !== before, soon('another probe'))
    expect((await post('/targets/mx2/probe')).status).toBe(202)
  })
})

test('answers are counted for the window, by MX and by address, and in the traffic', async () => {
  const client = openUdpClient(server.port)
  for (let i = 0; i < 20; i++) {
    await client.ask('smtp.example.test', 'MX')
    await client.ask('relay.smtp.example.test', 'A')
  }
  client.close()
  const { members } = await read<Pick<Overview, 'members'>>('/targets')
  // What was answered is in caches now, and still a row of ten thousand has its 300 octets.
  const rows = async (): Promise<Overview['members']> => (await read<Overview>('/overview')).members
  const isInCaches = async (): Promise<boolean> =>
    (await rows()).every(({ exposedUntil }) => exposedUntil !== null)
  await until(isInCaches, soon('rows that say until when caches have them'))
  expect(JSON.stringify(await rows()).length / 2).toBeLessThanOrEqual(300)
  const rungs = members.reduce((all, { window }) => all + window.had, 0)
  const addresses = members.reduce((all, { addresses: one }) => all + one.had, 0)
  expect(rungs).toBe(20)
  expect(addresses).toBeGreaterThanOrEqual(20)
  await until(async () => {
    const { types } = await read<TrafficReply>('/traffic')
    return (types['MX'] ?? []).some((count) => count !== null && count >= 20)
  }, soon('the queries in the traffic'))
  const traffic = await read<TrafficReply>('/traffic?window=1h')
  expect(traffic).toMatchObject({ stepSeconds: 10, workers: { restarts: 0 } })
  expect(traffic.types['MX']?.length).toBe(360)
  expect(traffic.types['MX']?.[0]).toBe(null)
  expect(Object.keys(traffic.rcodes)).toEqual(['NOERROR'])
})

test('every answer is as docs/openapi.yaml says, and so is every message of a stream', async () => {
  const asked = [
    ['/livez', '/readyz', '/status', '/metrics', '/targets', '/coherence', '/budgets', '/overview'],
    ['/events', '/events?limit=x', '/history', '/history?window=24h', '/history?target=mx9'],
    ['/traffic', '/traffic?window=24h', '/traffic?window=x', '/targets/mx1', '/targets/mx9'],
    ['/overrides', '/session', '/explain?name=smtp.example.test', '/explain'],
    ['/zones', '/zones/problems', '/zones/smtp.example.test/file', '/zones/x/file', '/names'],
    ['/who?name=smtp.example.test', '/who?name=ns1.smtp.example.test', '/who'],
  ].flat()
  for (const path of asked) {
    const reply = await get(path)
    const isJson = reply.headers.get('content-type')?.startsWith('application/json') === true
    const body: unknown = isJson ? await reply.json() : await reply.text()
    const bare = (path.split('?')[0] ?? '').replace(/mx\d/, 'NAME')
    const route = `GET ${bare.replace(/(?<=zones\/).*(?=\/file)/, 'NAME')}`
    expect([path, answerMistakes(route, reply.status, body)]).toEqual([path, null])
  }
  const schemas = { hello: 'Hello', delta: 'Delta', event: 'Event', figures: 'Figures' } as const
  const told = streams.flatMap(({ messages }) => messages)
  expect(new Set(told.map(({ event }) => event))).toEqual(
    new Set([...Object.keys(schemas), 'resync']),
  )
  for (const { event, data } of told)
    if (event in schemas)
      expect(schemaMistakes(schemas[event as keyof typeof schemas], data)).toBe(null)
})

test('writes and questions are answered as docs/openapi.yaml says', async () => {
  const drain = { target: 'mx1', kind: 'drain', seconds: 600, why: 'new disk' }
  const asked = [
    ['POST', '/overrides?dry_run', drain, 200],
    ['POST', '/overrides', drain, 201],
    ['POST', '/overrides?dry_run', { ...drain, target: 'mx2' }, 200],
    ['POST', '/overrides', { ...drain, target: 'mx2' }, 409],
    ['PATCH', '/overrides/mx1', { seconds: 1200 }, 200],
    ['POST', '/overrides', { target: 'mx1', kind: 'weight', factor: 0.5, seconds: 9 }, 201],
    ['POST', '/overrides', { target: 'mx1', kind: 'weight', share: 0.1, seconds: 9 }, 201],
    ['POST', '/simulate', { name: 'smtp.example.test', down: ['mx2'], clients: 20 }, 200],
    ['GET', '/overrides', undefined, 200],
    ['GET', '/status', undefined, 200],
    ['GET', '/overview', undefined, 200],
    ['GET', '/targets/mx1', undefined, 200],
    ['DELETE', '/overrides/mx1', undefined, 200],
    ['DELETE', '/overrides/mx1', undefined, 404],
    ['GET', '/overrides', undefined, 200],
  ] as const
  for (const [method, path, body, status] of asked) {
    const reply = await fetch(`http://127.0.0.1:${server.adminPort}${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const route = `${method} ${path.replace(/\?.*/, '').replace('mx1', 'NAME')}`
    const value: unknown = await reply.json()
    expect([path, reply.status]).toEqual([path, status])
    expect([route, answerMistakes(route, reply.status, value)]).toEqual([route, null])
  }
})

test('events outlive the process, and count on', async () => {
  const { events } = await read<EventsReply>('/events?kind=target.down')
  await server.stop()
  server = await startServer({
    zones: { 'mail.yaml': zone() },
    settings: settings('history_addresses: 1\n'),
  })
  const after = await read<EventsReply>('/events?kind=target.down')
  expect(after.events.map(({ id, at }) => [id, at])).toEqual(events.map(({ id, at }) => [id, at]))
  const ready = await read<EventsReply>('/events?kind=server.ready')
  expect(ready.events.length).toBe(2)
  expect(ready.events[0]?.id).toBeGreaterThan(after.events[0]?.id ?? 0)
  expect(await read<HistoryReply>('/history')).toMatchObject({ available: false, series: [] })
})
