// Base64 (RFC 4648 §4), strict: padding is required, unused bits must be 0, and there is no white space.

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const valueOf: ReadonlyMap<string, number> = new Map(
  Array.from(alphabet, (character, value) => [character, value]),
)

/** Decodes text; null: it is not base64. */
export function fromBase64(text: string): Uint8Array | null {
  if (text.length % 4 !== 0) return null
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const octets = new Uint8Array((text.length / 4) * 3 - padding)
  let bits = 0
  let count = 0
  let at = 0
  for (const character of text.slice(0, text.length - padding)) {
    const value = valueOf.get(character)
    if (value === undefined) return null
    bits = ((bits << 6) | value) & 0xffff
    count += 6
    if (count < 8) continue
    count -= 8
    octets[at++] = (bits >> count) & 255
  }
  return (bits & ((1 << count) - 1)) === 0 ? octets : null
}

/** Encodes octets, with padding. */
export function toBase64(octets: Uint8Array): string {
  let text = ''
  for (let at = 0; at < octets.length; at += 3) {
    const [first = 0, second = 0, third = 0] = octets.subarray(at, at + 3)
    const group = (first << 16) | (second << 8) | third
    for (let i = 0; i < 4; i++)
      text += at + i > octets.length ? '=' : (alphabet[(group >> (18 - 6 * i)) & 63] as string)
  }
  return text
}
