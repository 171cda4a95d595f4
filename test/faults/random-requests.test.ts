// 50,000 random requests against the admin listener of a server at work, with answers, probes, the watchdog and `/livez`
// looked at all the while.

import { connect } from 'node:net'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { seededRandom } from '../../src/lib/random.ts'
import { watchAnswers } from '../support/answer-watch.ts'
import { nextSending, type Sending } from '../support/admin-requests.ts'
import { freePort } from '../support/free-ports.ts'
import { exchangeOf, mailDomain, mailZone } from '../support/mail-zone.ts'
import { type NotifyReader, startNotifyReader } from '../support/notify-reader.ts'
import { type OddMta, startGreeters } from '../support/odd-mtas.ts'
import { statusesOf } from '../support/raw-http.ts'
import { runs } from '../support/runs.ts'
import { ask, type RunningServer, startServer } from '../support/server.ts'
import { until } from '../support/wait.ts'

const full = 50_000
const seed = Math.floor(Math.random() * 2 ** 31)
/** Fewer than a client may have. */
const atOnce = 16
const names = ['mx0', 'mx1', 'mx2']

let mtas: OddMta[] = []
let reader: NotifyReader
let server: RunningServer

beforeAll(async () => {
  const addresses = names.map((_, i) => `127.0.12.${i + 1}`)
  const port = await freePort(addresses)
  mtas = await startGreeters(addresses, port)
  reader = await startNotifyReader()
  const targets = Object.fromEntries(
    names.map((name, i) => [name, { address: addresses[i] as string, weight: 1 }]),
  )
  server = await startServer({
    zones: { 'mail.yaml': mailZone({ targets, port, probe: { level: 'banner' } }) },
    flags: ['--workers', '1'],
    env: { NOTIFY_SOCKET: reader.place, WATCHDOG_USEC: '3000000' },
  })
  for (const name of names) await server.waitForState(name, 'up', 60_000)
}, 600_000)
afterAll(async () => {
  await server?.stop()
  await reader?.stop()
  await Promise.all(mtas.map((mta) => mta.close()))
})

/** What comes back until there are as many replies as requests, the server closes, or nothing comes for a while. */
const send = ({ octets, requests, isAbandoned }: Sending): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: server.adminPort })
    let text = ''
    const finish = (): void => {
      socket.destroy()
      resolve(text)
    }
    socket.setTimeout(500, finish)
    socket.setEncoding('latin1').on('data', (chunk) => {
      text += String(chunk)
      if (statusesOf(text).length >= requests) finish()
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(text))
    socket.write(octets, () => isAbandoned && finish())
  })

const fed = (): number => reader.datagrams().filter((line) => line.startsWith('WATCHDOG=1')).length
const probed = (): number => mtas.reduce((sum, mta) => sum + mta.accepted(), 0)

/** `/livez` is served, the watchdog is fed again and every MTA is probed again. */
async function lookAround(): Promise<void> {
  const before = mtas.map((mta) => mta.accepted())
  const fedBefore = fed()
  expect((await ask(server.adminPort, '/livez')).status).toBe(200)
  await until(() => fed() > fedBefore, { what: 'the watchdog fed', withinMs: 60_000 })
  await until(() => mtas.every((mta, i) => mta.accepted() > (before[i] ?? 0)), {
    what: 'a probe of every MTA',
    withinMs: 60_000,
  })
}

const allowed = new Set([100, 200, 201, 400, 403, 404, 405, 408, 409, 413, 415, 417, 421, 431, 503])

test('random requests', async () => {
  const random = seededRandom(seed)
  const total = runs(full)
  const statuses = new Map<number, number>()
  const kinds = new Map<string, number>()
  const answers = watchAnswers(server.port, {
    domain: mailDomain,
    relay: `relay.${mailDomain}`,
    exchanges: names.map(exchangeOf),
  })
  const before = { fed: fed(), probed: probed(), rss: server.rssOctets() }
  const progress = { sent: 0 }
  const sendOn = async (): Promise<void> => {
    while (progress.sent < total) {
      const sending = nextSending(random)
      progress.sent += sending.requests
      kinds.set(sending.kind, (kinds.get(sending.kind) ?? 0) + 1)
      for (const status of statusesOf(await send(sending)))
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
  }
  const senders = Promise.all(Array.from({ length: atOnce }, sendOn))
  while (progress.sent < total) await lookAround()
  await senders
  await lookAround()
  const rounds = answers.rounds()
  expect(await answers.stop(), `seed ${seed}`).toEqual([])
  const counts = { ...progress, rounds, fed: fed() - before.fed, probed: probed() - before.probed }
  console.info(JSON.stringify({ seed, ...counts, statuses: [...statuses], kinds: [...kinds] }))
  expect(
    [...statuses.keys()].filter((status) => !allowed.has(status)),
    `seed ${seed}`,
  ).toEqual([])
  expect([...kinds.keys()]).toHaveLength(9)
  expect(rounds).toBeGreaterThan(0)
  expect(await server.metric('mxsteer_admin_requests_total{result="failed"}')).toBe(0)
  const events = server.logs().map(({ event }) => event)
  expect(
    events.filter((event) => event?.startsWith('admin.') || event?.startsWith('service.')),
  ).toEqual([])
  expect(server.rssOctets() - before.rss).toBeLessThan(256 * 2 ** 20)
}, 900_000)
