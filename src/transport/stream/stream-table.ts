// The open connections of a worker, of all its listeners: their number, in total and per client, and their deadlines.
// A full table never refuses a new client: it closes the most idle connection (RFC 7766 §6.2.3, RFC 9210 §4.3).

import type { Respond } from '../../answer/context.ts'
import type { Counters } from '../../answer/counters.ts'
import type { BeginTransfer } from '../../answer/transfer/transfer.ts'
import type { Clock } from '../../lib/clock.ts'

/** What the table needs to know of a connection. */
export interface Connection {
  /** The key of the client's network; null as long as a PROXY header has not named the client. */
  readonly client: string | null
  /** What a sweep has to do. `close`: end it once what is written has been sent. `cut`: destroy it at once. */
  idleAction(nowMs: number, isLameduck: boolean): 'keep' | 'close' | 'cut'
  /** Ends the connection once what is written has been sent; before its first answer, once that has been. */
  finish(): void
  /** Ends the connection at once. */
  destroy(): void
}

/** How often deadlines are checked while there are connections: without, an idle worker has no reason to wake up. */
const sweepEveryMs = 250

export interface StreamTable {
  /** Adds a connection; if the table is full, the most idle one is cut. */
  admit(connection: Connection): void
  /** Counts a connection for its client, once that is known; if the client has too many, its most idle one is cut. */
  admitClient(connection: Connection): void
  /** Marks a connection as the least idle; to be called when an answer was written. */
  touch(connection: Connection): void
  /** Destroys and counts a connection that is over a limit; it is removed at once, before its socket has closed. */
  cut(connection: Connection): void
  /** Removes a connection; no effect if it was removed before. */
  release(connection: Connection): void
  readonly size: number
  /** The server is about to stop: `lameduckIdleMs` applies instead of `idleMs`. */
  isLameduck: boolean
  /** Finishes all connections, and destroys those that are still open after `withinMs`. */
  close(withinMs: number): Promise<void>
}

export const createStreamTable = (
  limits: StreamLimits,
  counters: Counters,
  clock: Clock,
): StreamTable => new SweepingTable(limits, counters, clock)

/** Resolves when there are no connections, after `withinMs` at the latest. */
const waitUntilEmpty = (open: ReadonlySet<Connection>, withinMs: number): Promise<void> =>
  new Promise((resolve) => {
    let checksLeft = Math.ceil(withinMs / checkEveryMs)
    const timer = setInterval(() => {
      if (open.size > 0 && checksLeft-- > 0) return
      clearInterval(timer)
      resolve()
    }, checkEveryMs)
  })

const checkEveryMs = 20

class SweepingTable implements StreamTable {
  isLameduck = false
  readonly #limits: StreamLimits
  readonly #counters: Counters
  readonly #clock: Clock
  // In order of activity, by removal and insertion: the first is the most idle.
  readonly #open = new Set<Connection>()
  readonly #byClient = new Map<string, Set<Connection>>()
  /** Runs while there are connections; undefined at other times. */
  #sweep: NodeJS.Timeout | undefined

  constructor(limits: StreamLimits, counters: Counters, clock: Clock) {
    this.#limits = limits
    this.#counters = counters
    this.#clock = clock
  }

  get size(): number {
    return this.#open.size
  }

