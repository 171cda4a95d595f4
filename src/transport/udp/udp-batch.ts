// Queries of one socket in batches: receive up to 64, answer each in its slot, send the answers.

import type { Peer, Respond } from '../../answer/context.ts'
import type { Counters } from '../../answer/counters.ts'
import { readUint16 } from '../../wire/octets.ts'
import { type Arena, batchSlots, createArena, queryStride } from './udp-arena.ts'
import {
  answerFromAsked,
  controlRoom,
  headerAt,
  headerOctets,
  iovecOctets,
  layoutOf,
  nameRoom,
  pollfdOctets,
} from './udp-layout.ts'
import { EAGAIN, EINTR, type Libc, systemError } from './udp-libc.ts'
import { bindSocket, type MmsgSocket, receiveTimeoutMs } from './udp-socket.ts'

const Msg = { dontWait: 0x40, waitForOne: 0x10000 } as const

/** Reads in a row that failed for another reason than having nothing: the socket is beyond hope. */
const maxFailures = 100

export interface BatchOptions {
  readonly libc: Libc
  /** Must not throw. */
  readonly respond: Respond
  readonly counters: Counters
  readonly maxUdpOctets: number
}

export class Batch {
  readonly socket: MmsgSocket
  readonly #libc: Libc
  readonly #respond: Respond
  readonly #counters: Counters
  /** Held for as long as the batch is: C knows it by address alone. */
  readonly #arena: Arena
  #failures = 0

  constructor(socket: MmsgSocket, { libc, respond, counters, maxUdpOctets }: BatchOptions) {
    this.socket = socket
    this.#libc = libc
    this.#respond = respond
    this.#counters = counters
    this.#arena = createArena(libc, socket, maxUdpOctets)
  }

  /** How many queries came, 0 when none did in time. Throws when the socket does not work any more. */
  receive(waits: boolean): number {
    const { address, at } = this.#arena
    const flags = waits ? Msg.waitForOne : Msg.dontWait
    const headers = address + at.queryHeaders
    const received = this.#libc.recvmmsg(this.socket.fd, headers, batchSlots, flags, 0)
    if (received < 0) return this.#failed()
    this.#failures = 0
    return received
  }

  /** Answers the `received` queries of the last call. */
  answer(received: number): void {
    const { octets, words, at } = this.#arena
    let first = 0
    for (let slot = 0; slot < received; slot++) {
      const header = (at.queryHeaders + slot * headerOctets) >> 2
      this.#turnAround(slot, header)
      const answered = this.#respond(
        octets,
        at.queries + slot * queryStride,
        words[header + (headerAt.length >> 2)] as number,
        this.#peer(slot),
        octets,
        at.answers + slot * at.answerStride,
      )
      words[(at.answerIovecs + slot * iovecOctets + 8) >> 2] = answered
      if (answered > 0) continue
      this.#send(first, slot)
      first = slot + 1
    }
    this.#send(first, received)
  }

  #failed(): number {
    const errno = this.#libc.errno()
    if (errno === EAGAIN || errno === EINTR) return 0
    if (++this.#failures >= maxFailures) throw systemError('recvmmsg', errno)
    return 0
  }

  /** The kernel has written into both lengths what it used; the next time it takes them for the room there is. */
  #turnAround(slot: number, header: number): void {
    const { words, at } = this.#arena
    const { family, isWildcard } = this.socket
    const { nameOctets, controlOctets } = layoutOf[family]
    words[header + (headerAt.nameLength >> 2)] = nameOctets
    if (!isWildcard) return
    const received = header + (headerAt.controlLength >> 2)
    const answer = (at.answerHeaders + slot * headerOctets + headerAt.controlLength) >> 2
    words[answer] = words[received] as number
    words[received] = controlOctets
    answerFromAsked(words, at.controls + slot * controlRoom, family)
  }

  #peer(slot: number): Peer {
    const { octets, peers, at } = this.#arena
    const peer = peers[slot] as Peer
    peer.port = readUint16(octets, at.names + slot * nameRoom + 2)
    return peer
  }

  #send(first: number, end: number): void {
    const { address, at } = this.#arena
    let next = first
    while (next < end) {
      const headers = address + at.answerHeaders + next * headerOctets
      const sent = this.#libc.sendmmsg(this.socket.fd, headers, end - next, Msg.dontWait)
      if (sent > 0) {
        next += sent
        continue
      }
      if (sent < 0 && this.#libc.errno() === EINTR) continue
      // What cannot be sent concerns that client alone: no waiting for room, no second try.
      this.#counters.add('sendErrors')
      next++
    }
  }
}

// UDP by recvmmsg and sendmmsg, in a thread that does nothing else: it blocks until queries come.
//
// One thread a core serves all endpoints. With one socket it sleeps in recvmmsg itself; with several it asks
// poll(2) which of them have queries. A thread for each socket would spare that call, but hold a copy of the
// zones each, and leave cores idle or crowded as the queries of the day are spread over the addresses.

interface MmsgListener {
  /**
   * One batch of each socket that has queries. Sleeps for 100 ms at most until one has some.
   * `beforeAnswers` is called in every round, after the queries were read and before they are answered.
   */
  round(): void
}

interface MmsgOptions extends BatchOptions {
  readonly beforeAnswers: () => void
}

/** Binds and listens. Throws the bind's errno. */
export function listenMmsg(sockets: readonly MmsgSocket[], options: MmsgOptions): MmsgListener {
  for (const socket of sockets) bindSocket(options.libc, socket)
  const batches = sockets.map((socket) => new Batch(socket, options))
  const [only] = batches
  return batches.length === 1 && only
    ? listenOne(only, options.beforeAnswers)
    : listenMany(batches, options)
}

const listenOne = (batch: Batch, beforeAnswers: () => void): MmsgListener => ({
  round() {
    const received = batch.receive(true)
    beforeAnswers()
    batch.answer(received)
  },
})

const readable = 1

function listenMany(
  batches: readonly Batch[],
  { libc, beforeAnswers }: { readonly libc: Libc; readonly beforeAnswers: () => void },
): MmsgListener {
  // Larger than what V8 would keep inside its heap and move; held by the closure, as C knows it by address alone.
  const pollfds = new DataView(new ArrayBuffer(Math.max(4096, batches.length * pollfdOctets)))
  const pollfdsAt = libc.addressOf(new Uint8Array(pollfds.buffer))
  for (const [i, { socket }] of batches.entries()) {
    pollfds.setInt32(i * pollfdOctets, socket.fd, true)
    pollfds.setInt16(i * pollfdOctets + 4, readable, true)
  }
  return {
    round() {
      const ready = libc.poll(pollfdsAt, batches.length, receiveTimeoutMs)
      const errno = ready < 0 ? libc.errno() : EAGAIN
      if (errno !== EAGAIN && errno !== EINTR) throw systemError('poll', errno)
      if (ready <= 0) return beforeAnswers()
      for (const [i, batch] of batches.entries()) {
        if (pollfds.getInt16(i * pollfdOctets + 6, true) === 0) continue
        const received = batch.receive(false)
        beforeAnswers()
        batch.answer(received)
      }
    },
  }
}
