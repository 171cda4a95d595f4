// Taking a connection in, whatever speaks on it: who it is, a slot for it, and the slot back when it ends.

import type { Server, Socket } from 'node:net'

import type { Endpoint } from '../../lib/ip.ts'
import { peerAddress } from '../../lib/peer.ts'
import { StreamConnection } from './stream-connection.ts'
import type { StreamService } from './stream-service.ts'

export interface StreamListener {
  /** Takes no more connections; those that are open are the table's to end. */
  close(): Promise<void>
}

/** A client network: the /32, or the /64 that one host can roam. */
export const clientOf = (octets: Uint8Array): string =>
  octets.subarray(0, octets.length === 4 ? 4 : 8).toString()

/** null: gone before we could ask who it is. `client` is not counted where a proxy will tell who it is. */
export function accept(
  service: StreamService,
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
