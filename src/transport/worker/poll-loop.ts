// The main loop of a thread that blocks in the kernel (UDP by mmsg): it answers batches of queries, and lets the event
// loop of Node run once after each control message, and once a second for the small tasks of Node and V8; once in five
// seconds while there are no queries.

import type { SigningClock } from '../../dnssec/signing-clock.ts'
import type { Clock } from '../../lib/clock.ts'
import type { PlaceNetworks } from '../../steer/scope/place-networks.ts'
import { type BatchOptions, listenMmsg } from '../udp/udp-batch.ts'
import type { MmsgSocket } from '../udp/udp-socket.ts'
import type { MessageQueue, ToWorker } from './messages.ts'

interface PollLoopOptions extends BatchOptions {
  readonly sockets: readonly MmsgSocket[]
  /** Readable after a message was posted; see udp-socket.ts. */
  readonly wakeupFd: number
  /** Messages from the control thread. */
  readonly messages: MessageQueue
  readonly clock: BatchClock
  readonly publish: (message: Extract<ToWorker, { kind: 'catalog' }>) => void
  readonly usePlaces: (places: PlaceNetworks) => void
  /** Called once a message to stop, or to leave the sockets to another process, has come and the batch at hand is answered. */
  readonly onStop: () => void
}

/** The longest time between two runs of the event loop while there are queries. */
const maxBlockedMs = 1000

/** Binds the sockets and starts the loop, which ends with a message to stop. Throws the bind's errno. */
export function runPollLoop(options: PollLoopOptions): void {
  const { messages, clock, publish, usePlaces, onStop } = options
  let isStopping = false
  let hasMessage = false

  const onMessage = (message: ToWorker): void => {
    hasMessage = true
    if (message.kind === 'stop' || message.kind === 'leave-sockets') isStopping = true
    else if (message.kind === 'places') usePlaces(message.places)
    else if (message.kind === 'catalog') publish(message)
  }
  const listener = listenMmsg(options.sockets, {
    ...options,
    // Messages before answers: a query that arrives after a publish is answered from what was published.
    beforeAnswering() {
      clock.tick()
      messages.drain(onMessage)
    },
  })
  const iterate = (): void => {
    clock.tick()
    const untilMs = clock.monotonicMs() + maxBlockedMs
    const isOver = (): boolean => hasMessage || clock.monotonicMs() >= untilMs
    hasMessage = false
    do listener.pollOnce()
    while (!isOver())
    if (isStopping) onStop()
    else setImmediate(iterate)
  }
  setImmediate(iterate)
}

/** A clock that stands still between calls of `tick`. */
interface BatchClock extends Clock {
  /** The time to sign by, milliseconds since 1970. */
  signingMs(): number
  /** Updates the cached time from the real clock. */
  tick(): void
}

/**
 * A clock to be read once for each batch of queries: reading the real one costs as much as a good part of an answer,
 * and nothing in an answer depends on the time that passes within a batch.
 */
export function createBatchClock(clock: Clock, signing: SigningClock): BatchClock {
  let wallMs = clock.wallMs()
  let monotonicMs = clock.monotonicMs()
  let signingMs = signing.at(wallMs, monotonicMs)
  return {
    wallMs: () => wallMs,
    monotonicMs: () => monotonicMs,
    signingMs: () => signingMs,
    tick() {
      wallMs = clock.wallMs()
      monotonicMs = clock.monotonicMs()
      signingMs = signing.at(wallMs, monotonicMs)
    },
  }
}
