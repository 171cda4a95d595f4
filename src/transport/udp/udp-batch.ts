// UDP by recvmmsg and sendmmsg, in batches of up to 64 queries of one socket, in a thread that blocks until queries
// come.

import type { Peer, Respond } from '../../answer/context.ts'
import type { Counters } from '../../answer/counters.ts'
import { readUint16 } from '../../wire/octets.ts'
import { type Arena, batchSize, createArena, queryStride } from './udp-arena.ts'
import {
  reversePacketInfo,
  controlStride,
  headerField,
  headerOctets,
  iovecOctets,
  layoutOf,
  nameStride,
  pollfdOctets,
} from './udp-layout.ts'
import { EAGAIN, EINTR, type Libc, systemError } from './udp-libc.ts'
import { bindSocket, clearWakeup, type MmsgSocket } from './udp-socket.ts'

const Msg = { dontWait: 0x40, waitForOne: 0x10000 } as const

/** A socket is given up after so many receive calls in a row that failed for another reason than having no query. */
const maxFailures = 100

export interface BatchOptions {
  readonly libc: Libc
  /** Writes the response to each query of the batch; must not throw. */
  readonly respond: Respond
  readonly counters: Counters
  readonly maxUdpOctets: number
}

/** One socket with the memory for its batches. */
export class Batch {
  readonly socket: MmsgSocket
  readonly #libc: Libc
  readonly #respond: Respond
  readonly #counters: Counters
  /** Referenced for as long as the batch is: C code holds only its address. */
  readonly #arena: Arena
  #failures = 0

  constructor(socket: MmsgSocket, { libc, respond, counters, maxUdpOctets }: BatchOptions) {
    this.socket = socket
    this.#libc = libc
    this.#respond = respond
    this.#counters = counters
    this.#arena = createArena(libc, socket, maxUdpOctets)
  }

  /**
   * Receives a batch: the number of queries, 0 if there were none within the socket's timeout (or at once, unless
   * `isBlocking`). Throws the errno when the socket keeps failing.
   */
  receive(isBlocking: boolean): number {
    const { address, offsets } = this.#arena
    const flags = isBlocking ? Msg.waitForOne : Msg.dontWait
    const headers = address + offsets.queryHeaders
    const received = this.#libc.recvmmsg(this.socket.fd, headers, batchSize, flags, 0)
    if (received < 0) return this.#failed()
    this.#failures = 0
    return received
  }

  /** Answers the `received` queries of the last call of `receive`. */
  answer(received: number): void {
    const { octets, words, offsets } = this.#arena
    let first = 0
    for (let entry = 0; entry < received; entry++) {
      const header = (offsets.queryHeaders + entry * headerOctets) >> 2
      this.#prepareHeaders(entry, header)
      const octetsWritten = this.#respond(
        octets,
        offsets.queries + entry * queryStride,
        words[header + (headerField.length >> 2)] as number,
        this.#peer(entry),
        octets,
        offsets.answers + entry * offsets.answerStride,
      )
      words[(offsets.answerIovecs + entry * iovecOctets + 8) >> 2] = octetsWritten
      if (octetsWritten > 0) continue
      this.#send(first, entry)
      first = entry + 1
    }
    this.#send(first, received)
  }

  #failed(): number {
    const errno = this.#libc.errno()
    if (errno === EAGAIN || errno === EINTR) return 0
    if (++this.#failures >= maxFailures) throw systemError('recvmmsg', errno)
    return 0
  }

  /**
   * Resets the lengths that the kernel overwrote with what it used, and would take for the room there is when it next
   * receives; and makes the packet info that of the answer.
   */
  #prepareHeaders(entry: number, header: number): void {
    const { words, offsets } = this.#arena
    const { family, isWildcard } = this.socket
    const { nameOctets, controlOctets } = layoutOf[family]
    words[header + (headerField.nameLength >> 2)] = nameOctets
    if (!isWildcard) return
    const received = header + (headerField.controlLength >> 2)
    const answer = (offsets.answerHeaders + entry * headerOctets + headerField.controlLength) >> 2
    words[answer] = words[received] as number
    words[received] = controlOctets
    reversePacketInfo(words, offsets.controls + entry * controlStride, family)
  }

  /** The client of an entry, with its port from the received name. */
  #peer(entry: number): Peer {
    const { octets, peers, offsets } = this.#arena
    const peer = peers[entry] as Peer
    peer.port = readUint16(octets, offsets.names + entry * nameStride + 2)
    return peer
  }

  /** Sends the answers of the entries from `first` up to `end`. */
  #send(first: number, end: number): void {
    const { address, offsets } = this.#arena
    let next = first
    while (next < end) {
      const headers = address + offsets.answerHeaders + next * headerOctets
      const sent = this.#libc.sendmmsg(this.socket.fd, headers, end - next, Msg.dontWait)
      if (sent > 0) {
        next += sent
        continue
      }
      if (sent < 0 && this.#libc.errno() === EINTR) continue
      // A failure concerns that client alone: no waiting for room in the send buffer, no second attempt.
      this.#counters.add('sendErrors')
      next++
    }
  }
}

