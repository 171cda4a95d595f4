// The admin HTTP server: finds the route of a request in one table, checks access, reads the body
// of a write and calls the handler. What a client can cost is bounded:
//
//   64 connections · 8 KiB of headers within 5 s · a request within 5 s
//   a body only with POST and PUT, of at most 8 KiB

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

import type { Endpoint } from '../lib/ip.ts'
import { type Access, type AccessControl, authorize, type Caller } from './access.ts'
import { type Reply, refuse, text } from './reply.ts'

export interface AdminRequest {
  /** What stands in the path for `NAME` of the route, percent-decoded; '' if the route has none. */
  readonly name: string
  /** The query string, decoded. */
  readonly parameters: URLSearchParams
  /** The parsed JSON of a POST or PUT, not validated; undefined for other methods. */
  readonly body: unknown
  readonly caller: Caller
}

/** A row of the route table. `Sources` is what the handlers read from. */
export interface Route<Sources> {
  /** A HEAD request is matched as GET. */
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** `NAME` stands for one non-empty segment; at the end for all that follows, slashes included. */
  readonly path: string
  readonly access: Access
  readonly handler: (sources: Sources, request: AdminRequest) => Reply | Promise<Reply>
}

export interface AdminServer<Sources> {
  readonly routes: readonly Route<Sources>[]
  readonly sources: Sources
  readonly access: AccessControl
}

export interface AdminListener {
  close(): Promise<void>
}

const limits = {
  connections: 64,
  headerOctets: 8192,
  bodyOctets: 8192,
  headersMs: 5000,
  requestMs: 5000,
  keepAliveMs: 5000,
}

/** Rejects with the errno of the bind, such as EADDRINUSE. */
export async function listenAdmin<Sources>(
  endpoint: Endpoint,
  admin: AdminServer<Sources>,
): Promise<AdminListener> {
  const server = createServer(
    {
      maxHeaderSize: limits.headerOctets,
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: 1000,
    },
    (request, response) => void serve(admin, request, response),
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

async function serve<Sources>(
  admin: AdminServer<Sources>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const reply = await replyTo(admin, request).catch(internalError)
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

/**
 * An exception of a handler is a bug of this server: the client gets its message, and the server
 * goes on.
 */
const internalError = (error: unknown): Reply =>
  text(`internal error: ${error instanceof Error ? error.message : 'unknown'}\n`, 500)

const hasBody = (request: IncomingMessage): boolean =>
  request.headers['transfer-encoding'] !== undefined ||
  Number(request.headers['content-length'] ?? 0) > 0

async function replyTo<Sources>(
  { routes, sources, access }: AdminServer<Sources>,
  request: IncomingMessage,
): Promise<Reply> {
  const url = URL.parse(request.url ?? '/', 'http://admin.invalid')
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  const match = url && findRoute(routes, isRead ? 'GET' : request.method, url.pathname)
  if (!isRead && !match) return text('only GET and HEAD\n', 405)
  if (isRead && hasBody(request)) return text('a request here has no body\n', 413)
  if (!match) return text(`no such path; there are: ${readPaths(routes).join(' ')}\n`, 404)
  const { route, encodedName } = match
  const authorization = authorize(access, route.access, request.headers)
  if (authorization.kind === 'refused') return authorization.reply
  const name = percentDecoded(encodedName)
  if (name === null) return refuse(400, 'bad-field', 'the name in the path is not well encoded')
  const { caller } = authorization
  const parameters = url.searchParams
  if (route.method === 'GET' || route.method === 'DELETE')
    return route.handler(sources, { name, parameters, body: undefined, caller })
  const read = await readJson(request)
  return read.kind === 'json'
    ? route.handler(sources, { name, parameters, body: read.body, caller })
    : read.reply
}

const readPaths = <Sources>(routes: readonly Route<Sources>[]): readonly string[] =>
  routes.filter(({ method }) => method === 'GET').map(({ path }) => path)

interface RouteMatch<Sources> {
  readonly route: Route<Sources>
  readonly encodedName: string
}

function findRoute<Sources>(
  routes: readonly Route<Sources>[],
  method: string | undefined,
  pathname: string,
): RouteMatch<Sources> | null {
  for (const route of routes) {
    const encodedName = route.method === method ? matchPath(route.path, pathname) : null
    if (encodedName !== null) return { route, encodedName }
  }
  return null
}

/**
 * What stands for `NAME` in `pathname`, '' if the pattern has none; null: the path does not match.
 */
function matchPath(pattern: string, pathname: string): string | null {
  const [before = '', after] = pattern.split('NAME')
  if (after === undefined) return pathname === pattern ? '' : null
  if (!pathname.startsWith(before) || !pathname.endsWith(after)) return null
  const name = pathname.slice(before.length, pathname.length - after.length)
  return after === '' || /^[^/]+$/.test(name) ? name : null
}

/** null: the percent-encoding or the UTF-8 in it is malformed. */
function percentDecoded(encoded: string): string | null {
  try {
    return decodeURIComponent(encoded)
  } catch {
    return null
  }
}

type JsonRead =
  | { readonly kind: 'json'; readonly body: unknown }
  | { readonly kind: 'refused'; readonly reply: Reply }

/** Only `application/json` is taken: a plain HTML form cannot send it. */
async function readJson(request: IncomingMessage): Promise<JsonRead> {
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/json')
    return refused(415, 'not-json', 'the body must be JSON, with content-type: application/json')
  const octets = await readBody(request)
  if (octets === null)
    return refused(413, 'body-too-large', `a body here has at most ${limits.bodyOctets} octets`)
  try {
    const body: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(octets))
    return { kind: 'json', body }
  } catch {
    return refused(400, 'bad-json', 'the body is not well-formed JSON in UTF-8')
  }
}

const refused = (status: number, code: string, message: string): JsonRead => ({
  kind: 'refused',
  reply: refuse(status, code, message),
})

/** null: longer than the limit, or the connection closed before its end. */
function readBody(request: IncomingMessage): Promise<Uint8Array | null> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let octets = 0
    if (Number(request.headers['content-length'] ?? 0) > limits.bodyOctets) return resolve(null)
    request.on('data', (chunk: Buffer) => {
      octets += chunk.length
      if (octets > limits.bodyOctets) {
        request.pause()
        resolve(null)
      } else chunks.push(chunk)
    })
    request.once('end', () => resolve(new Uint8Array(Buffer.concat(chunks))))
    request.once('close', () => resolve(null))
  })
}