  admit(connection: Connection): void {
    if (this.#open.size >= this.#limits.connections) this.#cutMostIdle(this.#open)
    this.#open.add(connection)
    this.#sweep ??= setInterval(() => this.#endOverdue(), sweepEveryMs).unref()
    if (connection.client !== null) this.admitClient(connection)
  }

  admitClient(connection: Connection): void {
    const { client } = connection
    if (client === null || !this.#open.has(connection)) return
    const ofClient = this.#byClient.get(client) ?? new Set()
    if (ofClient.size >= this.#limits.perClient) this.#cutMostIdle(ofClient)
    // Cutting the client's last connection has removed the set.
    this.#byClient.set(client, ofClient.add(connection))
  }

  touch(connection: Connection): void {
    if (!this.#open.delete(connection)) return
    this.#open.add(connection)
    const ofClient = connection.client === null ? undefined : this.#byClient.get(connection.client)
    if (ofClient?.delete(connection)) ofClient.add(connection)
  }

  cut(connection: Connection): void {
    if (!this.#open.has(connection)) return
    this.#counters.add('tcpClosedByLimit')
    connection.destroy()
    this.release(connection)
  }

  release(connection: Connection): void {
    if (!this.#open.delete(connection) || connection.client === null) return
    const ofClient = this.#byClient.get(connection.client)
    ofClient?.delete(connection)
    if (ofClient?.size === 0) this.#byClient.delete(connection.client)
  }

  async close(withinMs: number): Promise<void> {
    clearInterval(this.#sweep)
    for (const connection of this.#open) connection.finish()
    await waitUntilEmpty(this.#open, withinMs)
    for (const connection of this.#open) connection.destroy()
  }

  #endOverdue(): void {
    const nowMs = this.#clock.monotonicMs()
    for (const connection of this.#open) {
      const action = connection.idleAction(nowMs, this.isLameduck)
      if (action === 'cut') this.cut(connection)
      else if (action === 'close') connection.finish()
    }
    if (this.#open.size > 0) return
    clearInterval(this.#sweep)
    this.#sweep = undefined
  }

  /** Cuts the first of `connections`. */
  #cutMostIdle(connections: ReadonlySet<Connection>): void {
    for (const connection of connections) return this.cut(connection)
  }
}

/** What answers the queries of a worker's connections. */
export interface StreamOptions {
  readonly respond: Respond
  readonly beginTransfer: BeginTransfer
  readonly counters: Counters
  readonly clock: Clock
  /** Absent: `streamLimits`. */
  readonly limits?: StreamLimits
}

/** What all connections of a worker share. */
export interface StreamContext extends Required<StreamOptions> {
  readonly table: StreamTable
  /** Where the answers to one chunk are gathered, each with its length before it, to be sent by one write. */
  readonly answerBuffer: Buffer
}

/** The octets of the length and of the longest message. */
export const maxFramedOctets: number = 2 + 65_535

export function createStreamContext(options: StreamOptions): StreamContext {
  const limits = options.limits ?? streamLimits
  return {
    ...options,
    limits,
    table: createStreamTable(limits, options.counters, options.clock),
    answerBuffer: Buffer.alloc(2 * maxFramedOctets),
  }
}

/**
 * The limits of a worker's connections, over TCP, TLS and proxies together. Each deadline is for the whole of what it
 * bounds: octets that arrive slowly do not extend it.
 */
export interface StreamLimits {
  /** The most open connections; above it the most idle one is cut. */
  readonly connections: number
  /** The most open connections of a client network (/32 or /64); above it the client's most idle one is cut. */
  readonly perClient: number
  /** From the accept to the first answer; over TLS this includes the handshake. */
  readonly firstQueryMs: number
  /** From the first octet of a message to its last. */
  readonly messageMs: number
  /** From the last answer to the close of an idle connection. */
  readonly idleMs: number
  /** As `idleMs`, while the server is about to stop; answers tell the client so (RFC 7828 §3.3.2). */
  readonly lameduckIdleMs: number
  /** From the accept; a zone transfer may exceed it, up to `transferMs`. */
  readonly lifetimeMs: number
  /** From the start of a zone transfer to its end. */
  readonly transferMs: number
  /** While so many octets of answers are unsent, no further queries are read from the client. */
  readonly unreadOctets: number
  /** The longest time without progress while the kernel holds back what was written. */
  readonly writeMs: number
  /** Queries answered in a row before other connections are served. */
  readonly queriesPerTurn: number
}

export const streamLimits: StreamLimits = {
  connections: 1024,
  perClient: 20,
  firstQueryMs: 3000,
  messageMs: 2000,
  idleMs: 10_000,
  lameduckIdleMs: 500,
  lifetimeMs: 120_000,
  transferMs: 600_000,
  unreadOctets: 65_536,
  writeMs: 5000,
  queriesPerTurn: 128,
}
