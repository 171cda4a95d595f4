// How many probes may be in flight: in all, to one host, to one network (/24, /56). Who finds no place waits in line
// for the host or the network that has none, and is told when one falls free.

import { parseAddress } from '../lib/ip.ts'

export interface FlightLimits {
  readonly total: number
  readonly perHost: number
  readonly perNetwork: number
}

export const defaultFlightLimits: FlightLimits = { total: 4000, perHost: 4, perNetwork: 20 }

export interface Flier {
  /** An address. */
  readonly destination: string
  /** The network that it is in, by networkOf. */
  readonly network: string
}

interface Line<Item> {
  inFlight: number
  readonly limit: number
  /** Empty most of the time, and made only when somebody has to wait. */
  waiting: Set<Item> | null
}

export class FlightCaps<Item extends Flier> {
  readonly #limits: FlightLimits
  readonly #lines = new Map<string, Line<Item>>()
  #inFlight = 0

  constructor(limits: FlightLimits) {
    this.#limits = limits
  }

  get inFlight(): number {
    return this.#inFlight
  }

  isFull(): boolean {
    return this.#inFlight >= this.#limits.total
  }

  /** A place, or a place in a line: false. */
  take(item: Item): boolean {
    const lines = this.#linesOf(item)
    const full = lines.find((line) => line.inFlight >= line.limit)
    if (full) {
      full.waiting ??= new Set()
      full.waiting.add(item)
      return false
    }
    for (const line of lines) line.inFlight++
    this.#inFlight++
    return true
  }

  /** Gives the place back; who may try now. */
  leave(item: Item): readonly Item[] {
    for (const line of this.#linesOf(item)) line.inFlight--
    this.#inFlight--
    return this.next(item)
  }

  /** Takes it out of the lines; who may try now. */
  forget(item: Item): readonly Item[] {
    for (const line of this.#linesOf(item)) line.waiting?.delete(item)
    return this.next(item)
  }

  /** The first in each line of the item's that has room. Who is let go and finds the other line full: call again. */
  next(item: Item): readonly Item[] {
    const admitted: Item[] = []
    for (const key of [item.destination, item.network]) {
      const line = this.#lines.get(key)
      if (!line) continue
      const first = line.inFlight < line.limit ? line.waiting?.values().next().value : undefined
      if (first !== undefined) {
        line.waiting?.delete(first)
        admitted.push(first)
      } else if (line.inFlight === 0 && !line.waiting?.size) this.#lines.delete(key)
    }
    return admitted
  }

  #linesOf({ destination, network }: Item): readonly Line<Item>[] {
    const { perHost, perNetwork } = this.#limits
    return [this.#line(destination, perHost), this.#line(network, perNetwork)]
  }

  #line(key: string, limit: number): Line<Item> {
    const known = this.#lines.get(key)
    if (known) return known
    const line = { inFlight: 0, limit, waiting: null }
    this.#lines.set(key, line)
    return line
  }
}

/** The /24 or /56 that an address is in; not to be taken for an address. */
export function networkOf(destination: string): string {
  const address = parseAddress(destination)
  if (!address) return `${destination}/`
  return `${address.octets.subarray(0, address.family === 4 ? 3 : 7).join('.')}/`
}
