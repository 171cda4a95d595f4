// What the control thread and an answering worker tell each other. Everything is structured-cloneable.

import type { PlaceFiles } from '../geo/places.ts'
import type { Catalog } from '../zone/zone.ts'
import type { Endpoint } from './endpoint.ts'

/** Given to a worker at birth. */
export interface WorkerBirth {
  readonly endpoints: readonly Endpoint[]
  readonly catalog: Catalog
  readonly healthBuffer: SharedArrayBuffer
  readonly countersBuffer: SharedArrayBuffer
  readonly maxUdpOctets: number
  readonly geoip: PlaceFiles
}

export type ToWorker =
  | { readonly kind: 'catalog'; readonly catalog: Catalog }
  /** Close the sockets and exit. */
  | { readonly kind: 'stop' }

export type FromWorker =
  | { readonly kind: 'listening' }
  | { readonly kind: 'places-broken'; readonly why: string }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
