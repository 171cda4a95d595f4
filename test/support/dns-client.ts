// A DNS client on dns2's codec, which is not ours: single questions over UDP, many at once, and raw exchanges.

import { type Socket as UdpSocket, createSocket } from 'node:dgram'
import { type Socket, connect } from 'node:net'

import { Packet, type Resource } from 'dns2'

export const typeNumber = { A: 1, NS: 2, CNAME: 5, SOA: 6, MX: 15, TXT: 16, AAAA: 28 } as const
export type TypeWord = keyof typeof typeNumber

/** A query in wire form, without EDNS. */
export function encodeQuestion(name: string, type: TypeWord, id: number): Buffer {
  const packet = new Packet()
  packet.header.id = id
  packet.questions.push(
    new Packet.Question({ name, type: typeNumber[type], class: Packet.CLASS.IN }),
  )
  return packet.toBuffer()
}

/** Decodes a reply; a reply that dns2 cannot read whole is an error. */
export function decodeReply(octets: Buffer): Packet {
  const packet = Packet.parse(octets)
  const [first] = packet.errors
  if (first) throw first
  return packet
}

export interface UdpClient {
  /** One question; rejects when no reply came in time. */
  ask(name: string, type: TypeWord, withinMs?: number): Promise<Packet>
  /** The same question `count` times, at most `window` of them unanswered at once. */
  askMany(name: string, type: TypeWord, count: number): Promise<Packet[]>
  /** Sends octets as they are, without waiting. */
  sendRaw(octets: Uint8Array): Promise<void>
  close(): void
}

const window = 32

/** One socket towards `port` of `address`; replies find their question by ID. Resolvers want `recursion` desired. */
export function openUdpClient(
  port: number,
  address = '127.0.0.1',
  recursion: 0 | 1 = 0,
): UdpClient {
  const type = address.includes(':') ? 'udp6' : 'udp4'
  const socket: UdpSocket = createSocket({ type, recvBufferSize: 1 << 20 })
  const waiting = new Map<number, (reply: Buffer) => void>()
  let nextId = 1
  socket.on('message', (reply) => {
    if (reply.length < 2) return
    const id = reply.readUInt16BE(0)
    const resolve = waiting.get(id)
    waiting.delete(id)
    resolve?.(reply)
  })

  const ask = (name: string, type: TypeWord, withinMs = 10_000): Promise<Packet> => {
    const id = nextId++ & 0xffff
    return new Promise((resolve, reject) => {
      const overdue = setTimeout(() => {
        waiting.delete(id)
        reject(new Error(`no reply to ${name} ${type} within ${withinMs} ms`))
      }, withinMs)
      waiting.set(id, (reply) => {
        clearTimeout(overdue)
        try {
          resolve(decodeReply(reply))
        } catch (error) {
          reject(error)
        }
      })
      const query = encodeQuestion(name, type, id)
      query[2] = recursion
      socket.send(query, port, address)
    })
  }
  return {
    ask,
    async askMany(name, type, count) {
      const replies: Packet[] = []
      let asked = 0
      const lane = async (): Promise<void> => {
        while (asked++ < count) replies.push(await ask(name, type))
      }
      await Promise.all(Array.from({ length: window }, lane))
      return replies
    },
    sendRaw: (octets) =>
      new Promise((resolve) => socket.send(octets, port, address, () => resolve())),
    close: () => socket.close(),
  }
}

export interface Rung {
  readonly preference: number
  readonly exchange: string
}

/** The MX records of a reply by preference. */
export const ladderOf = (reply: Packet): Rung[] =>
  reply.answers
    .filter((record) => record.type === typeNumber.MX)
    .map(({ priority, exchange }: Resource) => ({
      preference: priority ?? -1,
      exchange: (exchange ?? '').replace(/\.$/, ''),
    }))
    .sort((a, b) => a.preference - b.preference)

/** The IPv4 addresses in a reply's answer section, sorted. */
export const addressesOf = (reply: Packet): string[] =>
  reply.answers
    .filter((record) => record.type === typeNumber.A)
    .map(({ address }: Resource) => address ?? '')
    .sort()

export interface TcpClient {
  readonly socket: Socket
  write(octets: Uint8Array): Promise<void>
  /** The next `count` messages without their length octets; rejects at the end of stream or of time. */
  receive(count: number, withinMs?: number): Promise<Buffer[]>
  /** Resolves once the server has closed, with how long that took. */
  closed(withinMs: number): Promise<number>
  destroy(): void
}

/** Two octets of length, then the message (RFC 1035 §4.2.2). */
export function framed(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(2 + message.length)
  frame.writeUInt16BE(message.length, 0)
  frame.set(message, 2)
  return frame
}

/** A raw TCP connection to 127.0.0.1:`port`. */
export async function openTcpClient(port: number): Promise<TcpClient> {
  const openedMs = performance.now()
  const socket = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true })
  let held = Buffer.alloc(0)
  let isEnded = false
  socket.on('data', (chunk: Buffer) => (held = Buffer.concat([held, chunk])))
  const closed = new Promise<number>((resolve) => {
    const end = (): void => {
      isEnded = true
      resolve(performance.now() - openedMs)
    }
    socket.on('end', end)
    socket.on('close', end)
    // A reset is one way of closing.
    socket.on('error', end)
  })
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()))

  const take = (): Buffer | null => {
    if (held.length < 2 || held.length < 2 + held.readUInt16BE(0)) return null
    const end = 2 + held.readUInt16BE(0)
    const message = held.subarray(2, end)
    held = held.subarray(end)
    return message
  }
  return {
    socket,
    write: (octets) => new Promise((resolve) => socket.write(octets, () => resolve())),
    async receive(count, withinMs = 20_000) {
      const messages: Buffer[] = []
      const deadline = performance.now() + withinMs
      while (messages.length < count) {
        const message = take()
        if (message) messages.push(message)
        else if (isEnded) throw new Error(`closed after ${messages.length} of ${count} replies`)
        else if (performance.now() > deadline)
          throw new Error(`${messages.length} of ${count} replies within ${withinMs} ms`)
        else await new Promise((resolve) => void setTimeout(resolve, 5))
      }
      return messages
    },
    closed: (withinMs) =>
      Promise.race([
        closed,
        new Promise<number>((_, reject) => {
          setTimeout(() => reject(new Error(`still open after ${withinMs} ms`)), withinMs).unref()
        }),
      ]),
    destroy: () => socket.destroy(),
  }
}
