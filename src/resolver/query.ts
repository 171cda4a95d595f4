// One question to one server, through the client of dns2: UDP, once more if there is silence, TCP where the answer is
// cut short. It always settles, at the latest after three times `timeoutMs`, and never rejects.
//
// What dns2 3.1.1 leaves to its caller is done here: its TCP has no timeout and takes no IPv6 address, so that TCP is a
// socket of ours under its codec; and a reply is only one if it repeats the question (RFC 5452 §3).

import { connect } from 'node:net'

import { Packet, UDPClient } from 'dns2'

import type { Question, Response, ServerEndpoint } from './response.ts'
import { failed, readResponse } from './response.ts'

export interface QueryOptions {
  readonly timeoutMs: number
  /** `tcp`: TCP alone. */
  readonly transport?: 'udp' | 'tcp'
  /** Whether the server is a resolver. */
  readonly isRecursive: boolean
}

const udpTries = 2

export async function query(
  server: ServerEndpoint,
  question: Question,
  options: QueryOptions,
): Promise<Response> {
  if (!isSendable(question.name)) return failed('name-too-long')
  if (options.transport === 'tcp') return queryTcp(server, question, options)
  for (let tries = 1; ; tries++) {
    const reply = await queryUdp(server, question, options)
    if (reply.kind === 'reply' && reply.isTruncated) return queryTcp(server, question, options)
    const isSilent = reply.kind === 'failed' && reply.why === 'timeout'
    if (!isSilent || tries >= udpTries) return reply
  }
}

async function queryUdp(
  { address, port }: ServerEndpoint,
  { name, type }: Question,
  { timeoutMs, isRecursive }: QueryOptions,
): Promise<Response> {
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
    return readResponse(packet, { name, type })
  } catch (error) {
    return failed(failureWord(error))
  }
}

async function queryTcp(
  { address, port }: ServerEndpoint,
  question: Question,
  { timeoutMs, isRecursive }: QueryOptions,
): Promise<Response> {
  const query = buildQuery(question, isRecursive)
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
    return readResponse(packet, question)
  } catch (error) {
    return failed(failureWord(error))
  } finally {
    clearTimeout(timer)
    socket.destroy()
  }
}

function buildQuery({ name, type }: Question, isRecursive: boolean): Packet {
  const packet = new Packet()
  packet.header.id = Packet.uuid()
  packet.header.rd = isRecursive ? 1 : 0
  packet.questions.push(new Packet.Question(name, Packet.TYPE[type], Packet.CLASS.IN))
  return packet
}

const failureWords: Readonly<Record<string, string>> = {
  ETIMEDOUT: 'timeout',
  ECONNREFUSED: 'refused-connection',
  ECONNRESET: 'reset',
  EMFILE: 'no-descriptors',
  ENETUNREACH: 'no-route',
  EHOSTUNREACH: 'no-route',
}

function failureWord(error: unknown): string {
  const { code = '' } = error as NodeJS.ErrnoException
  return failureWords[code] ?? (code === '' ? 'strange-reply' : code.toLowerCase())
}

/** dns2 throws at some names that are none, and leaves empty labels out of others. Empty: the root. */
const isSendable = (name: string): boolean =>
  name.length <= 253 &&
  (name === '' || name.split('.').every((label) => label.length > 0 && label.length <= 63))
