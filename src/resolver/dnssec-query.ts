// Asks one server one question with DO: over UDP, a second time after silence, over TCP where the response is truncated.

import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'

import { readUint16 } from '../wire/octets.ts'
import { Rcode, rcodeToText } from '../wire/rcode.ts'
import { failureWord } from './query.ts'
import {
  buildRawQuery,
  isResponseTo,
  type QueryBits,
  type RawQuestion,
  type RawReply,
  readRawReply,
} from './raw-message.ts'
import type { ServerEndpoint } from './response.ts'

export type DnssecResponse =
  | RawReply
  /** There was no usable response. `why`: `timeout`, `refused-connection`, `strange-reply` and the like. */
  | { readonly kind: 'failed'; readonly why: string }

export interface DnssecQueryOptions extends QueryBits {
  /** Deadline of each try: two over UDP, one over TCP. */
  readonly timeoutMs: number
  /** `tcp`: over TCP alone. Without it UDP comes first. */
  readonly transport?: 'tcp'
}

/** A message, or a word that says why there is none. */
type Exchanged = Uint8Array | string

const maxUdpTries = 2

/** Never rejects; settles after three times `timeoutMs` at the latest. */
export async function queryDnssec(
  server: ServerEndpoint,
  question: RawQuestion,
  { timeoutMs, transport, ...wanted }: DnssecQueryOptions,
): Promise<DnssecResponse> {
  const message = buildRawQuery(question, randomInt(65_536), wanted)
  const isAnswer = (reply: Uint8Array): boolean => isResponseTo(reply, message, question)
  const overTcp = async (): Promise<DnssecResponse> =>
    responseOf(await exchangeTcp(server, message, isAnswer, timeoutMs))
  if (transport === 'tcp') return overTcp()
  for (let tries = 1; ; tries++) {
    const reply = await exchangeUdp(server, message, isAnswer, timeoutMs)
    if (reply === 'timeout' && tries < maxUdpTries) continue
    const response = responseOf(reply)
    if (response.kind === 'failed' || !response.isTruncated) return response
    return overTcp()
  }
}

/** As `queryDnssec` without RD: `failed` too where the server refuses, or answers without authority. */
export async function queryAuthority(
  server: ServerEndpoint,
  question: RawQuestion,
  options: Pick<DnssecQueryOptions, 'timeoutMs' | 'transport'>,
): Promise<DnssecResponse> {
  const reply = await queryDnssec(server, question, {
    ...options,
    isRecursive: false,
    isUnchecked: false,
  })
  if (reply.kind === 'failed') return reply
  if (reply.rcode !== Rcode.NOERROR && reply.rcode !== Rcode.NXDOMAIN)
    return { kind: 'failed', why: rcodeToText(reply.rcode) }
  return reply.isAuthoritative ? reply : { kind: 'failed', why: 'it answers without authority' }
}

function responseOf(reply: Exchanged): DnssecResponse {
  if (typeof reply === 'string') return { kind: 'failed', why: reply }
  return readRawReply(reply) ?? { kind: 'failed', why: 'strange-reply' }
}

/** Sends a message to a server, and waits for one that is an answer to it. */
type Exchange = (
  server: ServerEndpoint,
  message: Uint8Array,
  isAnswer: (reply: Uint8Array) => boolean,
  timeoutMs: number,
) => Promise<Exchanged>

/** Datagrams that are no response to the query are ignored until the deadline. */
const exchangeUdp: Exchange = ({ address, port }, message, isAnswer, timeoutMs) =>
  new Promise((resolve) => {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
    let isOver = false
    const end = (what: Exchanged): void => {
      if (isOver) return
      isOver = true
      clearTimeout(timer)
      socket.close()
      resolve(what)
    }
    const timer = setTimeout(() => end('timeout'), timeoutMs)
    const onError = (error: Error | null | undefined): void => {
      if (error) end(failureWord(error))
    }
    socket.on('error', onError)
    socket.on('message', (reply) => {
      if (isAnswer(reply)) end(reply)
    })
    // Connected, so that datagrams of others are not received and a port that nobody listens at is known at once.
    socket.connect(port, address, ((error?: Error) => {
      if (error) return end(failureWord(error))
      if (!isOver) socket.send(message, onError)
    }) as () => void)
  })

const exchangeTcp: Exchange = ({ address, port }, message, isAnswer, timeoutMs) =>
  new Promise((resolve) => {
    const socket = connect({ host: address, port })
    const end = (what: Exchanged): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(what)
    }
    const timer = setTimeout(() => end('timeout'), timeoutMs)
    let received = Buffer.alloc(0)
    socket.on('error', (error) => end(failureWord(error)))
    socket.on('end', () => end('strange-reply'))
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      if (received.length < 2 || received.length < 2 + readUint16(received, 0)) return
      const reply = received.subarray(2, 2 + readUint16(received, 0))
      end(isAnswer(reply) ? reply : 'strange-reply')
    })
    socket.write(Buffer.concat([Uint8Array.of(message.length >> 8, message.length), message]))
  })
