// The connections of the admin listener, and which of them is closed when there are too many: never
// the newest, so that nobody is shut out by connections that say nothing.
//
//   of a client (an IPv4 address or an IPv6 /64)   32, of all together 128
//   before the first request                       5 s
//   kept open after a reply                        10 s, of which clients are told 5
//   a reply that is not read                       30 s
//
// Whoever has just connected has two turns of the event loop to send a request before it counts as idle.

import type { Socket } from 'node:net'

import { isIpv4Mapped, parseAddress } from '../../lib/ip.ts'
import type { AdminCounters } from '../admin-counters.ts'

export const connectionLimits = {
  ofClient: 32,
  ofAll: 128,
  /** At no time more, however many connect within two turns. */
  atOnce: 192,
  idleMs: 5000,
  keptMs: 10_000,
  replyMs: 30_000,
} as const

export interface Connection {
  readonly client: string
  /** Since when it is idle, or its request under way; of one that has just connected, the accept. */
  sinceMs: number
  /** Whether a request is under way. */
  isBusy: boolean
  /** Whether a reply was written on it. */
  isKept: boolean
  /** Whether it had its two turns. */
  isSettled: boolean
  readonly socket: Pick<Socket, 'destroy'>
}

export interface Connections {
  /** Takes in a connection; others are closed for it if need be. */
  admit(socket: Socket): Connection
  /** The connection has ended. */
  remove(connection: Connection): void
  /** Closes those that are late; to be called about once a second. */
  sweep(): void
}

export const createConnections = (
  counters: AdminCounters,
  monotonicMs: () => number,
  afterTurn: (call: () => void) => void = setImmediate,
): Connections => new OpenConnections(counters, monotonicMs, afterTurn)

class OpenConnections implements Connections {
  readonly #open = new Set<Connection>()
  readonly #counters: AdminCounters
  readonly #monotonicMs: () => number
  readonly #afterTurn: (call: () => void) => void

  constructor(
    counters: AdminCounters,
    monotonicMs: () => number,
    afterTurn: (call: () => void) => void,
  ) {
    this.#counters = counters
    this.#monotonicMs = monotonicMs
    this.#afterTurn = afterTurn
  }

  admit(socket: Socket): Connection {
    if (this.#open.size >= connectionLimits.atOnce) this.#evict(largestClient(this.#open))
    const client = clientOf(socket.remoteAddress ?? '')
    const sinceMs = this.#monotonicMs()
    const connection = { client, sinceMs, isBusy: false, isKept: false, isSettled: false, socket }
    this.#open.add(connection)
    this.#counters.add('accepted')
    this.#counters.set('open', this.#open.size)
    this.#afterTurn(() => this.#afterTurn(() => this.#settle(connection)))
    return connection
  }

  remove(connection: Connection): void {
    this.#open.delete(connection)
    this.#counters.set('open', this.#open.size)
  }

  sweep(): void {
    const nowMs = this.#monotonicMs()
    for (const connection of this.#open) {
      if (nowMs - connection.sinceMs > limitMsOf(connection)) this.#close(connection, 'late')
    }
  }

  #settle(connection: Connection): void {
    connection.isSettled = true
    const siblings = [...this.#open].filter(({ client }) => client === connection.client)
    if (siblings.length > connectionLimits.ofClient) this.#evict(siblings)
    if (this.#open.size > connectionLimits.ofAll) this.#evict(largestClient(this.#open))
  }

  #evict(from: readonly Connection[]): void {
    const victim = firstToGo(from)
    if (victim) this.#close(victim, 'crowded')
  }

  #close(connection: Connection, why: 'crowded' | 'late'): void {
    if (!this.#open.delete(connection)) return
    this.#counters.add(why)
    this.#counters.set('open', this.#open.size)
    connection.socket.destroy()
  }
}

const limitMsOf = ({ isBusy, isKept }: Connection): number =>
  isBusy ? connectionLimits.replyMs : isKept ? connectionLimits.keptMs : connectionLimits.idleMs

/** The longest idle one; without any, the one whose request is longest under way; a new one last. */
function firstToGo(from: readonly Connection[]): Connection | undefined {
  const rank = ({ isBusy, isSettled }: Connection): number => (isSettled ? Number(isBusy) : 2)
  return from.toSorted((a, b) => rank(a) - rank(b) || a.sinceMs - b.sinceMs)[0]
}

function largestClient(open: ReadonlySet<Connection>): readonly Connection[] {
  const groups = [...Map.groupBy(open, ({ client }) => client).values()]
  return groups.toSorted((a, b) => b.length - a.length)[0] ?? []
}

/** Who counts as one client: an IPv4 address, or the /64 of an IPv6 address, as text. */
export function clientOf(address: string): string {
  const octets = parseAddress(address.replace(/%.*$/, ''))?.octets
  if (octets === undefined) return ''
  if (isIpv4Mapped(octets)) return octets.subarray(12).join('.')
  return octets.length === 4 ? octets.join('.') : octets.subarray(0, 8).join(':')
}
