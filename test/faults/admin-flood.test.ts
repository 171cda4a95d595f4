// The server while one client asks the admin HTTP for all that it can: probes start, the watchdog is fed and a dead MTA
// leaves as without that. All is compared with what the same server did on the same machine a moment before.

import { spawn } from 'node:child_process'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { addressesOf, type UdpClient, openUdpClient } from '../support/dns-client.ts'
import { freePort } from '../support/free-ports.ts'
import { mailDomain, mailZone } from '../support/mail-zone.ts'
import { type NotifyReader, startNotifyReader } from '../support/notify-reader.ts'
import { type OddMta, startGreeters } from '../support/odd-mtas.ts'
import { ask, type RunningServer, startServer, stopChild, watchChild } from '../support/server.ts'
import { pause, until } from '../support/wait.ts'

/** So many that the few which die do not look like a fault of this host. */
const count = 20
const addressOf = (i: number): string => `127.0.11.${i + 1}`
const windowMs = 6000
/**
 * What may be missing under a flood: without bounds nothing at all was probed for a minute. Clients that flood take the
 * cores of the server on a small machine, so a third is enough here.
 */
const factor = 3
/** How much longer an MTA may take to leave: some probes, whose phases differ from one death to the next. */
const slackMs = 10_000

let mtas: OddMta[] = []
let reader: NotifyReader
let server: RunningServer
let client: UdpClient

beforeAll(async () => {
  const addresses = Array.from({ length: count }, (_, i) => addressOf(i))
  const port = await freePort(addresses)
  mtas = await startGreeters(addresses, port)
  reader = await startNotifyReader()
  const targets = Object.fromEntries(
    addresses.map((address, i) => [`mx${i}`, { address, weight: 1 }]),
  )
  const records = ['  every: { address: { steer: inbound, answers: all } }']
  const zone = mailZone({ targets, port, probe: { level: 'banner' }, records })
  server = await startServer({
    zones: { 'mail.yaml': zone },
    flags: ['--workers', '1'],
    env: { NOTIFY_SOCKET: reader.place, WATCHDOG_USEC: '1500000' },
  })
  client = openUdpClient(server.port)
  for (let i = 0; i < count; i++) await server.waitForState(`mx${i}`, 'up', 60_000)
}, 600_000)
afterAll(async () => {
  client?.close()
  await server?.stop()
  await reader?.stop()
  await Promise.all(mtas.map((mta) => mta.close()))
})

interface Schedule {
  /** Times that the watchdog was fed. */
  readonly fed: number
  /** Probes that MTAs saw. */
  readonly probes: number
}

/** What the server did in a while. */
async function watchSchedule(): Promise<Schedule> {
  const read = (): Schedule => ({
    fed: reader.datagrams().filter((line) => line.startsWith('WATCHDOG=1')).length,
    probes: mtas.reduce((sum, mta) => sum + mta.accepted(), 0),
  })
  const before = read()
  await pause(windowMs)
  const after = read()
  return { fed: after.fed - before.fed, probes: after.probes - before.probes }
}

let living = count

/** How long it takes until the answers do without an MTA that dies just after a probe. */
async function leavingMs(): Promise<number> {
  const index = --living
  const mta = mtas[index] as OddMta
  const seen = mta.accepted()
  await until(() => mta.accepted() > seen, { what: 'a probe', withinMs: 60_000, everyMs: 5 })
  const begun = performance.now()
  await mta.close()
  const address = addressOf(index)
  const isGone = async (): Promise<boolean> =>
    !addressesOf(await client.ask(`every.${mailDomain}`, 'A')).includes(address)
  await until(isGone, { what: `answers without ${address}`, withinMs: 120_000, everyMs: 20 })
  return performance.now() - begun
}

describe('a flood of', () => {
  test.each(['explain', 'half-open', 'views'])(
    '%s holds up nothing',
    async (kind) => {
      const quiet = await watchSchedule()
      const quietMs = await leavingMs()
      const before = await accepted()
      const script = new URL('../support/admin-flood.ts', import.meta.url).pathname
      const flood = watchChild(
        spawn(process.execPath, [script, String(server.adminPort), kind], {
          stdio: ['ignore', 'pipe', 'pipe'],
        }),
      )
      try {
        await until(async () => (await accepted()) > before + 100, {
          what: `the flood: ${flood.stderr()}`,
          withinMs: 60_000,
        })
        let isOver = false
        const health = lookAtHealth(() => isOver)
        const flooded = await watchSchedule()
        const floodedMs = await leavingMs()
        isOver = true
        console.info(JSON.stringify({ kind, quiet, quietMs, flooded, floodedMs }))
        expect(flooded.fed).toBeGreaterThanOrEqual(Math.floor(quiet.fed / factor))
        expect(flooded.probes).toBeGreaterThanOrEqual(Math.floor(quiet.probes / factor))
        expect(floodedMs).toBeLessThanOrEqual(quietMs * factor + slackMs)
        // One that gives up on a busy machine is 0.
        const statuses = await health
        expect(statuses.filter((status) => status !== 200 && status !== 0)).toEqual([])
        const good = statuses.filter((status) => status === 200)
        expect(good.length).toBeGreaterThan(statuses.length / 2)
      } finally {
        await stopChild(flood, 5000)
      }
    },
    600_000,
  )
})

const accepted = async (): Promise<number> =>
  (await server.metric('mxsteer_admin_accepted_total')) ?? 0

/** The statuses of `/livez` and `/readyz`, asked again and again over connections of their own; 0: none. */
async function lookAtHealth(isOver: () => boolean): Promise<readonly number[]> {
  const statuses: number[] = []
  while (!isOver()) {
    for (const path of ['/livez', '/readyz'])
      statuses.push(
        await ask(server.adminPort, path).then(
          ({ status }) => status,
          () => 0,
        ),
      )
    await pause(50)
  }
  return statuses
}
