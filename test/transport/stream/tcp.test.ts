// Connections as clients use them: pipelining, half-close, resets, pauses; with the default limits.

import { setTimeout as sleep } from 'node:timers/promises'

import { afterEach, describe, expect, test } from 'vitest'

import type { Peer } from '../../../src/answer/context.ts'
import { streamLimits } from '../../../src/transport/stream/stream-table.ts'
import { listenTcp } from '../../../src/transport/stream/tcp.ts'
import {
  closeStreams,
  echo,
  framedQuery as query,
  large,
  openStream,
  serveStreams,
} from '../../support/stream-client.ts'
import { until } from '../../support/wait.ts'

afterEach(closeStreams)

const serve = (respond = echo, limits = {}) => serveStreams(listenTcp, respond, limits)

describe('answers', () => {
  test('pipelined queries, in their order, wherever the stream is split', async () => {
    const { port } = await serve()
    const { socket, receive } = await openStream(port)
    const queries = Buffer.concat([query(1), query(2), query(3)])
    socket.write(queries.subarray(0, 25))
    await sleep(20)
    socket.write(queries.subarray(25))
    expect(await receive(queries.length)).toEqual(queries)
  })

  test('more pipelined queries than one turn answers', async () => {
    const { port } = await serve(echo, { queriesPerTurn: 7 })
    const { socket, receive } = await openStream(port)
    const queries = Buffer.concat(Array.from({ length: 2500 }, (_, i) => query(i % 256)))
    socket.write(queries)
    expect((await receive(queries.length)).equals(queries)).toBe(true)
  })

  test('a client that reads gets all of its large answers, however many queries it sent at once', async () => {
    const { port, counters } = await serve(large)
    const { socket, receive } = await openStream(port)
    socket.write(Buffer.concat(Array.from({ length: 500 }, () => query(1))))
    const octets = (await receive(500 * 60_002)).length
    expect(octets).toBe(500 * 60_002)
    expect(counters.read().scalars.tcpClosedByLimit).toBe(0)
  })

  test('a client that closed its sending side, then the connection is closed', async () => {
    const { port } = await serve()
    const { socket, received, ended } = await openStream(port)
    socket.end(Buffer.concat([query(8), query(9)]))
    await ended
    expect(received()).toEqual(Buffer.concat([query(8), query(9)]))
  })

  test('queries before the stream became invalid, then a close', async () => {
    const { port, counters } = await serve()
    const { socket, received, ended } = await openStream(port)
    socket.write(Buffer.concat([query(8), query(9), Buffer.from([0, 3, 1, 2, 3])]))
    await ended
    expect(received()).toEqual(Buffer.concat([query(8), query(9)]))
    expect(counters.read().scalars.tcpClosedByLimit).toBe(1)
  })

  test('a half-closed client that sent more queries than one turn answers', async () => {
    const { port } = await serve(large, { queriesPerTurn: 2 })
    const { socket, received, ended } = await openStream(port)
    socket.end(Buffer.concat(Array.from({ length: 20 }, () => query(1))))
    await ended
    expect(received().length).toBe(20 * 60_002)
  })

  test('a responder is given the peer of the connection', async () => {
    const peers: Peer[] = []
    const { port } = await serve((packet, offset, length, peer, ...out) => {
      peers.push({ ...peer })
      return echo(packet, offset, length, peer, ...out)
    })
    const { socket, receive } = await openStream(port, '127.0.0.9')
    socket.write(query(1))
    await receive(22)
    const localPort = socket.localPort as number
    const octets = Uint8Array.of(127, 0, 0, 9)
    expect(peers).toEqual([{ family: 4, octets, port: localPort, transport: 'tcp' }])
  })
})