// One thread a core serves all endpoints. With one socket it blocks in recvmmsg; with several it calls poll(2) to find
// those that have queries. A thread for each socket would save that call, but each would need a copy of the zones, and
// the load of a core would depend on how the queries are spread over the addresses.
//
// A thread whose only socket had no query for 100 ms waits by poll(2) as well: for a query and for a message at once, so
// that a server that nobody asks hardly wakes up. Under load it would be one more call a query.

interface MmsgListener {
  /**
   * Receives and answers one batch of each socket that has queries; blocks until one has, until `wakeupFd` is readable,
   * or for five seconds. Throws the errno of a socket that keeps failing.
   */
  pollOnce(): void
}

interface MmsgOptions extends BatchOptions {
  /** Readable when there is a message for this thread (udp-socket.ts). */
  readonly wakeupFd: number
  /** Called each time queries were received, before they are answered; and when `pollOnce` found none. */
  readonly beforeAnswering: () => void
}

/** The longest wait without queries and messages: a process that exits without a word waits for it. */
const quietWaitMs = 5000

/** Binds the sockets. Throws the bind's errno. */
export function listenMmsg(sockets: readonly MmsgSocket[], options: MmsgOptions): MmsgListener {
  for (const socket of sockets) bindSocket(options.libc, socket)
  const batches = sockets.map((socket) => new Batch(socket, options))
  const [only] = batches
  return batches.length === 1 && only ? listenOne(only, options) : listenMany(batches, options)
}

function listenOne(batch: Batch, options: MmsgOptions): MmsgListener {
  const { beforeAnswering } = options
  const polled = new PolledSockets([batch], options)
  let isQuiet = false
  return {
    pollOnce() {
      if (isQuiet && polled.wait() === 0) return beforeAnswering()
      const received = batch.receive(true)
      isQuiet = received === 0
      beforeAnswering()
      batch.answer(received)
    },
  }
}

function listenMany(batches: readonly Batch[], options: MmsgOptions): MmsgListener {
  const { beforeAnswering } = options
  const polled = new PolledSockets(batches, options)
  return {
    pollOnce() {
      if (polled.wait() === 0) return beforeAnswering()
      for (const [i, batch] of batches.entries()) {
        if (!polled.isReady(i)) continue
        const received = batch.receive(false)
        beforeAnswering()
        batch.answer(received)
      }
    },
  }
}

const readable = 1

/** The sockets of a thread and, after them, its wakeup, as poll(2) waits for them. */
class PolledSockets {
  readonly #libc: Libc
  readonly #wakeupFd: number
  readonly #count: number
  /**
   * Larger than what V8 keeps inside its heap and may move; referenced here, as C code holds only its address.
   */
  readonly #fds: DataView
  readonly #fdsAt: number

  constructor(batches: readonly Batch[], { libc, wakeupFd }: MmsgOptions) {
    this.#libc = libc
    this.#wakeupFd = wakeupFd
    this.#count = batches.length
    const octets = Math.max(4096, (batches.length + 1) * pollfdOctets)
    this.#fds = new DataView(new ArrayBuffer(octets))
    this.#fdsAt = libc.addressOf(new Uint8Array(this.#fds.buffer))
    for (const [i, fd] of [...batches.map(({ socket }) => socket.fd), wakeupFd].entries()) {
      this.#fds.setInt32(i * pollfdOctets, fd, true)
      this.#fds.setInt16(i * pollfdOctets + 4, readable, true)
    }
  }

  /** Returns how many sockets have queries: 0 also if the thread was woken up. Throws the errno of poll. */
  wait(): number {
    const ready = this.#libc.poll(this.#fdsAt, this.#count + 1, quietWaitMs)
    const errno = ready < 0 ? this.#libc.errno() : EAGAIN
    if (errno !== EAGAIN && errno !== EINTR) throw systemError('poll', errno)
    if (ready <= 0) return 0
    if (!this.isReady(this.#count)) return ready
    clearWakeup(this.#libc, this.#wakeupFd)
    return ready - 1
  }

  /** Whether the last `wait` found something in the socket of that index. */
  isReady(i: number): boolean {
    return this.#fds.getInt16(i * pollfdOctets + 6, true) !== 0
  }
}
