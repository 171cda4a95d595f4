// The memory that recvmmsg and sendmmsg work in, for one socket: headers, names, packet infos, queries, answers.
//
// It is one ArrayBuffer, and whoever uses it holds the whole: a pointer inside it means nothing to the garbage
// collector, so a part by itself would be collected, and the socket go deaf. Pointers are written once, here.
// A query and its answer share the slot's name and packet info: nothing has to be copied for an answer to go
// where the query came from, and to come from where the query went.

import type { Peer } from '../../answer/context.ts'
import {
  controlRoom,
  headerAt,
  headerOctets,
  iovecOctets,
  layoutOf,
  nameRoom,
} from './udp-layout.ts'
import type { Libc } from './udp-libc.ts'
import type { MmsgSocket } from './udp-socket.ts'

/** Queries read, and answers sent, by one call at most. */
export const batchSlots = 64
/** What is longer arrives cut: no query that we can use. */
export const maxQueryOctets = 4096
const minAnswerOctets = 512

export interface Arena {
  readonly octets: Uint8Array
  /** The same memory as words of four octets, in the order of this machine. */
  readonly words: Uint32Array
  readonly address: number
  /** By slot; its octets lie in the slot's name, its port has to be set. */
  readonly peers: readonly Peer[]
  readonly at: Places
}

/** Where in the arena the first slot of each kind lies, and where a slot's neighbour does. */
interface Places {
  readonly queryHeaders: number
  readonly answerHeaders: number
  readonly queryIovecs: number
  readonly answerIovecs: number
  readonly names: number
  readonly controls: number
  readonly queries: number
  readonly answers: number
  readonly answerStride: number
  readonly end: number
}

// Off the powers of two, or every slot would meet the same lines of the cache.
export const queryStride: number = maxQueryOctets + 64
const answerStrideFor = (maxUdpOctets: number): number =>
  ((Math.max(maxUdpOctets, minAnswerOctets) + 63) & ~63) + 64

export function createArena(libc: Libc, socket: MmsgSocket, maxUdpOctets: number): Arena {
  const at = placesFor(answerStrideFor(maxUdpOctets))
  const octets = new Uint8Array(at.end)
  const arena = { octets, address: libc.addressOf(octets), at }
  const peers = Array.from({ length: batchSlots }, (_, slot) => laySlot(arena, socket, slot))
  return { ...arena, words: new Uint32Array(octets.buffer), peers }
}

function placesFor(answerStride: number): Places {
  const answerHeaders = batchSlots * headerOctets
  const queryIovecs = answerHeaders + batchSlots * headerOctets
  const answerIovecs = queryIovecs + batchSlots * iovecOctets
  const names = answerIovecs + batchSlots * iovecOctets
  const controls = names + batchSlots * nameRoom
  const queries = controls + batchSlots * controlRoom
  const answers = queries + batchSlots * queryStride
  const end = answers + batchSlots * answerStride
  const headers = { queryHeaders: 0, answerHeaders, queryIovecs, answerIovecs, names, controls }
  return { ...headers, queries, answers, answerStride, end }
}

type Memory = Pick<Arena, 'octets' | 'address' | 'at'>

function laySlot(arena: Memory, socket: MmsgSocket, slot: number): Peer {
  const { octets, at } = arena
  const { addressAt, addressOctets } = layoutOf[socket.family]
  const queryIovec = at.queryIovecs + slot * iovecOctets
  const answerIovec = at.answerIovecs + slot * iovecOctets
  const view = new DataView(octets.buffer)
  view.setBigUint64(queryIovec, BigInt(arena.address + at.queries + slot * queryStride), true)
  view.setUint32(queryIovec + 8, maxQueryOctets, true)
  view.setBigUint64(answerIovec, BigInt(arena.address + at.answers + slot * at.answerStride), true)
  layHeader(arena, socket, slot, { header: at.queryHeaders, iovec: queryIovec })
  layHeader(arena, socket, slot, { header: at.answerHeaders, iovec: answerIovec })
  const name = at.names + slot * nameRoom
  return {
    family: socket.family,
    octets: octets.subarray(name + addressAt, name + addressAt + addressOctets),
    port: 0,
    transport: 'udp',
  }
}

function layHeader(
  { octets, address, at }: Memory,
  { family, isWildcard }: MmsgSocket,
  slot: number,
  where: { readonly header: number; readonly iovec: number },
): void {
  const view = new DataView(octets.buffer, where.header + slot * headerOctets, headerOctets)
  const { nameOctets, controlOctets } = layoutOf[family]
  view.setBigUint64(headerAt.name, BigInt(address + at.names + slot * nameRoom), true)
  view.setUint32(headerAt.nameLength, nameOctets, true)
  view.setBigUint64(headerAt.iov, BigInt(address + where.iovec), true)
  view.setUint32(headerAt.iovCount, 1, true)
  if (!isWildcard) return
  view.setBigUint64(headerAt.control, BigInt(address + at.controls + slot * controlRoom), true)
  view.setUint32(headerAt.controlLength, controlOctets, true)
}
