// Two instances as processes over one Redis: each tells what the other is, which zones it serves otherwise, and until when caches
// may lead to a drained target by the answers of both; then one is stopped, and one is killed.

import { afterAll, beforeAll, expect, test } from 'vitest'

import { openUdpClient } from '../support/dns-client.ts'
import { freePort } from '../support/free-ports.ts'
import { mailDomain, mailZone } from '../support/mail-zone.ts'
import { type OddMta, startGreeters } from '../support/odd-mtas.ts'
import { answerMistakes } from '../support/openapi.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { launch, type RunningServer, startServer } from '../support/server.ts'
import { until } from '../support/wait.ts'

const addresses = ['127.0.5.11', '127.0.5.12']
const consoleOf = (instance: string): string => `https://${instance}.example.test/console/`
let redis: RedisServer
let mtas: readonly OddMta[]
let port: number
let a: RunningServer
let b: RunningServer

const zone = (ttl: number): string =>
  mailZone({
    targets: {
      mx1: { address: addresses[0] ?? '', weight: 1 },
      mx2: { address: addresses[1] ?? '', weight: 1 },
    },
    port,
    probe: { level: 'banner' },
  }).replace('ttl: 60', `ttl: ${ttl}`)

const start = (instance: string, ttl: number): Promise<RunningServer> =>
  startServer({
    zones: { 'smtp.yaml': zone(ttl) },
    settings: [
      `state: ${redis.url}`,
      'state_heartbeat: 200ms',
      `instance: ${instance}`,
      `site: ${instance}`,
      `console_url: ${consoleOf(instance)}`,
      'workers: 1',
      // The other sees that it leaves.
      'lameduck: 2s',
    ].join('\n'),
  })

beforeAll(async () => {
  redis = await startRedis()
  port = await freePort(addresses)
  mtas = await startGreeters(addresses, port)
  ;[a, b] = await Promise.all([start('a', 40), start('b', 90)])
  for (const one of [a, b])
    for (const name of ['mx1', 'mx2']) await one.waitForState(name, 'up', 60_000)
})
afterAll(async () => {
  await Promise.all([a, b].map((one) => one?.stop()))
  await Promise.all(mtas.map((one) => one.close()))
  await redis?.kill()
})

interface Exposure {
  readonly until: string | null
  readonly unknown: number
  readonly notKnownOf: readonly string[]
}

interface Status {
  readonly version: string
  readonly state: { readonly polling: string | null }
  readonly peers: readonly Record<string, unknown>[]
  readonly overrides: readonly { readonly id: string; readonly exposure: Exposure | null }[]
}

const read = async <Value>(from: RunningServer, path: string): Promise<Value> =>
  JSON.parse((await from.http(path)).body) as Value
const status = (of: RunningServer): Promise<Status> => read<Status>(of, '/status')
const soon = (what: string) => ({ what, withinMs: 30_000, everyMs: 100 })

