// How the control thread manages workers: catalogs, crashes, restarts, stop. UDP itself: udp.test.ts.

import { createSocket } from 'node:dgram'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'

import { afterEach, describe, expect, test } from 'vitest'

import { checkEndpoints } from '../../../src/transport/endpoint.ts'
import type { Libc } from '../../../src/transport/udp/udp-libc.ts'
import { wantedReceiveOctets } from '../../../src/transport/udp/udp-socket.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import type { Workers } from '../../../src/transport/worker/workers.ts'
import { startAnswering, stopAnswering, udpKinds, udpOf } from '../../support/answering-workers.ts'
import { type UdpClient, openUdpClient } from '../../support/dns-client.ts'
import { freePort } from '../../support/free-ports.ts'
import { temporaryFolder } from '../../support/server.ts'
import { until } from '../../support/wait.ts'
import { type Zone } from '../../../src/zone/zone.ts'
import { packCatalog, type PackedCatalog } from '../../../src/zone/packed-catalog.ts'
import { catalogOf, zoneOf } from '../../support/zone-builder.ts'

const packed = (generation: number, ...zones: readonly Zone[]): PackedCatalog =>
  packCatalog({ ...catalogOf(...zones), generation })

const clients: UdpClient[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  await stopAnswering()
})

/** Clients with ports of their own, by which the kernel spreads their queries over the workers. */
function openClients(port: number, count = 20): readonly UdpClient[] {
  const opened = Array.from({ length: count }, () => openUdpClient(port))
  clients.push(...opened)
  return opened
}

const rcodes = async (asking: readonly UdpClient[], name: string): Promise<ReadonlySet<number>> => {
  const replies = await Promise.all(asking.map((client) => client.ask(name, 'A', 10_000)))
  return new Set(replies.map((reply) => reply.header.rcode))
}

const answered = (workers: Workers): readonly number[] =>
  workers.counters.map((counters) => counters.read().scalars.answered)

const one = zoneOf('one.test.', { '@': { NS: 'ns1' }, ns1: { A: '192.0.2.1' } })
const two = zoneOf('two.test.', { '@': { NS: 'ns1' }, ns1: { A: '192.0.2.2' } })

/** Sockets on a port of 127.0.0.1, as the kernel lists them. */
function socketsOn(port: number): number {
  const local = ` 0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} `
  return readFileSync('/proc/net/udp', 'latin1')
    .split('\n')
    .filter((line) => line.includes(local)).length
}

