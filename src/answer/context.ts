// The seams of the answering path: what `respond` is given once, and what it is.

import type { RateLimiter } from '../admission/rate-limit.ts'
import type { CookieKeeper } from '../admission/server-cookie.ts'
import type { HealthReader } from '../health/table.ts'
import type { Clock, Random } from '../lib/clock.ts'
import type { Scopes } from '../steer/scope/scope-cache.ts'
import type { Locus } from '../steer/selection.ts'
import type { Catalog } from '../zone/zone.ts'
import type { Counters } from './counters.ts'

export type Transport = 'udp' | 'tcp' | 'tls'

/** Who asked. Transports keep one and refill it, so nothing may hold on to it. */
export interface Peer {
  family: 4 | 6
  /** 4 or 16 octets. */
  octets: Uint8Array
  port: number
  transport: Transport
}

/** `prefixLength`: of the network that stands for the client; absent: the address is the client's own. */
export type Locate = (octets: Uint8Array, family: 4 | 6, prefixLength?: number) => Locus

/** What the server says of itself when asked; null: nothing. */
export interface ServerIdentity {
  /** RFC 5001; at most maxNsidOctets. */
  readonly nsid: Uint8Array | null
  /** `id.server` and `hostname.bind` (RFC 4892), at most 255 octets. */
  readonly chaosIdentity: string | null
  /** `version.server` and `version.bind`, at most 255 octets. */
  readonly chaosVersion: string | null
}

/** With this and the longest question every other option still fits 512 octets. */
export const maxNsidOctets = 64

export interface AnswerContext {
  /** The catalog in force; read once a query. */
  readonly catalog: () => Catalog
  readonly health: HealthReader
  readonly random: Random
  /** Of the same chance: `pointOf` (steer/draw/outcomes.ts) of the next number; absent: of `random`. */
  readonly randomUint31?: () => number
  readonly clock: Clock
  readonly locate: Locate
  /** By the same databases as `locate`; absent: scopes are as long as the source. */
  readonly scopes?: Scopes
  readonly counters: Counters
  /** Upper bound of a UDP answer, 512…4096 octets. */
  readonly maxUdpOctets: number
  readonly identity: ServerIdentity
  /** null: cookies are ignored. */
  readonly cookies: CookieKeeper | null
  /** null: nobody is limited. */
  readonly limiter: RateLimiter | null
  /** How long an idle connection stays open, as RFC 7828 tells clients. */
  readonly tcpIdleMs: () => number
  /** Who may take whole zones (AXFR, IXFR); absent: nobody. */
  readonly mayTransfer?: (octets: Uint8Array) => boolean
}

/** Answers one packet into `out`: the octets written, 0 for silence. Never throws, never waits. */
export type Respond = (
  packet: Uint8Array,
  offset: number,
  length: number,
  peer: Peer,
  out: Uint8Array,
  outOffset: number,
) => number
