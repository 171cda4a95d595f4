// DNS messages from a stream: two octets of length, then the message (RFC 1035 §4.2.2). One message is read at a time,
// so that the caller can stop between two.

import { readUint16 } from '../../wire/octets.ts'

/** The lengths accepted: at least a header, and at most what is longer than any query that can be answered. */
export const minMessageOctets = 12
export const maxMessageOctets = 4096

export interface Framing {
  /**
   * Consumes octets of `chunk` from `at` on, up to the end of a message at most. Returns the offset behind them, or -1
   * if the stream is not DNS (a length that is not accepted).
   */
  consume(chunk: Uint8Array, at: number): number
  /** The message that the last call completed, valid until the next call; null if it completed none. */
  readonly message: Uint8Array | null
  /** Whether a message has begun and is not complete. */
  isInsideMessage(): boolean
}

const lengthOctets = 2

export const createFraming = (): Framing => new StreamFraming()

class StreamFraming implements Framing {
  message: Uint8Array | null = null
  // The octets of a message that arrives in several chunks; allocated with the first such message, and of fixed size.
  #buffer: Uint8Array | null = null
  #bufferedOctets = 0

  isInsideMessage(): boolean {
    return this.#bufferedOctets > 0
  }

  consume(chunk: Uint8Array, at: number): number {
    this.message = null
    if (this.#bufferedOctets > 0) return this.#continue(chunk, at)
    const left = chunk.length - at
    if (left >= lengthOctets) {
      const octets = readUint16(chunk, at)
      if (!isAcceptedLength(octets)) return -1
      if (left >= lengthOctets + octets) {
        const end = at + lengthOctets + octets
        this.message = chunk.subarray(at + lengthOctets, end)
        return end
      }
    }
    return this.#append(chunk, at, chunk.length)
  }

  /** Consumes octets of a message that began in an earlier chunk. */
  #continue(chunk: Uint8Array, from: number): number {
    let at = from
    if (this.#bufferedOctets < lengthOctets) at = this.#append(chunk, at, at + 1)
    const buffered = this.#buffer as Uint8Array
    const octets = readUint16(buffered, 0)
    if (!isAcceptedLength(octets)) return -1
    const missing = lengthOctets + octets - this.#bufferedOctets
    at = this.#append(chunk, at, Math.min(chunk.length, at + missing))
    if (this.#bufferedOctets < lengthOctets + octets) return at
    this.#bufferedOctets = 0
    this.message = buffered.subarray(lengthOctets, lengthOctets + octets)
    return at
  }

  /** Buffers the octets of `chunk` from `from` up to `to`; returns `to`. */
  #append(chunk: Uint8Array, from: number, to: number): number {
    this.#buffer ??= new Uint8Array(lengthOctets + maxMessageOctets)
    this.#buffer.set(chunk.subarray(from, to), this.#bufferedOctets)
    this.#bufferedOctets += to - from
    return to
  }
}

/** Whether a length is accepted. */
const isAcceptedLength = (octets: number): boolean =>
  octets >= minMessageOctets && octets <= maxMessageOctets
