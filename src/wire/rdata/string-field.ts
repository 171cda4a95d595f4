// Strings in rdata: character-strings (RFC 1035 §3.3), with a length octet and at most 255 octets, and text without
// one.

import { quoteOctets, type Token } from '../presentation.ts'
import {
  asText,
  bad,
  type ParseState,
  type Field,
  mismatch,
  nextToken,
  pushAll,
  type DecodeState,
  restTokens,
  takeOctets,
  takeRest,
  tooShort,
} from './field.ts'

/** What is wrong with the octets of a string, or null. */
export type StringCheck = (octets: Uint8Array) => string | null

const expected = 'a string of at most 255 octets'

/** One character-string. `label` names the field in error messages. */
export function characterString(label: string, check: StringCheck = () => null): Field {
  return {
    parse: (state) => pushString(label, state, nextToken(state)),
    format(state) {
      const octets = takeString(state)
      if (!octets) return tooShort(label)
      const why = check(octets)
      return why === null ? asText(quoteOctets(octets)) : bad(`${label} ${why}`)
    },
  }
}

/** One or more character-strings, up to the end of the rdata. */
export function characterStrings(label: string): Field {
  return {
    parse(state) {
      const tokens = restTokens(state)
      if (tokens.length === 0) return mismatch(label, null, expected)
      for (const token of tokens) {
        const why = pushString(label, state, token)
        if (why !== null) return why
      }
      return null
    },
    format(state) {
      const texts: string[] = []
      do {
        const octets = takeString(state)
        if (!octets) return tooShort(label)
        texts.push(quoteOctets(octets))
      } while (state.at < state.octets.length)
      return asText(texts.join(' '))
    },
  }
}

/** Appends the length and the octets of a token. Returns what is wrong, or null. */
function pushString(label: string, state: ParseState, token: Token | null): string | null {
  if (!token) return mismatch(label, null, expected)
  const count = token.octets.length
  if (count > 255)
    return `${label} has ${count} octets, expected ${expected}: split it into several`
  state.octets.push(count)
  pushAll(state.octets, token.octets)
  return null
}

/** Consumes a character-string; null if the octets end within it. */
function takeString(state: DecodeState): Uint8Array | null {
  const length = takeOctets(state, 1)
  return length && takeOctets(state, length[0] as number)
}

/** A character-string of letters and digits, written without quotes: the tag of CAA (RFC 8659 §4.1). */
export function tag(label: string): Field {
  const field = characterString(label, checkTag)
  return {
    parse: field.parse,
    format(state) {
      const formatted = field.format(state)
      return formatted.kind === 'bad' ? formatted : asText(formatted.text.slice(1, -1))
    },
  }
}

const checkTag: StringCheck = (octets) =>
  octets.length > 0 && octets.every(isAlphanumeric)
    ? null
    : `is ${quoteOctets(octets)}, expected letters and digits`

const isAlphanumeric = (octet: number): boolean =>
  (octet >= 0x30 && octet <= 0x39) || ((octet | 0x20) >= 0x61 && (octet | 0x20) <= 0x7a)

/** One string without a length octet, up to the end of the rdata; `minOctets` is its least length. */
export function textToEnd(label: string, minOctets: 0 | 1): Field {
  return {
    parse(state) {
      const token = nextToken(state)
      if (!token) return mismatch(label, null, 'a quoted string')
      pushAll(state.octets, token.octets)
      return null
    },
    format(state) {
      const octets = takeRest(state)
      return octets.length < minOctets ? bad(`${label} is empty`) : asText(quoteOctets(octets))
    },
  }
}
