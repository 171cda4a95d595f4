// Zone files edited under a running server: taken over whole, or not at all.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect, it } from 'vitest'

import { dig, rdataOf } from '../support/dig.ts'
import { freePort } from '../support/free-ports.ts'
import { openTcpClient, decodeReply, encodeQuestion, framed } from '../support/dns-client.ts'
import {
  type LogLine,
  launch,
  projectFolder,
  stopChild,
  temporaryFolder,
} from '../support/server.ts'
import { servedZone } from '../support/served-zone.ts'
import { until } from '../support/wait.ts'

const zone = 'reload.example.test'
const reloaded = 'mxsteer_config_last_reload_successful'

const zoneFile = (text: string): string => `
zone: ${zone}
soa: { mname: ns1, rname: hostmaster.example.test. }
targets:
  mx1: { addresses: [192.0.2.1] }
pools:
  main: { targets: { mx1: 1 } }
steering:
  inbound: [{ pools: [main] }]
records:
  "@": { NS: [ns1], MX: { steer: inbound } }
  ns1: { A: 192.0.2.53 }
  info: { TXT: '"${text}"' }
`

const server = servedZone({ zones: { 'reload.yaml': zoneFile('first') } })

const info = async (): Promise<string[]> =>
  rdataOf((await dig(server.port, `info.${zone}`, 'TXT')).answer)
const serial = async (): Promise<number> =>
  Number((await dig(server.port, zone, 'SOA')).answer[0]?.rdata.split(' ')[2])
const answers = (text: string): Promise<true> =>
  until(async () => (await info()).join() === `"${text}"`, { what: text, withinMs: 30_000 })
const events = (event: string): readonly LogLine[] =>
  server.logs().filter((line) => line.event === event)

/** Completed loads of the zone files. */
const reloads = async (result: 'success' | 'failure'): Promise<number> =>
  (await server.metric(`mxsteer_config_reloads_total{result="${result}"}`)) ?? 0
/** Waits for as many loads since there were `before`. */
const loaded = (count: number, result: 'success' | 'failure', before: number): Promise<true> =>
  until(async () => (await reloads(result)) >= before + count, {
    what: `${count} loads: ${result}`,
    withinMs: 30_000,
  })

it('serves the first zone and says so', async () => {
  expect(await info()).toEqual(['"first"'])
  expect(await server.metric(reloaded)).toBe(1)
})

it('takes an edited file over, on connections that are open, with a later serial', async () => {
  const tcp = await openTcpClient(server.port)
  await tcp.write(framed(encodeQuestion(`info.${zone}`, 'TXT', 1)))
  await tcp.receive(1)
  const before = await serial()
  server.writeZone('reload.yaml', zoneFile('second'))
  await answers('second')
  // Each worker takes it over in a turn of its own: this query may reach another one.
  const after = await until(
    async () => {
      const now = await serial()
      return now !== before && now
    },
    { what: 'another serial', withinMs: 30_000 },
  )
  // RFC 1982: later, not merely larger.
  const step = (after - before) >>> 0
  expect(step).toBeGreaterThan(0)
  expect(step).toBeLessThan(2 ** 31)
  const overTcp = async (): Promise<unknown> => {
    await tcp.write(framed(encodeQuestion(`info.${zone}`, 'TXT', 2)))
    const [reply] = await tcp.receive(1)
    return decodeReply(reply as Buffer).answers[0]?.data
  }
  await until(async () => String(await overTcp()) === 'second', {
    what: 'the second text over TCP',
    withinMs: 30_000,
  })
  tcp.destroy()
})

it('keeps the serial while nothing changes', async () => {
  const before = await serial()
  const loads = await reloads('success')
  server.writeZone('reload.yaml', zoneFile('second'))
  server.signal('SIGHUP')
  server.writeZone('reload.yaml', zoneFile('second'))
  // One for the signal, one for the file.
  await loaded(2, 'success', loads)
  expect(await server.metric(`mxsteer_zone_serial{zone="${zone}"}`)).toBe(before)
  expect(await serial()).toBe(before)
})

