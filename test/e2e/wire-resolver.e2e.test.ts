// Unbound between a client and the server, with the rate limit as it is by default but for loopback's exemption.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { type UdpClient, addressesOf, openUdpClient } from '../support/dns-client.ts'
import type { ForeignServer } from '../support/foreign-server.ts'
import { type RunningServer, startServer, temporaryFolder } from '../support/server.ts'
import { startUnbound } from '../support/unbound.ts'
import { pause, until } from '../support/wait.ts'

const zone = 'resolved.example.test'
const zoneFile = `
zone: ${zone}
soa: { mname: ns1, rname: hostmaster.example.test. }
records:
  "@": { NS: [ns1] }
  ns1: { A: 192.0.2.53 }
  "*": { A: 192.0.2.77 }
`

let server: RunningServer
let unbound: ForeignServer
let client: UdpClient

beforeAll(async () => {
  const config = join(temporaryFolder(), 'mxsteer.yaml')
  writeFileSync(config, 'rate_limit: { exempt: [] }\nlameduck: 0\n')
  server = await startServer({ zones: { 'zone.yaml': zoneFile }, flags: ['--config', config] })
  unbound = await startUnbound(zone, server.port)
  client = openUdpClient(unbound.port, '127.0.0.1', 1)
  const isUp = (): Promise<boolean> =>
    client.ask(`up.${zone}`, 'A', 500).then(
      () => true,
      () => false,
    )
  await until(isUp, { what: 'an answer through Unbound', withinMs: 60_000 })
})
afterAll(async () => {
  client?.close()
  await Promise.all([server?.stop(), unbound?.stop()])
})

const ask = async (name: string): Promise<string[]> =>
  addressesOf(await client.ask(`${name}.${zone}`, 'A', 10_000))

const slipped = (): Promise<number | null> => server.metric('mxsteer_rate_limit_slipped_total')

it('is not limited at forty names a second that it never asked before', async () => {
  const asked: Promise<string[]>[] = []
  for (let i = 0; i < 240; i++) {
    asked.push(ask(`calm${i}`))
    await pause(25)
  }
  expect((await Promise.all(asked)).every(([address]) => address === '192.0.2.77')).toBe(true)
  expect(await slipped()).toBe(0)
})

it('gets every answer, over TCP, where it asks for far more', async () => {
  let next = 0
  const answered: string[][] = []
  const lane = async (): Promise<void> => {
    while (next < 900) answered.push(await ask(`storm${next++}`))
  }
  await Promise.all(Array.from({ length: 16 }, lane))
  expect(answered).toHaveLength(900)
  expect(answered.every(([address]) => address === '192.0.2.77')).toBe(true)
  expect(await slipped()).toBeGreaterThan(0)
  expect(await server.metric('mxsteer_rate_limit_dropped_total')).toBe(0)
  expect(await server.metric('mxsteer_tcp_queries_total')).toBeGreaterThan(0)
}, 600_000)
