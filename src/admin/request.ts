// Requests that change something: who may, and what they bring. Refused before a word of them is believed:
//
//   an Origin header           a web page made the browser send it: foreign-origin
//   no token, or a wrong one   where a token is set, or the address is not loopback: token-required, bad-token
//   POST of another type       only JSON, which no plain form can send: not-json
//   a body over 8 KiB          body-too-large
//
// Refusals are JSON with a stable `code` (docs/operations.md).

import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Endpoint } from '../lib/ip.ts'

export interface Writes {
  /** Everything below it can be deleted. */
  readonly path: string
  readonly access: WriteAccess
  readonly post: (body: unknown) => Reply
  readonly remove: (name: string, parameters: URLSearchParams) => Reply
}

/** open: on loopback, for whoever is on this host. */
export type WriteAccess =
  | { readonly kind: 'open' }
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'closed' }

export function writeAccess({ address }: Endpoint, token: string | null): WriteAccess {
  if (token !== null) return { kind: 'token', token }
  const isLoopback = address.startsWith('127.') || address === '::1'
  return isLoopback ? { kind: 'open' } : { kind: 'closed' }
}

const bodyLimitOctets = 8192

export const refuse = (status: number, code: string, message: string): Reply =>
  json({ error: { code, message } }, status)

/** null: the request writes nothing here. */
export async function writeReply(writes: Writes, request: IncomingMessage): Promise<Reply | null> {
  const { method } = request
  const url = URL.parse(request.url ?? '/', 'http://admin.invalid')
  if (!url || (method !== 'POST' && method !== 'DELETE')) return null
  const isBelow = url.pathname.startsWith(`${writes.path}/`)
  if (method === 'POST' ? url.pathname !== writes.path : !isBelow) return null
  const refusal = refuseAccess(writes.access, request)
  if (refusal) return refusal
  if (method === 'DELETE') {
    const name = decoded(url.pathname.slice(writes.path.length + 1))
    if (name === null) return refuse(400, 'bad-field', 'the name in the path is not well encoded')
    return writes.remove(name, url.searchParams)
  }
  const body = await readJson(request)
  return body.kind === 'json' ? writes.post(body.value) : body.reply
}

/** null: it may. */
export function refuseAccess(access: WriteAccess, { headers }: IncomingMessage): Reply | null {
  if (headers.origin !== undefined)
    return refuse(403, 'foreign-origin', 'web pages may not write here')
  if (access.kind === 'open') return null
  if (access.kind === 'closed') {
    const message = 'this address is not loopback: set admin_token or admin_token_file to write'
    return refuse(403, 'token-required', message)
  }
  const given = bearerOf(headers)
  if (given === undefined) {
    return refuse(401, 'token-required', 'give the admin token: Authorization: Bearer …')
  }
  return isSame(given, access.token) ? null : refuse(401, 'bad-token', 'not the admin token')
}

const bearerOf = ({ authorization }: IncomingMessage['headers']): string | undefined =>
  /^Bearer (.+)$/i.exec(authorization ?? '')?.[1]

export function isToken({ headers }: IncomingMessage, token: string): boolean {
  const given = bearerOf(headers)
  return given !== undefined && isSame(given, token)
}

const isSame = (given: string, wanted: string): boolean =>
  timingSafeEqual(digest(given), digest(wanted))

const digest = (text: string): Uint8Array =>
  new Uint8Array(createHash('sha256').update(text).digest())

/** null: not well encoded. */
export function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

type JsonBody =
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'refused'; readonly reply: Reply }

export async function readJson(request: IncomingMessage): Promise<JsonBody> {
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/json')
    return refused(415, 'not-json', 'the body must be JSON, with content-type: application/json')
  const octets = await readBody(request)
  if (octets === null)
    return refused(413, 'body-too-large', `a body here has at most ${bodyLimitOctets} octets`)
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(octets))
    return { kind: 'json', value }
  } catch {
    return refused(400, 'bad-json', 'the body is not well-formed JSON in UTF-8')
  }
}

const refused = (status: number, code: string, message: string): JsonBody => ({
  kind: 'refused',
  reply: refuse(status, code, message),
})

/** null: longer than it may be, or cut off. */
function readBody(request: IncomingMessage): Promise<Uint8Array | null> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let octets = 0
    if (Number(request.headers['content-length'] ?? 0) > bodyLimitOctets) return resolve(null)
    request.on('data', (chunk: Buffer) => {
      octets += chunk.length
      if (octets > bodyLimitOctets) {
        request.pause()
        resolve(null)
      } else chunks.push(chunk)
    })
    request.once('end', () => resolve(new Uint8Array(Buffer.concat(chunks))))
    request.once('close', () => resolve(null))
  })
}

// What an admin route answers with.

export interface Reply {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

export const json = (value: unknown, status: number = 200): Reply => ({
  status,
  contentType: 'application/json; charset=utf-8',
  body: `${JSON.stringify(value, null, 2)}\n`,
})

export const text = (body: string, status: number = 200): Reply => ({
  status,
  contentType: 'text/plain; charset=utf-8',
  body,
})
