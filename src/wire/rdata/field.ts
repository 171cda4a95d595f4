// A field of rdata: parses tokens into octets, and formats octets as text.
//
// A record type is a list of fields (layouts.ts). Formatting also validates the octets, so the same rules apply to
// presentation form and to the generic form of RFC 3597; parsing only has to produce octets.

import type { Token } from '../presentation.ts'
import type { Name } from '../name.ts'

/** What a name in rdata is used for; zone checks and additional data depend on it. */
export type NameRole = 'exchange' | 'ns' | 'alias' | 'srv' | 'other'

/** A name within rdata, at an offset of its octets. `compressible`: RFC 3597 §4 allows to compress it. */
export interface RdataName {
  readonly offset: number
  readonly role: NameRole
  readonly compressible: boolean
}

/** The state of parsing: `at` is the index of the next token, `octets` are the rdata so far. */
export interface ParseState {
  readonly tokens: readonly Token[]
  at: number
  readonly octets: number[]
  /** The origin of relative names. */
  readonly origin: Name
}

/** The state of formatting: `at` is the index of the next octet, `names` are the names found so far. */
export interface DecodeState {
  readonly octets: Uint8Array
  at: number
  readonly names: RdataName[]
}

/** The text of a field; `bad`: its octets are invalid, `why` is for people. */
export type Formatted =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'bad'; readonly why: string }

export interface Field {
  /** Consumes tokens and appends octets. Returns what is wrong, or null. */
  readonly parse: (state: ParseState) => string | null
  /** Consumes and validates octets. */
  readonly format: (state: DecodeState) => Formatted
  /** Whether the field is a domain name. */
  readonly hasName?: boolean
}

/** Consumes the next token; null at the end. */
export const nextToken = (state: ParseState): Token | null => state.tokens[state.at++] ?? null

/** Consumes all remaining tokens. */
export function restTokens(state: ParseState): readonly Token[] {
  const rest = state.tokens.slice(state.at)
  state.at = state.tokens.length
  return rest
}

/** Consumes the next `count` octets; null if there are fewer. */
export function takeOctets(state: DecodeState, count: number): Uint8Array | null {
  if (state.at + count > state.octets.length) return null
  state.at += count
  return state.octets.subarray(state.at - count, state.at)
}

/** Consumes all remaining octets. */
export const takeRest = (state: DecodeState): Uint8Array => {
  const rest = state.octets.subarray(state.at)
  state.at = state.octets.length
  return rest
}

/** A field's text. */
export const asText = (text: string): Formatted => ({ kind: 'text', text })
/** An invalid field. */
export const bad = (why: string): Formatted => ({ kind: 'bad', why })
/** The error of rdata that ends within a field. */
export const tooShort = (label: string): Formatted => bad(`the octets end within ${label}`)

/**
 * The error message `preference is "x", expected …`. A long text is cut to 60 characters; null: the field is missing.
 */
export function mismatch(label: string, got: Token | string | null, expected: string): string {
  if (got === null) return `${label} is missing, expected ${expected}`
  const text = typeof got === 'string' ? got : got.text
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text
  return `${label} is "${shown}", expected ${expected}`
}

/** Appends octets. */
export function pushAll(into: number[], octets: Iterable<number>): void {
  for (const octet of octets) into.push(octet)
}

/** Appends a 16-bit integer in network byte order. */
export function pushUint16(into: number[], value: number): void {
  into.push(value >> 8, value & 255)
}
