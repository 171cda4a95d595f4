// The memory that recvmmsg and sendmmsg work in, for one socket: headers, names, packet infos, queries, answers.
//
// It is one ArrayBuffer, of which a user must keep the whole: pointers inside it do not keep it alive, and if parts
// were garbage-collected, the kernel would write into freed memory. The pointers are written once, here. A query and
// its answer share the name and the packet info of their entry, so nothing has to be copied for an answer to go to
// the address that the query came from, and to leave from the address that the query was sent to.

import type { Peer } from '../../answer/context.ts'
import {
  controlStride,
  headerField,
  headerOctets,
  iovecOctets,
  layoutOf,
  nameStride,
} from './udp-layout.ts'
import type { Libc } from './udp-libc.ts'
import type { MmsgSocket } from './udp-socket.ts'

/** The entries of an arena: at most so many queries are read, or answers sent, by one system call. */
export const batchSize = 64
/** The kernel truncates longer datagrams; no query that can be answered is longer. */
export const maxQueryOctets = 4096
const minAnswerOctets = 512

export interface Arena {
  readonly octets: Uint8Array
  /** The same memory as 32-bit words in the byte order of this machine. */
  readonly words: Uint32Array
  /** The memory's address, for pointers. */
  readonly address: number
  /** The client of each entry: `octets` is a view of the entry's name, `port` has to be set for each query. */
  readonly peers: readonly Peer[]
  readonly offsets: Offsets
}

/** Where the first element of each kind lies in the arena, in octets, and the distance between two answers. */
interface Offsets {
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

// Not powers of two, so that the entries are spread over the sets of the processor's cache.
export const queryStride: number = maxQueryOctets + 64
const answerStrideFor = (maxUdpOctets: number): number =>
  ((Math.max(maxUdpOctets, minAnswerOctets) + 63) & ~63) + 64

export function createArena(libc: Libc, socket: MmsgSocket, maxUdpOctets: number): Arena {
  const offsets = offsetsFor(answerStrideFor(maxUdpOctets))
  const octets = new Uint8Array(offsets.end)
  const arena = { octets, address: libc.addressOf(octets), offsets }
  const peers = Array.from({ length: batchSize }, (_, entry) => initEntry(arena, socket, entry))
  return { ...arena, words: new Uint32Array(octets.buffer), peers }
}

function offsetsFor(answerStride: number): Offsets {
  const answerHeaders = batchSize * headerOctets
  const queryIovecs = answerHeaders + batchSize * headerOctets
  const answerIovecs = queryIovecs + batchSize * iovecOctets
  const names = answerIovecs + batchSize * iovecOctets
  const controls = names + batchSize * nameStride
  const queries = controls + batchSize * controlStride
  const answers = queries + batchSize * queryStride
  const end = answers + batchSize * answerStride
  const headers = { queryHeaders: 0, answerHeaders, queryIovecs, answerIovecs, names, controls }
  return { ...headers, queries, answers, answerStride, end }
}

type Memory = Pick<Arena, 'octets' | 'address' | 'offsets'>

function initEntry(arena: Memory, socket: MmsgSocket, entry: number): Peer {
  const { octets, offsets } = arena
  const { addressAt, addressOctets } = layoutOf[socket.family]
  const queryIovec = offsets.queryIovecs + entry * iovecOctets
  const answerIovec = offsets.answerIovecs + entry * iovecOctets
  const view = new DataView(octets.buffer)
  view.setBigUint64(queryIovec, BigInt(arena.address + offsets.queries + entry * queryStride), true)
  view.setUint32(queryIovec + 8, maxQueryOctets, true)
  view.setBigUint64(
    answerIovec,
    BigInt(arena.address + offsets.answers + entry * offsets.answerStride),
    true,
  )
  initHeader(arena, socket, entry, { header: offsets.queryHeaders, iovec: queryIovec })
  initHeader(arena, socket, entry, { header: offsets.answerHeaders, iovec: answerIovec })
  const name = offsets.names + entry * nameStride
  return {
    family: socket.family,
    octets: octets.subarray(name + addressAt, name + addressAt + addressOctets),
    port: 0,
    transport: 'udp',
  }
}

function initHeader(
  { octets, address, offsets }: Memory,
  { family, isWildcard }: MmsgSocket,
  entry: number,
  positions: { readonly header: number; readonly iovec: number },
): void {
  const view = new DataView(octets.buffer, positions.header + entry * headerOctets, headerOctets)
  const { nameOctets, controlOctets } = layoutOf[family]
  view.setBigUint64(headerField.name, BigInt(address + offsets.names + entry * nameStride), true)
  view.setUint32(headerField.nameLength, nameOctets, true)
  view.setBigUint64(headerField.iov, BigInt(address + positions.iovec), true)
  view.setUint32(headerField.iovCount, 1, true)
  if (!isWildcard) return
  view.setBigUint64(
    headerField.control,
    BigInt(address + offsets.controls + entry * controlStride),
    true,
  )
  view.setUint32(headerField.controlLength, controlOctets, true)
}
