// DNS over TCP (RFC 7766, RFC 9210): connections of clients, and those of proxies that name the client in a PROXY
// header.

import { createServer, type Server, type Socket } from 'node:net'
import { type Endpoint, isListed, type Network, peerAddress } from '../../lib/ip.ts'
import { type HandedSocket, isSocketOf } from '../handed-socket.ts'
import { createProxyHeaderReader } from './proxy-protocol.ts'
import { StreamConnection } from './stream-connection.ts'
import type { StreamContext } from './stream-table.ts'

const socketOptions = { allowHalfOpen: true, noDelay: true }

/** Listens on an endpoint and answers. Rejects with the bind's errno. */
export const listenTcp = (place: ListeningPlace, context: StreamContext): Promise<StreamListener> =>
  listen(
    createServer(socketOptions, (socket) => accept(context, socket, 'tcp')?.start(socket)),
    place,
  )

/** As `listenTcp`, for proxies in the networks `from`: each stream starts with a PROXY header. Others are closed. */
export function listenProxiedTcp(
  place: ListeningPlace,
  context: StreamContext,
  from: readonly Network[],
): Promise<StreamListener> {
  const server = createServer(socketOptions, (socket) => {
    const proxy = peerAddress(socket.remoteAddress ?? '')
    if (proxy !== null && isListed(from, proxy.octets)) return acceptProxied(context, socket)
    context.counters.add('proxyUnlisted')
    socket.on('error', () => {})
    socket.destroy()
  })
  return listen(server, place)
}

/**
 * Accepts a connection whose stream starts with a PROXY header; DNS starts where the header ends. It counts against the
 * limit of connections, and has the deadline of a first query, from the accept on.
 */
function acceptProxied(context: StreamContext, socket: Socket): void {
  const connection = accept(context, socket, 'tcp', false)
  if (connection === null) return
  const reader = createProxyHeaderReader()
  const onData = (chunk: Buffer): void => {
    const at = reader.consume(chunk)
    const { header } = reader
    if (header === null) return
    socket.off('data', onData)
    socket.off('end', onEnd)
    if (header.kind === 'bad') {
      context.counters.add('proxyMalformed')
      context.table.cut(connection)
      return
    }
    if (header.kind === 'proxied') {
      connection.peer = { ...header.client, port: header.port, transport: 'tcp' }
      connection.client = clientOf(header.client.octets)
      context.table.admitClient(connection)
    }
    connection.start(socket, chunk.subarray(at))
  }
  const onEnd = (): void => void socket.destroy()
  socket.on('data', onData)
  socket.on('end', onEnd)
}

export interface StreamListener {
  /** Stops accepting connections; resolves when those that are open have ended, which is up to StreamTable.close. */
  close(): Promise<void>
}

/**
 * The key of a client network: the /32 of an IPv4 address, the /64 of an IPv6 address, within which one host can roam.
 */
const clientOf = (octets: Uint8Array): string =>
  octets.subarray(0, octets.length === 4 ? 4 : 8).toString()

/**
 * Adds an accepted connection to the table, and removes it when its socket closes. null: the client has already gone.
 * `isClientKnown` is false if a PROXY header is to name the client; it is then counted by `admitClient`.
 */
export function accept(
  context: StreamContext,
  socket: Socket,
  transport: 'tcp' | 'tls',
  isClientKnown = true,
): StreamConnection | null {
  // A reset concerns this client alone, and `close` follows.
  socket.on('error', () => {})
  const address = peerAddress(socket.remoteAddress ?? '')
  if (address === null) {
    socket.destroy()
    return null
  }
  const peer = { ...address, port: socket.remotePort ?? 0, transport }
  const client = isClientKnown ? clientOf(address.octets) : null
  const connection = new StreamConnection(context, socket, peer, client)
  context.table.admit(connection)
  context.counters.add(transport === 'tls' ? 'tlsAccepted' : 'tcpAccepted')
  socket.once('close', () => connection.closed())
  return connection
}

/** An endpoint to bind, or the descriptor of a socket that came bound to one. */
export type ListeningPlace = Endpoint | { readonly fd: number }

/** For each of the sockets of an endpoint that came bound one place; without any, the endpoint itself. */
export function placesOf(
  endpoint: Endpoint,
  handed: readonly HandedSocket[],
): readonly ListeningPlace[] {
  const own = handed.filter((one) => isSocketOf(one, 'tcp', endpoint))
  return own.length > 0 ? own.map(({ fd }) => ({ fd })) : [endpoint]
}

const backlog = 4096

/** Binds an endpoint with SO_REUSEPORT, or takes the socket that is bound. Rejects with the bind's errno. */
export const listen = (server: Server, place: ListeningPlace): Promise<StreamListener> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    const options =
      'fd' in place
        ? { fd: place.fd }
        : { host: place.address, port: place.port, ipv6Only: true, reusePort: true }
    server.listen({ ...options, backlog }, () => {
      server.removeListener('error', reject)
      // accept() fails when descriptors run out: this must not end the worker, and clients retry.
      server.on('error', () => {})
      resolve({ close: () => new Promise((closed) => server.close(() => closed())) })
    })
  })
