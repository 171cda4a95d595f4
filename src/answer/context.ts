// The interfaces of the answering path: what a responder is created with, and what it is.

import type { RateLimiter } from '../admission/rate-limit.ts'
import type { CookieKeeper } from '../admission/server-cookie.ts'
import type { HealthReader } from '../health/table.ts'
import type { Clock, Random } from '../lib/clock.ts'
import type { Scopes } from '../steer/scope/scope-cache.ts'
import type { Locus } from '../steer/selection.ts'
import type { Name } from '../wire/name.ts'
import type { Rdata } from '../wire/rdata/rdata.ts'
import type { Catalog, RRset, Zone } from '../zone/zone.ts'
import type { Counters } from './counters.ts'

export type Transport = 'udp' | 'tcp' | 'tls'

/** The source of a packet. Transports have one record and refill it, so it must not be kept. */
export interface Peer {
  family: 4 | 6
  /** 4 or 16 octets. */
  octets: Uint8Array
  port: number
  transport: Transport
}

/** Locates a client. `prefixLength`: `octets` is the first address of a network that stands for the client. */
export type Locate = (octets: Uint8Array, family: 4 | 6, prefixLength?: number) => Locus

/** What the server tells of itself; null: such queries are answered without it. */
export interface ServerIdentity {
  /** RFC 5001; at most maxNsidOctets. */
  readonly nsid: Uint8Array | null
  /** `id.server` and `hostname.bind` (RFC 4892), at most 255 octets. */
  readonly chaosIdentity: string | null
  /** `version.server` and `version.bind`, at most 255 octets. */
  readonly chaosVersion: string | null
}

/** With an NSID this long and the longest question, all other options still fit in 512 octets. */
export const maxNsidOctets = 64

/** A set as it is signed. */
export interface SetToSign {
  /** Of the set's node, in any case; a wildcard as such. */
  readonly owner: Name
  readonly type: number
  /** That of the zone file, seconds. */
  readonly originalTtl: number
  /** In any order, not empty. */
  readonly rdata: readonly Rdata[]
}

/** The signing side of a zone, which knows its keys. */
export interface ZoneSigner {
  /** DNSKEY, CDS and CDNSKEY, as far as the keys bring them; by type. */
  readonly apexSets: ReadonlyMap<number, RRset>
  /**
   * The RRSIG records of a set, one for each key that signs sets of its type. null: too many signatures were made of late for
   * queries over UDP; `isBounded`: this is one.
   */
  sign(set: SetToSign, isBounded: boolean): readonly Rdata[] | null
  /** Whether no signature of sets of the type is valid now: one that a key has made which is kept offline. */
  hasLapsed(type: number): boolean
}

export interface Signers {
  /** Changes when keys do, and before signatures expire: what was signed before is not to be kept. */
  generation(): number
  /** Whether a zone of the catalog is signed. */
  isAnySigned(): boolean
  /** false: the clock cannot be right, so that nothing can be signed. */
  isTimeKnown(): boolean
  /** null: the zone is not signed. */
  of(zone: Zone): ZoneSigner | null
  /** As `of`, for one transfer; null also where no time is known to sign by, or signatures have lapsed. Keys stay those of now, and all signatures have the times that belong to the serial. */
  forTransfer(zone: Zone): ZoneSigner | null
}

export interface AnswerContext {
  /** The catalog in force; called once a query. */
  readonly catalog: () => Catalog
  readonly health: HealthReader
  readonly random: Random
  readonly clock: Clock
  readonly locate: Locate
  /** Scopes by the databases that `locate` uses; absent: scopes are as long as the source prefix. */
  readonly scopes?: Scopes
  readonly counters: Counters
  /** Upper bound of a UDP answer, 512…4096 octets. */
  readonly maxUdpOctets: number
  readonly identity: ServerIdentity
  /** null: cookies are ignored. */
  readonly cookies: CookieKeeper | null
  /** null: rates are not limited. */
  readonly limiter: RateLimiter | null
  /** Signatures of signed zones; absent: every zone is answered as if it were unsigned. */
  readonly signers?: Signers
  /** How long an idle connection stays open, as clients are told by RFC 7828. */
  readonly tcpIdleMs: () => number
  /** Whether an address may transfer zones (AXFR, IXFR); absent: none may. */
  readonly mayTransfer?: (octets: Uint8Array) => boolean
}

/** Writes the answer to one packet to `out`; returns its length in octets, 0 for none. Never throws, never waits. */
export type Respond = (
  packet: Uint8Array,
  offset: number,
  length: number,
  peer: Peer,
  out: Uint8Array,
  outOffset: number,
) => number
