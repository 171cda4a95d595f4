// Sends one question to one server by the client of dns2: over UDP, a second time after silence, over TCP if the response
// is truncated.
//
// dns2 3.1.1 has no timeout for TCP and takes no IPv6 address there, so TCP is a socket of this file with its codec. It
// does not compare the question of a response with that of the query (RFC 5452 §3) either; response.ts does.

import { connect } from 'node:net'

import { Packet, UDPClient } from 'dns2'

import type { Question, Response, ServerEndpoint } from './response.ts'
import { failed, readResponse } from './response.ts'

export interface QueryOptions {
  /** Deadline of each try: two over UDP, one over TCP. */
  readonly timeoutMs: number
  /** `tcp` uses TCP alone; by default UDP comes first. */
  readonly transport?: 'udp' | 'tcp'
  /** Whether the server is a resolver: sets RD. */
  readonly isRecursive: boolean
}

const maxUdpTries = 2

/** Never rejects; settles after three times `timeoutMs` at the latest. */
export async function query(
  server: ServerEndpoint,
  question: Question,
  options: QueryOptions,
): Promise<Response> {
  if (!isSendable(question.name)) return failed('name-too-long')
  if (options.transport === 'tcp') return queryTcp(server, question, options)
  for (let tries = 1; ; tries++) {
    const response = await queryUdp(server, question, options)
    if (response.kind === 'reply' && response.isTruncated)
      return queryTcp(server, question, options)
    const isSilent = response.kind === 'failed' && response.why === 'timeout'
    if (!isSilent || tries >= maxUdpTries) return response
  }
}

async function queryUdp(
  { address, port }: ServerEndpoint,
  { name, type }: Question,
  { timeoutMs, isRecursive }: QueryOptions,
): Promise<Response> {
  const socketType = address.includes(':') ? 'udp6' : 'udp4'
  const send = UDPClient({
    dns: address,
    port,
    socketType,
    timeout: timeoutMs,
    retryOverTCP: false,
  })
  try {
    const packet = await send(name, type, Packet.CLASS.IN, { recursive: isRecursive })
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
  const packet = buildQuery(question, isRecursive)
  const message = packet.toBuffer()
  const socket = connect({ host: address, port })
  const timer = setTimeout(() => {
    socket.destroy(Object.assign(new Error('silence'), { code: 'ETIMEDOUT' }))
  }, timeoutMs)
  // readStream removes its own listener once it has the message; a later error must not be uncaught.
  socket.on('error', () => {})
  try {
    const head = Buffer.alloc(2)
    head.writeUInt16BE(message.length)
    socket.write(Buffer.concat([head, message]))
    const response = Packet.parse(await Packet.readStream(socket))
    if (response.header.id !== packet.header.id) return failed('strange-reply')
    return readResponse(response, question)
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

/** A word for an error of a socket, such as `timeout`; `strange-reply` for one without a code. */
export function failureWord(error: unknown): string {
  const { code = '' } = error as NodeJS.ErrnoException
  return failureWords[code] ?? (code === '' ? 'strange-reply' : code.toLowerCase())
}

/** Whether dns2 encodes the name as it is: it throws at some bad names and drops empty labels. '' is the root. */
const isSendable = (name: string): boolean =>
  name.length <= 253 &&
  (name === '' || name.split('.').every((label) => label.length > 0 && label.length <= 63))
