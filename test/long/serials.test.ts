// Serials as secondaries see them: over restarts with and without memory, on two servers, after moves.

import { utimesSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'

import { dig } from '../support/dig.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { type RunningServer, startServer, temporaryFolder } from '../support/server.ts'
import { until } from '../support/wait.ts'

const zone = 'serials.example.test'
const zoneFile = (text: string, soa = ''): string => `
zone: ${zone}
soa: { mname: ns1, rname: hostmaster.example.test. ${soa} }
records:
  "@": { NS: [ns1], TXT: '"${text}"' }
  ns1: { A: 192.0.2.53 }
`

const servers = new Set<RunningServer>()
let redis: RedisServer | null = null
afterEach(async () => {
  await Promise.all([...servers].map((server) => stop(server)))
  await redis?.kill()
  redis = null
})

async function start(text: string, settings: string, soa?: string): Promise<RunningServer> {
  const server = await startServer({
    zones: { 'z.yaml': zoneFile(text, soa) },
    settings: `workers: 1\nlameduck: 0s\n${settings}`,
  })
  servers.add(server)
  return server
}

async function stop(server: RunningServer): Promise<void> {
  servers.delete(server)
  await server.stop()
}

const soaOf = async ({ port }: RunningServer): Promise<number> =>
  Number((await dig(port, zone, 'SOA')).answer[0]?.rdata.split(' ')[2])
const textOf = async ({ port }: RunningServer): Promise<string | undefined> =>
  (await dig(port, zone, 'TXT')).answer[0]?.rdata

async function change(server: RunningServer, text: string, soa?: string): Promise<number> {
  server.writeZone('z.yaml', zoneFile(text, soa))
  await until(async () => (await textOf(server)) === `"${text}"`, {
    what: `${text} on ${server.port}`,
    withinMs: 60_000,
  })
  return soaOf(server)
}

it('with a state_dir a start goes on where the process before was', async () => {
  const settings = `state_dir: ${temporaryFolder()}\ninstance: one\n`
  const first = await start('one', settings)
  const serials = [await soaOf(first)]
  for (const text of ['two', 'three', 'two']) serials.push(await change(first, text))
  await stop(first)
  const second = await start('two', settings)
  expect(await soaOf(second)).toBe(serials.at(-1))
  // A file that is put back as it was, its time of change too.
  const old = join(second.zonesFolder, 'z.yaml')
  serials.push(await change(second, 'one'))
  utimesSync(old, 1_600_000_000, 1_600_000_000)
  await stop(second)
  const third = await start('one', settings)
  expect(await soaOf(third)).toBe(serials.at(-1))
  expect(serials).toEqual([...new Set(serials)].sort((a, b) => a - b))
})

it('a zone that comes from elsewhere goes on from its serial', async () => {
  const server = await start('moved', '', ', serial_after: 2026112801')
  const moved = await soaOf(server)
  expect(moved).toBeGreaterThan(2026112801)
  expect(await change(server, 'changed', ', serial_after: 2026112801')).toBeGreaterThan(moved)
  expect(await change(server, 'fixed', ', serial: 7')).toBe(7)
  expect(await change(server, 'free')).toBeGreaterThan(moved)
})

it('with a store two servers have the same serial, restarted, changed and apart from it', async () => {
  redis = await startRedis()
  const settings = (name: string): string =>
    `state: ${redis?.url}\nstate_heartbeat: 300ms\ninstance: ${name}\n`
  const a = await start('one', settings('a'))
  const first = await soaOf(a)
  let b = await start('one', settings('b'))
  expect(await soaOf(b)).toBe(first)
  await stop(b)
  b = await start('one', settings('b'))
  expect(await soaOf(b)).toBe(first)
  expect(await Promise.all([change(a, 'two'), change(b, 'two')])).toEqual([first + 1, first + 1])
  await redis.kill()
  // Started without the store, b cannot know.
  await stop(b)
  b = await start('two', settings('b'))
  const alone = await soaOf(b)
  await redis.restart()
  const greatest = Math.max(alone, first + 1)
  for (const server of [a, b])
    await until(async () => (await soaOf(server)) === greatest, {
      what: `${greatest} on ${server.port}`,
      withinMs: 60_000,
    })
  const said = [a, b].flatMap((server) =>
    server.logs().filter(({ cause }) => cause === 'serials of other instances'),
  )
  // Both may have come to the same serial apart from each other.
  expect(said.map(({ event }) => event)).toEqual(alone === first + 1 ? [] : ['config.loaded'])
})
