// Response rate limiting (RRL): how many whole answers an address, and the networks around it, get over UDP.
//
//   queries, of the limit     whole answers                       other queries
//   up to 1×                  all                                 –
//   1× to 10×                 falling from the limit to none      slip: truncated, one in `slip`
//   above 10×, sustained      none                                by the limit of the address: one in `floodSlip`
//
// Bound of amplification: a truncated answer is no longer than its query, so for an address, or for a network with its
// multiple of the limits (prefix-limits.ts),
//   octets out ≤ octets in + (burst + perSecond × seconds) × multiple × longest answer.
// Neighbours of a flood in the same network get truncated answers at worst, never silence: they can ask over TCP.

import { networkContains } from '../lib/ip.ts'
import { type PrefixLimitOptions, createPrefixLimits } from './prefix-limits.ts'

/** pass: a whole answer. slip: header and question with TC set. drop: no answer. */
export type RateAction = 'pass' | 'slip' | 'drop'

export interface RateLimitOptions extends PrefixLimitOptions {
  /** One in `slip` of the limited answers is truncated, the others are dropped; 1: none is dropped. */
  readonly slip: number
  /** As `slip`, for an address that asks for more than ten times its limit. */
  readonly floodSlip: number
  /** Networks that are neither limited nor counted. */
  readonly exempt: readonly { readonly octets: Uint8Array; readonly prefixLength: number }[]
  /** Count what would be limited, but let everything pass. */
  readonly dryRun: boolean
}

/**
 * The defaults. 100 answers a second are more than a resolver needs from one server, for names whose answers it caches
 * for seconds.
 */
export const rateLimitDefaults: {
  readonly perSecond: number
  readonly burst: number
  readonly slip: number
  readonly floodSlip: number
  readonly capacity: number
} = {
  perSecond: 100,
  burst: 250,
  slip: 1,
  floodSlip: 4,
  // An address that asks once is in debt for 10 ms: a million such addresses a second take a sixth of the table.
  capacity: 65_536,
}

/** Answers since the start; in a dry run, those that would have been limited. */
interface RateLimitCounts {
  /** `slipped` + `dropped`. */
  readonly limited: number
  readonly slipped: number
  readonly dropped: number
  /** Prefixes in debt that were forgotten because the table was full; more than a few: it is too small. */
  readonly evicted: number
}

export interface RateLimiter {
  /** What to do with one UDP answer to an address of 4 or 16 octets. `nowMs` is of the monotonic clock. */
  check(address: Uint8Array, nowMs: number): RateAction
  readonly counts: RateLimitCounts
  /** The memory of the table, which never grows. */
  readonly octets: number
}

/** A limiter with a table of its own; each thread has its own. */
export function createRateLimiter(options: RateLimitOptions): RateLimiter {
  const { exempt, dryRun, slip, floodSlip } = options
  const limits = createPrefixLimits(options)
  const counts = { limited: 0, slipped: 0, dropped: 0, evicted: 0 }
  let limitedCount = 0
  let floodCount = 0
  return {
    counts,
    octets: limits.octets,
    check(address, nowMs) {
      for (let i = 0; i < exempt.length; i++)
        if (networkContains(exempt[i] as (typeof exempt)[number], address)) return 'pass'
      const state = limits.charge(address, nowMs)
      counts.evicted = limits.evictions()
      if (state === 'within') return 'pass'
      counts.limited++
      const isSlip = (state === 'flood' ? floodCount++ % floodSlip : limitedCount++ % slip) === 0
      if (isSlip) counts.slipped++
      else counts.dropped++
      if (dryRun) return 'pass'
      return isSlip ? 'slip' : 'drop'
    },
  }
}
