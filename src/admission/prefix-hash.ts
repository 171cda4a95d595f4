// A keyed 32-bit hash of an address prefix: HalfSipHash-1-3 (Aumasson), as kernels use it for tables that strangers
// fill. Who does not know the seed cannot choose prefixes that meet in one place of the table. Not for secrets.

/** 64 bits of chance, new for every process. */
export type HashSeed = readonly [number, number]

const finalRounds = 3

/** Hashes the first `prefixLength` bits of an address of 4 or 16 octets, its family and the length itself. */
export function prefixHash(seed: HashSeed, address: Uint8Array, prefixLength: number): number {
  const words = (prefixLength + 31) >> 5
  let v0 = seed[0] | 0
  let v1 = seed[1] | 0
  let v2 = seed[0] ^ 0x6c796765
  let v3 = seed[1] ^ 0x74656462
  for (let i = 0; i <= words + finalRounds; i++) {
    const word = wordAt(address, prefixLength, i, words)
    if (i === words + 1) v2 ^= 0xff
    v3 ^= word
    v0 = (v0 + v1) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 + v3) | 0
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
    v2 = (v2 + v1) | 0
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
    v2 = (v2 << 16) | (v2 >>> 16)
    v0 ^= word
  }
  return (v1 ^ v3) >>> 0
}

/** The prefix's words, then one of family and length, then nothing. */
function wordAt(address: Uint8Array, prefixLength: number, i: number, words: number): number {
  if (i > words) return 0
  if (i === words) return (address.length << 24) | prefixLength
  const at = 4 * i
  const word =
    ((address[at] as number) << 24) |
    ((address[at + 1] as number) << 16) |
    ((address[at + 2] as number) << 8) |
    (address[at + 3] as number)
  const beyond = 32 * (i + 1) - prefixLength
  return beyond > 0 ? word & (-1 << beyond) : word
}
