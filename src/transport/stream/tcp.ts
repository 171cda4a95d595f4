// DNS over TCP (RFC 7766, RFC 9210), from clients themselves or through a proxy that says who they are.

import { type Socket, createServer } from 'node:net'

import type { Endpoint, Network } from '../../lib/ip.ts'
import { isListed } from '../../lib/network-list.ts'
import { peerAddress } from '../../lib/peer.ts'
import { createProxyHeaderReader } from './proxy-protocol-stream.ts'
import { type StreamListener, accept, clientOf, listen } from './stream-accept.ts'
import type { StreamService } from './stream-service.ts'

const socketOptions = { allowHalfOpen: true, noDelay: true }

/** Listens and answers. Rejects with the bind's errno. */
export const listenTcp = (endpoint: Endpoint, service: StreamService): Promise<StreamListener> =>
  listen(
    createServer(socketOptions, (socket) => accept(service, socket, 'tcp')?.start(socket)),
    endpoint,
  )

/** As `listenTcp`; each stream starts with a PROXY header, and only listed proxies may speak. */
export function listenProxiedTcp(
  endpoint: Endpoint,
  service: StreamService,
  from: readonly Network[],
): Promise<StreamListener> {
  const server = createServer(socketOptions, (socket) => {
    const proxy = peerAddress(socket.remoteAddress ?? '')
    if (proxy !== null && isListed(from, proxy.octets)) return readHeader(service, socket)
    service.counters.add('proxyUnlisted')
    socket.on('error', () => {})
    socket.destroy()
  })
  return listen(server, endpoint)
}

/** The connection starts where its header ends. It has a slot from the accept on, and the deadline of a first query. */
function readHeader(service: StreamService, socket: Socket): void {
  const connection = accept(service, socket, 'tcp', false)
  if (connection === null) return
  const reader = createProxyHeaderReader()
  const onData = (chunk: Buffer): void => {
    const at = reader.take(chunk)
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
