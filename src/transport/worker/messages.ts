// What the control thread and an answering worker tell each other. Everything is structured-cloneable.

import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import {
  createRateLimiter,
  type RateLimiter,
  type RateLimitOptions,
} from '../../admission/rate-limit.ts'
import { type CookieKeeper, createCookieKeeper } from '../../admission/server-cookie.ts'
import type { ServerIdentity } from '../../answer/context.ts'
import type { Endpoint } from '../../lib/ip.ts'
import type { PlaceNetworks } from '../../steer/scope/place-networks.ts'
import type { PackedCatalog } from '../../zone/packed-catalog.ts'
import type { StreamSettings } from '../stream/streams.ts'
import type { CertificatePair } from '../stream/tls.ts'
import type { MmsgSocket } from '../udp/udp-socket.ts'

/**
 * mmsg: UDP alone, in a loop that blocks. stream: what lives on the event loop, beside the `mmsg` workers.
 * dgram: both on one event loop, where there is no mmsg.
 */
export type WorkerKind = 'mmsg' | 'stream' | 'dgram'

/** Given to a worker at birth. */
export interface WorkerBirth {
  readonly kind: WorkerKind
  readonly endpoints: readonly Endpoint[]
  /** Not yet bound; of a worker of kind `mmsg` alone. The control thread closes them. */
  readonly sockets: readonly MmsgSocket[]
  /** Raised after each message to the worker (messages.ts). */
  readonly mailFlag: SharedArrayBuffer
  readonly catalog: PackedCatalog
  readonly healthBuffer: SharedArrayBuffer
  readonly countersBuffer: SharedArrayBuffer
  readonly maxUdpOctets: number
  readonly answering: Answering
  readonly places: PlaceNetworks
  /** Absent: TCP, and nothing else over connections. */
  readonly streams?: StreamSettings
}

export type ToWorker =
  | { readonly kind: 'catalog'; readonly catalog: PackedCatalog }
  /** Databases to go by from now on, in shared memory. */
  | { readonly kind: 'places'; readonly places: PlaceNetworks }
  | { readonly kind: 'certificate'; readonly pair: CertificatePair }
  /** The end is near: connections that fall idle are closed. */
  | { readonly kind: 'lameduck' }
  /** Close the sockets and exit. */
  | { readonly kind: 'stop' }

export type FromWorker =
  /** `receiveOctets`: the smallest receive buffer of its UDP sockets; null without any. */
  | { readonly kind: 'listening'; readonly receiveOctets: number | null }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }

// What the operator chose about answers, as the control thread hands it to the workers; and what a worker makes of it.

/** Plain data: it crosses threads. */
export interface Answering {
  readonly identity: ServerIdentity
  /** Of 16 octets each; the first one signs. Without any there are no cookies. */
  readonly cookieSecrets: readonly Uint8Array[]
  /** null: nobody is limited. */
  readonly rateLimit: RateLimitOptions | null
}

interface Guards {
  readonly cookies: CookieKeeper | null
  readonly limiter: RateLimiter | null
}

/** Both have tables and buffers of their own: one set a thread. */
export const createGuards = ({ cookieSecrets, rateLimit }: Answering): Guards => ({
  cookies: cookieSecrets.length === 0 ? null : createCookieKeeper({ secrets: cookieSecrets }),
  limiter: rateLimit === null ? null : createRateLimiter(rateLimit),
})

/**
 * The same for clients whose datagrams a proxy brings. It sends from a port or a few, so that one worker may get all of
 * them: each has the whole of the limits, not its part.
 */
export const throughProxy = (answering: Answering): Answering => ({
  ...answering,
  rateLimit: answering.rateLimit && { ...answering.rateLimit, workers: 1 },
})

// Mail for a thread that blocks: a word in shared memory says that there is some, so that looking costs nothing.

export interface Mailbox {
  /** Calls `onMail` for each message that has come since. */
  look(onMail: (message: ToWorker) => void): void
}

export const createMailFlag = (): SharedArrayBuffer => new SharedArrayBuffer(4)

/** After the message was posted. */
export function raiseMailFlag(flag: SharedArrayBuffer): void {
  Atomics.add(new Int32Array(flag), 0, 1)
}

export function openMailbox(port: MessagePort, flag: SharedArrayBuffer): Mailbox {
  const raised = new Int32Array(flag)
  // Whatever was posted before is looked for once.
  let seen = Atomics.load(raised, 0) - 1
  return {
    look(onMail) {
      const now = Atomics.load(raised, 0)
      if (now === seen) return
      seen = now
      for (;;) {
        const mail = receiveMessageOnPort(port)
        if (!mail) return
        onMail(mail.message as ToWorker)
      }
    },
  }
}
