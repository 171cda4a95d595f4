// Hashes that are the same in every process and on every host: FNV-1a over octets, then mixed (MurmurHash3's
// finaliser), since FNV alone leaves likenesses of the input in its upper bits. Not for secrets.

export function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return mixed(hash)
}

export function hashOctets(octets: Uint8Array, count: number = octets.length): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < count; i++) hash = Math.imul(hash ^ (octets[i] as number), 0x01000193)
  return mixed(hash)
}

/** A share of the whole in [0, 1) that depends on the text alone and is spread evenly. */
export const hashShare = (text: string): number => hashText(text) / 2 ** 32

/** Of two hashes one; not commutative. */
export const combineHashes = (a: number, b: number): number =>
  mixed(Math.imul(a, 0x9e3779b1) ^ (b + 0x7f4a7c15))

/** A share of the whole above 0 and below 1, for its logarithm is taken. */
export const shareOfHash = (hash: number): number => (hash + 0.5) / 2 ** 32

function mixed(value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
