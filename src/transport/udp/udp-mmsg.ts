// UDP by recvmmsg and sendmmsg, in a thread that does nothing else: it blocks until queries come.
//
// One thread a core serves all endpoints. With one socket it sleeps in recvmmsg itself; with several it asks
// poll(2) which of them have queries. A thread for each socket would spare that call, but hold a copy of the
// zones each, and leave cores idle or crowded as the queries of the day are spread over the addresses.

import { Batch, type BatchOptions } from './udp-batch.ts'
import { EAGAIN, EINTR, type Libc, systemError } from './udp-libc.ts'
import { pollfdOctets } from './udp-layout.ts'
import { type MmsgSocket, bindSocket, receiveTimeoutMs } from './udp-socket.ts'

export interface MmsgListener {
  /**
   * One batch of each socket that has queries. Sleeps for 100 ms at most until one has some.
   * `beforeAnswers` is called in every round, after the queries were read and before they are answered.
   */
  round(): void
}

export interface MmsgOptions extends BatchOptions {
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
