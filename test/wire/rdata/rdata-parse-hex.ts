// Rdata text → hex under the origin `example.`, or null where we refuse it: the shape the tests compare in.

import { parseName, type Name } from '../../../src/wire/name.ts'
import { type ParsedRdata, parseRdata } from '../../../src/wire/rdata/parse.ts'
import { typeFromText } from '../../../src/wire/rrtype.ts'

export function nameOf(text: string): Name {
  const parsed = parseName(text)
  if (parsed.kind === 'bad') throw new Error(`${text}: ${parsed.why}`)
  return parsed.name
}

const origin = nameOf('example.')

export const parseText = (type: string, text: string): ParsedRdata =>
  parseRdata(typeFromText(type) ?? 0, text, origin)

export function parseHex(type: string, text: string): string | null {
  const parsed = parseText(type, text)
  return parsed.kind === 'rdata' ? Buffer.from(parsed.rdata.octets).toString('hex') : null
}

export const hex = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'))
