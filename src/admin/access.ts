// Access control of the admin HTTP server. Reading is open to every client that can connect; a
// request that writes is checked before its path and body are read:
//
//   an Origin header   403 foreign-origin   a web page made a browser send the request; so for any
//                                           Sec-Fetch-Site but `none`, since no page is served here
//   no token           401 token-required   an admin token is set
//                      403 token-required   none is set, and the server does not listen on loopback
//   a wrong token      401 bad-token
//
// The load token is accepted for the load of targets (`load`) and for nothing else; the admin token
// for everything.

import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

import type { Endpoint } from '../lib/ip.ts'
import { type Reply, refuse } from './reply.ts'

/** What a route requires: nothing, the admin token, or either token. */
export type Access = 'read' | 'admin' | 'load'

/**
 * The authority that a request is served with. Without any token set, a write on a loopback listener
 * is served as `admin`.
 */
export type Caller = 'reader' | 'admin' | 'load-token'

/** How writes are authorized: `open` takes them without a token, `closed` refuses all of them. */
export type WriteAccess =
  | { readonly kind: 'open' }
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'closed' }

export interface AccessControl {
  readonly writes: WriteAccess
  /** Bearer token for the load of targets; null if none is configured. */
  readonly loadToken: string | null
}

type Authorization =
  | { readonly kind: 'allowed'; readonly caller: Caller }
  | { readonly kind: 'refused'; readonly reply: Reply }

/**
 * The rule for a server on this address: `token` decides where it is set, otherwise only loopback
 * may write.
 */
export function writeAccess({ address }: Endpoint, token: string | null): WriteAccess {
  if (token !== null) return { kind: 'token', token }
  return isLoopback(address) ? { kind: 'open' } : { kind: 'closed' }
}

export const isLoopback = (address: string): boolean =>
  address.startsWith('127.') || address === '::1'

export function authorize(
  { writes, loadToken }: AccessControl,
  access: Access,
  headers: IncomingHttpHeaders,
): Authorization {
  if (access === 'read') return { kind: 'allowed', caller: 'reader' }
  const site = headers['sec-fetch-site'] ?? 'none'
  if (headers.origin !== undefined || site !== 'none')
    return refused(403, 'foreign-origin', 'web pages may not write here')
  const presented = bearerToken(headers)
  if (access === 'load' && presented !== null && loadToken !== null && isSame(presented, loadToken))
    return { kind: 'allowed', caller: 'load-token' }
  switch (writes.kind) {
    case 'open':
      return { kind: 'allowed', caller: 'admin' }
    case 'closed': {
      const message = 'this address is not loopback: set admin_token or admin_token_file to write'
      return refused(403, 'token-required', message)
    }
    case 'token':
      if (presented === null)
        return refused(401, 'token-required', 'give the admin token: Authorization: Bearer …')
      return isSame(presented, writes.token)
        ? { kind: 'allowed', caller: 'admin' }
        : refused(401, 'bad-token', 'not the admin token')
    default:
      return writes satisfies never
  }
}

const refused = (status: number, code: string, message: string): Authorization => ({
  kind: 'refused',
  reply: refuse(status, code, message),
})

const bearerToken = ({ authorization }: IncomingHttpHeaders): string | null =>
  /^Bearer (.+)$/i.exec(authorization ?? '')?.[1] ?? null

/**
 * Compares digests of equal length in constant time, so that neither length nor content of a token
 * leaks.
 */
const isSame = (presented: string, expected: string): boolean =>
  timingSafeEqual(digest(presented), digest(expected))

const digest = (token: string): Uint8Array =>
  new Uint8Array(createHash('sha256').update(token).digest())
