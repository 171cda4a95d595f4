// Response rate limiting: how many whole answers an address, and the networks around it, get over UDP.
//
//   asked for, of the limit   whole answers                       others
//   up to 1×                  all                                 –
//   1× to 10×                 falling from the limit to none      slip: truncated, one in `slip`
//   above 10×, sustained      none                                by the address's own limit: one in `floodSlip`
//
// Bound of amplification: a truncated answer is no longer than its query, so towards an address, or a network with
// its multiple of the limits (prefix-limits.ts),
//   octets out ≤ octets in + (burst + perSecond × seconds) × multiple × longest answer.
// A flood on a network limits its neighbours to truncated answers, never to silence: over TCP they get the whole.

import { networkContains } from '../lib/ip.ts'
import { type PrefixLimitOptions, createPrefixLimits } from './prefix-limits.ts'

/** pass: answer. slip: header and question with TC. drop: silence. */
export type RateAction = 'pass' | 'slip' | 'drop'

export interface RateLimitOptions extends PrefixLimitOptions {
  /** Of the limited answers one in `slip` is truncated, the others are dropped; 1: none is dropped. */
  readonly slip: number
  /** The same for an address that asks for more than ten times its limit. */
  readonly floodSlip: number
  /** Networks that are never limited, nor counted. */
  readonly exempt: readonly { readonly octets: Uint8Array; readonly prefixLength: number }[]
  /** Judge and count, but let everything pass. */
  readonly dryRun: boolean
}

/** A hundred a second is more than a resolver asks one server for names whose answers it keeps for seconds. */
export const rateLimitDefaults: {
  readonly perSecond: number
  readonly burst: number
  readonly slip: number
  readonly floodSlip: number
  readonly places: number
} = {
  perSecond: 100,
  burst: 250,
  slip: 1,
  floodSlip: 4,
  // An address that asks once needs its place for 10 ms: a million strangers a second take a sixth of them.
  places: 65_536,
}

/** Of a dry run: what would have been done. */
interface RateLimitCounts {
  /** slipped + dropped */
  readonly limited: number
  readonly slipped: number
  readonly dropped: number
  /** Prefixes forgotten for want of room; more than a few: the table is too small. */
  readonly evicted: number
}

export interface RateLimiter {
  /** Judges one UDP answer to an address of 4 or 16 octets; the clock never goes back. */
  check(address: Uint8Array, nowMs: number): RateAction
  readonly counts: RateLimitCounts
  /** Memory of the table; it never grows. */
  readonly octets: number
}

/** A limiter with a table of its own, one a thread. */
export function createRateLimiter(options: RateLimitOptions): RateLimiter {
  const { exempt, dryRun, slip, floodSlip } = options
  const loads = createPrefixLimits(options)
  const counts = { limited: 0, slipped: 0, dropped: 0, evicted: 0 }
  let turn = 0
  let floodTurn = 0
  return {
    counts,
    octets: loads.octets,
    check(address, nowMs) {
      for (let i = 0; i < exempt.length; i++)
        if (networkContains(exempt[i] as (typeof exempt)[number], address)) return 'pass'
      const load = loads.charge(address, nowMs)
      counts.evicted = loads.evictions()
      if (load === 'within') return 'pass'
      counts.limited++
      const isSlip = (load === 'flood' ? floodTurn++ % floodSlip : turn++ % slip) === 0
      if (isSlip) counts.slipped++
      else counts.dropped++
      if (dryRun) return 'pass'
      return isSlip ? 'slip' : 'drop'
    },
  }
}
