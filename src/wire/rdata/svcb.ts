// The list of SvcParams in SVCB and HTTPS (RFC 9460 §2.1, §2.2), and what must hold between them:
//
// Keys may have any order in text and ascend on the wire; none occurs twice. AliasMode (priority 0) has no SvcParams.
// Keys listed in `mandatory` must be present (§8); `no-default-alpn` requires `alpn` (§7.1.1).

import {
  asText,
  bad,
  type ParseState,
  type Field,
  type Formatted,
  mismatch,
  pushAll,
  pushUint16,
  type DecodeState,
  restTokens,
  takeOctets,
} from './field.ts'
import { readUint16 } from '../octets.ts'
import type { Token } from '../presentation.ts'
import {
  alpnKey,
  formatParam,
  keyFromText,
  keysOf,
  keyToText,
  mandatoryKey,
  noDefaultAlpnKey,
  parseValue,
} from './svc-param.ts'

type Params = Map<number, Uint8Array>

/** All SvcParams as one field, up to the end of the rdata. */
export const svcParams: Field = {
  parse(state) {
    const params: Params = new Map()
    for (const token of restTokens(state)) {
      const why = readParam(token, params)
      if (why !== null) return why
    }
    return writeParams(state, params)
  },

  format(state) {
    const isAlias = readUint16(state.octets, 0) === 0
    const params: Params = new Map()
    const texts: string[] = []
    let last = -1
    while (state.at < state.octets.length) {
      const param = takeParam(state)
      if (!param) return bad('the octets end within a service parameter')
      const { key, value } = param
      if (key <= last) return bad('the keys of the service parameters do not ascend')
      const text = key === 65_535 ? null : formatParam(key, value)
      if (text === null) return bad(`the value of ${keyToText(key)} is not one`)
      texts.push(text)
      params.set(key, value)
      last = key
    }
    return isAlias && params.size > 0 ? bad(aliasWithParams) : checked(params, texts)
  },
}

const aliasWithParams = 'the priority is 0 (AliasMode), expected no service parameters'

/** Adds the SvcParam of a token. Returns what is wrong, or null. */
function readParam(token: Token, into: Params): string | null {
  if (token.quoted) return mismatch('the service parameter', token, 'key=value')
  const equals = token.octets.indexOf(0x3d)
  const end = equals < 0 ? token.octets.length : equals
  const name = Array.from(token.octets.subarray(0, end), (octet) =>
    String.fromCharCode(octet),
  ).join('')
  const key = keyFromText(name)
  if (key === null) return mismatch('the service parameter', name, 'a key such as alpn or key667')
  if (into.has(key)) return `the service parameter ${name} is given twice`
  const rawValue = token.octets.subarray(equals < 0 ? end : end + 1)
  const value = parseValue(name, rawValue)
  if (!(value instanceof Uint8Array))
    return mismatch(name, token.text.slice(name.length + 1), value.expected)
  into.set(key, value)
  return null
}

/** Appends the wire form of the SvcParams. Returns what is wrong, or null. */
function writeParams(state: ParseState, params: Params): string | null {
  for (const [key, value] of [...params].sort(([a], [b]) => a - b)) {
    if (value.length > 65_535) return `the value of ${keyToText(key)} is too long`
    pushUint16(state.octets, key)
    pushUint16(state.octets, value.length)
    pushAll(state.octets, value)
  }
  return null
}

/** Consumes one SvcParam; null if the octets end within it. */
function takeParam(state: DecodeState): { key: number; value: Uint8Array } | null {
  const head = takeOctets(state, 4)
  const value = head && takeOctets(state, readUint16(head, 2))
  return head && value && { key: readUint16(head, 0), value }
}

/** The text of the SvcParams, if the rules between them hold. */
function checked(params: Params, texts: readonly string[]): Formatted {
  const mandatory = keysOf(params.get(mandatoryKey) ?? new Uint8Array())
  const missing = mandatory.find((key) => !params.has(key))
  if (missing !== undefined) return bad(`${keyToText(missing)} is mandatory, but not given`)
  if (params.has(noDefaultAlpnKey) && !params.has(alpnKey))
    return bad('no-default-alpn is given without alpn')
  return asText(texts.join(' '))
}
