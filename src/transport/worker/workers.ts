// The answering workers as the control thread manages them: start, restart with backoff, publishing, counters.
//
//   starting ── listening ──► serving ── exit ──► waiting (200 ms × 2ⁿ, at most 5 s) ──► starting
//   any      ── stop ──► stopped
// After 10 s of service the backoff of a worker starts at 200 ms again. The last worker of its kind is restarted after
// 200 ms if it served for a second, however often it failed before: to answer nothing at all would be worse. So is one
// that alone reads a socket which stays open meanwhile.

import { once } from 'node:events'

import type { Counters } from '../../answer/counters.ts'
import type { ZoneKeysData } from '../../dnssec/keys-in-force.ts'
import type { SigningClockStart } from '../../dnssec/signing-clock.ts'
import type { Clock } from '../../lib/clock.ts'
import type { PlaceNetworks } from '../../steer/scope/place-networks.ts'
import type { PackedCatalog } from '../../zone/packed-catalog.ts'
import { type HandedSockets, noHandedSockets } from '../handed-socket.ts'
import type { FromWorker, ToWorker } from './messages.ts'
import { type StreamSettings, noStreams, withCertificate } from '../stream/streams.ts'
import type { CertificatePair } from '../stream/tls.ts'
import type { UdpTransport } from '../udp/udp-transport.ts'
import { wantedReceiveOctets } from '../udp/udp-socket.ts'
import {
  type WorkerHandle,
  type SharedInit,
  assignHanded,
  release,
  createWorkerHandles,
  firstBackoffMs,
  post,
  startThread,
  stopWorker,
} from './worker-handle.ts'

const maxBackoffMs = 5000
/** A thread that ran for so long resets its backoff. */
const resetBackoffAfterMs = 10_000
/** The last worker of its kind is restarted without backoff if its thread ran for so long. */
const minLastOfKindMs = 1000

export type WorkerEvent =
  /** A thread has ended by itself; another one starts after `backoffMs`. */
  | {
      readonly kind: 'exited'
      readonly worker: number
      readonly why: string
      readonly backoffMs: number
    }
  /** The replacement is listening. */
  | { readonly kind: 'restarted'; readonly worker: number }
  /** Reported once: the kernel granted a smaller UDP receive buffer than was requested. */
  | { readonly kind: 'buffer-clamped'; readonly askedOctets: number; readonly gotOctets: number }

export interface WorkersOptions {
  /** How many workers answer UDP; with mmsg, `stream` workers are added to them. */
  readonly count: number
  readonly udp: UdpTransport
  readonly init: SharedInit
  readonly clock: Clock
  /** The time to sign by, as a thread that starts gets it; absent: each finds out itself. */
  readonly signingClock?: () => SigningClockStart
  readonly onEvent: (event: WorkerEvent) => void
  /** Sockets that came bound, in place of those that workers would open. Absent: there are none. */
  readonly handed?: HandedSockets
  /** For tests: the module of the threads, in place of worker.ts. */
  readonly entry?: URL
}

export interface Workers {
  /** Resolves when all workers are listening; rejects with the first failure to start, as an Error with its `code`. */
  readonly listening: Promise<void>
  /** The counters of each worker, by its index; a restarted worker goes on with those of its predecessor. */
  readonly counters: readonly Counters[]
  /** The catalog in force in all workers: the same object until the next `publish`. */
  catalog(): PackedCatalog
  /** Puts a catalog in force in all workers, with the keys of its signed zones. */
  publish(catalog: PackedCatalog, keys?: readonly ZoneKeysData[]): void
  /** Puts GeoIP databases in force; to be called before publishing a catalog whose rules need them. */
  publishPlaces(places: PlaceNetworks): void
  /** Puts a TLS certificate in force for handshakes that begin from now on. */
  renewCertificate(pair: CertificatePair): void
  /** Announces the end: idle connections are closed early from now on. */
  lameduck(): void
  /** How many workers are listening now. */
  alive(): number
  /** How many threads were started in place of one that ended. */
  restarts(): number
  /**
   * Another process reads the sockets: no more is received here, connections that are open go on. Resolves when the last
   * of them has ended, and the threads with them.
   */
  leaveSockets(): Promise<void>
  /** Resolves when all threads have ended, within 3 s. */
  stop(): Promise<void>
}

// The entry has the same extension as this file: .ts when run from source, .js from dist.
const answeringEntry = new URL(
  import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js',
  import.meta.url,
)

export const startWorkers = (options: WorkersOptions): Workers => new WorkerGroup(options)

class WorkerGroup implements Workers {
  readonly listening: Promise<void>
  readonly counters: readonly Counters[]
  readonly #options: WorkersOptions
  readonly #handles: readonly WorkerHandle[]
  #catalog: PackedCatalog
  #keys: readonly ZoneKeysData[]
  #places: PlaceNetworks
  #streams: StreamSettings
  #isStopping = false
  #restarts = 0
  #isClampReported = false

