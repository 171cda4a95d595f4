// The PROXY header at the start of a stream, however it is cut in pieces. Its TLVs are skipped and never held.

import { type ProxyHeader, proxyReadOctets, readProxyHeader } from './proxy-protocol.ts'

export type StreamHeader = Exclude<ProxyHeader, { kind: 'short' }>

export interface ProxyHeaderReader {
  /** Takes octets of `chunk` up to the end of the header: where it stopped. */
  take(chunk: Uint8Array): number
  /** What the header says; null until it is whole. `bad` is known as early as can be. */
  readonly header: StreamHeader | null
}

export const createProxyHeaderReader = (): ProxyHeaderReader => new HeaderReader()

class HeaderReader implements ProxyHeaderReader {
  header: StreamHeader | null = null
  #read: StreamHeader | null = null
  #skip = 0
  readonly #held = new Uint8Array(proxyReadOctets)
  #heldOctets = 0

  take(chunk: Uint8Array): number {
    if (this.header !== null) return 0
    let at = 0
    while (this.#read === null && at < chunk.length) {
      // Octet by octet: what follows a short header is not ours to take.
      this.#held[this.#heldOctets++] = chunk[at++] as number
      const header = readProxyHeader(this.#held, 0, this.#heldOctets)
      if (header.kind === 'short') continue
      this.#read = header
      this.#skip = header.kind === 'bad' ? 0 : header.octets - this.#heldOctets
    }
    const skipped = Math.min(this.#skip, chunk.length - at)
    this.#skip -= skipped
    if (this.#read !== null && this.#skip === 0) this.header = this.#read
    return at + skipped
  }
}
