// DNS over TCP (RFC 7766, RFC 9210), from clients themselves or through a proxy that says who they are.

import { createServer, type Server, type Socket } from 'node:net'
import { type Endpoint, isListed, type Network, peerAddress } from '../../lib/ip.ts'
import { createProxyHeaderReader } from './proxy-protocol.ts'
import { StreamConnection } from './stream-connection.ts'
import type { StreamContext } from './stream-table.ts'

const socketOptions = { allowHalfOpen: true, noDelay: true }

/** Listens and answers. Rejects with the bind's errno. */
export const listenTcp = (endpoint: Endpoint, service: StreamContext): Promise<StreamListener> =>
  listen(
    createServer(socketOptions, (socket) => accept(service, socket, 'tcp')?.start(socket)),
    endpoint,
  )

/** As `listenTcp`; each stream starts with a PROXY header, and only listed proxies may speak. */
export function listenProxiedTcp(
  endpoint: Endpoint,
  service: StreamContext,
  from: readonly Network[],
): Promise<StreamListener> {
  const server = createServer(socketOptions, (socket) => {
    const proxy = peerAddress(socket.remoteAddress ?? '')
    if (proxy !== null && isListed(from, proxy.octets)) return acceptProxied(service, socket)
    service.counters.add('proxyUnlisted')
    socket.on('error', () => {})
    socket.destroy()
  })
  return listen(server, endpoint)
}

/** The connection starts where its header ends. It has a slot from the accept on, and the deadline of a first query. */
function acceptProxied(service: StreamContext, socket: Socket): void {
  const connection = accept(service, socket, 'tcp', false)
  if (connection === null) return
  const reader = createProxyHeaderReader()
  const onData = (chunk: Buffer): void => {
    const at = reader.consume(chunk)
    const { header } = reader
    if (header === null) return
    socket.off('data', onData)
    socket.off('end', onEnd)
    if (header.kind === 'bad') {
      service.counters.add('proxyMalformed')
      service.table.cut(connection)
      return
    }
    if (header.kind === 'proxied') {
      connection.peer = { ...header.client, port: header.port, transport: 'tcp' }
      connection.client = clientOf(header.client.octets)
      service.table.admitClient(connection)
    }
    connection.start(socket, chunk.subarray(at))
  }
  const onEnd = (): void => void socket.destroy()
  socket.on('data', onData)
  socket.on('end', onEnd)
}

// Taking a connection in, whatever speaks on it: who it is, a slot for it, and the slot back when it ends.

export interface StreamListener {
  /** Takes no more connections; those that are open are the table's to end. */
  close(): Promise<void>
}

/** A client network: the /32, or the /64 that one host can roam. */
const clientOf = (octets: Uint8Array): string =>
  octets.subarray(0, octets.length === 4 ? 4 : 8).toString()

/** null: gone before we could ask who it is. `client` is not counted where a proxy will tell who it is. */
export function accept(
  service: StreamContext,
  socket: Socket,
  transport: 'tcp' | 'tls',
  isClientKnown = true,
): StreamConnection | null {
  // A reset concerns this client alone; `close` follows.
  socket.on('error', () => {})
  const address = peerAddress(socket.remoteAddress ?? '')
  if (address === null) {
    socket.destroy()
    return null
  }
  const peer = { ...address, port: socket.remotePort ?? 0, transport }
  const client = isClientKnown ? clientOf(address.octets) : null
  const connection = new StreamConnection(service, socket, peer, client)
  service.table.admit(connection)
  service.counters.add(transport === 'tls' ? 'tlsAccepted' : 'tcpAccepted')
  socket.once('close', () => connection.closed())
  return connection
}

/** Binds with a shared port. Rejects with the bind's errno. */
export const listen = (server: Server, { address, port }: Endpoint): Promise<StreamListener> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: address, port, ipv6Only: true, reusePort: true, backlog: 4096 }, () => {
      server.removeListener('error', reject)
      // accept() failing for want of descriptors must not end the worker; clients try again.
      server.on('error', () => {})
      resolve({ close: () => new Promise((closed) => server.close(() => closed())) })
    })
  })
