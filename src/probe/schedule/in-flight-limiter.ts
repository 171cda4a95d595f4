// Limits how many probes are in flight: in all, to one host, to one network (/24, /56). An item over a limit waits in the
// queue of its host or network and is returned to the caller once there is room.

import { parseAddress } from '../../lib/ip.ts'

/** Maximum numbers of probes in flight. */
export interface InFlightLimits {
  readonly total: number
  readonly perHost: number
  readonly perNetwork: number
}

export const defaultInFlightLimits: InFlightLimits = { total: 4000, perHost: 4, perNetwork: 20 }

/** An item whose probes are limited. */
interface Limited {
  /** The IP address that is probed. */
  readonly destination: string
  /** The network of that address, as networkOf returns it. */
  readonly network: string
}

/** Probes in flight to one host or network, and the items that wait for one of them to end. */
interface Queue<Item> {
  inFlight: number
  readonly limit: number
  /** In order of arrival; created with the first item that has to wait. */
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

  /** Counts the item as in flight, or queues it and returns false. */
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

  /** Ends the flight of an item. Returns the items that may try again. */
  release(item: Item): readonly Item[] {
    const host = this.#hostOf(item)
    const network = this.#networkOf(item)
    host.inFlight--
    network.inFlight--
    this.#inFlight--
    return admitFrom(host, network)
  }

  /** Takes an item out of all queues. Returns the items that may try again. To be repeated after `release` if in flight. */
  remove(item: Item): readonly Item[] {
    this.#hostOf(item).waiting?.delete(item)
    this.#networkOf(item).waiting?.delete(item)
    const admitted = this.admit(item)
    this.#deleteIfIdle(item.destination)
    this.#deleteIfIdle(item.network)
    return admitted
  }

  /** Dequeues the first item of each queue of this item that has room: those may try again. */
  admit(item: Item): readonly Item[] {
    return admitFrom(this.#hostOf(item), this.#networkOf(item))
  }

  #hostOf({ destination }: Item): Queue<Item> {
    return this.#queue(destination, this.#limits.perHost)
  }

  #networkOf({ network }: Item): Queue<Item> {
    return this.#queue(network, this.#limits.perNetwork)
  }

  /** Deletes the queue of a host or network without probes and waiting items, so that the map stays bounded. */
  #deleteIfIdle(key: string): void {
    const queue = this.#queues.get(key)
    if (queue?.inFlight === 0 && !queue.waiting?.size) this.#queues.delete(key)
  }

  #queue(key: string, limit: number): Queue<Item> {
    const known = this.#queues.get(key)
    if (known) return known
    const queue = { inFlight: 0, limit, waiting: null }
    this.#queues.set(key, queue)
    return queue
  }
}

const isFull = ({ inFlight, limit }: Queue<unknown>): boolean => inFlight >= limit

function admitFrom<Item>(host: Queue<Item>, network: Queue<Item>): readonly Item[] {
  const ofHost = dequeue(host)
  const ofNetwork = dequeue(network)
  if (ofHost === null) return ofNetwork === null ? none : [ofNetwork]
  return ofNetwork === null ? [ofHost] : [ofHost, ofNetwork]
}

/** Takes the first waiting item out of the queue; null if there is no room, or nothing waits. */
function dequeue<Item>(queue: Queue<Item>): Item | null {
  if (isFull(queue) || !queue.waiting?.size) return null
  const first = queue.waiting.values().next().value ?? null
  if (first !== null) queue.waiting.delete(first)
  return first
}

/** The /24 or /56 of an address, with a final slash so that it never equals an address. */
export function networkOf(destination: string): string {
  const address = parseAddress(destination)
  if (!address) return `${destination}/`
  return `${address.octets.subarray(0, address.family === 4 ? 3 : 7).join('.')}/`
}
