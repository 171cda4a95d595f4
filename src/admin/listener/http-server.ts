// The HTTP side of the listener thread: one request at a time of each connection, in order, each with a
// turn of the event loop for itself. What is pipelined waits until the reply before it is written.

import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer as createSocketServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'

import type { Endpoint } from '../../lib/ip.ts'
import type { AdminCounters } from '../admin-counters.ts'
import { busy, type Reply, text } from '../reply.ts'
import { checkRequest, hasBody, requestLimits, type RequestRules } from './checked-request.ts'
import type { Utf8Chunks } from '../turns.ts'
import { type Connection, type Connections, connectionLimits } from './connections.ts'
import type { Asker, ControlCalls } from './control-calls.ts'
import { Gate } from './gate.ts'
import type { Call } from './messages.ts'
import { streamLimits, type Streams } from './streams.ts'

// An import would read every export of node:http, and one of them loads all of undici.
const { createServer } = process.getBuiltinModule('node:http')

const headersMs = 5000
const timeoutsEveryMs = 1000
const sweepEveryMs = 200

interface HttpServerOptions {
  readonly rules: RequestRules
  readonly calls: ControlCalls
  readonly streams: Streams
  readonly connections: Connections
  readonly counters: AdminCounters
  readonly monotonicMs: () => number
}

/** Where to listen, and the descriptor of a socket that came bound to it; null: there is none. */
interface ListeningPlace {
  readonly endpoint: Endpoint
  readonly fd: number | null
}

/** Rejects with the errno of the bind, such as EADDRINUSE. */
export async function listenHttp(
  { endpoint, fd }: ListeningPlace,
  options: HttpServerOptions,
): Promise<void> {
  const http = createHttpServer(options)
  const sweepWhileOpen = createSweeps(options.connections)
  const server = createSocketServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    openConnection(options, http, socket)
    sweepWhileOpen()
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    const { address: host, port } = endpoint
    server.listen(fd === null ? { host, port, exclusive: true } : { fd }, () => {
      server.removeListener('error', reject)
      server.on('error', () => {})
      resolve()
    })
  })
}

