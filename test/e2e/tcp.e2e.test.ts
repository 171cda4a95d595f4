// TCP of the running server: no client can occupy all connections, and answers announce that it is about to stop.

import { readdirSync } from 'node:fs'
import { type Socket, connect } from 'node:net'

import { describe, expect, it } from 'vitest'

import { dig, rdataOf } from '../support/dig.ts'
import { streamLimits } from '../../src/transport/stream/stream-table.ts'
import { encodeQuestion, framed, openTcpClient } from '../support/dns-client.ts'
import { buildQuery } from '../support/packet-builder.ts'
import { servedZone } from '../support/served-zone.ts'
import { until } from '../support/wait.ts'

const zone = 'tcp.example.test'
const zoneFile = `
zone: ${zone}
soa: { mname: ns1, rname: hostmaster.example.test. }
records:
  "@": { NS: [ns1] }
  ns1: { A: 192.0.2.53 }
`
const zones = { 'tcp.yaml': zoneFile }

// One worker, so that all connections share one table.
const server = servedZone({ zones, flags: ['--workers', '1', '--lameduck', '60s'] })

/** As shipped: docs/operations.md. */
const connections = 1024
const perClient = 20

const question = (id: number): Buffer => framed(encodeQuestion(`ns1.${zone}`, 'A', id))
const descriptors = (): number => readdirSync(`/proc/${server.pid}/fd`).length

const open = (localAddress: string): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: server.port, localAddress }, () => {
      socket.on('error', () => {})
      resolve(socket)
    })
    socket.once('error', reject)
    socket.resume()
  })

/** So many connections that are left alone after `begin`, from so many addresses that no client has too many. */
async function occupy(count: number, begin: (socket: Socket) => void): Promise<Socket[]> {
  const opening = Array.from({ length: count }, (_, i) =>
    open(`127.0.1.${1 + Math.floor(i / perClient)}`),
  )
  const sockets = await Promise.all(opening)
  for (const socket of sockets) begin(socket)
  return sockets
}

async function newClientIsServed(): Promise<number> {
  const begun = performance.now()
  const client = await openTcpClient(server.port)
  await client.write(question(3))
  expect((await client.receive(1))[0]?.readUInt16BE(6)).toBe(1)
  client.destroy()
  return performance.now() - begun
}

describe('with all connections taken', () => {
  it.each([
    ['by idle clients', (): void => {}],
    [
      'by clients that sent half a query',
      (socket: Socket): void => void socket.write(question(1).subarray(0, 9)),
    ],
    [
      'by clients that were answered and stay',
      (socket: Socket): void => void socket.write(question(1)),
    ],
  ])('%s, a new client is answered, since one of them is cut', async (_, begin) => {
    const before = descriptors()
    const sockets = await occupy(connections, begin)
    await until(() => descriptors() >= before + connections - 100, {
      what: 'all taken',
      withinMs: 30_000,
    })
    const tookMs: number[] = []
    for (let i = 0; i < 20; i++) tookMs.push(await newClientIsServed())
    console.info(`${connections} connections taken: worst ${Math.max(...tookMs).toFixed(1)} ms`)
    // At least half of them did not wait for a deadline of an older connection.
    expect(tookMs.sort((a, b) => a - b)[10]).toBeLessThan(streamLimits.firstQueryMs / 2)
    expect(descriptors()).toBeLessThanOrEqual(before + connections + 10)
    await until(() => sockets.some((socket) => socket.closed), {
      what: 'one that gave way',
      withinMs: 30_000,
    })
    for (const socket of sockets) socket.destroy()
    await until(() => descriptors() <= before + 5, { what: 'descriptors back', withinMs: 30_000 })
  })

  it('clients that send one octet at a time are cut at the first-query deadline', async () => {
    const sockets = await occupy(40, (socket) => void socket.write(Buffer.of(0)))
    const drip = setInterval(() => {
      for (const socket of sockets) if (socket.writable) socket.write(Buffer.of(15))
    }, 100)
    // They would go on forever.
    await until(() => sockets.every((socket) => socket.closed), {
      what: 'all cut',
      withinMs: 60_000,
    })
    expect(sockets.every((socket) => socket.closed)).toBe(true)
    clearInterval(drip)
  })
})

it('a client with too many connections loses its own, others keep theirs', async () => {
  const other = await openTcpClient(server.port)
  await other.write(question(1))
  await other.receive(1)
  const greedy: Socket[] = []
  for (let i = 0; i < 3 * perClient; i++) greedy.push(await open('127.0.7.7'))
  await until(() => greedy.filter((socket) => socket.closed).length === 2 * perClient, {
    what: 'two thirds closed',
    withinMs: 30_000,
  })
  expect(greedy.slice(-perClient).every((socket) => !socket.closed)).toBe(true)
  await other.write(question(2))
  expect((await other.receive(1))[0]?.readUInt16BE(0)).toBe(2)
  for (const socket of greedy) socket.destroy()
  other.destroy()
})

describe('EDNS keepalive (RFC 7828)', () => {
  const asked = framed(buildQuery({ name: `ns1.${zone}`, opts: [{ options: [0, 11, 0, 0] }] }))
  /** The last option of the message: in units of 100 ms. */
  const timeoutIn = (message: Buffer): number => {
    const at = message.lastIndexOf(Buffer.of(0, 11, 0, 2))
    return message.readUInt16BE(at + 4)
  }

  it('tells the idle time; 0 once the server is stopping, which then closes what is idle', async () => {
    const [busy, idle] = [await openTcpClient(server.port), await openTcpClient(server.port)]
    for (const client of [busy, idle]) {
      await client.write(asked)
      expect(timeoutIn((await client.receive(1))[0] as Buffer)).toBe(100)
    }
    server.signal('SIGTERM')
    await server.waitForLog((line) => line.event === 'server.signal')
    await until(
      async () => {
        await busy.write(asked)
        return timeoutIn((await busy.receive(1))[0] as Buffer) === 0
      },
      { what: 'a timeout of 0', withinMs: 30_000 },
    )
    // Long before the end of the lame-duck time.
    await idle.closed(30_000)
    // Until the end a new client is answered.
    expect(rdataOf((await dig(server.port, `ns1.${zone}`, 'A', '+tcp')).answer)).toEqual([
      '192.0.2.53',
    ])
    expect(await server.stop()).toEqual({ code: 0, signal: null })
  })
})
