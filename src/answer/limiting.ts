// Response rate limiting as an answer sees it (admission/rate-limit.ts does the counting).
//
//   TCP and TLS, or a good cookie    never limited: nobody can make us answer to a third party this way
//   slip, and the query has a cookie BADCOOKIE with a new one, to come back with at once (RFC 7873 §5.2.3)
//   slip otherwise                   TC, to come back with over TCP
//   slip of an error                 the error: it says as much and is as short
//   drop                             silence
//
// Asked before anything is decided, so that a flood costs little.

import type { RateVerdict } from '../admission/rate-limit.ts'
import { Rcode } from '../wire/rcode.ts'
import { isProven } from './client-cookie.ts'
import type { Inquiry } from './inquiry.ts'
import { resetPlan } from './plan.ts'

export function judgeRate({ context, cookie, peer }: Inquiry): RateVerdict {
  const { limiter, counters, clock } = context
  if (limiter === null || peer.transport !== 'udp' || isProven(cookie)) return 'pass'
  const { slipped, dropped, evicted } = limiter.counts
  const verdict = limiter.judge(peer.octets, clock.monotonicMs())
  // By the limiter's own counts: in a dry run they move though the verdict is to pass.
  if (limiter.counts.slipped !== slipped) counters.add('rateSlipped')
  if (limiter.counts.dropped !== dropped) counters.add('rateDropped')
  if (limiter.counts.evicted !== evicted) counters.add('rateEvicted')
  return verdict
}

/** Fills the plan of an answer that is cut. */
export function planSlip({ plan, cookie }: Inquiry): void {
  resetPlan(plan, cookie.verdict === 'none' ? Rcode.NOERROR : Rcode.BADCOOKIE)
}
