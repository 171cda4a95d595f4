// Has a DNS server of 127.0.0.1 answer at another address and port of loopback too, over UDP and TCP: several servers, each
// at its own address, with one port, as name servers are found.

import { createSocket, type RemoteInfo } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export interface DnsRelay {
  close(): Promise<void>
}

export async function startDnsRelay(
  at: { readonly address: string; readonly port: number },
  serverPort: number,
): Promise<DnsRelay> {
  const waiting = new Map<number, RemoteInfo>()
  const outside = createSocket('udp4')
  const inside = createSocket('udp4')
  outside.on('message', (query, from) => {
    waiting.set(query.readUInt16BE(0), from)
    inside.send(query, serverPort, '127.0.0.1')
  })
  inside.on('message', (reply) => {
    const to = waiting.get(reply.readUInt16BE(0))
    waiting.delete(reply.readUInt16BE(0))
    if (to !== undefined) outside.send(reply, to.port, to.address)
  })
  outside.bind(at)
  inside.bind({ address: '127.0.0.1' })
  const sockets = new Set<Socket>()
  const tcp = createServer((client) => {
    const server = connect({ host: '127.0.0.1', port: serverPort })
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.once('close', () => sockets.delete(socket))
    }
    client.pipe(server).pipe(client)
  })
  tcp.listen({ host: at.address, port: at.port })
  await Promise.all([once(outside, 'listening'), once(inside, 'listening'), once(tcp, 'listening')])
  return {
    async close() {
      outside.close()
      inside.close()
      for (const socket of sockets) socket.destroy()
      tcp.close()
      await once(tcp, 'close')
    },
  }
}
