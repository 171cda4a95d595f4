// What the control thread and an answering worker tell each other. Everything is structured-cloneable.

import type { PlaceNetworks } from '../../steer/scope/place-networks.ts'
import type { PackedCatalog } from '../../zone/packed-catalog.ts'
import type { Answering } from './answering.ts'
import type { Endpoint } from '../../lib/ip.ts'
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
  /** Raised after each message to the worker (mailbox.ts). */
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
