// A responder over a catalog, and one call that asks it and reads the answer with a foreign decoder.

import type { AnswerContext, Peer, Respond, Transport } from '../../src/answer/context.ts'
import {
  type Counters,
  createCounters,
  scalarCell,
  scalarsOfCache,
} from '../../src/answer/counters.ts'
import { createRespond } from '../../src/answer/respond.ts'
import { createHealthTable } from '../../src/health/table.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { typeFromText } from '../../src/wire/rrtype.ts'
import type { Catalog } from '../../src/zone/zone.ts'
import { viewOf } from './foreign-view.ts'
import type { View } from './foreign-view.ts'
import { buildQuery } from './packet-builder.ts'
import type { QuerySpec } from './packet-builder.ts'

export const peerOf = (transport: Transport, port = 5353): Peer => ({
  family: 4,
  octets: Uint8Array.of(192, 0, 2, 10),
  port,
  transport,
})

/** What a responder has counted, but for what it counts of its answer cache. */
export function answerCells({ buffer }: Counters): Float64Array<ArrayBuffer> {
  const cells = Float64Array.from(new Float64Array(buffer))
  for (const scalar of scalarsOfCache) cells[scalarCell[scalar]] = 0
  return cells
}

/** 2023-11-14T22:13:20Z, for ever. */
export const fixedClock: Clock = { wallMs: () => 1_700_000_000_000, monotonicMs: () => 0 }

/** Random numbers fixed at one half and no place known, unless overridden; no identity, cookies or limits. */
export const contextOf = (
  catalog: Catalog,
  overrides: Partial<AnswerContext> = {},
): AnswerContext => ({
  catalog: () => catalog,
  health: createHealthTable(64),
  random: () => 0.5,
  clock: fixedClock,
  locate: (octets, family) => ({ octets, family, continent: null, country: null, asn: null }),
  counters: createCounters(),
  maxUdpOctets: 1232,
  identity: { nsid: null, chaosIdentity: null, chaosVersion: null },
  cookies: null,
  limiter: null,
  tcpIdleMs: () => 10_000,
  ...overrides,
})

export type Ask = (name: string, type: string, spec?: QuerySpec, transport?: Transport) => View

export function askerOf(catalog: Catalog, overrides: Partial<AnswerContext> = {}): Ask {
  const respond = createRespond(contextOf(catalog, overrides))
  return (name, type, spec, transport = 'udp') => {
    const packet = buildQuery({ name, type: typeFromText(type) ?? 0, ...spec })
    return viewOf(send(respond, packet, peerOf(transport)) ?? new Uint8Array(0))
  }
}

const guardOctets = 7

/** The reply, or null for silence. Packet and reply lie off the start of their buffers; nothing beside may be written. */
export function send(respond: Respond, packet: Uint8Array, peer: Peer): Uint8Array | null {
  const inbound = new Uint8Array(packet.length + 2 * guardOctets).fill(0xee)
  inbound.set(packet, guardOctets)
  const outbound = new Uint8Array(65_535 + 2 * guardOctets).fill(0xaa)
  const octets = respond(inbound, guardOctets, packet.length, peer, outbound, guardOctets)
  const before = outbound.subarray(0, guardOctets)
  const after = outbound.subarray(guardOctets + Math.max(octets, 0))
  if (before.some((octet) => octet !== 0xaa) || octets < 0)
    throw new Error('wrote before its place')
  // What was tried and taken back may remain after the reply, but never beyond the largest message.
  if (after.length > 0 && outbound.at(-1) !== 0xaa) throw new Error('wrote past its place')
  return octets === 0 ? null : outbound.slice(guardOctets, guardOctets + octets)
}
