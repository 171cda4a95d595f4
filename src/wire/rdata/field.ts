// What a field of rdata is: it reads its tokens into octets, and its octets into text.
//
// A type is a list of fields (layouts.ts). Reading octets also validates them, so one set of rules holds for
// presentation form and for the generic form of RFC 3597; parse() only has to produce octets.

import type { Token } from '../presentation.ts'
import type { Name } from '../name.ts'

export type NameRole = 'exchange' | 'ns' | 'alias' | 'srv' | 'other'

export interface RdataName {
  readonly offset: number
  readonly role: NameRole
  readonly compressible: boolean
}

/** Tokens still to be read, and the octets made of those read. */
export interface ParseState {
  readonly tokens: readonly Token[]
  at: number
  readonly octets: number[]
  readonly origin: Name
}

/** Octets still to be read, and the names met on the way. */
export interface DecodeState {
  readonly octets: Uint8Array
  at: number
  readonly names: RdataName[]
}

export type Formatted =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'bad'; readonly why: string }

export interface Field {
  /** Says what is wrong, or null. */
  readonly parse: (draft: ParseState) => string | null
  readonly format: (reading: DecodeState) => Formatted
  /** Its reading meets a name. */
  readonly hasName?: boolean
}

/** The next token, or null at the end. */
export const nextToken = (draft: ParseState): Token | null => draft.tokens[draft.at++] ?? null

/** All tokens that are left. */
export function restTokens(draft: ParseState): readonly Token[] {
  const rest = draft.tokens.slice(draft.at)
  draft.at = draft.tokens.length
  return rest
}

/** The next `count` octets, or null where there are fewer. */
export function takeOctets(reading: DecodeState, count: number): Uint8Array | null {
  if (reading.at + count > reading.octets.length) return null
  reading.at += count
  return reading.octets.subarray(reading.at - count, reading.at)
}

export const takeRest = (reading: DecodeState): Uint8Array => {
  const rest = reading.octets.subarray(reading.at)
  reading.at = reading.octets.length
  return rest
}

export const asText = (text: string): Formatted => ({ kind: 'text', text })
export const bad = (why: string): Formatted => ({ kind: 'bad', why })
export const tooShort = (label: string): Formatted => bad(`the octets end within ${label}`)

/** `preference is "x", expected …`; the text is cut, so that a message stays a line. */
export function mismatch(label: string, got: Token | string | null, expected: string): string {
  if (got === null) return `${label} is missing, expected ${expected}`
  const text = typeof got === 'string' ? got : got.text
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text
  return `${label} is "${shown}", expected ${expected}`
}

export function pushAll(into: number[], octets: Iterable<number>): void {
  for (const octet of octets) into.push(octet)
}

export function pushUint16(into: number[], value: number): void {
  into.push(value >> 8, value & 255)
}
