// Many queries to one server of loopback: over UDP with a window, asked again when lost; over TCP pipelined on one
// connection. Replies find their query by ID, so each packet is given one.

import { createSocket } from 'node:dgram'
import { connect } from 'node:net'

const windowSize = 48
const overdueMs = 1500
const maxTries = 12

/** The replies in the order of the packets, whose first two octets are overwritten. */
export function askOverUdp(port: number, packets: readonly Buffer[]): Promise<Buffer[]> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 21 })
    const replies: Buffer[] = []
    const waiting = new Map<number, { index: number; sentMs: number; tries: number }>()
    let [next, done] = [0, 0]
    const send = (index: number, tries: number): void => {
      const packet = packets[index] as Buffer
      packet.writeUInt16BE(index & 0xffff, 0)
      waiting.set(index & 0xffff, { index, sentMs: performance.now(), tries })
      socket.send(packet, port, '127.0.0.1')
    }
    const finish = (error?: Error): void => {
      clearInterval(timer)
      socket.close()
      if (error) reject(error)
      else resolve(replies)
    }
    const timer = setInterval(() => {
      for (const { index, sentMs, tries } of waiting.values()) {
        if (performance.now() - sentMs < overdueMs) continue
        if (tries === maxTries)
          return finish(new Error(`no reply to ${packetText(packets[index])}`))
        send(index, tries + 1)
      }
    }, 100)
    const fill = (): void => {
      while (next < packets.length && waiting.size < windowSize) send(next++, 1)
    }
    socket.on('message', (reply) => {
      const one = waiting.get(reply.readUInt16BE(0))
      if (!one) return
      waiting.delete(one.index & 0xffff)
      replies[one.index] = reply
      if (++done === packets.length) finish()
      else fill()
    })
    if (packets.length === 0) finish()
    else fill()
  })
}

/**
 * Sends all packets over one connection, and over another one if the server closed it before the first reply: on a busy
 * machine, more time may pass between connecting and asking than a server leaves a silent client.
 */
export async function askOverTcp(
  port: number,
  packets: readonly Buffer[],
  attempts = 5,
): Promise<Buffer[]> {
  if (packets.length === 0) return []
  const result = await askOverConnection(port, packets)
  if (result.kind === 'answered') return result.replies
  if (result.replyCount === 0 && attempts > 1) return askOverTcp(port, packets, attempts - 1)
  throw new Error(`${result.why} after ${result.replyCount} of ${packets.length} replies over TCP`)
}

type ConnectionResult =
  | { readonly kind: 'answered'; readonly replies: Buffer[] }
  | { readonly kind: 'failed'; readonly why: string; readonly replyCount: number }

function askOverConnection(port: number, packets: readonly Buffer[]): Promise<ConnectionResult> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    const replies: Buffer[] = []
    let held = Buffer.alloc(0)
    let [next, done] = [0, 0]
    const fail = (why: string): void => {
      socket.destroy()
      resolve({ kind: 'failed', why, replyCount: done })
    }
    const fill = (): void => {
      for (; next < packets.length && next - done < windowSize; next++) {
        const packet = packets[next] as Buffer
        packet.writeUInt16BE(next & 0xffff, 0)
        const length = Buffer.alloc(2)
        length.writeUInt16BE(packet.length)
        socket.write(Buffer.concat([length, packet]))
      }
    }
    const takeReplies = (): void => {
      while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
        const end = 2 + held.readUInt16BE(0)
        const reply = held.subarray(2, end)
        held = held.subarray(end)
        // Answers may come out of order, but never by more than the window.
        const behind = (next - 1 - reply.readUInt16BE(0)) & 0xffff
        replies[next - 1 - behind] = reply
        done++
      }
    }
    socket.setTimeout(30_000, () => fail('nothing for half a minute'))
    socket.on('connect', fill)
    socket.on('error', (error) => fail(error.message))
    socket.on('close', () => {
      if (done < packets.length) fail('closed')
    })
    socket.on('data', (chunk: Buffer) => {
      held = Buffer.concat([held, chunk])
      takeReplies()
      if (done < packets.length) return fill()
      socket.destroy()
      resolve({ kind: 'answered', replies })
    })
  })
}

const packetText = (packet?: Buffer): string => packet?.toString('hex') ?? 'nothing'
