// Stores of several processes over TLS alone: a Redis Cluster, and a primary with a replica behind Sentinels that speak TLS
// too. Every connection is verified against a test authority, by the address that a node or Sentinel names; the primary
// is killed, and the instance goes on at the next one.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterEach, beforeAll, expect, test } from 'vitest'

import { createAuthority } from '../support/certificates.ts'
import { freePort } from '../support/free-ports.ts'
import { mailZone } from '../support/mail-zone.ts'
import { type RedisServer, startRedis, startSentinelOf } from '../support/redis.ts'
import { startRedisCluster } from '../support/redis-cluster.ts'
import {
  type RunningServer,
  runCommand,
  startServer,
  stopChild,
  temporaryFolder,
} from '../support/server.ts'
import { until } from '../support/wait.ts'

const folder = temporaryFolder()
const heartbeat = 'mxsteer:{default}:v1:hb:ns1'
const [user, password] = ['ns1', 'hunter2-over-tls']
const zones = {
  'mail.yaml': mailZone({
    targets: { mx1: { address: '127.0.0.84', weight: 1 } },
    port: 9,
    probe: { level: 'banner' },
  }),
}

let tlsLines: readonly string[]
let cliArguments: readonly string[]
let settings: readonly string[]
const ended: (() => unknown)[] = []

const fileOf = (name: string, text: string): string => {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}

beforeAll(() => {
  const authority = createAuthority()
  const store = authority.sign(['127.0.0.1'])
  const client = authority.sign(['ns1.example.test'])
  const ca = fileOf('ca.pem', authority.cert)
  const [storeCert, storeKey] = [fileOf('store.pem', store.cert), fileOf('store.key', store.key)]
  const [cert, key] = [fileOf('client.pem', client.cert), fileOf('client.key', client.key)]
  tlsLines = [
    `tls-cert-file ${storeCert}`,
    `tls-key-file ${storeKey}`,
    `tls-ca-cert-file ${ca}`,
    'tls-auth-clients yes',
  ]
  cliArguments = ['--tls', '--cacert', ca, '--cert', cert, '--key', key]
  settings = [
    `state_ca: ${ca}`,
    `state_certificate: ${cert}`,
    `state_key: ${key}`,
    `state_username: ${user}`,
    `state_password: ${password}`,
    'state_heartbeat: 300ms',
    'instance: ns1',
    'workers: 1',
    'lameduck: 0',
  ]
})
afterEach(async () => {
  for (const end of ended.splice(0).toReversed()) await end()
})

const acl = `user ${user} on >${password} ~mxsteer:{default}:v1:* resetchannels -@all +@all -@admin`

const start = async (...more: readonly string[]): Promise<RunningServer> => {
  const server = await startServer({ zones, settings: [...settings, ...more].join('\n') })
  ended.push(() => server.stop())
  return server
}

const isReached = (server: RunningServer): Promise<true> =>
  until(async () => (await server.metric('mxsteer_state_degraded')) === 0, {
    what: 'in reach',
    withinMs: 60_000,
  })

/** By the store's own account: how its clients came to it. */
async function mustUseTls(node: RedisServer, tlsPort: number): Promise<void> {
  const ours = await until(
    async () => {
      const clients = (await node.command('CLIENT', 'LIST')).split('\n')
      const found = clients.filter((line) => line.includes('name=mxsteer-ns1'))
      return found.length === 2 && found
    },
    { what: 'its two connections', withinMs: 60_000 },
  )
  for (const line of ours)
    expect(line).toMatch(new RegExp(`laddr=127\\.0\\.0\\.1:${tlsPort} .* user=${user}`))
}

test('a Redis Cluster over TLS: found, lost, found again, and examined', async () => {
  const cluster = await startRedisCluster({ config: [...tlsLines, acl], cliArguments })
  ended.push(() => cluster.stop())
  const owner = await cluster.settled()
  const state = `state: ${cluster.url(cluster.nodes.filter((node) => node !== owner))}`
  const server = await start(state)
  await isReached(server)
  await mustUseTls(owner, cluster.portOf(owner))
  const file = fileOf('doctor.yaml', [...settings, state].join('\n'))
  const examined = await runCommand('doctor', '--config', file, '--zones', server.zonesFolder)
  expect(examined.stdout).toMatch(
    new RegExp(
      `our keys are in slot ${cluster.slot}, at 127\\.0\\.0\\.1:${cluster.portOf(owner)}, with a replica`,
    ),
  )
  const sinceMs = performance.now()
  await owner.kill()
  const next = await until(
    async () => {
      const now = await cluster.owner()
      const isUsed = now && now !== owner && (await now.command('EXISTS', heartbeat)) === ':1'
      return isUsed && (await server.metric('mxsteer_state_degraded')) === 0 ? now : null
    },
    { what: 'the replica is in use', withinMs: 60_000 },
  )
  await mustUseTls(next, cluster.portOf(next))
  console.info(`cluster over TLS: healed after ${(performance.now() - sinceMs).toFixed()} ms`)
  expect(server.stdout() + server.stderr()).not.toContain('hunter2')
}, 300_000)

test('Sentinels over TLS: the primary dies, the replica takes over', async () => {
  const tlsPorts = [await freePort(), await freePort()] as const
  const common = [...tlsLines, 'tls-replication yes', acl]
  const primary = await startRedis({ config: [...common, `tls-port ${tlsPorts[0]}`] })
  const replica = await startRedis({
    config: [...common, `tls-port ${tlsPorts[1]}`, `replicaof 127.0.0.1 ${tlsPorts[0]}`],
  })
  ended.push(() => Promise.all([primary.kill(), replica.kill()]))
  const port = await startTlsSentinel(tlsPorts[0])
  const server = await start(`state: rediss+sentinel://127.0.0.1:${port}/mail`)
  await isReached(server)
  await mustUseTls(primary, tlsPorts[0])
  const sinceMs = performance.now()
  await primary.kill()
  await until(
    async () =>
      (await replica.command('ROLE')).includes('master') &&
      (await replica.command('EXISTS', heartbeat)) === ':1' &&
      (await server.metric('mxsteer_state_degraded')) === 0,
    { what: 'the replica is in use', withinMs: 60_000 },
  )
  await mustUseTls(replica, tlsPorts[1])
  console.info(`Sentinel over TLS: healed after ${(performance.now() - sinceMs).toFixed()} ms`)
  expect(server.stdout() + server.stderr()).not.toContain('hunter2')
}, 300_000)

/** One that has no port without TLS, and knows the replica. */
async function startTlsSentinel(primaryPort: number): Promise<number> {
  const port = await freePort()
  const own = temporaryFolder()
  const lines = [
    'bind 127.0.0.1',
    'port 0',
    `tls-port ${port}`,
    'tls-replication yes',
    ...tlsLines,
    `dir ${own}`,
    `sentinel monitor mail 127.0.0.1 ${primaryPort} 1`,
    'sentinel down-after-milliseconds mail 500',
    'sentinel failover-timeout mail 3000',
  ]
  const file = join(own, 'sentinel.conf')
  writeFileSync(file, `${lines.join('\n')}\n`)
  const sentinel = startSentinelOf(file)
  ended.push(() => stopChild(sentinel, 5000))
  await until(() => sentinel.stdout().includes('+slave'), {
    what: `the Sentinel knows the replica: ${sentinel.stdout()}`,
    withinMs: 60_000,
  })
  return port
}
