// DNS over TCP (RFC 7766, 9210): pipelined queries, answered in the order in which they came.
//
// Limits per worker. A deadline is for a whole message, never renewed by octets that drip in:
//   connections              1024, then the most idle one is closed
//   per client (/32 or /64)    20
//   first query                 3 s after accept
//   message                     2 s after its first octet
//   idle                       10 s after the last answer
//   lifetime                  120 s
//   unread answers            64 KiB: we stop reading the client; 256 KiB, or 5 s paused: closed

import { createServer, type Server, type Socket } from 'node:net'

import type { Peer, Respond } from '../answer/context.ts'
import type { Counters } from '../answer/counters.ts'
import type { Clock } from '../lib/clock.ts'
import { peerAddress } from './peer.ts'
import type { Endpoint } from './endpoint.ts'
import { createFraming, type Framing } from './tcp-framing.ts'

export const tcpLimits = {
  connections: 1024,
  perClient: 20,
  firstQueryMs: 3000,
  messageMs: 2000,
  idleMs: 10_000,
  lifetimeMs: 120_000,
  pauseOctets: 65_536,
  closeOctets: 262_144,
  pausedMs: 5000,
}

export interface TcpListener {
  close(): Promise<void>
}

interface Connection {
  readonly socket: Socket
  readonly client: string
  readonly peer: Peer
  readonly framing: Framing
  readonly acceptedMs: number
  answered: boolean
  /** When the last answer was written, or the connection accepted. */
  activeMs: number
  messageSinceMs: number
  pausedSinceMs: number
}

interface Shared {
  readonly respond: Respond
  readonly counters: Counters
  readonly clock: Clock
  readonly out: Buffer
  /** Insertion order is order of activity: the first is the most idle. */
  readonly open: Map<Socket, Connection>
  readonly perClient: Map<string, number>
}

/** Listens and answers. Rejects with the bind's errno. */
export async function listenTcp(
  endpoint: Endpoint,
  respond: Respond,
  counters: Counters,
  clock: Clock,
): Promise<TcpListener> {
  const shared: Shared = {
    respond,
    counters,
    clock,
    out: Buffer.alloc(2 + 65_535),
    open: new Map(),
    perClient: new Map(),
  }
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
    accept(shared, socket),
  )
  await listening(server, endpoint)
  const sweep = setInterval(() => closeOverdue(shared), 250)
  return {
    close() {
      clearInterval(sweep)
      for (const socket of shared.open.keys()) socket.destroySoon()
      setTimeout(() => shared.open.forEach((_, socket) => socket.destroy()), 500).unref()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

const listening = (server: Server, { address, port }: Endpoint): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: address, port, ipv6Only: true, reusePort: true, backlog: 4096 }, () => {
      server.removeListener('error', reject)
      // accept() failing for want of descriptors must not end the worker; clients try again.
      server.on('error', () => {})
      resolve()
    })
  })

/** Addresses of one client network: the /32, or the /64 that one host can roam. */
const clientOf = (octets: Uint8Array): string =>
  octets.subarray(0, octets.length === 4 ? 4 : 8).toString()

function accept(shared: Shared, socket: Socket): void {
  const address = peerAddress(socket.remoteAddress ?? '')
  if (address === null) return void socket.destroy()
  const client = clientOf(address.octets)
  const ofClient = shared.perClient.get(client) ?? 0
  if (ofClient >= tcpLimits.perClient) {
    shared.counters.add('tcpClosedByLimit')
    return void socket.destroy()
  }
  if (shared.open.size >= tcpLimits.connections) closeMostIdle(shared)
  shared.perClient.set(client, ofClient + 1)
  shared.counters.add('tcpAccepted')
  const nowMs = shared.clock.monotonicMs()
  const connection: Connection = {
    socket,
    client,
    peer: { ...address, port: socket.remotePort ?? 0, transport: 'tcp' },
    framing: createFraming(),
    acceptedMs: nowMs,
    answered: false,
    activeMs: nowMs,
    messageSinceMs: 0,
    pausedSinceMs: 0,
  }
  shared.open.set(socket, connection)
  socket.on('data', (chunk) => read(shared, connection, chunk))
  socket.on('drain', () => resume(connection))
  socket.on('end', () => socket.end())
  socket.on('error', () => {})
  socket.once('close', () => release(shared, connection))
}

/** The one place where a connection's slot is given back; once, however the connection ends. */
function release(shared: Shared, { socket, client }: Connection): void {
  if (!shared.open.delete(socket)) return
  const left = (shared.perClient.get(client) ?? 1) - 1
  if (left > 0) shared.perClient.set(client, left)
  else shared.perClient.delete(client)
}

function read(shared: Shared, connection: Connection, chunk: Buffer): void {
  const { socket, framing } = connection
  const wasInside = framing.isInsideMessage()
  const isDns = framing.feed(chunk, (message) => answer(shared, connection, message))
  if (!isDns || socket.writableLength > tcpLimits.closeOctets) return cut(shared, connection)
  const nowMs = shared.clock.monotonicMs()
  if (framing.isInsideMessage() && !wasInside) connection.messageSinceMs = nowMs
  if (socket.writableLength > tcpLimits.pauseOctets && connection.pausedSinceMs === 0) {
    socket.pause()
    connection.pausedSinceMs = nowMs
  }
}

function resume(connection: Connection): void {
  if (connection.pausedSinceMs === 0) return
  connection.pausedSinceMs = 0
  connection.socket.resume()
}

function answer(shared: Shared, connection: Connection, message: Uint8Array): void {
  const { socket, peer } = connection
  if (socket.destroyed || socket.writableLength > tcpLimits.closeOctets) return
  const octets = shared.respond(message, 0, message.length, peer, shared.out, 2)
  connection.messageSinceMs = shared.clock.monotonicMs()
  if (octets === 0) return
  shared.out.writeUInt16BE(octets, 0)
  socket.write(Buffer.from(shared.out.subarray(0, 2 + octets)))
  connection.answered = true
  connection.activeMs = connection.messageSinceMs
  shared.open.delete(socket)
  shared.open.set(socket, connection)
}

function closeMostIdle(shared: Shared): void {
  const first = shared.open.values().next()
  if (first.done) return
  cut(shared, first.value)
}

/** Closes at once; the slot is free before the socket says so. */
function cut(shared: Shared, connection: Connection): void {
  shared.counters.add('tcpClosedByLimit')
  connection.socket.destroy()
  release(shared, connection)
}

function closeOverdue(shared: Shared): void {
  const nowMs = shared.clock.monotonicMs()
  for (const connection of shared.open.values()) {
    if (isOverdue(connection, nowMs)) cut(shared, connection)
  }
}

function isOverdue(connection: Connection, nowMs: number): boolean {
  const { pausedSinceMs, framing, messageSinceMs, acceptedMs, answered, activeMs } = connection
  if (nowMs - acceptedMs > tcpLimits.lifetimeMs) return true
  if (pausedSinceMs > 0) return nowMs - pausedSinceMs > tcpLimits.pausedMs
  if (framing.isInsideMessage()) return nowMs - messageSinceMs > tcpLimits.messageMs
  return nowMs - activeMs > (answered ? tcpLimits.idleMs : tcpLimits.firstQueryMs)
}
