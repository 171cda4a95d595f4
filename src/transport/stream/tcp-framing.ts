// DNS messages out of a stream: two octets of length, then the message (RFC 1035 §4.2.2). One message is taken at a
// time, so that the caller can stop between two.

import { readUint16 } from '../../wire/octets.ts'

/** Shorter is no DNS message; longer than any query we can use. */
export const minMessageOctets = 12
export const maxMessageOctets = 4096

export interface Framing {
  /**
   * Takes octets of `chunk` from `at` on, up to the end of a message: where it stopped, or -1 if this is no DNS
   * stream. `message` is the message that became whole, valid until the next call.
   */
  consume(chunk: Uint8Array, at: number): number
  readonly message: Uint8Array | null
  /** Whether a message has begun and is not whole. */
  isInsideMessage(): boolean
}

const lengthOctets = 2

export const createFraming = (): Framing => new StreamFraming()

class StreamFraming implements Framing {
  message: Uint8Array | null = null
  // Of a message cut in pieces; there only once a client has sent one. Bounds the memory of a connection.
  #held: Uint8Array | null = null
  #heldOctets = 0

  isInsideMessage(): boolean {
    return this.#heldOctets > 0
  }

  consume(chunk: Uint8Array, at: number): number {
    this.message = null
    if (this.#heldOctets > 0) return this.#goOn(chunk, at)
    const left = chunk.length - at
    if (left >= lengthOctets) {
      const octets = readUint16(chunk, at)
      if (!isUsable(octets)) return -1
      if (left >= lengthOctets + octets) {
        const end = at + lengthOctets + octets
        this.message = chunk.subarray(at + lengthOctets, end)
        return end
      }
    }
    return this.#hold(chunk, at, chunk.length)
  }

  /** The rest of a message that began in an earlier chunk. */
  #goOn(chunk: Uint8Array, from: number): number {
    let at = from
    if (this.#heldOctets < lengthOctets) at = this.#hold(chunk, at, at + 1)
    const held = this.#held as Uint8Array
    const octets = readUint16(held, 0)
    if (!isUsable(octets)) return -1
    const missing = lengthOctets + octets - this.#heldOctets
    at = this.#hold(chunk, at, Math.min(chunk.length, at + missing))
    if (this.#heldOctets < lengthOctets + octets) return at
    this.#heldOctets = 0
    this.message = held.subarray(lengthOctets, lengthOctets + octets)
    return at
  }

  #hold(chunk: Uint8Array, from: number, to: number): number {
    this.#held ??= new Uint8Array(lengthOctets + maxMessageOctets)
    this.#held.set(chunk.subarray(from, to), this.#heldOctets)
    this.#heldOctets += to - from
    return to
  }
}

const isUsable = (octets: number): boolean =>
  octets >= minMessageOctets && octets <= maxMessageOctets
