// Octets of messages: 16-bit integers in network byte order, and text encoded in UTF-8.

/** The unsigned 16-bit integer in network byte order at `at`. Octets past the end count as 0. */
export const readUint16 = (octets: Uint8Array, at: number): number =>
  ((octets[at] as number) << 8) | (octets[at + 1] as number)

/** Writes the low 16 bits of `value` in network byte order at `at`. */
export function writeUint16(octets: Uint8Array, at: number, value: number): void {
  octets[at] = value >> 8
  octets[at + 1] = value
}

/** Writes the low 32 bits of `value` in network byte order at `at`. */
export function writeUint32(octets: Uint8Array, at: number, value: number): void {
  writeUint16(octets, at, value >>> 16)
  writeUint16(octets, at + 2, value)
}

const encoder = new TextEncoder()
const maxLoopCharacters = 1024

/**
 * The octets of a text in UTF-8. Zone files hold up to a million short ASCII texts: for these a loop is cheaper than
 * TextEncoder, whose results live outside the JavaScript heap.
 */
export function textOctets(text: string): Uint8Array {
  if (text.length > maxLoopCharacters) return encoder.encode(text)
  const octets = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0x7f) return encoder.encode(text)
    octets[i] = code
  }
  return octets
}
