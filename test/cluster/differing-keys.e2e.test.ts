// Two instances that share a store and sign one zone: where one has a key that the other lacks both say so, until both have it.

import { copyFileSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { type RedisServer, startRedis } from '../support/redis.ts'
import { type RunningServer, runCommand, startServer, temporaryFolder } from '../support/server.ts'

const apex = 'mail.example.test'
const zone = `
zone: ${apex}
dnssec: {}
soa: { mname: ns1, rname: hostmaster }
records: { '@': { NS: ns1 }, ns1: { A: 127.0.0.1 } }
`
const [first, second] = [join(temporaryFolder(), 'keys'), join(temporaryFolder(), 'keys')]
let redis: RedisServer
let servers: RunningServer[] = []

const generate = async (): Promise<void> => {
  expect(await runCommand('keys', 'generate', apex, '--keys', first)).toMatchObject({ code: 0 })
}

/** `.key` last, as it makes the key appear. */
const copyAll = (): void => {
  for (const file of readdirSync(first).toSorted((a, b) => b.localeCompare(a)))
    copyFileSync(join(first, file), join(second, file))
}

const start = (instance: string, keys: string): Promise<RunningServer> =>
  startServer({
    zones: { 'mail.yaml': zone },
    settings: [
      `instance: ${instance}`,
      `site: at-${instance}`,
      `dnssec: { keys: ${keys} }`,
      'workers: 1',
      'lameduck: 0',
      `state: ${redis.url}`,
      'state_heartbeat: 300ms',
      '',
    ].join('\n'),
  })

beforeAll(async () => {
  redis = await startRedis()
  await generate()
  mkdirSync(second, { mode: 0o700 })
  copyAll()
  // A second key, which one of them alone has.
  await generate()
  servers = await Promise.all([start('one', first), start('two', second)])
})
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()))
  await redis?.kill()
})

it('say that they differ, and when they no longer do', async () => {
  const groups = [{ instances: ['one'] }, { instances: ['two'] }]
  for (const server of servers) {
    const line = await server.waitForLog(({ event }) => event === 'config.differs', 120_000)
    expect(line['groups']).toEqual(
      expect.arrayContaining(groups.map((group) => expect.objectContaining(group))),
    )
    expect(await server.metric('mxsteer_config_differs')).toBe(1)
  }
  copyAll()
  for (const server of servers)
    await server.waitForLog(({ event }) => event === 'config.agrees', 60_000)
})
