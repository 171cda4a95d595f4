// Remembers the places of the last networks asked for: a direct-mapped table, one entry a cell, a newcomer takes
// the cell. The unit is the /24 or /48, so the owner must not put in what is finer than that.

import type { Place } from './record.ts'

const cells = 4_096
const unused = -1
/** Beyond the 24 bits that the first half of an IPv6 key has. */
const ipv4Mark = 0x100_0000

export interface PlaceCache {
  get(octets: Uint8Array): Place | null
  put(octets: Uint8Array, place: Place): void
}

export const cachedPrefix = (octets: Uint8Array): number => (octets.length === 4 ? 24 : 48)

export function createPlaceCache(): PlaceCache {
  const highs = new Int32Array(cells).fill(unused)
  const lows = new Int32Array(cells)
  const places: (Place | null)[] = Array.from({ length: cells }, () => null)
  return {
    get(octets) {
      const cell = cellOf(octets)
      return highs[cell] === high(octets) && lows[cell] === low(octets)
        ? (places[cell] ?? null)
        : null
    },
    put(octets, place) {
      const cell = cellOf(octets)
      highs[cell] = high(octets)
      lows[cell] = low(octets)
      places[cell] = place
    },
  }
}

const three = (octets: Uint8Array, at: number): number =>
  ((octets[at] as number) << 16) | ((octets[at + 1] as number) << 8) | (octets[at + 2] as number)

const high = (octets: Uint8Array): number => (octets.length === 4 ? ipv4Mark : three(octets, 0))
const low = (octets: Uint8Array): number => three(octets, octets.length === 4 ? 0 : 3)

/** Multiplicative hashing: the upper 12 bits of the product are the well-mixed ones. */
const cellOf = (octets: Uint8Array): number =>
  Math.imul(Math.imul(high(octets), 0x9e37_79b1) ^ low(octets), 0x85eb_ca6b) >>> 20
