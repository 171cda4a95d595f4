import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import { afterEach, describe, expect, test } from 'vitest'

import { createHealthTable } from '../../src/health/table.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { checkEndpoints } from '../../src/transport/endpoint.ts'
import {
  type WorkerEvent,
  type Workers,
  type WorkersOptions,
  startWorkers,
} from '../../src/transport/workers.ts'
import { openUdpClient } from '../support/dns-client.ts'
import { freePort } from '../support/free-ports.ts'
import { catalogOf, zoneOf } from '../support/zone-builder.ts'

let workers: Workers | null = null
afterEach(async () => {
  await workers?.stop()
  workers = null
})

const one = zoneOf('one.test.', { '@': { NS: 'ns1' }, ns1: { A: '192.0.2.1' } })
const two = zoneOf('two.test.', { '@': { NS: 'ns1' }, ns1: { A: '192.0.2.2' } })

async function start(
  extra: Partial<WorkersOptions>,
): Promise<{ port: number; events: WorkerEvent[] }> {
  const port = await freePort()
  const events: WorkerEvent[] = []
  workers = startWorkers({
    count: 2,
    birth: {
      endpoints: [{ address: '127.0.0.1', port }],
      catalog: catalogOf(one),
      healthBuffer: createHealthTable(16).buffer,
      maxUdpOctets: 1232,
      geoip: {},
    },
    clock: systemClock,
    onEvent: (event) => events.push(event),
    ...extra,
  })
  return { port, events }
}

test('answers from every worker, and a published catalog reaches all of them', async () => {
  const { port } = await start({})
  await workers?.listening
  expect(workers?.alive()).toBe(2)
  const ask = async (name: string): Promise<Set<number>> => {
    const rcodes = new Set<number>()
    // Each client has a port of its own, by which the kernel spreads queries over the workers.
    for (let i = 0; i < 20; i++) {
      const client = openUdpClient(port)
      rcodes.add((await client.ask(name, 'A')).header.rcode)
      client.close()
    }
    return rcodes
  }
  expect(await ask('ns1.one.test')).toEqual(new Set([0]))
  expect(await ask('ns1.two.test')).toEqual(new Set([5]))
  workers?.publish({ ...catalogOf(one, two), generation: 2 })
  await sleep(200)
  expect(await ask('ns1.two.test')).toEqual(new Set([0]))
  const counts = workers?.counters.map((counters) => counters.read().scalars.answered) ?? []
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(60)
  expect(Math.min(...counts)).toBeGreaterThan(0)
})

test('a worker that dies is started again, later each time', async () => {
  const { events } = await start({
    count: 1,
    entry: new URL('../fixtures/workers/mortal.ts', import.meta.url),
  })
  await sleep(2000)
  const exits = events.filter((event) => event.kind === 'exited')
  expect(exits.map((event) => event.backoffMs).slice(0, 3)).toEqual([200, 400, 800])
  expect(exits[0]).toMatchObject({ worker: 0, why: 'as a bug would' })
  expect(workers?.restarts()).toBeGreaterThanOrEqual(2)
  expect(events.some((event) => event.kind === 'restarted')).toBe(true)
})

describe('a port that another server holds is found out, though ports are shared', () => {
  test('UDP with SO_REUSEPORT set by the other', async () => {
    const port = await freePort()
    const other = createSocket({ type: 'udp4', reusePort: true })
    await new Promise<void>((resolve) => other.bind(port, '127.0.0.1', resolve))
    const endpoint = { address: '127.0.0.1', port }
    expect(await checkEndpoints([endpoint])).toEqual({
      kind: 'taken',
      endpoint,
      protocol: 'UDP',
      code: 'EADDRINUSE',
    })
    other.close()
    await sleep(50)
    expect(await checkEndpoints([endpoint])).toEqual({ kind: 'free' })
  })

  test('TCP', async () => {
    const port = await freePort()
    const other = createServer()
    await new Promise<void>((resolve) =>
      other.listen({ port, host: '127.0.0.1', reusePort: true }, resolve),
    )
    const endpoint = { address: '127.0.0.1', port }
    expect(await checkEndpoints([endpoint])).toMatchObject({ kind: 'taken', protocol: 'TCP' })
    await new Promise((resolve) => other.close(resolve))
  })

  test('an address that is not ours', async () => {
    expect(await checkEndpoints([{ address: '192.0.2.1', port: 5300 }])).toMatchObject({
      code: 'EADDRNOTAVAIL',
    })
  })
})
