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

/** JSON to be hashed: with the keys of every map sorted, and without `at`, the position in the document. */
export function toCanonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toCanonicalJson).join(',')}]`
  if (typeof value === 'string') return quote(value)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const members: string[] = []
  for (const [key, member] of value instanceof Map ? value : Object.entries(value)) {
    if (key !== 'at' && member !== undefined)
      members.push(`${quote(key)}:${toCanonicalJson(member)}`)
  }
  return members.length === 1 ? `{${members[0]}}` : `{${members.sort().join(',')}}`
}

/** As JSON.stringify, which is slower and which most texts do not need. */
const quote = (text: string): string =>
  /^[\w .:-]*$/.test(text) ? `"${text}"` : JSON.stringify(text)