describe.each(udpKinds)('workers over %s', { timeout: 120_000 }, (kind) => {
  test('all of them answer', async () => {
    const { port, workers } = await startAnswering(kind, { zones: [one] })
    await workers.listening
    const udpWorkers = kind === 'mmsg' ? workers.counters.slice(0, 2) : workers.counters
    expect(workers.alive()).toBe(kind === 'mmsg' ? 3 : 2)
    const asking = openClients(port)
    expect(await rcodes(asking, 'ns1.one.test')).toEqual(new Set([0]))
    expect(await rcodes(asking, 'ns1.two.test')).toEqual(new Set([5]))
    const counts = udpWorkers.map((counters) => counters.read().scalars.answered)
    expect(Math.min(...counts)).toBeGreaterThan(0)
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(40)
    expect(answered(workers).reduce((sum, count) => sum + count, 0)).toBe(40)
  })

  test('a published catalog reaches all of them', async () => {
    const { port, workers } = await startAnswering(kind, { zones: [one] })
    await workers.listening
    const asking = openClients(port)
    for (let generation = 2; generation <= 6; generation++) {
      // The zone is added, removed, and added again; all workers see each change.
      const isThere = generation % 2 === 0
      workers.publish(isThere ? packed(generation, one, two) : packed(generation, one))
      const wanted = isThere ? '0' : '5'
      const found = async (): Promise<string> => [...(await rcodes(asking, 'ns1.two.test'))].join()
      await until(async () => (await found()) === wanted, {
        what: `catalog ${generation} in all workers`,
        withinMs: 60_000,
      })
      // No worker goes back to the catalog before it.
      expect(await found()).toBe(wanted)
    }
  })

  test('of catalogs published while there are no queries, the last one is served', async () => {
    const { port, workers } = await startAnswering(kind, { zones: [one], count: 1 })
    await workers.listening
    const owners = Array.from({ length: 5000 }, (_, i) => [`host${i}`, { A: '192.0.2.3' }])
    const large = zoneOf('large.test.', { '@': { NS: 'ns1' }, ...Object.fromEntries(owners) })
    for (let generation = 2; generation <= 21; generation++)
      workers.publish(packed(generation, one, large))
    workers.publish(packed(22, one, two, large))
    const asking = openClients(port, 1)
    await until(async () => (await rcodes(asking, 'ns1.two.test')).has(0), {
      what: 'the last catalog',
      withinMs: 60_000,
    })
    expect(await rcodes(asking, 'host4999.large.test')).toEqual(new Set([0]))
  })

  test('a worker that crashes is replaced, and its socket with it; the others keep serving', async () => {
    const deathFile = join(temporaryFolder(), 'die')
    process.env['CONDEMNED_BY'] = deathFile
    const entry = new URL('../../fixtures/workers/condemned.ts', import.meta.url)
    const { port, workers, events } = await startAnswering(kind, { zones: [one], entry })
    await workers.listening
    workers.publish(packed(2, one, two))
    const asking = openClients(port)
    expect(await rcodes(asking, 'ns1.one.test')).toEqual(new Set([0]))
    expect(socketsOn(port)).toBe(2)
    const all = workers.alive()
    for (let deaths = 1; deaths <= 3; deaths++) {
      writeFileSync(deathFile, '')
      const restarted = (): boolean =>
        events.filter((event) => event.kind === 'restarted').length === deaths
      await until(restarted, { what: `restart ${deaths}`, withinMs: 60_000 })
      expect(workers.alive()).toBe(all)
      expect(socketsOn(port)).toBe(2)
      // Also the catalog that was published after the crashed workers had started.
      expect(await rcodes(asking, 'ns1.two.test')).toEqual(new Set([0]))
    }
    const exits = events.filter((event) => event.kind === 'exited')
    expect(exits.map((event) => event.why)).toEqual(Array(3).fill('as a bug would'))
    expect(workers.restarts()).toBe(3)
    // Counted before and after the deaths: the counters outlive the thread.
    expect(answered(workers).reduce((sum, count) => sum + count, 0)).toBe(80)
  })

  test('stop takes 3 s at most, also while workers are starting, and frees the port', async () => {
    const { endpoints, workers } = await startAnswering(kind, { zones: [one] })
    await workers.listening
    expect(await checkEndpoints(endpoints)).toMatchObject({ kind: 'taken', protocol: 'UDP' })
    const startedMs = performance.now()
    await workers.stop()
    // Five times as much for a busy machine.
    expect(performance.now() - startedMs).toBeLessThan(15_000)
    expect(await checkEndpoints(endpoints)).toEqual({ kind: 'free', unavailable: [] })
    expect(workers.alive()).toBe(0)

    const starting = await startAnswering(kind, { zones: [one] })
    await starting.workers.stop()
    expect(await checkEndpoints(starting.endpoints)).toEqual({ kind: 'free', unavailable: [] })
  })

  test('a bind that fails rejects with its errno', async () => {
    const { workers } = await startAnswering(kind, {
      zones: [one],
      endpoints: [{ address: '192.0.2.1', port: 5300 }],
    })
    await expect(workers.listening).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' })
  })

  test('a receive buffer that is smaller than requested is reported', async () => {
    const { events, workers } = await startAnswering(kind, { zones: [one] })
    await workers.listening
    const gotOctets = Number(readFileSync('/proc/sys/net/core/rmem_max', 'latin1'))
    const told = { kind: 'buffer-clamped', askedOctets: wantedReceiveOctets, gotOctets }
    expect(events).toEqual(gotOctets < wantedReceiveOctets ? [told] : [])
  })
})