  constructor(options: WorkersOptions) {
    this.#options = options
    this.#catalog = options.init.catalog
    this.#keys = options.init.keys ?? []
    this.#places = options.init.places
    this.#streams = options.init.streams ?? noStreams
    this.#handles = createWorkerHandles(options.udp, options.count)
    const { sockets } = options.handed ?? noHandedSockets
    assignHanded(this.#handles, sockets, options.init.endpoints)
    this.counters = this.#handles.map((handle) => handle.counters)
    this.listening = Promise.all(this.#handles.map((handle) => this.#start(handle))).then(() => {})
  }

  alive(): number {
    return this.#handles.filter((handle) => handle.isServing).length
  }

  restarts(): number {
    return this.#restarts
  }

  catalog(): PackedCatalog {
    return this.#catalog
  }

  publish(catalog: PackedCatalog, keys: readonly ZoneKeysData[] = []): void {
    this.#catalog = catalog
    this.#keys = keys
    this.#post({ kind: 'catalog', catalog, keys })
  }

  publishPlaces(places: PlaceNetworks): void {
    this.#places = places
    this.#post({ kind: 'places', places })
  }

  renewCertificate(pair: CertificatePair): void {
    this.#streams = withCertificate(this.#streams, pair)
    this.#post({ kind: 'certificate', pair })
  }

  lameduck(): void {
    this.#post({ kind: 'lameduck' })
  }

  async leaveSockets(): Promise<void> {
    this.#isStopping = true
    // A thread that starts now would open sockets beside those that were handed over.
    for (const { retry } of this.#handles) if (retry) clearTimeout(retry)
    this.#post({ kind: 'leave-sockets' })
    const threads = this.#handles.flatMap(({ thread }) => thread ?? [])
    await Promise.all(threads.map((thread) => once(thread, 'exit')))
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    await Promise.all(this.#handles.map((handle) => stopWorker(handle, this.#options.udp)))
  }

  #post(message: ToWorker): void {
    for (const handle of this.#handles) post(handle, this.#options.udp, message)
  }

  #init(): SharedInit {
    const [catalog, keys, places] = [this.#catalog, this.#keys, this.#places]
    const { init, signingClock } = this.#options
    return {
      ...init,
      catalog,
      keys,
      places,
      streams: this.#streams,
      ...(signingClock && { signingClock: signingClock() }),
    }
  }

  /** Starts a thread for the handle. Resolves when it is listening, rejects if it ends before that. */
  #start(handle: WorkerHandle): Promise<void> {
    const { clock, udp, entry = answeringEntry, handed = noHandedSockets } = this.#options
    const { duplicate } = handed
    handle.startedMs = clock.monotonicMs()
    return new Promise((resolve, reject) => {
      let why = 'it exited'
      const onExit = (): void => {
        release(handle, udp)
        reject(new Error(why))
        this.#scheduleRestart(handle, why)
      }
      try {
        const thread = startThread(handle, udp, this.#init(), { entry, duplicate })
        thread.on('message', (message: FromWorker) => {
          if (message.kind === 'failed') why = `${message.code}: ${message.message}`
          this.#receive(handle, message, resolve, reject)
        })
        thread.on('error', (error) => {
          why = error instanceof Error ? error.message : String(error)
        })
        thread.on('exit', onExit)
      } catch (error) {
        why = error instanceof Error ? error.message : String(error)
        reject(error)
        onExit()
      }
    })
  }

  #receive(
    handle: WorkerHandle,
    message: FromWorker,
    resolve: () => void,
    reject: (error: Error) => void,
  ): void {
    switch (message.kind) {
      case 'listening':
        handle.isServing = true
        this.#reportClamp(message.receiveOctets)
        return resolve()
      case 'failed':
        return reject(Object.assign(new Error(message.message), { code: message.code }))
      default:
        return message satisfies never
    }
  }

  #reportClamp(gotOctets: number | null): void {
    const askedOctets = wantedReceiveOctets
    if (gotOctets === null || gotOctets >= askedOctets || this.#isClampReported) return
    this.#isClampReported = true
    this.#options.onEvent({ kind: 'buffer-clamped', askedOctets, gotOctets })
  }

  #scheduleRestart(handle: WorkerHandle, why: string): void {
    if (this.#isStopping) return
    const { clock, onEvent } = this.#options
    const ranMs = clock.monotonicMs() - handle.startedMs
    if (ranMs > resetBackoffAfterMs) handle.backoffMs = firstBackoffMs
    const isLastOfKind = !this.#handles.some(
      ({ isServing, kind }) => isServing && kind === handle.kind,
    )
    const isMissed = isLastOfKind || handle.isSoleReader
    const backoffMs = isMissed && ranMs > minLastOfKindMs ? firstBackoffMs : handle.backoffMs
    handle.backoffMs = Math.min(handle.backoffMs * 2, maxBackoffMs)
    onEvent({ kind: 'exited', worker: handle.index, why, backoffMs })
    handle.retry = setTimeout(() => {
      this.#restarts++
      const onListening = (): void => onEvent({ kind: 'restarted', worker: handle.index })
      // A failure to listen ends in another `exited` event, which reports it.
      this.#start(handle).then(onListening, () => {})
    }, backoffMs)
  }
}
