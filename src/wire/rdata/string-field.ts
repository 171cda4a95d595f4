// Character-strings (RFC 1035 §3.3): a length octet and up to 255 octets; and text to the end of the rdata.

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

/** Says what is wrong with a string's octets, or null. */
export type StringCheck = (octets: Uint8Array) => string | null

const expected = 'a string of at most 255 octets'

/** One character-string. */
export function characterString(label: string, check: StringCheck = () => null): Field {
  return {
    parse: (draft) => pushString(label, draft, nextToken(draft)),
    format(reading) {
      const octets = takeString(reading)
      if (!octets) return tooShort(label)
      const why = check(octets)
      return why === null ? asText(quoteOctets(octets)) : bad(`${label} ${why}`)
    },
  }
}

/** One or more character-strings, to the end. */
export function characterStrings(label: string): Field {
  return {
    parse(draft) {
      const tokens = restTokens(draft)
      if (tokens.length === 0) return mismatch(label, null, expected)
      for (const token of tokens) {
        const why = pushString(label, draft, token)
        if (why !== null) return why
      }
      return null
    },
    format(reading) {
      const texts: string[] = []
      do {
        const octets = takeString(reading)
        if (!octets) return tooShort(label)
        texts.push(quoteOctets(octets))
      } while (reading.at < reading.octets.length)
      return asText(texts.join(' '))
    },
  }
}

function pushString(label: string, draft: ParseState, token: Token | null): string | null {
  if (!token) return mismatch(label, null, expected)
  const count = token.octets.length
  if (count > 255)
    return `${label} has ${count} octets, expected ${expected}: split it into several`
  draft.octets.push(count)
  pushAll(draft.octets, token.octets)
  return null
}

function takeString(reading: DecodeState): Uint8Array | null {
  const length = takeOctets(reading, 1)
  return length && takeOctets(reading, length[0] as number)
}

/** A word of letters and digits with a length octet: the tag of CAA (RFC 8659 §4.1). */
export function tag(label: string): Field {
  const field = characterString(label, checkTag)
  return {
    parse: field.parse,
    format(reading) {
      const formatted = field.format(reading)
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

/** One string without a length octet, up to the end of the rdata. */
export function textToEnd(label: string, minOctets: 0 | 1): Field {
  return {
    parse(draft) {
      const token = nextToken(draft)
      if (!token) return mismatch(label, null, 'a quoted string')
      pushAll(draft.octets, token.octets)
      return null
    },
    format(reading) {
      const octets = takeRest(reading)
      return octets.length < minOctets ? bad(`${label} is empty`) : asText(quoteOctets(octets))
    },
  }
}
