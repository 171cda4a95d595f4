// Events, Traffic, Error budgets and Instances in a browser, beside two real servers and a Redis: an MTA dies and its
// event, its budget and the vote of the other instance are on the page, without loading it anew.

import { afterAll, beforeAll, expect, test } from 'vitest'

import { openConsole, servedBrowser } from '../support/browser.ts'
import { openUdpClient } from '../support/dns-client.ts'
import { freePort } from '../support/free-ports.ts'
import { type OddMta, startGreeters } from '../support/odd-mtas.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { type RunningServer, startServer } from '../support/server.ts'

const [dying, spare] = ['127.0.0.176', '127.0.0.177']
let mtas: OddMta[] = []
let redis: RedisServer
let server: RunningServer
let peer: RunningServer

const zoneOf = (port: number, weight: number): string => `
zone: smtp.example.test
ttl: 60
min_ttl: 5
soa: { mname: ns1, rname: hostmaster.example.test., minimum: 30 }
targets:
  mx1: { addresses: [${dying}] }
  mx2: { addresses: [${spare}] }
probes:
  inbound: { port: ${port}, level: connect, interval: 1s, fall: 1, rise: 1, connect_timeout: 1s }
pools:
  main: { probe: inbound, targets: { mx1: ${weight}, mx2: 1 }, availability_target: 99% }
steering:
  inbound: [{ pools: [main] }]
records:
  '@': { NS: ns1, MX: { steer: inbound } }
  ns1: { A: 192.0.2.53 }
`

const browser = servedBrowser()
beforeAll(async () => {
  const port = await freePort()
  mtas = await startGreeters([dying, spare], port)
  redis = await startRedis()
  const start = (name: string, weight: number): Promise<RunningServer> =>
    startServer({
      zones: { 'smtp.example.test.yaml': zoneOf(port, weight) },
      flags: ['--state', redis.url, '--instance', name, '--site', `${name}-site`],
    })
  ;[server, peer] = await Promise.all([start('one', 3), start('two', 2)])
})
afterAll(async () => {
  await Promise.all([server.stop(), peer.stop()])
  await Promise.all([redis.kill(), ...mtas.map((one) => one.close())])
})

test('what happens is on the page: events, budgets, traffic and who is there', async () => {
  const page = await openConsole(browser, server.adminPort, { path: '/events' })
  const list = page.getByRole('region', { name: 'Events, newest first' })
  await list.getByText('answering').filter({ visible: true }).first().waitFor()
  await mtas[0]?.close()
  await list
    .getByText(/^mx1 is down/)
    .first()
    .waitFor()
  expect(await list.getByRole('link', { name: 'mx1' }).first().getAttribute('href')).toMatch(
    /^#\/target\/smtp\.example\.test\/mx1\?at=/,
  )

  // A filter is an address, and leaves out what it is not about.
  await page.getByRole('button', { name: 'Instances and store' }).click()
  await list.getByText('two joined').waitFor()
  await list.getByText(/^mx1 is down/).waitFor({ state: 'detached' })
  expect(new URL(page.url()).hash).toBe('#/events?kind=instances')

  await page.keyboard.press('g')
  await page.keyboard.press('b')
  const worries = page.getByRole('list', { name: 'Budgets that need a look' })
  await worries.getByText(/main has spent its budget of 30 days/).waitFor()
  await page.getByRole('row', { name: /main/ }).getByRole('link').click()
  await page
    .getByRole('figure', { name: /Availability of main/ })
    .locator('canvas')
    .waitFor()

  await page.goto(`${page.url().split('#')[0]}#/instances`)
  await page.getByRole('row', { name: /two-site/ }).waitFor()
  await page.getByText(/they differ|not alike yet/).waitFor()

  const client = openUdpClient(server.port)
  for (let i = 0; i < 30; i++) await client.ask('smtp.example.test', 'MX')
  client.close()
  await page.goto(`${page.url().split('#')[0]}#/traffic`)
  const byType = page.getByRole('figure', { name: 'Queries by type' })
  await byType.locator('canvas').waitFor()
  await byType.getByText('as a table').click()
  await byType.getByRole('columnheader', { name: 'MX' }).waitFor()
})