test('each catalog that is published wakes up every worker that waits in the kernel', async () => {
  const { libc } = (await udpOf('mmsg')) as { readonly libc: Libc }
  const woken: number[] = []
  const write: Libc['write'] = (fd, octets, count) => {
    woken.push(fd)
    return libc.write(fd, octets, count)
  }
  const udp = { kind: 'mmsg', libc: { ...libc, write } } as const
  const { workers } = await startAnswering('mmsg', { zones: [one], count: 2, udp })
  await workers.listening
  workers.publish(packed(2, two))
  expect(new Set(woken).size).toBe(2)
  workers.publish(packed(3, one))
  expect(woken).toHaveLength(4)
  await workers.stop()
  expect(woken).toHaveLength(6)
  workers.publish(packed(4, one))
  expect(woken).toHaveLength(6)
})

test('a worker that crashes is restarted, with increasing delays', async () => {
  const entry = new URL('../../fixtures/workers/mortal.ts', import.meta.url)
  // The clock stands still: no worker has run for long enough to be restarted without backoff.
  const clock = { ...systemClock, monotonicMs: () => 0 }
  const options = { zones: [one], count: 1, entry, clock }
  const { events, workers } = await startAnswering('dgram', options)
  const exits = (): { why: string; backoffMs: number; worker: number }[] =>
    events.filter((event) => event.kind === 'exited')
  await until(() => exits().length >= 3, { what: 'three deaths', withinMs: 60_000 })
  expect(exits().map((event) => event.backoffMs)).toEqual([200, 400, 800])
  expect(exits()[0]).toMatchObject({ worker: 0, why: 'as a bug would' })
  expect(workers.restarts()).toBeGreaterThanOrEqual(2)
  expect(events.some((event) => event.kind === 'restarted')).toBe(true)
})

test('the last worker of its kind is restarted without backoff, however often it crashed', async () => {
  const deathFile = join(temporaryFolder(), 'die')
  process.env['CONDEMNED_BY'] = deathFile
  const entry = new URL('../../fixtures/workers/condemned.ts', import.meta.url)
  let nowMs = 0
  const clock = { ...systemClock, monotonicMs: () => nowMs }
  const options = { zones: [one], count: 1, entry, clock }
  const { events, workers } = await startAnswering('dgram', options)
  await workers.listening
  for (let deaths = 1; deaths <= 3; deaths++) {
    nowMs += 1100
    writeFileSync(deathFile, '')
    await until(() => workers.restarts() === deaths && workers.alive() === 1, {
      what: `restart ${deaths}`,
      withinMs: 60_000,
    })
  }
  const exits = events.filter((event) => event.kind === 'exited')
  expect(exits.map((event) => event.backoffMs)).toEqual([200, 200, 200])
})

test('a small receive buffer is reported once, however many workers have it', async () => {
  const entry = new URL('../../fixtures/workers/cramped.ts', import.meta.url)
  const { events, workers } = await startAnswering('dgram', { zones: [one], count: 3, entry })
  await workers.listening
  expect(events).toEqual([
    { kind: 'buffer-clamped', askedOctets: wantedReceiveOctets, gotOctets: 106_496 },
  ])
})

describe('a port that another server holds is detected, although ports are shared', () => {
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
    await new Promise<void>((resolve) => other.close(resolve))
    expect(await checkEndpoints([endpoint])).toEqual({ kind: 'free', unavailable: [] })
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

  test('an address that the host does not have', async () => {
    expect(await checkEndpoints([{ address: '192.0.2.1', port: 5300 }])).toMatchObject({
      code: 'EADDRNOTAVAIL',
    })
  })
})
