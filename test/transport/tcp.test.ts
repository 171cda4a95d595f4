import { type Socket, connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import { afterEach, describe, expect, test } from 'vitest'

import type { Respond } from '../../src/answer/context.ts'
import { createCounters } from '../../src/answer/counters.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { type TcpListener, listenTcp, tcpLimits } from '../../src/transport/tcp.ts'
import { freePort } from '../support/free-ports.ts'

// The stand-in for the answering path: the query's own octets, so that order and wholeness can be seen.
const echo: Respond = (packet, offset, length, _peer, out, outOffset) => {
  out.set(packet.subarray(offset, offset + length), outOffset)
  return length
}

const large: Respond = (_packet, _offset, _length, _peer, out, outOffset) => {
  out.fill(7, outOffset, outOffset + 60_000)
  return 60_000
}

const open: (TcpListener | Socket)[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await ('close' in one ? one.close() : one.destroy())
})

async function serve(
  respond: Respond,
): Promise<{ port: number; counters: ReturnType<typeof createCounters> }> {
  const counters = createCounters()
  const port = await freePort()
  open.push(await listenTcp({ address: '127.0.0.1', port }, respond, counters, systemClock))
  return { port, counters }
}

const client = (port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => resolve(socket))
    socket.on('error', reject)
    open.push(socket)
  })

const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    if (socket.closed || socket.readableEnded) return resolve()
    socket.once('close', () => resolve())
    socket.once('end', () => resolve())
    socket.resume()
  })

const query = (fill: number): Buffer =>
  Buffer.concat([Buffer.from([0, 20]), Buffer.alloc(20, fill)])

async function receive(socket: Socket, octets: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of socket) {
    chunks.push(chunk as Buffer)
    if (Buffer.concat(chunks).length >= octets) break
  }
  return Buffer.concat(chunks)
}

describe('answers', () => {
  test('pipelined queries, in their order', async () => {
    const { port } = await serve(echo)
    const socket = await client(port)
    const queries = Buffer.concat([query(1), query(2), query(3)])
    socket.write(queries.subarray(0, 25))
    await sleep(20)
    socket.write(queries.subarray(25))
    expect(await receive(socket, queries.length)).toEqual(queries)
  })

  test('a client that closed its sending side', async () => {
    const { port } = await serve(echo)
    const socket = await client(port)
    socket.end(query(9))
    expect(await receive(socket, 22)).toEqual(query(9))
  })
})

describe('limits', () => {
  test('octets that drip in renew no deadline', async () => {
    const { port, counters } = await serve(echo)
    const socket = await client(port)
    const begun = performance.now()
    const drip = setInterval(() => socket.write(Buffer.of(0x0f)), 100)
    await closed(socket)
    clearInterval(drip)
    const tookMs = performance.now() - begun
    expect(tookMs).toBeGreaterThan(tcpLimits.messageMs - 100)
    expect(tookMs).toBeLessThan(tcpLimits.messageMs + 1000)
    expect(counters.read().scalars.tcpClosedByLimit).toBe(1)
  })

  test('a client that never asks is closed', async () => {
    const { port } = await serve(echo)
    const socket = await client(port)
    const begun = performance.now()
    await closed(socket)
    expect(performance.now() - begun).toBeLessThan(tcpLimits.firstQueryMs + 1000)
  })

  test('garbage is closed at once', async () => {
    const { port } = await serve(echo)
    const socket = await client(port)
    socket.write('GET / HTTP/1.1\r\n\r\n')
    const begun = performance.now()
    await closed(socket)
    expect(performance.now() - begun).toBeLessThan(500)
  })

  test('one client gets so many connections and, after they end, as many again', async () => {
    const { port } = await serve(echo)
    for (let round = 0; round < 2; round++) {
      const sockets = await Promise.all(
        Array.from({ length: tcpLimits.perClient }, () => client(port)),
      )
      const extra = await client(port)
      await closed(extra)
      for (const socket of sockets) {
        socket.write(query(1))
        expect(await receive(socket, 22)).toEqual(query(1))
        socket.destroy()
      }
      await sleep(100)
    }
  })

  test('a client that does not read is paused, then cut, with bounded memory', async () => {
    const { port, counters } = await serve(large)
    const socket = await client(port)
    socket.pause()
    socket.on('error', () => {})
    const before = process.memoryUsage().rss
    const begun = performance.now()
    const flood = setInterval(() => {
      if (socket.writable) for (let i = 0; i < 50; i++) socket.write(query(1))
    }, 5)
    while (counters.read().scalars.tcpClosedByLimit === 0 && performance.now() - begun < 9000)
      await sleep(50)
    clearInterval(flood)
    await sleep(100)
    expect(performance.now() - begun).toBeLessThan(tcpLimits.pausedMs + 3000)
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024)
  })
})