async function write(to: RunningServer, method: 'POST' | 'PATCH', path: string, body: object) {
  const reply = await fetch(`http://127.0.0.1:${to.adminPort}${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const value = (await reply.json()) as { readonly override: Record<string, unknown> }
  const route = `${method} ${path.replace(/(?<=overrides\/).*/, 'NAME')}`
  expect(answerMistakes(route, reply.status, value)).toBe(null)
  return value
}

const printed = async (from: RunningServer): Promise<string> => {
  const command = launch(['status', '--admin', `127.0.0.1:${from.adminPort}`])
  await command.exited
  return command.stdout().replace(/\s+/g, ' ')
}

async function ask(server: RunningServer): Promise<void> {
  const client = openUdpClient(server.port)
  for (let i = 0; i < 4; i++) await client.ask(mailDomain, 'MX')
  client.close()
}

/** Of the only override, where it is known of all instances. */
const wholeExposure = (of: RunningServer): Promise<Exposure> =>
  until(async () => {
    const [override] = (await status(of)).overrides
    return override?.exposure?.unknown === 0 && override.exposure
  }, soon('the exposure of all instances'))

test('each tells the version, the console and the zones of the other that are not alike', async () => {
  for (const [here, there] of [
    [a, 'b'],
    [b, 'a'],
  ] as const) {
    const peer = await until(async () => {
      const { peers } = await status(here)
      return peers[0]?.['version'] !== null && peers[0]
    }, soon('the report of the other'))
    expect(peer).toMatchObject({
      instance: there,
      version: (await status(here)).version,
      consoleUrl: consoleOf(there),
      zones: { [mailDomain]: expect.stringMatching(/^[\w-]{16}$/) },
      zonesDiffering: 1,
      zonesUnknown: 0,
      exposure: {},
    })
    const overview = await read<Status>(here, '/overview')
    expect(overview.peers).toMatchObject([{ instance: there, zones: peer['zones'] }])
  }
  // Of 200 ms a read waits two thirds: Redis takes whole milliseconds alone.
  expect((await status(a)).state.polling).toBeNull()
  expect(await printed(a)).toMatch(/ZONES CONSOLE b b ok .* other: smtp\. https:\/\/b\.example\. /)
})

test('a drained target is safe to stop by the later of both, and not while one does not report', async () => {
  await ask(a)
  await ask(b)
  const set = await write(a, 'POST', '/overrides', { target: 'mx1', kind: 'drain', seconds: 3600 })
  const { id } = set.override
  // The other cannot have it yet, or has reported it since.
  expect(set.override['exposure']).toMatchObject({ until: expect.any(String) })
  const ends = await Promise.all([a, b].map(wholeExposure))
  const own = async (of: RunningServer): Promise<number> => {
    const { overrides } = await read<{ overrides: { exposedUntil: string }[] }>(of, '/overrides')
    return Date.parse(overrides[0]?.exposedUntil ?? '')
  }
  const [ownA, ownB] = [await own(a), await own(b)]
  // The answers of b have the longer TTL.
  expect(ownB).toBeGreaterThan(ownA)
  for (const { until: end } of ends) {
    expect(Date.parse(end ?? '')).toBeGreaterThanOrEqual(ownB)
    // Of answers before its start an instance knows that they expire a TTL after it.
    expect(Date.parse(end ?? '')).toBeLessThanOrEqual(Date.now() + 90_000 + 20_000)
  }
  const overview = await read<Status & { members: Record<string, unknown>[] }>(a, '/overview')
  expect(overview.overrides).toMatchObject([{ id, exposure: ends[0] }])
  expect(overview.members.find(({ target }) => target === 'mx1')).toMatchObject({
    out: 'drained',
    fleetExposedUntil: ends[0]?.until,
    notKnownOf: [],
  })
  expect((await status(a)).peers[0]?.['exposure']).toMatchObject({
    [`${mailDomain} mx1`]: expect.any(String),
  })
  expect(await printed(a)).toMatch(/IN CACHES BY WHY mx1\S* - drain .* for \d/)

  const extended = await write(a, 'PATCH', '/overrides/mx1', { seconds: 7200 })
  // The overview is of its last look, half a second ago at most.
  const row = await until(async () => {
    const [first] = (await read<Status>(a, '/overview')).overrides
    return first?.id === extended.override['id'] && first
  }, soon('the row of the override'))
  expect(Object.keys(extended.override).sort()).toEqual(Object.keys(row).sort())
})

test('an instance that is stopped has answered to its end; one that is killed, nobody knows', async () => {
  await wholeExposure(a)
  await b.stop()
  await until(async () => (await status(a)).peers.length === 0, soon('nobody else'))
  expect((await wholeExposure(a)).notKnownOf).toEqual([])

  b = await start('b', 90)
  await until(async () => (await status(a)).peers.length === 1, soon('the other again'))
  // Answers of the process before are known to expire a TTL after the start of this one.
  const { until: end } = await wholeExposure(a)
  expect(Date.parse(end ?? '')).toBeGreaterThan(Date.now() + 40_000)

  b.signal('SIGKILL')
  await b.exited
  await until(async () => {
    const [override] = (await status(a)).overrides
    return override?.exposure?.notKnownOf[0] === 'b'
  }, soon('that it is not known of the other'))
  const command = ['drain', 'mx2', '--for', '1h', '--force']
  const drain = launch([...command, '--admin', `127.0.0.1:${a.adminPort}`])
  expect((await drain.exited).code).toBe(0)
  expect(drain.stdout()).toContain('not known of b yet: mxsteer status tells')
})
