// Octets of rdata that are written as hex, base64, IP addresses or hardware addresses.

import { formatAddress, parseAddress } from '../../lib/ip.ts'
import { fromBase64, toBase64 } from './base64.ts'
import type { Token } from '../presentation.ts'
import {
  asText,
  bad,
  type Field,
  mismatch,
  nextToken,
  pushAll,
  restTokens,
  takeOctets,
  takeRest,
  tooShort,
} from './field.ts'

/** Lower-case hex digits. */
export const toHex = (octets: Iterable<number>): string => {
  let text = ''
  for (const octet of octets) text += octet.toString(16).padStart(2, '0')
  return text
}

/** Decodes an even number of hex digits; null for other text. */
export function fromHex(text: string): Uint8Array | null {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) return null
  const octets = new Uint8Array(text.length / 2)
  for (let i = 0; i < octets.length; i++)
    octets[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16)
  return octets
}

/** Hex digits up to the end of the rdata, with white space anywhere. */
export const hexToEnd = (label: string): Field => ({
  ...encodedToEnd(label, 'an even number of hex digits', fromHex),
  format(state) {
    const octets = takeRest(state)
    return octets.length === 0 ? bad(`${label} is empty`) : asText(toHex(octets).toUpperCase())
  },
})

/** Base64 up to the end of the rdata, with white space anywhere. */
export const base64ToEnd = (label: string): Field => ({
  ...encodedToEnd(label, 'base64 with padding', fromBase64),
  format(state) {
    const octets = takeRest(state)
    return octets.length === 0 ? bad(`${label} is empty`) : asText(toBase64(octets))
  },
})

const encodedToEnd = (
  label: string,
  expected: string,
  decode: (text: string) => Uint8Array | null,
): Pick<Field, 'parse'> => ({
  parse(state) {
    const tokens = restTokens(state)
    if (tokens.length === 0) return mismatch(label, null, expected)
    const text = tokens.map((token) => token.text).join('')
    const octets = tokens.some(isQuoted) ? null : decode(text)
    if (!octets) return mismatch(label, text, expected)
    pushAll(state.octets, octets)
    return null
  },
})

const isQuoted = (token: Token): boolean => token.quoted

/** What was meant by text that is no address of the family; empty: that is open. */
function addressHint(family: 4 | 6, text: string): string {
  const other = parseAddress(text)
  if (other !== null)
    return `: an IPv${other.family} address is of type ${family === 4 ? 'AAAA' : 'A'}`
  if (text.endsWith(',')) return ': several stand in brackets'
  const decimal = text.replaceAll(/\b0+(?=\d)/g, '')
  if (family === 4 && parseAddress(decimal) !== null)
    return `: write ${decimal}, without zeros in front`
  const alone = /^\[?([^[\]/%]+)\]?(?:[/%:].*)?$/.exec(text)?.[1] ?? ''
  const mended = [alone, alone.replace(/:\d+$/, '')].find(
    (one) => parseAddress(one)?.family === family,
  )
  if (mended !== undefined) return `: write ${mended} alone`
  return /^[a-z_][\w-]*(?:\.[\w-]+)+\.?$/i.test(text) ? ': a name is of type CNAME' : ''
}

/** An IP address (A, AAAA). */
export function address(family: 4 | 6): Field {
  const label = family === 4 ? 'the address' : 'the IPv6 address'
  const expected = family === 4 ? 'an IPv4 address such as 192.0.2.1' : 'one such as 2001:db8::1'
  return {
    parse(state) {
      const token = nextToken(state)
      const parsed = token && !token.quoted ? parseAddress(token.text) : null
      if (parsed?.family !== family)
        return mismatch(label, token, `${expected}${addressHint(family, token?.text ?? '')}`)
      pushAll(state.octets, parsed.octets)
      return null
    },
    format(state) {
      const octets = takeOctets(state, family === 4 ? 4 : 16)
      return octets ? asText(formatAddress(octets)) : tooShort(label)
    },
  }
}

/** EUI-48 and EUI-64 (RFC 7043): pairs of hex digits with hyphens between. */
export function hardwareAddress(count: 6 | 8): Field {
  const label = 'the address'
  const shape = new RegExp(`^[0-9a-f]{2}(-[0-9a-f]{2}){${count - 1}}$`, 'i')
  return {
    parse(state) {
      const token = nextToken(state)
      const octets =
        token && !token.quoted && shape.test(token.text)
          ? fromHex(token.text.replaceAll('-', ''))
          : null
      if (!octets)
        return mismatch(label, token, `${count} pairs of hex digits with hyphens between`)
      pushAll(state.octets, octets)
      return null
    },
    format(state) {
      const octets = takeOctets(state, count)
      return octets
        ? asText(Array.from(octets, (octet) => toHex([octet])).join('-'))
        : tooShort(label)
    },
  }
}
