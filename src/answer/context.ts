// The seams of the answering path: what `respond` is given once, and what it is.

import type { HealthReader } from '../health/table.ts'
import type { Random } from '../lib/clock.ts'
import type { Locus } from '../steer/selection.ts'
import type { Catalog } from '../zone/zone.ts'
import type { Counters } from './counters.ts'

/** Who asked. Transports keep one and refill it, so nothing may hold on to it. */
export interface Peer {
  family: 4 | 6
  /** 4 or 16 octets. */
  octets: Uint8Array
  port: number
  transport: 'udp' | 'tcp'
}

export type Locate = (octets: Uint8Array, family: 4 | 6) => Locus

export interface AnswerContext {
  /** The catalog in force; read once a query. */
  readonly catalog: () => Catalog
  readonly health: HealthReader
  readonly random: Random
  readonly locate: Locate
  readonly counters: Counters
  /** Upper bound of a UDP answer, 512…4096 octets. */
  readonly maxUdpOctets: number
}

/** Answers one packet into `out`: the octets written, 0 for silence. Never throws, never waits. */
// oxlint-disable-next-line max-params -- design §2 fixes the shape: an options object would be an allocation a query
export type Respond = (
  packet: Uint8Array,
  offset: number,
  length: number,
  peer: Peer,
  out: Uint8Array,
  outOffset: number,
) => number
