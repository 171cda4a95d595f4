// Getting into the store: the ACL of the docs is enough and no more, with a wrong password all instances answer, and
// no secret shows. And the store behind Sentinels: a failover is survived.

import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect, test } from 'vitest'

import { ladderOf, openUdpClient } from '../support/dns-client.ts'
import { freePort } from '../support/free-ports.ts'
import { startRedis, startSentinelOf, talkTo } from '../support/redis.ts'
import {
  type RunningServer,
  startServer,
  stopChild,
  temporaryFolder,
  type LogLine,
} from '../support/server.ts'
import { until } from '../support/wait.ts'

const password = 'hunter2-and-then-some'
const zone = `
zone: smtp.example.test
soa: { mname: ns1, rname: hostmaster.example.test. }
targets:
  mx1: { addresses: [127.0.0.1] }
probes:
  inbound: { port: 9, level: banner, ehlo: probe.example.test, interval: 1s, fast_interval: 100ms }
pools:
  main: { probe: inbound, targets: { mx1: 1 } }
steering:
  inbound: [{ pools: [main] }]
records:
  "@": { NS: [ns1], MX: { steer: inbound } }
  ns1: { A: 192.0.2.53 }
`

const start = (settings: readonly string[]): Promise<RunningServer> =>
  startServer({
    zones: { 'smtp.yaml': zone },
    settings: [...settings, 'state_heartbeat: 300ms', 'workers: 1', 'lameduck: 0'].join('\n'),
  })

const metricIs = (server: RunningServer, name: string, wanted: number): Promise<unknown> =>
  until(async () => (await server.metric(name)) === wanted, {
    what: `${name} ${wanted}`,
    withinMs: 60_000,
    everyMs: 50,
  })

/** Everything that it lets be seen. */
const shown = async (server: RunningServer): Promise<string> => {
  const pages = await Promise.all(['/metrics', '/targets'].map((path) => server.http(path)))
  return [server.stdout(), server.stderr(), ...pages.map(({ body }) => body)].join('\n')
}

/** The user of the docs, as it stands there, with this password. */
function documentedUser(): string {
  const page = readFileSync(new URL('../../docs/operations/redis.md', import.meta.url), 'utf8')
  const line = /^user ns1-fra .*$/m.exec(page)?.[0] ?? ''
  const hash = createHash('sha256').update(password).digest('hex')
  return line.replace('#<sha256 of its password>', `#${hash}`)
}

test('the ACL of the docs: everything works, nothing else is allowed', async () => {
  const auth = ['admin', 'admin-password']
  const redis = await startRedis({
    config: [documentedUser(), 'user admin on >admin-password ~* &* +@all', 'user default off'],
    auth,
  })
  const file = join(temporaryFolder(), 'password')
  writeFileSync(file, `${password}\n`)
  const server = await start([
    `state: ${redis.url}`,
    'state_username: ns1-fra',
    `state_password_file: ${file}`,
    'instance: ns1-fra',
  ])
  await metricIs(server, 'mxsteer_state_degraded', 0)
  await metricIs(server, 'mxsteer_votes{vote="down"}', 1)
  const prefix = 'mxsteer:{default}:v1:'
  await until(async () => (await redis.command('HLEN', `${prefix}v:ns1-fra`)) === ':1', {
    what: 'its vote is in the store',
    withinMs: 60_000,
  })
  expect(await redis.command('XLEN', `${prefix}ev`)).not.toBe(':0')
  // Refused commands are counted by Redis itself.
  expect(await redis.command('ACL', 'LOG')).toBe('*0')
  const asInstance = (...words: readonly string[]): Promise<string> =>
    talkTo(redis.port, [['auth', 'ns1-fra', password], words])
  expect(await asInstance('FLUSHALL')).toMatch(/NOPERM/)
  expect(await asInstance('KEYS', '*')).toMatch(/NOPERM/)
  expect(await asInstance('SET', `${prefix}hb:other`, 'x')).toMatch(/NOPERM/)
  expect(await asInstance('HSET', `${prefix}v:other`, 'x', 'y')).toMatch(/NOPERM/)
  expect(await asInstance('GETRANGE', 'elsewhere', '0', '1')).toMatch(/NOPERM/)
  expect(await asInstance('GETRANGE', `${prefix}hb:other`, '0', '1')).toBe('$0')
  expect(await shown(server)).not.toContain('hunter2')
  expect((await server.stop()).code).toBe(0)
  expect(await redis.command('EXISTS', `${prefix}hb:ns1-fra`, `${prefix}v:ns1-fra`)).toBe(':0')
  await redis.kill()
})

