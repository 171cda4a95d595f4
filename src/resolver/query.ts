// One question to one server, through the client of dns2: UDP, once more if there is silence, TCP where the answer is
// cut short. It always settles, at the latest after three times `timeoutMs`, and never rejects.
//
// What dns2 3.1.1 leaves to its caller is done here: its TCP has no timeout and takes no IPv6 address, so that TCP is a
// socket of ours under its codec; and a reply is only one if it repeats the question (RFC 5452 §3).

import { connect } from 'node:net'

import { Packet, UDPClient } from 'dns2'

import type { Question, Reply, ServerEndpoint } from './response.ts'
import { failed, readReply } from './response.ts'

export interface ExchangeOptions {
  readonly timeoutMs: number
  /** `tcp`: TCP alone. */
  readonly transport?: 'udp' | 'tcp'
  /** Whether the server is a resolver. */
  readonly isRecursive: boolean
}

const udpTries = 2

export async function exchange(
  server: ServerEndpoint,
  question: Question,
  options: ExchangeOptions,
): Promise<Reply> {
  if (!isSendable(question.name)) return failed('name-too-long')
  if (options.transport === 'tcp') return askTcp(server, question, options)
  for (let tries = 1; ; tries++) {
    const reply = await askUdp(server, question, options)
    if (reply.kind === 'reply' && reply.isTruncated) return askTcp(server, question, options)
    const isSilent = reply.kind === 'failed' && reply.why === 'timeout'
    if (!isSilent || tries >= udpTries) return reply
  }
}

async function askUdp(
  { address, port }: ServerEndpoint,
  { name, type }: Question,
  { timeoutMs, isRecursive }: ExchangeOptions,
): Promise<Reply> {
  const socketType = address.includes(':') ? 'udp6' : 'udp4'
  const ask = UDPClient({
    dns: address,
    port,
    socketType,
    timeout: timeoutMs,
    retryOverTCP: false,
  })
  try {
    const packet = await ask(name, type, Packet.CLASS.IN, { recursive: isRecursive })
    return readReply(packet, { name, type })
  } catch (error) {
    return failed(wordOf(error))
  }
}

async function askTcp(
  { address, port }: ServerEndpoint,
  question: Question,
  { timeoutMs, isRecursive }: ExchangeOptions,
): Promise<Reply> {
  const query = queryOf(question, isRecursive)
  const message = query.toBuffer()
  const socket = connect({ host: address, port })
  const timer = setTimeout(() => {
    socket.destroy(Object.assign(new Error('silence'), { code: 'ETIMEDOUT' }))
  }, timeoutMs)
  // readStream lets go of its own listener once it has the message.
  socket.on('error', () => {})
  try {
    const head = Buffer.alloc(2)
    head.writeUInt16BE(message.length)
    socket.write(Buffer.concat([head, message]))
    const packet = Packet.parse(await Packet.readStream(socket))
    if (packet.header.id !== query.header.id) return failed('strange-reply')
    return readReply(packet, question)
  } catch (error) {
    return failed(wordOf(error))
  } finally {
    clearTimeout(timer)
    socket.destroy()
  }
}

function queryOf({ name, type }: Question, isRecursive: boolean): Packet {
  const packet = new Packet()
  packet.header.id = Packet.uuid()
  packet.header.rd = isRecursive ? 1 : 0
  packet.questions.push(new Packet.Question(name, Packet.TYPE[type], Packet.CLASS.IN))
  return packet
}

const words: Readonly<Record<string, string>> = {
  ETIMEDOUT: 'timeout',
  ECONNREFUSED: 'refused-connection',
  ECONNRESET: 'reset',
  EMFILE: 'no-descriptors',
  ENETUNREACH: 'no-route',
  EHOSTUNREACH: 'no-route',
}

function wordOf(error: unknown): string {
  const { code = '' } = error as NodeJS.ErrnoException
  return words[code] ?? (code === '' ? 'strange-reply' : code.toLowerCase())
}

/** dns2 throws at some names that are none, and leaves empty labels out of others. Empty: the root. */
const isSendable = (name: string): boolean =>
  name.length <= 253 &&
  (name === '' || name.split('.').every((label) => label.length > 0 && label.length <= 63))
