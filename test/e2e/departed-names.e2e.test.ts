// Names that leave the zone file of a running server: answered on after a reload, after a restart, and by an instance that
// has never had them.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

import { dig, rdataOf } from '../support/dig.ts'
import { createFakeTime } from '../support/fake-time.ts'
import { startRedis } from '../support/redis.ts'
import {
  launch,
  runCommand,
  type RunningServer,
  type ServerOptions,
  startServer,
  temporaryFolder,
} from '../support/server.ts'
import { until } from '../support/wait.ts'

const zone = 'smtp.example.test'
const file = 'mail.yaml'

const text = (targets: Readonly<Record<string, string>>, more = ''): string => `
zone: ${zone}
ttl: 60
soa: { mname: ns1, rname: hostmaster.example.test. }
targets: { ${Object.entries(targets)
  .map(([name, address]) => `${name}: { addresses: [${address}] }`)
  .join(', ')} }
pools: { main: { targets: [${Object.keys(targets).join(', ')}] } }
steering: { inbound: [{ pools: [main] }] }
records:
  '@': { NS: ns1, MX: { steer: inbound } }
  ns1: { A: 127.0.0.1 }
${more}`

const before = text({ old: '192.0.2.1' })
const after = text({ new: '192.0.2.2' })

const servers: RunningServer[] = []
const start = async (options: ServerOptions): Promise<RunningServer> => {
  const server = await startServer(options)
  servers.push(server)
  return server
}
afterAll(async () => void (await Promise.all(servers.map((server) => server.stop()))))

const addresses = async ({ port }: RunningServer, name: string): Promise<string[]> =>
  rdataOf((await dig(port, `${name}.${zone}`, 'A')).answer)
const exchange = async ({ port }: RunningServer): Promise<string[]> =>
  rdataOf((await dig(port, zone, 'MX')).answer)
const serial = async ({ port }: RunningServer): Promise<number> =>
  Number((await dig(port, zone, 'SOA')).answer[0]?.rdata.split(' ')[2])

async function reload(server: RunningServer, name: string, content: string): Promise<void> {
  server.writeZone(file, content)
  const has = async (): Promise<boolean> =>
    (await exchange(server)).join() === `10 ${name}.${zone}.`
  await until(has, { what: `the MX names ${name}`, withinMs: 30_000 })
}

test('a target that left is answered, told of, and released under another serial', async () => {
  const time = createFakeTime()
  const server = await start({ zones: { [file]: before }, ...time.surroundings })
  await reload(server, 'new', after)
  expect(await addresses(server, 'old')).toEqual(['192.0.2.1'])
  expect(await server.waitForLog(({ event }) => event === 'names.kept')).toMatchObject({
    zone,
    names: [{ name: `old.${zone}`, types: ['A'] }],
    count: 1,
  })
  expect(JSON.parse((await server.http('/status')).body)).toMatchObject({
    departed: [{ zone, name: `old.${zone}`, types: ['A'] }],
  })
  for (const command of ['status', 'targets']) {
    const { stdout } = await runCommand(command, '--admin', `127.0.0.1:${server.adminPort}`)
    expect(stdout).toMatch(new RegExp(`^old\\.${zone} +A +20`, 'm'))
  }
  expect(await server.metric(`mxsteer_departed_sets{zone="${zone}"}`)).toBe(1)
  const kept = await serial(server)
  time.shift(60 + 300 + 60 + 5)
  await server.waitForLog(({ event }) => event === 'names.released')
  const isGone = async (): Promise<boolean> => (await addresses(server, 'old')).length === 0
  await until(isGone, { what: 'the name is gone', withinMs: 30_000 })
  expect(await serial(server)).toBeGreaterThan(kept)
  expect(await server.metric(`mxsteer_departed_sets{zone="${zone}"}`)).toBe(0)
}, 120_000)

test('with on_removed: drop it is gone at once, which is said', async () => {
  const server = await start({ zones: { [file]: before } })
  await reload(server, 'new', text({ new: '192.0.2.2' }, 'on_removed: drop'))
  expect(await addresses(server, 'old')).toEqual([])
  const line = await server.waitForLog(({ event }) => event === 'names.uncovered')
  expect(line).toMatchObject({ code: 'dropped', names: [{ name: `old.${zone}` }] })
}, 120_000)

test('a start knows by state_dir what the file had before', async () => {
  const settings = `state_dir: ${temporaryFolder()}\ninstance: one\n`
  const first = await start({ zones: { [file]: before }, settings })
  await first.stop()
  const second = await start({ zones: { [file]: after }, settings })
  expect(await addresses(second, 'old')).toEqual(['192.0.2.1'])
  const kept = await serial(second)
  await second.stop()
  const third = await start({ zones: { [file]: after }, settings })
  expect(await addresses(third, 'old')).toEqual(['192.0.2.1'])
  expect(await serial(third)).toBe(kept)
}, 120_000)

test('an instance with the old file keeps the name on all; one that never had it finds it in the store', async () => {
  const redis = await startRedis()
  const secret = join(temporaryFolder(), 'secret')
  writeFileSync(secret, 'a-secret-of-a-fleet-in-a-test-01\n', { mode: 0o600 })
  const settings = (instance: string): string =>
    `instance: ${instance}\nstate: ${redis.url}\nstate_secret_file: ${secret}\nstate_heartbeat: 1s\n`
  const [one, two] = await Promise.all(
    ['one', 'two'].map((name) => start({ zones: { [file]: before }, settings: settings(name) })),
  )
  if (!one || !two) throw new Error('two were started')
  await reload(one, 'new', after)
  // It starts with the new file, while the second has the old one.
  const three = await start({ zones: { [file]: after }, settings: settings('three') })
  const isKept = async (): Promise<boolean> =>
    (await addresses(three, 'old')).join() === '192.0.2.1'
  await until(isKept, { what: 'the third has the old name', withinMs: 30_000 })
  await reload(two, 'new', after)
  const serials = async (): Promise<boolean> =>
    new Set(await Promise.all([one, two, three].map(serial))).size === 1
  await until(serials, { what: 'all have one serial', withinMs: 60_000 })
  expect(await addresses(one, 'old')).toEqual(['192.0.2.1'])
  await Promise.all([one, two, three].map((server) => server.stop()))
  await redis.kill()
}, 180_000)

test('check --diff says what stays, for how long, and what does not', async () => {
  const [old, kept, dropped] = [before, after, `on_removed: drop${after}`].map((content) => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, file), content)
    return folder
  }) as [string, string, string]
  const staying = await launchDiff(old, kept)
  expect(staying).toContain(`old.${zone} A stays for 7 m, since caches may lead to it`)
  expect(await launchDiff(old, dropped)).toMatch(
    /warning: old\.smtp\.example\.test A leaves at once, and caches may lead to it: the\s+zone\s+says\s+on_removed: drop/,
  )
}, 60_000)

async function launchDiff(zones: string, next: string): Promise<string> {
  const child = launch(['check', '--zones', zones, '--diff', next])
  expect((await child.exited).code).toBe(1)
  return child.stdout()
}
