// The cookie of a query (RFC 7873, RFC 9018): judged once, and returned in every answer that has an OPT.
//
// Cookies are optional: without a valid one the answer is the same. Only where the rate limit slips an answer does a client
// with an invalid one get BADCOOKIE, with a new cookie to retry with (respond.ts).

import type { CookieStatus } from '../admission/server-cookie.ts'
import type { Query } from '../wire/query.ts'
import type { AnswerContext, Peer } from './context.ts'

export interface ClientCookie {
  /** none: the query has no cookie, or cookies are off. */
  verdict: 'none' | CookieStatus
  /** Seconds since the epoch, when it was judged. */
  nowSeconds: number
}

export const noCookie = (): ClientCookie => ({ verdict: 'none', nowSeconds: 0 })

/** Fills `cookie` with the verdict on the query's cookie; leaves it where there is none. */
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

/** Whether the cookie proves that the source address is not forged. */
export const isProven = ({ verdict }: ClientCookie): boolean =>
  verdict === 'valid' || verdict === 'renew'
