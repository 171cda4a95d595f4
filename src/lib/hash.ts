// Hashes that are the same in every process and on every host: FNV-1a, then the finalizer of MurmurHash3, since the
// upper bits of FNV alone resemble the input. They are not keyed: not for tables that clients fill, nor for secrets.

/** The hash of a text's UTF-16 code units: an unsigned 32-bit integer. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return finalize(hash)
}

/** The hash of the first `count` octets: an unsigned 32-bit integer. */
export function hashOctets(octets: Uint8Array, count: number = octets.length): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < count; i++) hash = Math.imul(hash ^ (octets[i] as number), 0x01000193)
  return finalize(hash)
}

/** A number in [0, 1) that depends on the text alone; over many texts it is distributed evenly. */
export const hashFraction = (text: string): number => hashText(text) / 2 ** 32

/** One hash of two, an unsigned 32-bit integer; the order matters. */
export const combineHashes = (a: number, b: number): number =>
  finalize(Math.imul(a, 0x9e3779b1) ^ (b + 0x7f4a7c15))

/** The hash as a number in (0, 1): never 0, so that its logarithm is finite. */
export const fractionOfHash = (hash: number): number => (hash + 0.5) / 2 ** 32

/** The 32-bit finalizer of MurmurHash3 (fmix32). */
function finalize(value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
