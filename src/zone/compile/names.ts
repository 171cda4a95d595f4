// Names as the operator writes them: checked text → Name, with the reason where it is none.

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

/** A name as `parseName`, but ASCII without spaces: anything else was meant for an A-label or for another key. */
export function readName(text: string, origin: Name): ParsedName {
  if (/[^\x21-\x7e]/.test(text))
    return { kind: 'bad', why: 'expected ASCII without spaces; write a name in Unicode as xn--…' }
  return parseName(text, origin)
}

/** Whether `text` is one label of a host name: letters, digits and hyphens (RFC 1123 §2.1). */
export const isHostLabel = (text: string): boolean => hostLabel.test(text)

/** Whether `text` is a host name: labels of letters, digits and hyphens. */
export const isHostName = (text: string): boolean =>
  text.length <= 254 && text.replace(/\.$/, '').split('.').every(isHostLabel)

/** Whether the zone's own name stands in it twice, as it does where a final dot was forgotten. */
export function isDoubled(name: Name, apex: Name): boolean {
  // Too short for it: most are, and need no key made of them.
  if (apex.length <= 1 || name.length < 2 * apex.length - 1) return false
  const apexKey: NameKey = keyOfName(apex)
  return isAtOrBelow(keyOfName(name), apexKey.slice(0, -1) + apexKey)
}

// Where a served address is probed, if elsewhere: `192.0.2.1`, `192.0.2.1:2525`, `2001:db8::1`, `[2001:db8::1]:25`.

interface ProbePlace {
  readonly address: string
  readonly family: 4 | 6
  /** null: the port of the probe. */
  readonly port: number | null
}

export function readProbePlace(text: string): ProbePlace | null {
  const parts = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text)
  const port = parts ? Number(parts[3]) : null
  const address = parseAddress(parts?.[1] ?? parts?.[2] ?? text)
  if (!address || (port !== null && (port < 1 || port > 65_535))) return null
  return { address: formatAddress(address.octets), family: address.family, port }
}
