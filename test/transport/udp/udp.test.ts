// What a client over UDP gets, the same from both transports: real sockets, real worker threads, dns2's codec.

import { randomBytes } from 'node:crypto'

import { afterEach, describe, expect, test } from 'vitest'

import { startAnswering, stopAnswering, udpKinds } from '../../support/answering-workers.ts'
import {
  type UdpClient,
  addressesOf,
  openTcpClient,
  openUdpClient,
} from '../../support/dns-client.ts'
import { framed } from '../../support/dns-client.ts'
import { buildQuery } from '../../support/packet-builder.ts'
import { queryUdp } from '../../support/udp-query.ts'
import { zoneOf } from '../../support/zone-builder.ts'

const clients: UdpClient[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  await stopAnswering()
})

function open(port: number, address?: string): UdpClient {
  const client = openUdpClient(port, address)
  clients.push(client)
  return client
}

const texts = Array.from({ length: 4 }, (_, i) => `${i}${'x'.repeat(239)}`)
const zone = zoneOf('one.test.', {
  '@': { NS: 'ns1' },
  ns1: { A: '192.0.2.1', AAAA: '2001:db8::1' },
  '*.many': { A: '192.0.2.7' },
  big: { TXT: texts },
})
const zones = [zone]

/** Sends `count` queries, each for another name, four at a time; every reply must match its own query. */
async function askDistinct(client: UdpClient, who: number, count: number): Promise<number> {
  let asked = 0
  let right = 0
  const lane = async (): Promise<void> => {
    while (asked < count) {
      const name = `q${asked++}-${who}.many.one.test`
      const reply = await client.ask(name, 'A', 15_000)
      if (reply.questions[0]?.name === name && addressesOf(reply).join() === '192.0.2.7') right++
    }
  }
  await Promise.all(Array.from({ length: 4 }, lane))
  return right
}

/** Random datagrams of 0 to 600 octets, and some of extreme sizes. */
const garbage = (i: number): Uint8Array => {
  if (i % 50 === 0) return new Uint8Array(0)
  if (i % 50 === 1) return randomBytes(60_000)
  return randomBytes(Math.floor((i * 131) % 600))
}

describe.each(udpKinds)('UDP by %s', { timeout: 120_000 }, (kind) => {
  test('2,000 queries of 50 clients at once: none is lost, none gets the answer of another', async () => {
    const { port, workers } = await startAnswering(kind, { zones })
    await workers.listening
    const asking = Array.from({ length: 50 }, () => open(port))
    const right = await Promise.all(asking.map((client, i) => askDistinct(client, i, 40)))
    expect(right).toEqual(Array(50).fill(40))
    const counted = workers.counters.map((counters) => counters.read().scalars)
    expect(counted.reduce((sum, { answered }) => sum + answered, 0)).toBe(2000)
    expect(counted.map(({ failures, sendErrors }) => failures + sendErrors)).toEqual(
      counted.map(() => 0),
    )
  })

  test('garbage in between affects no client', async () => {
    const { port, workers } = await startAnswering(kind, { zones })
    await workers.listening
    const foul = open(port)
    const fouling = (async (): Promise<void> => {
      for (let i = 0; i < 1000; i++) {
        await foul.sendRaw(garbage(i))
        // No faster than it is read, or the kernel drops valid queries: its buffer is not what is tested here. A reply
        // may be to garbage that has the same ID.
        if (i % 20 === 19) await foul.ask('ns1.one.test', 'A', 10_000).catch(() => {})
      }
    })()
    const asking = Array.from({ length: 4 }, () => open(port))
    const right = await Promise.all(asking.map((client, i) => askDistinct(client, i, 100)))
    await fouling
    expect(right).toEqual([100, 100, 100, 100])
    expect(await askDistinct(open(port), 5, 50)).toBe(50)
    const counted = workers.counters.map((counters) => counters.read().scalars)
    expect(counted.reduce((sum, { failures }) => sum + failures, 0)).toBe(0)
    expect(counted.reduce((sum, { packets }) => sum + packets, 0)).toBeGreaterThan(1400)
    expect(workers.alive()).toBe(workers.counters.length)
  })

  test('several endpoints of both families, the wildcard not among them', async () => {
    const addresses = ['127.0.0.1', '127.0.0.2', '::1']
    const { port, workers } = await startAnswering(kind, { zones, addresses, count: 1 })
    await workers.listening
    const asking = addresses.map((address) => open(port, address))
    const right = await Promise.all(asking.map((client, i) => askDistinct(client, i, 200)))
    expect(right).toEqual([200, 200, 200])
    // Also one after the other, so that each endpoint wakes the worker by itself.
    for (const address of addresses) expect(await askDistinct(open(port, address), 9, 3)).toBe(3)
    await expect(open(port, '127.0.0.3').ask('ns1.one.test', 'A', 300)).rejects.toThrow('no reply')
  })

  test('an answer is cut to 512 octets without EDNS, and whole with it or over TCP', async () => {
    const { port, workers } = await startAnswering(kind, { zones })
    await workers.listening
    const question = { name: 'big.one.test', type: 16 }
    const cut = await queryUdp(port, buildQuery(question))
    expect(cut.length).toBeLessThanOrEqual(512)
    expect(cut.readUInt16BE(2) & 0x0200).toBe(0x0200)
    const whole = await queryUdp(port, buildQuery({ ...question, opts: [{ udp: 1232 }] }))
    expect(whole.length).toBeGreaterThan(960)
    expect([whole.readUInt16BE(2) & 0x0200, whole.readUInt16BE(6)]).toEqual([0, 4])
    const stream = await openTcpClient(port)
    await stream.write(framed(buildQuery(question)))
    const [overTcp] = await stream.receive(1, 5000)
    expect(overTcp?.readUInt16BE(6)).toBe(4)
    stream.destroy()
  })
})
