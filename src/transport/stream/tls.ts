// DNS over TLS (RFC 7858): the connections of tcp.ts, encrypted. Limits count from the accept, so a handshake that
// stalls is a first query that never comes.

import type { Socket } from 'node:net'
import { type TLSSocket, createServer } from 'node:tls'

import type { Endpoint } from '../../lib/ip.ts'
import { type StreamListener, accept, listen } from './tcp.ts'
import type { StreamConnection } from './stream-connection.ts'
import type { StreamContext } from './stream-table.ts'

/** PEM; the chain with the server's own certificate first. */
export interface CertificatePair {
  readonly certificate: string
  readonly key: string
}

export interface TlsListener extends StreamListener {
  /** For handshakes from now on. */
  setCertificate(pair: CertificatePair): void
}

/** Listens and answers. Rejects with the bind's errno. */
export async function listenTls(
  endpoint: Endpoint,
  service: StreamContext,
  pair: CertificatePair,
): Promise<TlsListener> {
  // Accepted and not yet encrypted.
  const young = new Map<string, StreamConnection>()
  const server = createServer({
    ...contextOf(pair),
    ALPNProtocols: ['dot'],
    allowHalfOpen: true,
    noDelay: true,
    handshakeTimeout: service.limits.firstQueryMs,
  })
  server.on('connection', (socket: Socket) => {
    const connection = accept(service, socket, 'tls')
    if (connection === null) return
    const name = connectionKey(socket)
    young.set(name, connection)
    socket.once('close', () => {
      if (young.get(name) === connection) young.delete(name)
    })
  })
  server.on('secureConnection', (socket) => {
    const name = connectionKey(socket)
    const connection = young.get(name)
    young.delete(name)
    socket.on('error', () => {})
    if (connection === undefined) socket.destroy()
    else connection.start(socket)
  })
  server.on('tlsClientError', (_, socket) => {
    service.counters.add('tlsFailed')
    socket.destroy()
  })
  const listener = await listen(server, endpoint)
  return { ...listener, setCertificate: (next) => server.setSecureContext(contextOf(next)) }
}

const contextOf = ({ certificate, key }: CertificatePair) =>
  ({ cert: certificate, key, minVersion: 'TLSv1.2' }) as const

/** What tells connections to one listener apart, and is the same before and after the handshake. */
const connectionKey = ({ remoteAddress, remotePort, localAddress }: Socket | TLSSocket): string =>
  `${remoteAddress} ${remotePort} ${localAddress}`
