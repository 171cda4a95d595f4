// Three instances as processes over a real Redis: one that goes says so, and one whose zone files differ is named.

import { afterAll, beforeAll, expect, test } from 'vitest'

import { type RedisServer, startRedis } from '../support/redis.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { until } from '../support/wait.ts'

const heartbeatMs = 400
/** All votes are read anew after 10 heartbeats ± 20 %; before that, an interval and a few fast ones until there is one. */
const votesWithinMs = 12 * heartbeatMs + 1100 + 4 * 220 + 2000
const targets = Array.from({ length: 12 }, (_, i) => `mx${i + 1}`)

const zoneText = (port: number): string => `
zone: smtp.example.test
soa: { mname: ns1, rname: hostmaster.example.test. }
targets:
${targets.map((name, i) => `  ${name}: { addresses: [127.0.4.${i + 1}] }`).join('\n')}
probes:
  inbound: { port: ${port}, level: banner, ehlo: probe.example.test, interval: 1s, fast_interval: 200ms }
pools:
  main: { probe: inbound, targets: { ${targets.map((name) => `${name}: 1`).join(', ')} } }
steering:
  inbound: [{ pools: [main] }]
records:
  "@": { NS: [ns1], MX: { steer: inbound } }
  ns1: { A: 192.0.2.53 }
`

let redis: RedisServer
let servers: readonly RunningServer[]

interface Status {
  readonly peers: readonly {
    readonly instance: string
    readonly state: string
    readonly config: string | null
  }[]
  readonly config: { readonly differs: boolean; readonly groups: readonly unknown[] }
  readonly targets: readonly {
    readonly votes: readonly { readonly instance: string; readonly vote: string }[]
  }[]
}
const statusOf = async (server: RunningServer): Promise<Status> =>
  JSON.parse((await server.http('/status')).body) as Status
/** Who says nothing of a target has the vote `unknown`. */
const saidOf = ({ votes }: Status['targets'][number]): Status['targets'][number]['votes'] =>
  votes.filter(({ vote }) => vote !== 'unknown')
const votersOf = ({ targets: all }: Status): readonly string[] => [
  ...new Set(all.flatMap((one) => saidOf(one).map(({ instance }) => instance))),
]

const start = (name: string): Promise<RunningServer> =>
  startServer({
    zones: { 'smtp.yaml': zoneText(9) },
    settings: [
      `state: ${redis.url}`,
      `state_heartbeat: ${heartbeatMs}ms`,
      'vantages: 1',
      `instance: ${name}`,
      `site: ${name}`,
      'workers: 1',
      'lameduck: 15s',
    ].join('\n'),
  })

beforeAll(async () => {
  redis = await startRedis()
  servers = await Promise.all(['i1', 'i2', 'i3'].map(start))
  await until(
    async () =>
      (await Promise.all(servers.map(statusOf))).every(
        ({ peers, targets: all }) =>
          peers.length === 2 && all.every((one) => saidOf(one).length > 0),
      ),
    { what: 'all see all, and every target has a vote', withinMs: 60_000, everyMs: 100 },
  )
})
afterAll(async () => {
  await Promise.all(servers.map((one) => one.stop()))
  await redis.kill()
})

test('instances whose zone files differ are named, and when they agree again that is reported', async () => {
  const [i1, i2, i3] = servers as [RunningServer, RunningServer, RunningServer]
  expect((await statusOf(i1)).config).toMatchObject({ differs: false, groups: [{}] })
  expect(await i1.metric('mxsteer_config_differs')).toBe(0)
  i3.writeZone('smtp.yaml', `# only a comment\n${zoneText(9)}`)
  await i3.waitForLog(({ event, cause }) => event === 'config.loaded' && cause !== 'start', 10_000)
  i2.writeZone('smtp.yaml', zoneText(9).replace('mx1: 1', 'mx1: 2'))
  await Promise.all(
    servers.map(async (server) => {
      const line = await server.waitForLog(({ event }) => event === 'config.differs', 40_000)
      expect(line['groups']).toEqual([
        { config: expect.stringMatching(/^[\w-]{16}$/), instances: ['i1', 'i3'] },
        { config: expect.stringMatching(/^[\w-]{16}$/), instances: ['i2'] },
      ])
      expect(await server.metric('mxsteer_config_differs')).toBe(1)
      expect(server.logs().filter(({ event }) => event === 'config.agrees')).toEqual([])
    }),
  )
  i2.writeZone('smtp.yaml', zoneText(9))
  await Promise.all(
    servers.map((one) => one.waitForLog(({ event }) => event === 'config.agrees', 20_000)),
  )
  expect(await i2.metric('mxsteer_config_differs')).toBe(0)
})

test('one that goes says so: its votes count no more, its probes are taken over while it still answers', async () => {
  const [i1, i2, leaver] = servers as [RunningServer, RunningServer, RunningServer]
  const stay = [i1, i2]
  await until(async () => votersOf(await statusOf(i1)).includes('i3'), {
    what: 'i3 votes',
    withinMs: 60_000,
  })
  const takeovers = async (): Promise<number> => {
    const counts = await Promise.all(stay.map((one) => one.metric('mxsteer_takeovers_total')))
    return counts.reduce<number>((sum, count) => sum + (count ?? 0), 0)
  }
  const before = await takeovers()
  const sinceMs = performance.now()
  leaver.signal('SIGTERM')
  await until(
    async () =>
      (await Promise.all(stay.map(statusOf))).every(
        (status) =>
          !votersOf(status).includes('i3') &&
          status.peers.some(({ instance, state }) => instance === 'i3' && state === 'draining'),
      ),
    { what: 'both know that i3 goes', withinMs: 60_000, everyMs: 10 },
  )
  const tookMs = performance.now() - sinceMs
  // `draining` is what it says itself: its heartbeat would have ended as `silent`.
  console.info(`goodbye heard by both after ${tookMs.toFixed()} ms`)
  await until(async () => (await takeovers()) > before, { what: 'a takeover', withinMs: 60_000 })
  await until(async () => (await statusOf(i1)).targets.every((one) => saidOf(one).length === 1), {
    what: 'every target has one vote of those who stay',
    withinMs: votesWithinMs,
  })
  // It is still there, and its heartbeat in the store.
  expect((await leaver.http('/livez')).status).toBe(200)
  expect(await redis.command('GET', 'mxsteer:{default}:v1:hb:i3')).toContain('|draining|')
  expect(await leaver.exited).toEqual({ code: 0, signal: null })
  const gone = await i1.waitForLog(
    ({ event, peer, why }) => event === 'peer.gone' && peer === 'i3' && why === 'stopped',
    30_000,
  )
  expect(gone).toMatchObject({ level: 'info' })
  expect(await redis.command('EXISTS', 'mxsteer:{default}:v1:hb:i3')).toBe(':0')
})
