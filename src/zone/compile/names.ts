// Names as operators write them, and the endpoints of `probe_at`.

import { adviseOnCharacters, asciiName } from '../../lib/advice.ts'
import { formatAddress, parseAddress } from '../../lib/ip.ts'
import {
  isAtOrBelow,
  keyOfName,
  type Name,
  type NameKey,
  type ParsedName,
  parseName,
} from '../../wire/name.ts'

const hostLabel = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i

/**
 * parseName restricted to ASCII without spaces, as internationalized names are given as A-labels
 * (RFC 5890).
 */
export function readName(text: string, origin: Name): ParsedName {
  if (text.includes('://'))
    return { kind: 'bad', why: 'this is a URL, expected the name alone, such as smtp.example.com' }
  const odd = adviseOnCharacters(text)
  if (odd !== null) return { kind: 'bad', why: odd }
  if (/\s/.test(text)) return { kind: 'bad', why: 'a name has no spaces, expected hyphens or dots' }
  if (/[^\x21-\x7e]/.test(text)) {
    const ascii = asciiName(text) ?? 'xn--…'
    return { kind: 'bad', why: `names in DNS are of ASCII: write ${ascii}` }
  }
  return parseName(text, origin)
}

/** Whether `text` is one label of a host name: letters, digits and hyphens (RFC 1123 §2.1). */
export const isHostLabel = (text: string): boolean => hostLabel.test(text)

/** Whether `text` is a host name: labels of letters, digits and hyphens. */
export const isHostName = (text: string): boolean =>
  text.length <= 254 && text.replace(/\.$/, '').split('.').every(isHostLabel)

/**
 * Whether the name ends in the zone's name twice, which usually means that a final dot is missing.
 */
export function isDoubled(name: Name, apex: Name): boolean {
  // Most names are too short for that: no key is made of them.
  if (apex.length <= 1 || name.length < 2 * apex.length - 1) return false
  const apexKey: NameKey = keyOfName(apex)
  return isAtOrBelow(keyOfName(name), apexKey.slice(0, -1) + apexKey)
}

/** Where an address is probed in place of where it is served. */
interface ProbeEndpoint {
  readonly address: string
  readonly family: 4 | 6
  /** null: the port of the probe is used. */
  readonly port: number | null
}

/**
 * Parses `192.0.2.1`, `192.0.2.1:2525`, `2001:db8::1` or `[2001:db8::1]:25`. null: the text is none
 * of these.
 */
export function readProbeEndpoint(text: string): ProbeEndpoint | null {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text)
  const port = match ? Number(match[3]) : null
  const address = parseAddress(match?.[1] ?? match?.[2] ?? text)
  if (!address || (port !== null && (port < 1 || port > 65_535))) return null
  return { address: formatAddress(address.octets), family: address.family, port }
}
