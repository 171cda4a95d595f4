// The answering workers as the control thread sees them: births, restarts with backoff, publishing, counters.
//
//   starting ── listening ──► serving ── exit ──► waiting (200 ms × 2ⁿ, at most 5 s) ──► starting
//   any      ── stop ──► stopped
// A worker that served for 10 s has earned a fresh backoff. One that served for a second, and leaves nobody who does
// what it did, is started again after 200 ms however often it died before: no answers at all are worse.

import type { Counters } from '../../answer/counters.ts'
import type { Clock } from '../../lib/clock.ts'
import type { PlaceNetworks } from '../../steer/scope/place-networks.ts'
import { type PackedCatalog, packCatalog } from '../../zone/packed-catalog.ts'
import type { Catalog } from '../../zone/zone.ts'
import type { FromWorker } from './messages.ts'
import { type StreamSettings, noStreams, withCertificate } from '../stream/streams.ts'
import type { CertificatePair } from '../stream/tls.ts'
import type { UdpTransport } from '../udp/udp-choice.ts'
import { wantedReceiveOctets } from '../udp/udp-socket.ts'
import {
  type Seat,
  type SharedBirth,
  clearSeat,
  createSeats,
  firstBackoffMs,
  post,
  seatThread,
  stopSeat,
} from './worker-handle.ts'

const lastBackoffMs = 5000
const provenAfterMs = 10_000
const missedAfterMs = 1000

export type WorkerEvent =
  | {
      readonly kind: 'exited'
      readonly worker: number
      readonly why: string
      readonly backoffMs: number
    }
  | { readonly kind: 'restarted'; readonly worker: number }
  /** Told once: the kernel gave less of a receive buffer than was asked for. */
  | { readonly kind: 'buffer-clamped'; readonly askedOctets: number; readonly gotOctets: number }

export interface WorkersOptions {
  /** Workers that answer UDP; with mmsg there are others beside them. */
  readonly count: number
  readonly udp: UdpTransport
  readonly birth: Omit<SharedBirth, 'catalog'> & { readonly catalog: Catalog }
  readonly clock: Clock
  readonly onEvent: (event: WorkerEvent) => void
  /** For tests: another thread than the answering one. */
  readonly entry?: URL
}

export interface Workers {
  /** Resolves when all of them listen; rejects with the first failure. */
  readonly listening: Promise<void>
  /** Counters outlive their worker: a restart goes on counting. */
  readonly counters: readonly Counters[]
  publish(catalog: Catalog): void
  /** Before the catalog whose rules ask for them. */
  publishPlaces(places: PlaceNetworks): void
  /** For handshakes from now on. */
  renewCertificate(pair: CertificatePair): void
  /** Connections that fall idle are closed from now on. */
  lameduck(): void
  alive(): number
  restarts(): number
  stop(): Promise<void>
}

// The entry has the ending of the file we run from: .ts from source, .js from dist.
const answeringEntry = new URL(
  import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js',
  import.meta.url,
)

export const startWorkers = (options: WorkersOptions): Workers => new SeatedWorkers(options)

class SeatedWorkers implements Workers {
  readonly listening: Promise<void>
  readonly counters: readonly Counters[]
  readonly #options: WorkersOptions
  readonly #seats: readonly Seat[]
  #catalog: PackedCatalog
  #places: PlaceNetworks
  #streams: StreamSettings
  #isStopping = false
  #restarts = 0
  #isClampTold = false

  constructor(options: WorkersOptions) {
    this.#options = options
    this.#catalog = packCatalog(options.birth.catalog)
    this.#places = options.birth.places
    this.#streams = options.birth.streams ?? noStreams
    this.#seats = createSeats(options.udp, options.count)
    this.counters = this.#seats.map((seat) => seat.counters)
    this.listening = Promise.all(this.#seats.map((seat) => this.#spawn(seat))).then(() => {})
  }

  alive(): number {
    return this.#seats.filter((seat) => seat.isServing).length
  }

  restarts(): number {
    return this.#restarts
  }

  publish(catalog: Catalog): void {
    this.#catalog = packCatalog(catalog)
    for (const seat of this.#seats) post(seat, { kind: 'catalog', catalog: this.#catalog })
  }

  publishPlaces(places: PlaceNetworks): void {
    this.#places = places
    for (const seat of this.#seats) post(seat, { kind: 'places', places })
  }

  renewCertificate(pair: CertificatePair): void {
    this.#streams = withCertificate(this.#streams, pair)
    for (const seat of this.#seats) post(seat, { kind: 'certificate', pair })
  }

  lameduck(): void {
    for (const seat of this.#seats) post(seat, { kind: 'lameduck' })
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    await Promise.all(this.#seats.map(stopSeat))
  }

  #birth(): SharedBirth {
    const [catalog, places, streams] = [this.#catalog, this.#places, this.#streams]
    return { ...this.#options.birth, catalog, places, streams }
  }

  /** Puts a new thread on the seat. Resolves when it listens, rejects if it ends before that. */
  #spawn(seat: Seat): Promise<void> {
    const { clock, udp, entry = answeringEntry } = this.#options
    seat.bornMs = clock.monotonicMs()
    return new Promise((resolve, reject) => {
      let why = 'it exited'
      const gone = (): void => {
        clearSeat(seat, udp)
        reject(new Error(why))
        this.#replace(seat, why)
      }
      try {
        const thread = seatThread(seat, udp, this.#birth(), entry)
        thread.on('message', (message: FromWorker) => {
          if (message.kind === 'failed') why = `${message.code}: ${message.message}`
          this.#hear(seat, message, resolve, reject)
        })
        thread.on('error', (error) => {
          why = error instanceof Error ? error.message : String(error)
        })
        thread.on('exit', gone)
      } catch (error) {
        why = error instanceof Error ? error.message : String(error)
        reject(error)
        gone()
      }
    })
  }

  #hear(
    seat: Seat,
    message: FromWorker,
    resolve: () => void,
    reject: (error: Error) => void,
  ): void {
    switch (message.kind) {
      case 'listening':
        seat.isServing = true
        this.#tellClamp(message.receiveOctets)
        return resolve()
      case 'failed':
        return reject(Object.assign(new Error(message.message), { code: message.code }))
      default:
        return message satisfies never
    }
  }

  #tellClamp(gotOctets: number | null): void {
    const askedOctets = wantedReceiveOctets
    if (gotOctets === null || gotOctets >= askedOctets || this.#isClampTold) return
    this.#isClampTold = true
    this.#options.onEvent({ kind: 'buffer-clamped', askedOctets, gotOctets })
  }

  #replace(seat: Seat, why: string): void {
    if (this.#isStopping) return
    const { clock, onEvent } = this.#options
    const livedMs = clock.monotonicMs() - seat.bornMs
    if (livedMs > provenAfterMs) seat.backoffMs = firstBackoffMs
    const isAlone = !this.#seats.some((one) => one.isServing && one.kind === seat.kind)
    const backoffMs = isAlone && livedMs > missedAfterMs ? firstBackoffMs : seat.backoffMs
    seat.backoffMs = Math.min(seat.backoffMs * 2, lastBackoffMs)
    onEvent({ kind: 'exited', worker: seat.index, why, backoffMs })
    seat.retry = setTimeout(() => {
      this.#restarts++
      const reborn = (): void => onEvent({ kind: 'restarted', worker: seat.index })
      // A failure to listen ends in another exit, which is where it is told.
      this.#spawn(seat).then(reborn, () => {})
    }, backoffMs)
  }
}
