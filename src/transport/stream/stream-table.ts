// The open connections of a worker, whatever listener took them in: caps, deadlines, and one place where a slot is
// given back. Overflow never keeps a new client out: the most idle connection goes (RFC 7766 §6.2.3, RFC 9210 §4.3).

import type { Respond } from '../../answer/context.ts'
import type { Counters } from '../../answer/counters.ts'
import type { BeginTransfer } from '../../answer/transfer/transfer.ts'
import type { Clock } from '../../lib/clock.ts'

/** A connection, as the table sees it. */
export interface Connection {
  /** Its client network; null as long as a proxy has not said who the client is. */
  readonly client: string | null
  /** `cut`: at once. `close`: what is written still goes out. */
  idleAction(nowMs: number, isLameduck: boolean): 'keep' | 'close' | 'cut'
  /** Ends the connection in good order. */
  finish(): void
  destroy(): void
}

const sweepEveryMs = 250

export interface StreamTable {
  /** Takes a connection in; others may have to go. */
  admit(slot: Connection): void
  /** Once the client is known: counts it, whose other connections may have to go. */
  admitClient(slot: Connection): void
  /** An answer was written: not idle. */
  touch(slot: Connection): void
  /** Ends a connection for a limit's sake; its slot is free before the socket says so. */
  cut(slot: Connection): void
  /** Gives a slot back; again is harmless. */
  release(slot: Connection): void
  readonly size: number
  isLameduck: boolean
  /** Ends all connections, in good order for `withinMs`. */
  close(withinMs: number): Promise<void>
}

export const createStreamTable = (
  limits: StreamLimits,
  counters: Counters,
  clock: Clock,
): StreamTable => new SweepingTable(limits, counters, clock)

const waitUntilEmpty = (open: ReadonlySet<Connection>, withinMs: number): Promise<void> =>
  new Promise((resolve) => {
    let left = Math.ceil(withinMs / checkEveryMs)
    const look = setInterval(() => {
      if (open.size > 0 && left-- > 0) return
      clearInterval(look)
      resolve()
    }, checkEveryMs)
  })

const checkEveryMs = 20

class SweepingTable implements StreamTable {
  isLameduck = false
  readonly #limits: StreamLimits
  readonly #counters: Counters
  readonly #clock: Clock
  // Order of insertion is order of activity: the first is the most idle.
  readonly #open = new Set<Connection>()
  readonly #byClient = new Map<string, Set<Connection>>()
  readonly #sweep: NodeJS.Timeout

  constructor(limits: StreamLimits, counters: Counters, clock: Clock) {
    this.#limits = limits
    this.#counters = counters
    this.#clock = clock
    this.#sweep = setInterval(() => this.#endOverdue(), sweepEveryMs)
    this.#sweep.unref()
  }

  get size(): number {
    return this.#open.size
  }

  admit(slot: Connection): void {
    if (this.#open.size >= this.#limits.connections) this.#cutFirst(this.#open)
    this.#open.add(slot)
    if (slot.client !== null) this.admitClient(slot)
  }

  admitClient(slot: Connection): void {
    const { client } = slot
    if (client === null || !this.#open.has(slot)) return
    const mine = this.#byClient.get(client) ?? new Set()
    if (mine.size >= this.#limits.perClient) this.#cutFirst(mine)
    // Cutting the last one has forgotten the set.
    this.#byClient.set(client, mine.add(slot))
  }

  touch(slot: Connection): void {
    if (!this.#open.delete(slot)) return
    this.#open.add(slot)
    const mine = slot.client === null ? undefined : this.#byClient.get(slot.client)
    if (mine?.delete(slot)) mine.add(slot)
  }

  cut(slot: Connection): void {
    if (!this.#open.has(slot)) return
    this.#counters.add('tcpClosedByLimit')
    slot.destroy()
    this.release(slot)
  }

  release(slot: Connection): void {
    if (!this.#open.delete(slot) || slot.client === null) return
    const mine = this.#byClient.get(slot.client)
    mine?.delete(slot)
    if (mine?.size === 0) this.#byClient.delete(slot.client)
  }

  async close(withinMs: number): Promise<void> {
    clearInterval(this.#sweep)
    for (const slot of this.#open) slot.finish()
    await waitUntilEmpty(this.#open, withinMs)
    for (const slot of this.#open) slot.destroy()
  }

  #endOverdue(): void {
    const nowMs = this.#clock.monotonicMs()
    for (const slot of this.#open) {
      const verdict = slot.idleAction(nowMs, this.isLameduck)
      if (verdict === 'cut') this.cut(slot)
      else if (verdict === 'close') slot.finish()
    }
  }

  #cutFirst(slots: ReadonlySet<Connection>): void {
    for (const slot of slots) return this.cut(slot)
  }
}

// What all connections of a worker share: the answering path, the limits, the table of slots, one buffer.

export interface StreamOptions {
  readonly respond: Respond
  readonly beginTransfer: BeginTransfer
  readonly counters: Counters
  readonly clock: Clock
  readonly limits?: StreamLimits
}

export interface StreamContext extends Required<StreamOptions> {
  readonly table: StreamTable
  /** Answers of one turn gather here, each with its length before it, and leave in one write. */
  readonly answerBuffer: Buffer
}

/** A length and the longest message. */
export const maxFramedOctets: number = 2 + 65_535

export function createStreamContext(sources: StreamOptions): StreamContext {
  const limits = sources.limits ?? streamLimits
  return {
    ...sources,
    limits,
    table: createStreamTable(limits, sources.counters, sources.clock),
    answerBuffer: Buffer.alloc(2 * maxFramedOctets),
  }
}

// The limits of connections: TCP, TLS and proxied ones of a worker together. An argument, so that tests can lower them.
//
// A deadline is for the whole of what it bounds: octets that drip in renew none.

export interface StreamLimits {
  /** Above it the most idle one is closed. */
  readonly connections: number
  /** Of one client network (/32 or /64); above it this client's most idle one is closed. */
  readonly perClient: number
  /** From accept to the first whole query; over TLS this includes the handshake. */
  readonly firstQueryMs: number
  /** From the first octet of a message to its last. */
  readonly messageMs: number
  /** From the last answer on. */
  readonly idleMs: number
  /** As `idleMs`, while the server is about to stop: answers have told the client so (RFC 7828 §3.3.2). */
  readonly lameduckIdleMs: number
  /** From accept; a zone transfer may go beyond it, up to `transferMs`. */
  readonly lifetimeMs: number
  readonly transferMs: number
  /** A client with more answers than this unread is not read from. */
  readonly unreadOctets: number
  /** From a write to the moment it, or one before it, was taken by the kernel. */
  readonly writeMs: number
  /** Answered in one go; then other connections get their turn. */
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
