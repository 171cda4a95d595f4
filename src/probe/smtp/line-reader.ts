// Lines out of octets that arrive split at any point, under the budgets of one probe.
//
//   one line    ≤ 2048 octets, its end included (RFC 5321 §4.5.3.1.5 grants 512; real banners exceed it)
//   all lines   ≤ 64
//   all octets  ≤ 16 KiB
//
// A line ends at LF; a CR before it goes too. The reader copies one line at most and keeps no chunk; its own
// memory is that of the longest line, doubled as it grows, so that hundreds of probes in flight cost little.

export const lineLimitOctets = 2048
export const lineLimit = 64
export const totalLimitOctets = 16_384

export type Excess = 'line-too-long' | 'too-many-lines' | 'too-many-octets'

export type NextLine =
  /** The octets are valid until the next call. */
  | { readonly kind: 'line'; readonly octets: Uint8Array }
  | { readonly kind: 'more' }
  | { readonly kind: 'excess'; readonly reason: Excess }

const lf = 10
const cr = 13
const nothing = new Uint8Array(0)
const firstOctets = 64

export class LineReader {
  #line: Uint8Array = nothing
  #length = 0
  #lines = 0
  #octets = 0
  #chunk: Uint8Array = nothing
  #at = 0

  /** Gives the reader what arrived; call `next` until it says `more`, and the chunk is used up. */
  push(chunk: Uint8Array): void {
    this.#chunk = chunk
    this.#at = 0
  }

  next(): NextLine {
    while (this.#at < this.#chunk.length) {
      const octet = this.#chunk[this.#at++] as number
      if (++this.#octets > totalLimitOctets) return { kind: 'excess', reason: 'too-many-octets' }
      if (octet === lf) return this.#take()
      if (this.#length === lineLimitOctets - 1) return { kind: 'excess', reason: 'line-too-long' }
      if (this.#length === this.#line.length) this.#grow()
      this.#line[this.#length++] = octet
    }
    this.#chunk = nothing
    this.#at = 0
    return { kind: 'more' }
  }

  /** The octets of a line that has no end yet. Valid until the next call. */
  partial(): Uint8Array {
    return this.#line.subarray(0, this.#length)
  }

  /** Forgets what arrived and was not read; says how many octets that was. */
  discard(): number {
    const count = this.#chunk.length - this.#at + this.#length
    this.#chunk = nothing
    this.#at = 0
    this.#length = 0
    return count
  }

  #grow(): void {
    const longer = new Uint8Array(Math.max(firstOctets, this.#line.length * 2))
    longer.set(this.#line)
    this.#line = longer
  }

  #take(): NextLine {
    if (++this.#lines > lineLimit) return { kind: 'excess', reason: 'too-many-lines' }
    const end = this.#length > 0 && this.#line[this.#length - 1] === cr ? -1 : 0
    const octets = this.#line.subarray(0, this.#length + end)
    this.#length = 0
    return { kind: 'line', octets }
  }
}
