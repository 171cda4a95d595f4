// Two instances as processes: overrides and feedback given to one are in force on the other, and the counts of both are
// summed.

import { request } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { freePort } from '../support/free-ports.ts'
import { type OddMta, startGreeters } from '../support/odd-mtas.ts'
import { mailDomain, mailZone } from '../support/mail-zone.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { type LogLine, type RunningServer, startServer } from '../support/server.ts'
import { until } from '../support/wait.ts'

const addresses = ['127.0.5.1', '127.0.5.2']
let redis: RedisServer
let mtas: readonly OddMta[]
let servers: readonly RunningServer[]
let a: RunningServer
let b: RunningServer

beforeAll(async () => {
  redis = await startRedis()
  const port = await freePort(addresses)
  mtas = await startGreeters(addresses, port)
  const zone = mailZone({
    targets: {
      mx1: { address: '127.0.5.1', weight: 1 },
      mx2: { address: '127.0.5.2', weight: 1 },
    },
    port,
    probe: { level: 'banner' },
  })
  servers = await Promise.all(
    ['i1', 'i2'].map((name) =>
      startServer({
        zones: { 'smtp.yaml': zone },
        settings: [
          `state: ${redis.url}`,
          'state_heartbeat: 200ms',
          'vantages: 1',
          `instance: ${name}`,
          `site: ${name}`,
          'workers: 1',
          'lameduck: 0',
        ].join('\n'),
      }),
    ),
  )
  ;[a, b] = servers as [RunningServer, RunningServer]
  await Promise.all(servers.map((one) => metricIs(one, 'mxsteer_instances', 2)))
})
afterAll(async () => {
  await Promise.all(servers.map((one) => one.stop()))
  await Promise.all(mtas.map((one) => one.close()))
  await redis.kill()
})

const metricIs = (server: RunningServer, name: string, wanted: number): Promise<true> =>
  until(async () => (await server.metric(name)) === wanted, {
    what: `${name} ${wanted}`,
    withinMs: 60_000,
    everyMs: 50,
  })

const write = (
  server: RunningServer,
  method: string,
  path: string,
  body: object | null,
): Promise<number> =>
  new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port: server.adminPort,
        path,
        method,
        agent: false,
        headers: body === null ? {} : { 'content-type': 'application/json' },
      },
      (reply) => {
        reply.resume()
        reply.on('end', () => resolve(reply.statusCode ?? 0))
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body === null ? undefined : JSON.stringify(body))
  })

const logged = (server: RunningServer, event: string): Promise<LogLine> =>
  server.waitForLog((line) => line.event === event, 10_000)

test('a load reported to one instance holds on the other, and is taken back there', async () => {
  const feedback = `mxsteer_target_feedback{zone="${mailDomain}",target="mx1"}`
  expect(await b.metric(feedback)).toBe(1)
  expect(await write(a, 'PUT', '/targets/mx1/load', { share: 0.5, for: '5m' })).toBe(200)
  await metricIs(b, feedback, 0.5)
  expect(await logged(b, 'target.feedback')).toMatchObject({ target: 'mx1', factor: 0.5 })
  const targets = JSON.parse((await b.http('/targets')).body) as {
    told: readonly { target: string; words: readonly { writer: string }[] }[]
  }
  expect(targets.told).toMatchObject([{ target: 'mx1', words: [{ writer: 'admin', factor: 0.5 }] }])
  expect(await write(b, 'DELETE', '/targets/mx1/load', null)).toBe(200)
  await metricIs(a, feedback, 1)
})

test('an override said to one is logged by the other with where it was said', async () => {
  const drain = { target: 'mx2', kind: 'drain', seconds: 600, why: 'new disk', by: 'ann' }
  expect(await write(a, 'POST', '/overrides', drain)).toBeLessThan(300)
  const line = await logged(b, 'override.set')
  expect(line).toMatchObject({ target: 'mx2', kind: 'drain', by: 'ann', from: 'i1' })
  expect(await logged(a, 'override.set')).not.toHaveProperty('from')
  expect(await write(b, 'DELETE', '/overrides/mx2?kind=drain', null)).toBe(200)
  expect(await logged(a, 'override.ended')).toMatchObject({ target: 'mx2', end: 'undone' })
})

interface Counted {
  readonly good: number
  readonly total: number
}
const countedBy = async (server: RunningServer): Promise<Counted> => {
  const { pools } = JSON.parse((await server.http('/targets')).body) as {
    pools: readonly { windows: Readonly<Record<string, Counted>> }[]
  }
  return pools[0]?.windows['30d'] ?? { good: 0, total: 0 }
}
const successes = async (server: RunningServer): Promise<number> =>
  (await server.metric('mxsteer_probe_outcomes_total{kind="ok"}')) ?? 0

test('availability is of the probes of all instances, each counted once', async () => {
  // Each target is probed by one of the two: what both count is what there was.
  const made = async (): Promise<number> => (await successes(a)) + (await successes(b))
  const before = await until(
    async () => {
      const count = await made()
      return count > 8 && count
    },
    { what: 'some probes', withinMs: 30_000 },
  )
  // Which one probes which target is a matter of hashes, and what one made since it last wrote it is not known to the
  // other yet: but all that there was by now will be.
  const sums = await until(
    async () => {
      const counts = await Promise.all(servers.map(countedBy))
      const after = await made()
      const behind = counts.map(({ total }) => after - total)
      if (behind.some((one) => one < 0)) throw new Error(`counted twice: ${behind.join(' ')}`)
      return counts.every(({ total }) => total >= before) && counts
    },
    { what: `both know the ${before} that there were`, withinMs: 30_000, everyMs: 50 },
  )
  for (const { good, total } of sums) expect(good).toBe(total)
})
