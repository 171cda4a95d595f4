// TCP clients and listeners for tests: raw sockets whose octets are counted, and messages without meaning.

import { type Socket, connect } from 'node:net'

import type { createBeginTransfer } from '../../src/answer/transfer/transfer.ts'
import type { Respond } from '../../src/answer/context.ts'
import { type Counters, createCounters } from '../../src/answer/counters.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { StreamListener } from '../../src/transport/stream/tcp.ts'
import {
  type StreamLimits,
  streamLimits,
  type StreamContext,
  createStreamContext,
} from '../../src/transport/stream/stream-table.ts'
import { freePort } from './free-ports.ts'

/** A responder that echoes the query, so that tests can check order and completeness. */
export const echo: Respond = (packet, offset, length, _peer, out, outOffset) => {
  out.set(packet.subarray(offset, offset + length), outOffset)
  return length
}

/** Answers that fill 60,000 octets. */
export const large: Respond = (_packet, _offset, _length, _peer, out, outOffset) => {
  out.fill(7, outOffset, outOffset + 60_000)
  return 60_000
}

export interface StreamBench {
  readonly port: number
  readonly counters: Counters
  readonly context: StreamContext
}

const cleanups: (() => unknown)[] = []

/** Closes everything that was opened here; to be called after each test. */
export async function closeStreams(): Promise<void> {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
}

export type Listen = (
  endpoint: { readonly address: string; readonly port: number },
  context: StreamContext,
) => Promise<StreamListener>

/** Listens on a free port, with `limits` in place of the default ones. */
export async function serveStreams(
  listen: Listen,
  respond: Respond,
  limits: Partial<StreamLimits> = {},
  beginTransfer: ReturnType<typeof createBeginTransfer> = () => null,
): Promise<StreamBench> {
  const counters = createCounters()
  const context = createStreamContext({
    respond,
    beginTransfer,
    counters,
    clock: systemClock,
    limits: { ...streamLimits, ...limits },
  })
  const port = await freePort()
  const listener = await listen({ address: '127.0.0.1', port }, context)
  cleanups.push(async () => {
    const closed = listener.close()
    await context.table.close(0)
    await closed
  })
  return { port, counters, context }
}

/** Opens a connection; `received()` is what it has received so far. */
export interface StreamClient {
  readonly socket: Socket
  readonly received: () => Buffer
  /** Resolves with all that was received, once it is so many octets or the server has closed the connection. */
  readonly receive: (octets: number) => Promise<Buffer>
  /** Resolves when the server has closed the connection, by FIN or by reset. */
  readonly ended: Promise<void>
}

export const openStream = (port: number, localAddress = '127.0.0.1'): Promise<StreamClient> =>
  new Promise((resolve, reject) => {
    const options = { port, host: '127.0.0.1', localAddress, allowHalfOpen: true }
    const socket = connect(options, () => resolve(followStream(socket)))
    socket.once('error', reject)
    cleanups.push(() => socket.destroy())
  })

export function followStream(socket: Socket): StreamClient {
  const chunks: Buffer[] = []
  let octets = 0
  let isEnded = false
  const waiting = new Set<() => void>()
  const wake = (): void => waiting.forEach((one) => one())
  socket.on('error', () => {})
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    octets += chunk.length
    wake()
  })
  const ended = new Promise<void>((resolve) => {
    const over = (): void => {
      isEnded = true
      wake()
      resolve()
    }
    socket.once('end', over)
    socket.once('close', over)
  })
  return {
    socket,
    ended,
    received: () => Buffer.concat(chunks),
    receive: (wanted) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (octets < wanted && !isEnded) return
          waiting.delete(look)
          resolve(Buffer.concat(chunks))
        }
        waiting.add(look)
        look()
      }),
  }
}

/** A framed message of 20 octets. */
export const framedQuery = (fill: number): Buffer =>
  Buffer.concat([Buffer.from([0, 20]), Buffer.alloc(20, fill)])
