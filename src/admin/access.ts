// Access control of the admin HTTP server, before path and body of a request are read further. What a route requires:
//
//   public    nothing: /livez, /readyz, the files of the console, and what says whether one is signed in
//   read      nothing, or with `admin_read: token` a session or the admin token
//   ask       as `read`, of a POST that changes nothing
//   session   POST and DELETE of /session: the token is in the body
//   form      as `admin`, of a form without script: without a session the token is in the body
//   load      the load token or what `admin` requires
//   admin     a session or the admin token; without any token set a loopback listener takes all writes
//
// A browser sends requests for any page that it shows. A request that is no GET is therefore refused (403
// foreign-origin) unless no page sent it, or one of this server: its Origin has host and port of the Host header, and
// Sec-Fetch-Site, where it is given, is `same-origin`. Cookies are looked at under these conditions alone.

import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

import type { Endpoint } from '../lib/ip.ts'
import { type Reply, refuse } from './reply.ts'
import {
  cookieIn,
  cookieName,
  openSession,
  type Session,
  sessionKey,
} from './session/session-cookie.ts'

/** What a route requires. */
export type Access = 'public' | 'read' | 'ask' | 'session' | 'form' | 'admin' | 'load'

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
  /** Absent: reads are open. */
  readonly reads?: 'open' | 'token'
  /** Bearer token for the load of targets; null if none is configured. */
  readonly loadToken: string | null
}

type Authorization =
  | { readonly kind: 'allowed'; readonly caller: Caller; readonly session: Session | null }
  | { readonly kind: 'refused'; readonly reply: Reply; readonly isWrongToken: boolean }

/** What a request says of who sends it. */
export interface Sender {
  readonly headers: IncomingHttpHeaders
  /** GET or HEAD. */
  readonly isRead: boolean
  /** Of the listener: part of the name of its cookie, since ports of a host share cookies. */
  readonly port: number
  readonly wallMs: number
}

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

export function authorize(control: AccessControl, access: Access, sender: Sender): Authorization {
  const page = pageOf(sender)
  if (!sender.isRead && page === 'foreign')
    return refused(
      403,
      'foreign-origin',
      'pages of other sites may not write here; a proxy in front has to pass the Host header on',
    )
  const session = sessionOf(control, sender, page)
  switch (access) {
    case 'public':
    case 'session':
    case 'form':
      return allowed(isAdmin(control, sender, session) ? 'admin' : 'reader', session)
    case 'read':
    case 'ask':
      return authorizeRead(control, sender, session)
    case 'load':
    case 'admin':
      return authorizeWrite(control, access, sender, session)
    default:
      return access satisfies never
  }
}

const allowed = (caller: Caller, session: Session | null): Authorization => ({
  kind: 'allowed',
  caller,
  session,
})

/** Which page has a browser send the request: none that shows, one of this server, or another one. */
function pageOf({ headers, isRead }: Sender): 'none' | 'own' | 'foreign' {
  const { origin, 'sec-fetch-site': site } = headers
  if (origin === undefined && (site === undefined || site === 'none')) return 'none'
  if (site !== undefined && site !== 'same-origin') return 'foreign'
  // Browsers leave out the Origin of what a page reads of its own server, and of nothing else.
  if (origin === undefined) return isRead ? 'own' : 'foreign'
  return isOwnOrigin(origin, headers.host ?? '') ? 'own' : 'foreign'
}

function isOwnOrigin(origin: string, host: string): boolean {
  const scheme = /^https?:\/\//i.exec(origin)?.[0]
  if (scheme === undefined) return false
  const [ours, theirs] = [URL.parse(scheme + host), URL.parse(origin)]
  return ours !== null && theirs !== null && ours.host === theirs.host
}

/** A cookie counts for what no page sent only where that reads: a person who gives the address. */
function sessionOf(
  { writes }: AccessControl,
  { headers, isRead, port, wallMs }: Sender,
  page: ReturnType<typeof pageOf>,
): Session | null {
  if (writes.kind !== 'token' || page === 'foreign' || (page === 'none' && !isRead)) return null
  const value = cookieIn(headers.cookie, cookieName(port))
  return value === null ? null : openSession(sessionKey(writes.token), value, wallMs)
}

function isAdmin({ writes }: AccessControl, { headers }: Sender, session: Session | null): boolean {
  if (writes.kind !== 'token') return writes.kind === 'open'
  const presented = bearerToken(headers)
  return session !== null || (presented !== null && isSameToken(presented, writes.token))
}

function authorizeRead(
  control: AccessControl,
  sender: Sender,
  session: Session | null,
): Authorization {
  if ((control.reads ?? 'open') === 'open') return allowed('reader', session)
  if (isAdmin(control, sender, session)) return allowed('admin', session)
  return bearerToken(sender.headers) === null
    ? refused(
        401,
        'token-required',
        'admin_read is token: sign in, or give Authorization: Bearer …',
      )
    : wrongToken()
}

function authorizeWrite(
  { writes, loadToken }: AccessControl,
  access: 'admin' | 'load',
  { headers }: Sender,
  session: Session | null,
): Authorization {
  const presented = bearerToken(headers)
  if (access === 'load' && presented !== null && loadToken !== null)
    if (isSameToken(presented, loadToken)) return allowed('load-token', null)
  switch (writes.kind) {
    case 'open':
      return allowed('admin', null)
    case 'closed':
      return refused(403, 'token-required', closedAdvice)
    case 'token':
      if (session !== null) return allowed('admin', session)
      if (presented === null)
        return refused(
          401,
          'token-required',
          'sign in at the console, or give the admin token: Authorization: Bearer …',
        )
      return isSameToken(presented, writes.token) ? allowed('admin', null) : wrongToken()
    default:
      return writes satisfies never
  }
}

/** What to do where nobody may write. */
export const closedAdvice =
  'this address is not loopback: set admin_token or admin_token_file to write'

const refused = (
  status: number,
  code: string,
  message: string,
): Extract<Authorization, { kind: 'refused' }> => ({
  kind: 'refused',
  reply: refuse(status, code, message),
  isWrongToken: false,
})

/** The refusal of a token that is not the admin token. */
export const wrongToken = (): Extract<Authorization, { kind: 'refused' }> => ({
  ...refused(401, 'bad-token', 'not the admin token'),
  isWrongToken: true,
})

const bearerToken = ({ authorization }: IncomingHttpHeaders): string | null =>
  /^Bearer (.+)$/i.exec(authorization ?? '')?.[1] ?? null

/**
 * Compares digests of equal length in constant time, so that neither length nor content of a token
 * leaks.
 */
export const isSameToken = (presented: string, expected: string): boolean =>
  timingSafeEqual(digest(presented), digest(expected))

const digest = (token: string): Uint8Array =>
  new Uint8Array(createHash('sha256').update(token).digest())
