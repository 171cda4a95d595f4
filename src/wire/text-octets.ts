// Text → its octets in UTF-8. Zones are made of a million short texts in ASCII, for which TextEncoder's memory outside the
// heap costs more than all that is done with it.

const encoder = new TextEncoder()
const longCharacters = 1024

export function textOctets(text: string): Uint8Array {
  if (text.length > longCharacters) return encoder.encode(text)
  const octets = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0x7f) return encoder.encode(text)
    octets[i] = code
  }
  return octets
}
