// The admin HTTP server: routes to read and one path to write, on a private port. What a client may cost is bounded.
//
//   connections 64 · headers 8 KiB within 5 s · one reply within 5 s · bodies only where something is written

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

import type { Endpoint } from '../lib/ip.ts'
import { type LoadWrites, loadReply } from './load-request.ts'
import { type Reply, text, type Writes, writeReply } from './request.ts'

/** Answers a GET. Query parameters come decoded. */
export type Route = (parameters: URLSearchParams) => Reply | Promise<Reply>

export interface AdminListener {
  close(): Promise<void>
}

const limits = {
  connections: 64,
  headerOctets: 8192,
  headersMs: 5000,
  requestMs: 5000,
  keepAliveMs: 5000,
}

/** Rejects with the bind's errno. */
export async function listenAdmin(
  endpoint: Endpoint,
  routes: ReadonlyMap<string, Route>,
  writes: Writes | null = null,
  loads: LoadWrites | null = null,
): Promise<AdminListener> {
  const server = createServer(
    {
      maxHeaderSize: limits.headerOctets,
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: 1000,
    },
    (request, response) => void serve({ routes, writes, loads }, request, response),
  )
  server.maxConnections = limits.connections
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: endpoint.address, port: endpoint.port, exclusive: true }, () => {
      server.removeListener('error', reject)
      server.on('error', () => {})
      resolve()
    })
  })
  return {
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

interface Served {
  readonly routes: ReadonlyMap<string, Route>
  readonly writes: Writes | null
  readonly loads: LoadWrites | null
}

async function serve(
  served: Served,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const reply = await replyTo(served, request)
  response.writeHead(reply.status, {
    'content-type': reply.contentType,
    'content-length': Buffer.byteLength(reply.body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(reply.status === 405 ? { allow: 'GET, HEAD' } : {}),
    ...(hasBody(request) && !request.complete ? { connection: 'close' } : {}),
  })
  response.end(request.method === 'HEAD' ? undefined : reply.body)
}

const hasBody = (request: IncomingMessage): boolean =>
  request.headers['transfer-encoding'] !== undefined ||
  Number(request.headers['content-length'] ?? 0) > 0

async function replyTo(served: Served, request: IncomingMessage): Promise<Reply> {
  const { routes, writes, loads } = served
  const told = loads && (await loadReply(loads, request).catch(internalError))
  if (told) return told
  const written = writes && (await writeReply(writes, request).catch(internalError))
  if (written) return written
  if (request.method !== 'GET' && request.method !== 'HEAD') return text('only GET and HEAD\n', 405)
  if (hasBody(request)) return text('a request here has no body\n', 413)
  const target = URL.parse(request.url ?? '/', 'http://admin.invalid')
  const route = target ? routes.get(target.pathname) : undefined
  if (!target || !route)
    return text(`no such path; there are: ${[...routes.keys()].join(' ')}\n`, 404)
  try {
    return await route(target.searchParams)
  } catch (error) {
    return internalError(error)
  }
}

/** A bug of ours: the operator sees it here, the server goes on. */
const internalError = (error: unknown): Reply =>
  text(`internal error: ${error instanceof Error ? error.message : 'unknown'}\n`, 500)
