// The connections of the admin listener, and which of them is closed when there are too many: never
// one that has just come, so that no client is shut out by connections that send nothing.
//
//   of a client (an IPv4 address or an IPv6 /64)   32, of all together 128
//   before the first request                       5 s
//   kept open after a reply                        10 s, of which clients are told 5
//   a reply that is not read                       30 s
//   a stream                                       as long as streams.ts lets it, and it is closed last
//
// A client that has just connected has a second to send a request before it counts as idle; those make 512 at
// most. A request of a vital route is let finish.

import type { Socket } from 'node:net'

import { isIpv4Mapped, parseAddress } from '../../lib/ip.ts'
import type { AdminCounters } from '../admin-counters.ts'

export const connectionLimits = {
  ofClient: 32,
  ofAll: 128,
  /** At no time more, however many connect within the grace. */
  atOnce: 512,
  graceMs: 1000,
  idleMs: 5000,
  keptMs: 10_000,
  replyMs: 30_000,
} as const

export interface Connection {
  readonly client: string
  readonly acceptedMs: number
  /** Since when it is idle, or its request under way; of one that has just connected, the accept. */
  sinceMs: number
  /** Whether a request is under way. */
  isBusy: boolean
  /** Whether that is one of a vital route. */
  isVital: boolean
  /** Whether that is a stream of events. */
  isStream: boolean
  /** Whether a reply was written on it. */
  isKept: boolean
  readonly socket: Pick<Socket, 'destroy'>
}

export interface Connections {
  /** Takes in a connection; another one is closed for it if need be. */
  admit(socket: Socket): Connection
  /** The connection has ended. */
  remove(connection: Connection): void
  /** Closes those that are late or too many; to be called some times a second while there are connections. */
  sweep(): void
  readonly size: number
}

export const createConnections = (
  counters: AdminCounters,
  monotonicMs: () => number,
): Connections => new OpenConnections(counters, monotonicMs)

class OpenConnections implements Connections {
  readonly #open = new Set<Connection>()
  readonly #counters: AdminCounters
  readonly #monotonicMs: () => number

  constructor(counters: AdminCounters, monotonicMs: () => number) {
    this.#counters = counters
    this.#monotonicMs = monotonicMs
  }

  get size(): number {
    return this.#open.size
  }

  admit(socket: Socket): Connection {
    const nowMs = this.#monotonicMs()
    if (this.#open.size >= connectionLimits.atOnce)
      this.#evict(inOrder(largestClient(this.#open), nowMs), 1)
    const client = clientOf(socket.remoteAddress ?? '')
    const state = { isBusy: false, isVital: false, isStream: false, isKept: false }
    const connection = { client, acceptedMs: nowMs, sinceMs: nowMs, ...state, socket }
    this.#open.add(connection)
    this.#counters.add('accepted')
    this.#counters.set('open', this.#open.size)
    return connection
  }

  remove(connection: Connection): void {
    this.#open.delete(connection)
    this.#counters.set('open', this.#open.size)
  }

  sweep(): void {
    const nowMs = this.#monotonicMs()
    for (const connection of this.#open)
      if (nowMs - connection.sinceMs > limitMsOf(connection)) this.#close(connection, 'late')
    const settled = [...this.#open].filter((one) => !isNew(one, nowMs))
    for (const siblings of Map.groupBy(settled, ({ client }) => client).values())
      this.#evict(inOrder(siblings, nowMs), siblings.length - connectionLimits.ofClient)
    while (settled.filter((one) => this.#open.has(one)).length > connectionLimits.ofAll)
      this.#evict(inOrder(largestClient(settled.filter((one) => this.#open.has(one))), nowMs), 1)
  }

  #evict(from: readonly Connection[], count: number): void {
    for (const one of from.slice(0, Math.max(0, count))) this.#close(one, 'crowded')
  }

  #close(connection: Connection, why: 'crowded' | 'late'): void {
    if (!this.#open.delete(connection)) return
    this.#counters.add(why)
    this.#counters.set('open', this.#open.size)
    connection.socket.destroy()
  }
}

const limitMsOf = ({ isBusy, isStream, isKept }: Connection): number =>
  isStream
    ? Infinity
    : isBusy
      ? connectionLimits.replyMs
      : isKept
        ? connectionLimits.keptMs
        : connectionLimits.idleMs

const isNew = ({ acceptedMs, isKept }: Connection, nowMs: number): boolean =>
  !isKept && nowMs - acceptedMs < connectionLimits.graceMs

/**
 * In the order in which they have to go: the longest idle ones, those whose request is longest under
 * way, then new ones and requests of vital routes.
 */
function inOrder(from: readonly Connection[], nowMs: number): readonly Connection[] {
  const rank = (one: Connection): number =>
    one.isBusy ? (one.isVital || one.isStream ? 3 : 1) : isNew(one, nowMs) ? 2 : 0
  return from.toSorted((a, b) => rank(a) - rank(b) || a.sinceMs - b.sinceMs)
}

function largestClient(open: Iterable<Connection>): readonly Connection[] {
  const groups = [...Map.groupBy(open, ({ client }) => client).values()]
  return groups.toSorted((a, b) => b.length - a.length)[0] ?? []
}

/** What counts as one client: an IPv4 address, or the /64 of an IPv6 address, as text. */
export function clientOf(address: string): string {
  const octets = parseAddress(address.replace(/%.*$/, ''))?.octets
  if (octets === undefined) return ''
  if (isIpv4Mapped(octets)) return octets.subarray(12).join('.')
  return octets.length === 4 ? octets.join('.') : octets.subarray(0, 8).join(':')
}