/** To be called for each connection: sweeps until there is none, since a server that nobody asks need not wake up. */
function createSweeps(connections: Connections): () => void {
  let timer: NodeJS.Timeout | undefined
  const sweep = (): void => {
    connections.sweep()
    if (connections.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
  return () => {
    timer ??= setInterval(sweep, sweepEveryMs)
  }
}

/** The requests of a connection, of which the first is under way. */
interface RequestQueue {
  readonly connection: Connection
  readonly gate: Gate
  readonly requests: { readonly request: IncomingMessage; readonly response: ServerResponse }[]
}

const queues = new WeakMap<Duplex, RequestQueue>()

function openConnection({ connections }: HttpServerOptions, http: Server, socket: Socket): void {
  const connection = connections.admit(socket)
  const gate = new Gate(socket, () => requests.some(({ request }) => request.complete))
  const requests: RequestQueue['requests'] = []
  queues.set(gate, { connection, gate, requests })
  gate.on('error', () => {})
  socket.once('close', () => connections.remove(connection))
  http.emit('connection', gate)
}

function createHttpServer(options: HttpServerOptions): Server {
  const server = createServer(
    {
      maxHeaderSize: requestLimits.headerOctets,
      headersTimeout: headersMs,
      requestTimeout: headersMs,
      // Clients are told so much; connections.ts closes later, so that no client asks on one just closed.
      keepAliveTimeout: connectionLimits.idleMs,
      connectionsCheckingInterval: timeoutsEveryMs,
    },
    (request, response) => {
      const queue = queues.get(request.socket)
      if (queue === undefined) return
      queue.requests.push({ request, response })
      if (queue.requests.length === 1) serveNext(options, queue)
    },
  )
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    options.counters.add('malformed')
    const status = malformedStatus(error.code)
    if (socket.writable) socket.write(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`)
    socket.destroy()
  })
  return server
}

function malformedStatus(code: string | undefined): string {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return '431 Request Header Fields Too Large'
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return '408 Request Timeout'
    default:
      return '400 Bad Request'
  }
}

function serveNext(options: HttpServerOptions, queue: RequestQueue): void {
  const { connection, gate, requests } = queue
  const [first] = requests
  connection.isBusy = first !== undefined
  connection.isVital = false
  connection.isStream = false
  connection.sinceMs = options.monotonicMs()
  if (first === undefined) return gate.release()
  const { request, response } = first
  response.once('close', () => {
    requests.shift()
    connection.isKept = true
    setImmediate(() => serveNext(options, queue))
  })
  void replyTo(options, request, queue)
    .catch(internalError)
    .then((reply) => {
      if (reply.kind === 'reply') return write(options.counters, request, response, reply.reply)
      connection.isStream = true
      beginStream(options, response, reply.reply)
    })
}

type ReplyMade =
  | { readonly kind: 'reply'; readonly reply: Reply }
  /** `reply` is the beginning of a stream. */
  | { readonly kind: 'stream'; readonly reply: Reply }

const plain = (reply: Reply): ReplyMade => ({ kind: 'reply', reply })

async function replyTo(
  options: HttpServerOptions,
  request: IncomingMessage,
  { connection, gate }: RequestQueue,
): Promise<ReplyMade> {
  const { rules, calls } = options
  const checked = await checkRequest(rules, request, connection.client)
  if (checked.kind !== 'call') return plain(checked.reply)
  const { call } = checked
  const route = rules.routes[call.route]
  connection.isVital = route?.isVital === true
  const asker = { client: connection.client, isGone: () => gate.destroyed }
  if (route?.isStream !== true || request.method === 'HEAD')
    return plain(await calls.ask(asker, call))
  return streamReply(options, asker, call)
}

/** The place of a stream is taken before its beginning is asked for, so that there are never too many. */
async function streamReply(
  { calls, streams }: HttpServerOptions,
  asker: Asker,
  call: Call,
): Promise<ReplyMade> {
  if (!streams.reserve()) return plain(busy(streamLimits.retryAfterMs))
  const reply = await calls.ask(asker, call)
  if (reply.status === 200 && !asker.isGone()) return { kind: 'stream', reply }
  streams.release()
  return plain(reply)
}

function beginStream(
  { counters, streams }: HttpServerOptions,
  response: ServerResponse,
  reply: Reply,
): void {
  counters.add('answered')
  response.writeHead(200, {
    'content-type': reply.contentType,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    // nginx would wait for more of it.
    'x-accel-buffering': 'no',
  })
  for (const chunk of chunksOf(reply.body)) response.write(chunk)
  streams.add(response, reply.streamSequence ?? 0)
}

const chunksOf = (body: Reply['body']): Utf8Chunks =>
  typeof body === 'string' ? [Buffer.from(body)] : body

/** An exception here is a bug of this server: the client gets its message, and the server goes on. */
const internalError = (error: unknown): ReplyMade =>
  plain(text(`internal error: ${error instanceof Error ? error.message : 'unknown'}\n`, 500))

function write(
  counters: AdminCounters,
  request: IncomingMessage,
  response: ServerResponse,
  { status, contentType, body, retryAfterSeconds, headers = {} }: Reply,
): void {
  counters.add(fateOf(status, retryAfterSeconds))
  const chunks = chunksOf(body)
  response.setHeaders(
    new Map([
      ['content-type', contentType],
      // Of a 304 it would be that of the contents, which are not here.
      ...(status === 304 ? [] : [['content-length', String(octetsOf(chunks))] as const]),
      ['cache-control', 'no-store'],
      ['x-content-type-options', 'nosniff'],
      ...Object.entries(headers),
    ]),
  )
  if (status === 405) response.setHeader('allow', 'GET, HEAD')
  if (retryAfterSeconds !== undefined) response.setHeader('retry-after', retryAfterSeconds)
  if (hasBody(request) && !request.complete) response.setHeader('connection', 'close')
  response.writeHead(status)
  if (request.method !== 'HEAD') for (const chunk of chunks) response.write(chunk)
  response.end()
}

const octetsOf = (chunks: Utf8Chunks): number => chunks.reduce((sum, { length }) => sum + length, 0)

function fateOf(
  status: number,
  retryAfterSeconds: number | undefined,
): 'answered' | 'refused' | 'failed' | 'unavailable' | 'busy' {
  if (retryAfterSeconds !== undefined && status === 503) return 'busy'
  if (status === 503) return 'unavailable'
  if (status >= 500) return 'failed'
  return status >= 400 ? 'refused' : 'answered'
}
