// A DNS server that does to each query what a test says: nothing, one reply or several, over UDP and TCP on one port.

import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'

import { freePort } from './free-ports.ts'

export interface DnsScript {
  /** Datagrams to send back. */
  udp?(query: Buffer): readonly Buffer[]
  /** What to write to the stream, with its length where it should have one. */
  tcp?(query: Buffer): Buffer | 'reset' | null
}

export interface ScriptedDns {
  readonly address: string
  readonly port: number
  readonly asked: { udp: number; tcp: number }
  /** Connections that are open now. */
  connections(): number
  close(): Promise<void>
}

export async function startScriptedDns(
  script: DnsScript,
  address = '127.0.0.1',
): Promise<ScriptedDns> {
  const port = await freePort([address])
  const asked = { udp: 0, tcp: 0 }
  const udp: UdpSocket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  udp.on('message', (query, from) => {
    asked.udp++
    for (const reply of script.udp?.(query) ?? []) udp.send(reply, from.port, from.address)
  })
  udp.bind({ address, port })
  await once(udp, 'listening')
  const sockets = new Set<Socket>()
  const tcp = createServer((socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    socket.once('data', (chunk) => {
      asked.tcp++
      const reply = script.tcp?.(chunk.subarray(2)) ?? null
      if (reply === 'reset') socket.resetAndDestroy()
      else if (reply !== null) socket.write(reply)
    })
  })
  tcp.listen({ host: address, port })
  await once(tcp, 'listening')
  return {
    address,
    port,
    asked,
    connections: () => sockets.size,
    async close() {
      udp.close()
      for (const socket of sockets) socket.destroy()
      tcp.close()
      await once(tcp, 'close')
    },
  }
}

/** The query as its own answer: header bits set, the records appended. */
export function replyTo(
  query: Buffer,
  given: { readonly flags?: number; readonly records?: readonly Buffer[] } = {},
): Buffer {
  const { flags = 0x8180, records = [] } = given
  const reply = Buffer.concat([query, ...records])
  reply.writeUInt16BE(flags, 2)
  reply.writeUInt16BE(records.length, 6)
  return reply
}

/** A record at the name of the question, of the type and the octets given. */
export function recordOf(type: number, ttlSeconds: number, rdata: readonly number[]): Buffer {
  const head = Buffer.alloc(12)
  head.writeUInt16BE(0xc00c, 0)
  head.writeUInt16BE(type, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt32BE(ttlSeconds, 6)
  head.writeUInt16BE(rdata.length, 10)
  return Buffer.concat([head, Buffer.from(rdata)])
}

export function framed(message: Buffer): Buffer {
  const head = Buffer.alloc(2)
  head.writeUInt16BE(message.length)
  return Buffer.concat([head, message])
}
