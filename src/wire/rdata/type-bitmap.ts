// Type bitmaps (RFC 4034 §4.1.2): blocks of window number, length 1–32, bits; windows ascending, no trailing zeros.

import { typeFromText, typeToText } from '../rrtype.ts'
import {
  asText,
  bad,
  type Field,
  mismatch,
  pushAll,
  type DecodeState,
  restTokens,
  takeOctets,
} from './field.ts'

export function typeBitmap(label: string): Field {
  return {
    parse(draft) {
      const types: number[] = []
      for (const token of restTokens(draft)) {
        const type = token.quoted ? undefined : typeFromText(token.text)
        if (type === undefined) return mismatch(label, token, 'types such as A or TYPE65400')
        types.push(type)
      }
      pushAll(draft.octets, encode(types))
      return null
    },
    format(reading) {
      const types: number[] = []
      let last = -1
      while (reading.at < reading.octets.length) {
        const window = reading.octets[reading.at] as number
        if (window <= last || !readWindow(reading, types)) return bad(`${label} is no type bitmap`)
        last = window
      }
      return asText(types.map(typeToText).join(' '))
    },
  }
}

function encode(types: readonly number[]): number[] {
  const windows = new Map<number, number[]>()
  for (const type of [...types].sort((a, b) => a - b)) {
    const bits = windows.get(type >> 8) ?? []
    windows.set(type >> 8, bits)
    const index = (type & 255) >> 3
    while (bits.length <= index) bits.push(0)
    bits[index] = (bits[index] as number) | (0x80 >> (type & 7))
  }
  return [...windows].flatMap(([window, bits]) => [window, bits.length, ...bits])
}

function readWindow(reading: DecodeState, types: number[]): boolean {
  const head = takeOctets(reading, 2)
  const [window = 0, length = 0] = head ?? []
  const bits = length >= 1 && length <= 32 ? takeOctets(reading, length) : null
  if (!bits || bits.at(-1) === 0) return false
  for (let bit = 0; bit < length * 8; bit++)
    if ((bits[bit >> 3] as number) & (0x80 >> (bit & 7))) types.push((window << 8) | bit)
  return true
}
