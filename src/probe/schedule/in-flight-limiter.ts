// How many probes may be in flight: in all, to one host, to one network (/24, /56). Who finds no place waits in line
// for the host or the network that has none, and is told when one falls free.

import { parseAddress } from '../../lib/ip.ts'

export interface InFlightLimits {
  readonly total: number
  readonly perHost: number
  readonly perNetwork: number
}

export const defaultInFlightLimits: InFlightLimits = { total: 4000, perHost: 4, perNetwork: 20 }

interface Limited {
  /** An address. */
  readonly destination: string
  /** The network that it is in, by networkOf. */
  readonly network: string
}

interface Queue<Item> {
  inFlight: number
  readonly limit: number
  /** Empty most of the time, and made only when somebody has to wait. */
  waiting: Set<Item> | null
}

const none: readonly never[] = []

export class InFlightLimiter<Item extends Limited> {
  readonly #limits: InFlightLimits
  readonly #queues = new Map<string, Queue<Item>>()
  #inFlight = 0

  constructor(limits: InFlightLimits) {
    this.#limits = limits
  }

  get inFlight(): number {
    return this.#inFlight
  }

  isFull(): boolean {
    return this.#inFlight >= this.#limits.total
  }

  /** A place, or a place in a line: false. */
  tryAcquire(item: Item): boolean {
    const host = this.#hostOf(item)
    const network = this.#networkOf(item)
    const full = isFull(host) ? host : isFull(network) ? network : null
    if (full) {
      full.waiting ??= new Set()
      full.waiting.add(item)
      return false
    }
    host.inFlight++
    network.inFlight++
    this.#inFlight++
    return true
  }

  /** Gives the place back; who may try now. */
  release(item: Item): readonly Item[] {
    this.#hostOf(item).inFlight--
    this.#networkOf(item).inFlight--
    this.#inFlight--
    return this.admit(item)
  }

  /** Takes it out of the lines, for good; who may try now. Once more where it was in flight, when it has left. */
  remove(item: Item): readonly Item[] {
    this.#hostOf(item).waiting?.delete(item)
    this.#networkOf(item).waiting?.delete(item)
    const admitted = this.admit(item)
    this.#deleteIfIdle(item.destination)
    this.#deleteIfIdle(item.network)
    return admitted
  }

  /** The first in each line of the item's that has room. Who is let go and finds the other line full: call again. */
  admit(item: Item): readonly Item[] {
    const ofHost = dequeue(this.#hostOf(item))
    const ofNetwork = dequeue(this.#networkOf(item))
    if (ofHost === null) return ofNetwork === null ? none : [ofNetwork]
    return ofNetwork === null ? [ofHost] : [ofHost, ofNetwork]
  }

  #hostOf({ destination }: Item): Queue<Item> {
    return this.#queue(destination, this.#limits.perHost)
  }

  #networkOf({ network }: Item): Queue<Item> {
    return this.#queue(network, this.#limits.perNetwork)
  }

  /** A line that nobody is in says nothing. */
  #deleteIfIdle(key: string): void {
    const line = this.#queues.get(key)
    if (line?.inFlight === 0 && !line.waiting?.size) this.#queues.delete(key)
  }

  #queue(key: string, limit: number): Queue<Item> {
    const known = this.#queues.get(key)
    if (known) return known
    const line = { inFlight: 0, limit, waiting: null }
    this.#queues.set(key, line)
    return line
  }
}

const isFull = ({ inFlight, limit }: Queue<unknown>): boolean => inFlight >= limit

/** Takes it out of the line; null: no room, or nobody there. */
function dequeue<Item>(line: Queue<Item>): Item | null {
  if (isFull(line) || !line.waiting?.size) return null
  const first = line.waiting.values().next().value ?? null
  if (first !== null) line.waiting.delete(first)
  return first
}

/** The /24 or /56 that an address is in; not to be taken for an address. */
export function networkOf(destination: string): string {
  const address = parseAddress(destination)
  if (!address) return `${destination}/`
  return `${address.octets.subarray(0, address.family === 4 ? 3 : 7).join('.')}/`
}