/** On a busy machine `AWAY` may come first; a reason that becomes known later is reported too. */
const isExplained = ({ event, why }: LogLine): boolean =>
  event === 'state.degraded' && why !== 'AWAY'

test.each(['set', 'hset', 'getrange', 'memory|usage'])(
  'a user that may not %s: it answers, says so in one word, and is well once it may',
  async (lacking) => {
    const auth = ['admin', 'admin-password']
    const redis = await startRedis({
      config: [
        `${documentedUser()} -${lacking}`,
        'user admin on >admin-password ~* &* +@all',
        'user default off',
      ],
      auth,
    })
    const server = await start([
      `state: redis://ns1-fra:${password}@127.0.0.1:${redis.port}`,
      'instance: ns1-fra',
    ])
    // On a busy machine another reason may come first.
    const isNotPermitted = ({ event, why }: LogLine): boolean =>
      event === 'state.degraded' && why === 'NOPERM'
    await server.waitForLog(isNotPermitted, 60_000)
    await until(async () => (await server.http('/readyz')).status === 200, {
      what: 'it is ready all the same',
      withinMs: 60_000,
    })
    const client = openUdpClient(server.port)
    expect(ladderOf(await client.ask('smtp.example.test', 'MX'))).toHaveLength(1)
    client.close()
    await redis.command('ACL', 'SETUSER', 'ns1-fra', `+${lacking}`)
    await server.waitForLog(({ event }) => event === 'state.recovered', 20_000)
    await metricIs(server, 'mxsteer_state_degraded', 0)
    expect(await shown(server)).not.toContain('hunter2')
    await server.stop()
    await redis.kill()
  },
  600_000,
)

test('a wrong password: it answers, and says so in one word', async () => {
  const redis = await startRedis({ config: ['requirepass something-else'] })
  const server = await start([`state: redis://:${password}@127.0.0.1:${redis.port}`])
  const line = await server.waitForLog(isExplained, 60_000)
  expect(line['why']).toBe('WRONGPASS')
  expect(await server.metric('mxsteer_state_degraded')).toBe(1)
  await until(async () => (await server.http('/readyz')).status === 200, {
    what: 'it is ready all the same',
    withinMs: 60_000,
  })
  expect(await shown(server)).not.toContain('hunter2')
  await server.stop()
  await redis.kill()
})

test('through Sentinel: the primary dies, the replica takes over, the votes are there again', async () => {
  const primary = await startRedis()
  const replica = await startRedis({ config: [`replicaof 127.0.0.1 ${primary.port}`] })
  await until(
    async () => (await replica.command('INFO', 'replication')).includes('master_link_status:up'),
    {
      what: 'the replica follows',
      withinMs: 60_000,
      everyMs: 100,
    },
  )
  const port = await freePort()
  const folder = temporaryFolder()
  const conf = join(folder, 'sentinel.conf')
  const monitor = [
    `sentinel monitor mail 127.0.0.1 ${primary.port} 1`,
    'sentinel down-after-milliseconds mail 500',
    'sentinel failover-timeout mail 3000',
  ]
  writeFileSync(
    conf,
    ['bind 127.0.0.1', `port ${port}`, `dir ${folder}`, ...monitor, ''].join('\n'),
  )
  const sentinel = startSentinelOf(conf)
  await until(() => sentinel.stdout().includes('+slave'), {
    what: `the Sentinel knows the replica: ${sentinel.stdout()}`,
    withinMs: 60_000,
  })
  const server = await start([`state: redis+sentinel://127.0.0.1:${port}/mail`, 'instance: a'])
  await metricIs(server, 'mxsteer_state_degraded', 0)
  await metricIs(server, 'mxsteer_votes{vote="down"}', 1)
  const killedMs = performance.now()
  await primary.kill()
  await server.waitForLog(({ event }) => event === 'state.recovered', 40_000)
  console.info(`failover: in reach again after ${(performance.now() - killedMs).toFixed()} ms`)
  await until(async () => (await replica.command('HLEN', 'mxsteer:{default}:v1:v:a')) === ':1', {
    what: 'its vote is in the new primary',
    withinMs: 60_000,
  })
  expect((await server.stop()).code).toBe(0)
  await stopChild(sentinel, 5000)
  await replica.kill()
})
