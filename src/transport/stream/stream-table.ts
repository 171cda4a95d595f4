// The open connections of a worker, whatever listener took them in: caps, deadlines, and one place where a slot is
// given back. Overflow never keeps a new client out: the most idle connection goes (RFC 7766 §6.2.3, RFC 9210 §4.3).

import type { Counters } from '../../answer/counters.ts'
import type { Clock } from '../../lib/clock.ts'
import type { StreamLimits } from './stream-limits.ts'

/** A connection, as the table sees it. */
export interface Slot {
  /** Its client network; null as long as a proxy has not said who the client is. */
  readonly client: string | null
  /** `cut`: at once. `close`: what is written still goes out. */
  verdict(nowMs: number, isLameduck: boolean): 'keep' | 'close' | 'cut'
  /** Ends the connection in good order. */
  finish(): void
  destroy(): void
}

const sweepEveryMs = 250

export interface StreamTable {
  /** Takes a connection in; others may have to go. */
  admit(slot: Slot): void
  /** Once the client is known: counts it, whose other connections may have to go. */
  admitClient(slot: Slot): void
  /** An answer was written: not idle. */
  touch(slot: Slot): void
  /** Ends a connection for a limit's sake; its slot is free before the socket says so. */
  cut(slot: Slot): void
  /** Gives a slot back; again is harmless. */
  release(slot: Slot): void
  readonly size: number
  isLameduck: boolean
  /** Ends all connections, in good order for `withinMs`. */
  close(withinMs: number): Promise<void>
}

export const createStreamTable = (
  limits: StreamLimits,
  counters: Counters,
  clock: Clock,
): StreamTable => new SweptTable(limits, counters, clock)

class SweptTable implements StreamTable {
  isLameduck = false
  readonly #limits: StreamLimits
  readonly #counters: Counters
  readonly #clock: Clock
  // Order of insertion is order of activity: the first is the most idle.
  readonly #open = new Set<Slot>()
  readonly #byClient = new Map<string, Set<Slot>>()
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

  admit(slot: Slot): void {
    if (this.#open.size >= this.#limits.connections) this.#cutFirst(this.#open)
    this.#open.add(slot)
    if (slot.client !== null) this.admitClient(slot)
  }

  admitClient(slot: Slot): void {
    const { client } = slot
    if (client === null || !this.#open.has(slot)) return
    const mine = this.#byClient.get(client) ?? new Set()
    if (mine.size >= this.#limits.perClient) this.#cutFirst(mine)
    // Cutting the last one has forgotten the set.
    this.#byClient.set(client, mine.add(slot))
  }

  touch(slot: Slot): void {
    if (!this.#open.delete(slot)) return
    this.#open.add(slot)
    const mine = slot.client === null ? undefined : this.#byClient.get(slot.client)
    if (mine?.delete(slot)) mine.add(slot)
  }

  cut(slot: Slot): void {
    if (!this.#open.has(slot)) return
    this.#counters.add('tcpClosedByLimit')
    slot.destroy()
    this.release(slot)
  }

  release(slot: Slot): void {
    if (!this.#open.delete(slot) || slot.client === null) return
    const mine = this.#byClient.get(slot.client)
    mine?.delete(slot)
    if (mine?.size === 0) this.#byClient.delete(slot.client)
  }

  async close(withinMs: number): Promise<void> {
    clearInterval(this.#sweep)
    for (const slot of this.#open) slot.finish()
    await emptied(this.#open, withinMs)
    for (const slot of this.#open) slot.destroy()
  }

  #endOverdue(): void {
    const nowMs = this.#clock.monotonicMs()
    for (const slot of this.#open) {
      const verdict = slot.verdict(nowMs, this.isLameduck)
      if (verdict === 'cut') this.cut(slot)
      else if (verdict === 'close') slot.finish()
    }
  }

  #cutFirst(slots: ReadonlySet<Slot>): void {
    for (const slot of slots) return this.cut(slot)
  }
}

const lookEveryMs = 20

const emptied = (open: ReadonlySet<Slot>, withinMs: number): Promise<void> =>
  new Promise((resolve) => {
    let left = Math.ceil(withinMs / lookEveryMs)
    const look = setInterval(() => {
      if (open.size > 0 && left-- > 0) return
      clearInterval(look)
      resolve()
    }, lookEveryMs)
  })
