/** The rdata of one resource record in wire form, with its names uncompressed. */
export interface Rdata {
  readonly octets: Uint8Array
  /** Ascending offsets in `octets` of the names that may be compressed in messages (RFC 3597 §4). */
  readonly compressible: readonly number[]
}
