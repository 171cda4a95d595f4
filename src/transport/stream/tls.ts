// DNS over TLS (RFC 7858): the connections of tcp.ts, encrypted. The deadline of the first query counts from the
// accept, so it bounds the handshake as well.

import type { Socket } from 'node:net'
import { type TLSSocket, createServer } from 'node:tls'

import { type ListeningPlace, type StreamListener, accept, listen } from './tcp.ts'
import type { StreamConnection } from './stream-connection.ts'
import type { StreamContext } from './stream-table.ts'

/** A certificate chain, the server's own certificate first, and its private key; both in PEM. */
export interface CertificatePair {
  readonly certificate: string
  readonly key: string
}

export interface TlsListener extends StreamListener {
  /** Puts a certificate in force for handshakes that begin from now on. */
  setCertificate(pair: CertificatePair): void
}

/** Listens on an endpoint and answers. Rejects with the bind's errno. */
export async function listenTls(
  place: ListeningPlace,
  context: StreamContext,
  pair: CertificatePair,
): Promise<TlsListener> {
  // Connections whose handshake is not complete, by `connectionKey`.
  const handshaking = new Map<string, StreamConnection>()
  const server = createServer({
    ...secureContextOf(pair),
    ALPNProtocols: ['dot'],
    allowHalfOpen: true,
    noDelay: true,
    handshakeTimeout: context.limits.firstQueryMs,
  })
  server.on('connection', (socket: Socket) => {
    const connection = accept(context, socket, 'tls')
    if (connection === null) return
    const key = connectionKey(socket)
    handshaking.set(key, connection)
    socket.once('close', () => {
      if (handshaking.get(key) === connection) handshaking.delete(key)
    })
  })
  server.on('secureConnection', (socket) => {
    const key = connectionKey(socket)
    const connection = handshaking.get(key)
    handshaking.delete(key)
    socket.on('error', () => {})
    if (connection === undefined) socket.destroy()
    else connection.start(socket)
  })
  server.on('tlsClientError', (_, socket) => {
    context.counters.add('tlsFailed')
    socket.destroy()
  })
  const listener = await listen(server, place)
  return { ...listener, setCertificate: (next) => server.setSecureContext(secureContextOf(next)) }
}

const secureContextOf = ({ certificate, key }: CertificatePair) =>
  ({ cert: certificate, key, minVersion: 'TLSv1.2' }) as const

/** Identifies a connection to one listener; the same for the TCP socket and for the TLS socket on top of it. */
const connectionKey = ({ remoteAddress, remotePort, localAddress }: Socket | TLSSocket): string =>
  `${remoteAddress} ${remotePort} ${localAddress}`
