// What the operator chose about answers, as the control thread hands it to the workers; and what a worker makes of it.

import type { Identity } from '../../answer/context.ts'
import {
  type RateLimitOptions,
  type RateLimiter,
  createRateLimiter,
} from '../../admission/rate-limit.ts'
import { type CookieKeeper, createCookieKeeper } from '../../admission/server-cookie.ts'

/** Plain data: it crosses threads. */
export interface Answering {
  readonly identity: Identity
  /** Of 16 octets each; the first one signs. Without any there are no cookies. */
  readonly cookieSecrets: readonly Uint8Array[]
  /** null: nobody is limited. */
  readonly rateLimit: RateLimitOptions | null
}

export interface Guards {
  readonly cookies: CookieKeeper | null
  readonly limiter: RateLimiter | null
}

/** Both have tables and buffers of their own: one set a thread. */
export const createGuards = ({ cookieSecrets, rateLimit }: Answering): Guards => ({
  cookies: cookieSecrets.length === 0 ? null : createCookieKeeper({ secrets: cookieSecrets }),
  limiter: rateLimit === null ? null : createRateLimiter(rateLimit),
})

/**
 * The same for clients whose datagrams a proxy brings. It sends from a port or a few, so that one worker may get all of
 * them: each has the whole of the limits, not its part.
 */
export const throughProxy = (answering: Answering): Answering => ({
  ...answering,
  rateLimit: answering.rateLimit && { ...answering.rateLimit, workers: 1 },
})
