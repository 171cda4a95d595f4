// The messages between the control thread and an answering worker, and the queue by which a thread that blocks in the
// kernel receives them. Everything sent can be cloned (structured clone) or lies in shared memory.

import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import {
  createRateLimiter,
  type RateLimiter,
  type RateLimitOptions,
} from '../../admission/rate-limit.ts'
import { type CookieKeeper, createCookieKeeper } from '../../admission/server-cookie.ts'
import type { ServerIdentity } from '../../answer/context.ts'
import type { ZoneKeysData } from '../../dnssec/keys-in-force.ts'
import type { SigningClockStart } from '../../dnssec/signing-clock.ts'
import type { Endpoint } from '../../lib/ip.ts'
import type { PlaceNetworks } from '../../steer/scope/place-networks.ts'
import type { PackedCatalog } from '../../zone/packed-catalog.ts'
import type { HandedSocket } from '../handed-socket.ts'
import type { StreamSettings } from '../stream/streams.ts'
import type { CertificatePair } from '../stream/tls.ts'
import type { MmsgSocket } from '../udp/udp-socket.ts'

/**
 * What a worker serves. mmsg: UDP alone, in a loop that blocks. stream: what needs an event loop (TCP, TLS, proxied
 * datagrams), beside `mmsg` workers. dgram: UDP and streams on one event loop, where mmsg is not available.
 */
export type WorkerKind = 'mmsg' | 'stream' | 'dgram'

/** The `workerData` that an answering worker starts with. */
export interface WorkerInit {
  readonly kind: WorkerKind
  readonly endpoints: readonly Endpoint[]
  /** The UDP sockets of an `mmsg` worker, not yet bound; empty for other kinds. The control thread closes them. */
  readonly sockets: readonly MmsgSocket[]
  /** Sockets that came bound, for a worker with an event loop, which closes them; where there is none, it opens its own. */
  readonly handed: readonly HandedSocket[]
  /** A counter that the control thread raises after each message it posts to the worker. */
  readonly messageFlag: SharedArrayBuffer
  /** An eventfd that it makes readable then, of an `mmsg` worker; null for other kinds. The control thread closes it. */
  readonly wakeupFd: number | null
  readonly catalog: PackedCatalog
  /** Of the catalog's signed zones; absent: none is signed. */
  readonly keys?: readonly ZoneKeysData[]
  /** Absent: its clock is as right as it seems. */
  readonly signingClock?: SigningClockStart
  readonly healthBuffer: SharedArrayBuffer
  readonly countersBuffer: SharedArrayBuffer
  readonly maxUdpOctets: number
  /** Of the worker's random numbers, fresh for each thread: four words (lib/random.ts). */
  readonly seed: Int32Array
  readonly answering: AnswerOptions
  readonly places: PlaceNetworks
  /** TLS, proxy and transfer settings; absent: plain TCP alone, and no transfers. */
  readonly streams?: StreamSettings
}

/** Control thread → worker. */
export type ToWorker =
  /** A new catalog and the keys of its zones, which replace those in force. */
  | {
      readonly kind: 'catalog'
      readonly catalog: PackedCatalog
      readonly keys: readonly ZoneKeysData[]
    }
  /** New GeoIP databases, in shared memory, which replace those in force. */
  | { readonly kind: 'places'; readonly places: PlaceNetworks }
  /** A new TLS certificate, for handshakes that begin from now on. */
  | { readonly kind: 'certificate'; readonly pair: CertificatePair }
  /** The server is about to stop: idle connections are closed early, and answers tell clients so. */
  | { readonly kind: 'lameduck' }
  /** Another process reads the sockets: receive no more, go on with open connections, and exit after the last of them. */
  | { readonly kind: 'leave-sockets' }
  /** Close the sockets and exit. */
  | { readonly kind: 'stop' }

/** Worker → control thread. */
export type FromWorker =
  /** `receiveOctets`: the smallest receive buffer among its UDP sockets; null if it has none. */
  | { readonly kind: 'listening'; readonly receiveOctets: number | null }
  /** The worker could not start, and exits. `code`: an errno such as EADDRINUSE, else `worker-failed`. */
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }

/** The operator's settings of answers, as plain data that can cross threads. */
export interface AnswerOptions {
  readonly identity: ServerIdentity
  /** Secrets of 16 octets each, of which the first one signs; empty: no server cookies. */
  readonly cookieSecrets: readonly Uint8Array[]
  /** null: no rate limiting. */
  readonly rateLimit: RateLimitOptions | null
}

interface Admission {
  readonly cookies: CookieKeeper | null
  readonly limiter: RateLimiter | null
}

/** Cookies and rate limits of one thread: both keep tables and buffers that must not be shared. */
export const createAdmission = ({ cookieSecrets, rateLimit }: AnswerOptions): Admission => ({
  cookies: cookieSecrets.length === 0 ? null : createCookieKeeper({ secrets: cookieSecrets }),
  limiter: rateLimit === null ? null : createRateLimiter(rateLimit),
})

/**
 * The options for clients whose datagrams a proxy brings. A proxy sends from few ports, so one worker may receive all
 * of its queries: each worker applies the whole of the limits rather than its share of them.
 */
export const forProxiedClients = (answering: AnswerOptions): AnswerOptions => ({
  ...answering,
  rateLimit: answering.rateLimit && { ...answering.rateLimit, workers: 1 },
})

/** Messages for a thread that blocks. A counter in shared memory makes it cheap to find that there are none; an eventfd
 * (udp-socket.ts) ends the wait of a thread without queries. */
export interface MessageQueue {
  /** Calls `onMessage` for each message that has been posted since the last call, in order. */
  drain(onMessage: (message: ToWorker) => void): void
}

/** A counter of messages posted, at 0. */
export const createMessageFlag = (): SharedArrayBuffer => new SharedArrayBuffer(4)

/** To be called after a message was posted, so that the worker finds it when it sees the counter change. */
export function raiseMessageFlag(flag: SharedArrayBuffer): void {
  Atomics.add(new Int32Array(flag), 0, 1)
}

/** The receiving side of `port`, whose messages are counted in `flag`. */
export function openMessageQueue(port: MessagePort, flag: SharedArrayBuffer): MessageQueue {
  const posted = new Int32Array(flag)
  // One less than the count, so that the first call looks for messages posted before this one.
  let drained = Atomics.load(posted, 0) - 1
  return {
    drain(onMessage) {
      const count = Atomics.load(posted, 0)
      if (count === drained) return
      drained = count
      for (;;) {
        const received = receiveMessageOnPort(port)
        if (!received) return
        onMessage(received.message as ToWorker)
      }
    },
  }
}
