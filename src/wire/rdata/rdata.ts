// What one resource record says, as octets.

/** Rdata in wire form, names within it uncompressed. */
export interface Rdata {
  readonly octets: Uint8Array
  /** Offsets in `octets` at which a name starts that may be compressed (RFC 3597 §4), ascending. */
  readonly compressible: readonly number[]
}