it('keeps the old zone when the file is broken, names the place, and counts it', async () => {
  const before = await serial()
  const broken = zoneFile('third').replace('192.0.2.53', '192.0.2.530')
  server.writeZone('reload.yaml', broken)
  await until(async () => (await server.metric(reloaded)) === 0, {
    what: 'the metric at 0',
    withinMs: 30_000,
  })
  expect(await info()).toEqual(['"second"'])
  expect(await serial()).toBe(before)
  await server.waitForLog(({ event }) => event === 'config.rejected')
  const line = broken.split('\n').findIndex((one) => one.includes('192.0.2.530')) + 1
  const places = events('config.error').map((one) => String(one['at']))
  expect(places.filter((at) => at.includes(`reload.yaml:${line}:`))).not.toEqual([])
  expect(events('config.rejected').length).toBeGreaterThan(0)
})

it('takes nothing over when one file of two is broken', async () => {
  const failures = await reloads('failure')
  server.writeZone('other.yaml', zoneFile('other').replace(`zone: ${zone}`, 'zone: other.test'))
  server.signal('SIGHUP')
  await loaded(2, 'failure', failures)
  expect((await dig(server.port, 'info.other.test', 'TXT')).status).toBe('REFUSED')
})

it('goes on with what is right again', async () => {
  server.writeZone('reload.yaml', zoneFile('fourth'))
  await answers('fourth')
  const other = async (): Promise<string[]> =>
    rdataOf((await dig(server.port, 'info.other.test', 'TXT')).answer)
  await until(async () => (await other()).join() === '"other"', { what: 'other', withinMs: 30_000 })
  expect(await server.metric(reloaded)).toBe(1)
})

it('drops a zone whose file is gone', async () => {
  server.removeZone('other.yaml')
  await until(async () => (await dig(server.port, 'other.test', 'SOA')).status === 'REFUSED', {
    what: 'other.test refused',
    withinMs: 30_000,
  })
  expect(await info()).toEqual(['"fourth"'])
})

it('reads again on SIGHUP, also a file that was written in place', async () => {
  writeFileSync(join(server.zonesFolder, 'reload.yaml'), zoneFile('fifth'))
  server.signal('SIGHUP')
  await answers('fifth')
  const isIt = ({ event, cause }: LogLine): boolean =>
    event === 'config.loaded' && cause === 'SIGHUP'
  expect((await server.waitForLog(isIt))['zones']).toHaveLength(1)
})

it('SIGHUP before it answers takes effect when it does', async () => {
  const zones = temporaryFolder()
  writeFileSync(join(zones, 'reload.yaml'), zoneFile('early'))
  const [port, adminPort] = [await freePort(), await freePort()]
  const endpoints = ['--listen', `127.0.0.1:${port}`, '--admin', `127.0.0.1:${adminPort}`]
  // Workers that take their time: the signal comes in between, however late this process is.
  const preload = new URL('../fixtures/workers/late-process.ts', import.meta.url)
  const env = { NODE_OPTIONS: `--import=${preload.href}` }
  const child = launch(['serve', '--zones', zones, ...endpoints], projectFolder, { env })
  const logged = (event: string): Promise<LogLine> =>
    until(() => child.logs().find((line) => line.event === event) ?? null, {
      what: `${event}: ${child.stderr()}`,
      withinMs: 60_000,
    })
  await logged('config.loaded')
  expect(child.logs().some(({ event }) => event === 'server.ready')).toBe(false)
  writeFileSync(join(zones, 'reload.yaml'), zoneFile('late'))
  child.signal('SIGHUP')
  await logged('server.ready')
  await until(
    async () => rdataOf((await dig(port, `info.${zone}`, 'TXT')).answer)[0]?.includes('late'),
    { what: 'the text of the later file', withinMs: 60_000 },
  )
  expect((await stopChild(child, 15_000)).code).toBe(0)
})