describe('a connection is removed at once', () => {
  /** Deadlines so long that none of them removes it. */
  const patient = { firstQueryMs: 60_000, messageMs: 60_000, idleMs: 60_000 }

  test.each([
    ['after a half-close without a query', (socket: { end(): void }) => socket.end()],
    [
      'after a half-close inside a message',
      (socket: { end(data: Buffer): void }) => socket.end(query(1).subarray(0, 9)),
    ],
    ['after a reset', (socket: { resetAndDestroy(): void }) => socket.resetAndDestroy()],
    [
      'after a reset inside a message',
      (socket: { write(data: Buffer): void; resetAndDestroy(): void }) => {
        socket.write(query(1).subarray(0, 9))
        setTimeout(() => socket.resetAndDestroy(), 20)
      },
    ],
    [
      'after a length that is no DNS',
      (socket: { write(data: Buffer): void }) => socket.write(Buffer.of(0, 0)),
    ],
    [
      'after a length of 11',
      (socket: { write(data: Buffer): void }) => socket.write(Buffer.alloc(20, 11).fill(0, 0, 1)),
    ],
    [
      'after HTTP',
      (socket: { write(data: string): void }) => socket.write('GET / HTTP/1.1\r\n\r\n'),
    ],
  ])('%s', async (_, act) => {
    const { port, context, counters } = await serve(echo, patient)
    const { socket } = await openStream(port)
    await until(() => context.table.size === 1, { what: 'the connection', withinMs: 30_000 })
    act(socket)
    await until(() => context.table.size === 0, {
      what: 'the connection removed',
      withinMs: 30_000,
    })
    expect(counters.read().scalars.tcpAccepted).toBe(1)
  })

  test('after a stream of 6 MiB that is no DNS', async () => {
    const { port, context } = await serve()
    const { socket, ended } = await openStream(port)
    socket.write(Buffer.alloc(6 * 1024 * 1024, 0xff))
    await ended
    expect(context.table.size).toBe(0)
    const other = await openStream(port)
    other.socket.write(query(1))
    expect(await other.receive(22)).toEqual(query(1))
  })
})

describe('default deadlines', () => {
  test('octets that arrive slowly do not extend them', async () => {
    const { port, counters } = await serve(echo, { firstQueryMs: 600_000 })
    const { socket, ended } = await openStream(port)
    const begun = performance.now()
    const drip = setInterval(() => socket.write(Buffer.of(0x0f)), 100)
    await ended
    clearInterval(drip)
    const tookMs = performance.now() - begun
    expect(tookMs).toBeGreaterThan(streamLimits.messageMs - 100)
    expect(counters.read().scalars.tcpClosedByLimit).toBe(1)
  })

  test('neither after an answer, nor for a message that follows another in the same packet', async () => {
    const { port } = await serve(echo, { firstQueryMs: 600_000, idleMs: 600_000 })
    const { socket, receive, ended } = await openStream(port)
    socket.write(query(1))
    await receive(22)
    const begun = performance.now()
    socket.write(Buffer.concat([query(2), query(3).subarray(0, 5)]))
    const drip = setInterval(() => socket.write(Buffer.of(0)), 300)
    await ended
    clearInterval(drip)
    const tookMs = performance.now() - begun
    expect(tookMs).toBeGreaterThan(streamLimits.messageMs - 100)
  })

  test('a client that never sends a query', async () => {
    const { port } = await serve()
    const { ended } = await openStream(port)
    const begun = performance.now()
    await ended
    const tookMs = performance.now() - begun
    expect(tookMs).toBeGreaterThan(streamLimits.firstQueryMs - 100)
    expect(tookMs).toBeLessThan(streamLimits.idleMs)
  })
})

test('a client that does not read is not read from, and cut within a bounded buffer', async () => {
  const { port, counters, context } = await serve(large, { writeMs: 1500 })
  const { socket } = await openStream(port)
  socket.pause()
  const before = process.memoryUsage().rss
  const begun = performance.now()
  const flood = setInterval(() => {
    if (socket.writable) for (let i = 0; i < 50; i++) socket.write(query(1))
  }, 5)
  await until(() => counters.read().scalars.tcpClosedByLimit === 1, {
    what: 'a cut',
    withinMs: 30_000,
  })
  clearInterval(flood)
  expect(performance.now() - begun).toBeGreaterThan(1400)
  expect(context.table.size).toBe(0)
  expect(process.memoryUsage().rss - before).toBeLessThan(48 * 1024 * 1024)
})

test('a transfer whose messages take long has one in a turn: others are answered between two', async () => {
  const messages = 12
  const turnsOfMessages: number[] = []
  let turn = 0
  const countTurns = (): void => {
    turn++
    if (turnsOfMessages.length < messages) setImmediate(countTurns)
  }
  const transfer = {
    next(out: Uint8Array, offset: number) {
      if (turnsOfMessages.length === messages) return 0
      turnsOfMessages.push(turn)
      const until = performance.now() + 3
      while (performance.now() < until);
      out.fill(1, offset, offset + 12)
      return 12
    },
    end() {},
  }
  const { port } = await serveStreams(listenTcp, echo, {}, () => transfer)
  const { socket, receive } = await openStream(port)
  countTurns()
  socket.write(query(1))
  await receive(messages * 14)
  expect(new Set(turnsOfMessages).size).toBe(messages)
})
