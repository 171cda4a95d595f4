// The cookie of a query (RFC 7873, RFC 9018): judged once, and answered in every answer that has an OPT.
//
// Cookies are a privilege, never a duty: without a good one the answer is the same. Only where the rate limit would
// cut an answer short does a client with a bad one hear BADCOOKIE, and a new one to come back with (respond.ts).

import type { CookieStatus } from '../admission/server-cookie.ts'
import type { Query } from '../wire/query.ts'
import type { AnswerContext, Peer } from './context.ts'

export interface ClientCookie {
  verdict: 'none' | CookieStatus
  nowSeconds: number
}

export const noCookie = (): ClientCookie => ({ verdict: 'none', nowSeconds: 0 })

export function judgeCookie(
  cookie: ClientCookie,
  { cookies, clock }: AnswerContext,
  { options, packet }: Query,
  peer: Peer,
): void {
  const { cookieOffset, cookieOctets } = options
  if (cookieOctets === 0 || cookies === null) return
  cookie.nowSeconds = Math.floor(clock.wallMs() / 1000)
  cookie.verdict = cookies.verify(
    packet,
    cookieOffset,
    cookieOctets,
    peer.octets,
    cookie.nowSeconds,
  )
}

/** Whether the client is where its address says. */
export const isProven = ({ verdict }: ClientCookie): boolean =>
  verdict === 'valid' || verdict === 'renew'
