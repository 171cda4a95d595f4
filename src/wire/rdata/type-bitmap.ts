// Type bitmaps (RFC 4034 §4.1.2): blocks of a window number, a length of 1–32 and so many octets of bits. Windows
// ascend, and the last octet of a block is not 0.

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

/** A list of types, up to the end of the rdata. `label` names the field in error messages. */
export function typeBitmap(label: string): Field {
  return {
    parse(state) {
      const types: number[] = []
      for (const token of restTokens(state)) {
        const type = token.quoted ? undefined : typeFromText(token.text)
        if (type === undefined) return mismatch(label, token, 'types such as A or TYPE65400')
        types.push(type)
      }
      pushAll(state.octets, encodeTypes(types))
      return null
    },
    format(state) {
      const types = readWindows(state)
      return types === null
        ? bad(`${label} is no type bitmap`)
        : asText(types.map(typeToText).join(' '))
    },
  }
}

/** The bitmap of these types. */
export function encodeTypes(types: readonly number[]): number[] {
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

/** The types of a bitmap; null: it is malformed. */
export const decodeTypes = (octets: Uint8Array): readonly number[] | null =>
  readWindows({ octets, at: 0, names: [] })

/** Consumes the rest; null: it is malformed. */
function readWindows(state: DecodeState): readonly number[] | null {
  const types: number[] = []
  let last = -1
  while (state.at < state.octets.length) {
    const window = state.octets[state.at] as number
    if (window <= last || !readWindow(state, types)) return null
    last = window
  }
  return types
}

/** Consumes a block and adds its types; false: it is malformed. */
function readWindow(state: DecodeState, types: number[]): boolean {
  const head = takeOctets(state, 2)
  const [window = 0, length = 0] = head ?? []
  const bits = length >= 1 && length <= 32 ? takeOctets(state, length) : null
  if (!bits || bits.at(-1) === 0) return false
  for (let bit = 0; bit < length * 8; bit++)
    if ((bits[bit >> 3] as number) & (0x80 >> (bit & 7))) types.push((window << 8) | bit)
  return true
}
