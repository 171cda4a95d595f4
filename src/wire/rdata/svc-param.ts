// The values of SvcParams in SVCB and HTTPS, by key: text ⇄ octets (RFC 9460 §7, RFC 9461, RFC 9540).
//
// A key without an entry here is written keyNNNNN, and its value is taken without interpretation (RFC 9460 §2.1).

import { formatAddress, parseAddress } from '../../lib/ip.ts'
import { fromBase64, toBase64 } from './base64.ts'
import { quoteOctets } from '../presentation.ts'
import { readUint16 } from '../octets.ts'

export const mandatoryKey = 0
export const alpnKey = 1
export const noDefaultAlpnKey = 2

/** How the value of a key is written. */
interface ParamForm {
  readonly name: string
  /** What a value must be, for error messages. */
  readonly expected: string
  /** The wire form of a value whose escapes are resolved; null: it is invalid. */
  readonly parse: (value: Uint8Array) => Uint8Array | null
  /** The text behind `key=`, '' for a key without a value; null: the octets are invalid. */
  readonly format: (octets: Uint8Array) => string | null
}

const latin1 = (octets: Uint8Array): string =>
  Array.from(octets, (octet) => String.fromCharCode(octet)).join('')
const toOctets = (text: string): Uint8Array =>
  Uint8Array.from(text, (character) => character.charCodeAt(0))

const forms: ReadonlyMap<number, ParamForm> = new Map<number, ParamForm>([
  [0, { name: 'mandatory', expected: 'a list of keys', parse: parseKeys, format: formatKeys }],
  [1, { name: 'alpn', expected: 'a list of protocol ids', parse: parseAlpn, format: formatAlpn }],
  [2, flag('no-default-alpn')],
  [3, { name: 'port', expected: 'a port 0–65535', parse: parsePort, format: formatPort }],
  [4, hint('ipv4hint', 4)],
  [5, { name: 'ech', expected: 'base64', parse: parseEch, format: formatEch }],
  [6, hint('ipv6hint', 6)],
  [7, { name: 'dohpath', expected: 'a path with {?dns}', parse: asPath, format: formatPath }],
  [8, flag('ohttp')],
])
const keyOf: ReadonlyMap<string, number> = new Map(
  Array.from(forms, ([key, form]) => [form.name, key]),
)

/** The number of a key such as `alpn` or `key667`; null: it is none. 65535 is reserved as invalid (RFC 9460 §14.3). */
export function keyFromText(text: string): number | null {
  const known = keyOf.get(text)
  if (known !== undefined) return known
  const number = /^key(0|[1-9]\d{0,4})$/.exec(text)?.[1]
  return number !== undefined && Number(number) < 65_535 ? Number(number) : null
}

/** The name of a key; `key667` for one without. */
export const keyToText = (key: number): string => forms.get(key)?.name ?? `key${key}`

/**
 * The wire form of a value, or what was expected. `text` is the key as written: under a name such as `key1` the value
 * is taken without interpretation.
 */
export function parseValue(text: string, value: Uint8Array): Uint8Array | { expected: string } {
  const form = forms.get(keyOf.get(text) ?? -1)
  if (!form) return value
  return form.parse(value) ?? { expected: form.expected }
}

/** `key=value`, or the key alone if it has no value; null: the octets are not a value of the key. */
export function formatParam(key: number, octets: Uint8Array): string | null {
  const form = forms.get(key)
  const name = keyToText(key)
  if (!form) return octets.length === 0 ? name : `${name}=${quoteOctets(octets)}`
  const text = form.format(octets)
  if (text === null) return null
  return text === '' ? name : `${name}=${text}`
}

function flag(name: string): ParamForm {
  return {
    name,
    expected: 'no value',
    parse: (value) => (value.length === 0 ? value : null),
    format: (octets) => (octets.length === 0 ? '' : null),
  }
}

function parseKeys(value: Uint8Array): Uint8Array | null {
  const keys = latin1(value).split(',').map(keyFromText)
  if (keys.includes(null)) return null
  const sorted = (keys as number[]).sort((a, b) => a - b)
  return Uint8Array.from(sorted.flatMap((key) => [key >> 8, key & 255]))
}

/** The keys of `mandatory`: ascending, no duplicates, and without `mandatory` itself (RFC 9460 §8). */
function formatKeys(octets: Uint8Array): string | null {
  if (octets.length === 0 || octets.length % 2 !== 0) return null
  const keys = keysOf(octets)
  const ascending = keys.every((key, i) => key > (keys[i - 1] ?? mandatoryKey))
  return ascending ? keys.map(keyToText).join(',') : null
}

/** The keys in the value of `mandatory`. */
export const keysOf = (octets: Uint8Array): number[] =>
  Array.from({ length: octets.length / 2 }, (_, i) => readUint16(octets, 2 * i))

/** Parses protocol ids; a comma or backslash within an id is escaped twice (RFC 9460 appendix A.1). */
function parseAlpn(value: Uint8Array): Uint8Array | null {
  const ids: string[] = ['']
  for (const [part] of latin1(value).matchAll(/\\[^]|[^]/g)) {
    if (part === ',') ids.push('')
    else if (/^(\\[^,\\]|\\)$/.test(part)) return null
    else ids.push(`${ids.pop()}${part.slice(-1)}`)
  }
  if (ids.some((id) => id.length === 0 || id.length > 255)) return null
  return toOctets(ids.map((id) => String.fromCharCode(id.length) + id).join(''))
}

function formatAlpn(octets: Uint8Array): string | null {
  const ids: string[] = []
  for (let at = 0; at < octets.length; at += 1 + (octets[at] as number)) {
    const id = octets.subarray(at + 1, at + 1 + (octets[at] as number))
    if (id.length === 0 || id.length !== octets[at]) return null
    ids.push(latin1(id).replaceAll(/[,\\]/g, String.raw`\$&`))
  }
  return ids.length === 0 ? null : quoteOctets(toOctets(ids.join(',')))
}

function parsePort(value: Uint8Array): Uint8Array | null {
  const text = latin1(value)
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 65_536
  return port <= 65_535 ? Uint8Array.of(port >> 8, port & 255) : null
}

function formatPort(octets: Uint8Array): string | null {
  return octets.length === 2 ? String(readUint16(octets, 0)) : null
}

function hint(name: string, family: 4 | 6): ParamForm {
  const size = family === 4 ? 4 : 16
  return {
    name,
    expected: `a list of IPv${family} addresses`,
    parse(value) {
      const addresses = latin1(value).split(',').map(parseAddress)
      if (!addresses.every((address) => address?.family === family)) return null
      return Uint8Array.from(addresses.flatMap((address) => [...(address?.octets ?? [])]))
    },
    format(octets) {
      if (octets.length === 0 || octets.length % size !== 0) return null
      const count = octets.length / size
      const at = (i: number): string => formatAddress(octets.subarray(i * size, (i + 1) * size))
      return Array.from({ length: count }, (_, i) => at(i)).join(',')
    },
  }
}

function parseEch(value: Uint8Array): Uint8Array | null {
  return fromBase64(latin1(value))
}

function formatEch(octets: Uint8Array): string | null {
  return octets.length === 0 ? null : toBase64(octets)
}

function asPath(value: Uint8Array): Uint8Array | null {
  const text = latin1(value)
  return text.startsWith('/') && /\{[^}]*\bdns\b[^}]*\}/.test(text) ? value : null
}

function formatPath(octets: Uint8Array): string | null {
  return asPath(octets) && quoteOctets(octets)
}
