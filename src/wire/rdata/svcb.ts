// SvcParams of SVCB and HTTPS as a list (RFC 9460 §2.1, §2.2), and what must hold between them.
//
// Text may give the keys in any order, the wire has them ascending; none twice. AliasMode (priority 0) has none.
// Keys named in `mandatory` are there (§8); `no-default-alpn` needs `alpn` (§7.1.1).

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

export const svcParams: Field = {
  parse(draft) {
    const params: Params = new Map()
    for (const token of restTokens(draft)) {
      const why = readParam(token, params)
      if (why !== null) return why
    }
    return writeParams(draft, params)
  },

  format(reading) {
    const isAlias = readUint16(reading.octets, 0) === 0
    const params: Params = new Map()
    const texts: string[] = []
    let last = -1
    while (reading.at < reading.octets.length) {
      const param = takeParam(reading)
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
  const given = token.octets.subarray(equals < 0 ? end : end + 1)
  const value = parseValue(name, given)
  if (!(value instanceof Uint8Array))
    return mismatch(name, token.text.slice(name.length + 1), value.expected)
  into.set(key, value)
  return null
}

function writeParams(draft: ParseState, params: Params): string | null {
  for (const [key, value] of [...params].sort(([a], [b]) => a - b)) {
    if (value.length > 65_535) return `the value of ${keyToText(key)} is too long`
    pushUint16(draft.octets, key)
    pushUint16(draft.octets, value.length)
    pushAll(draft.octets, value)
  }
  return null
}

function takeParam(reading: DecodeState): { key: number; value: Uint8Array } | null {
  const head = takeOctets(reading, 4)
  const value = head && takeOctets(reading, readUint16(head, 2))
  return head && value && { key: readUint16(head, 0), value }
}

function checked(params: Params, texts: readonly string[]): Formatted {
  const mandatory = keysOf(params.get(mandatoryKey) ?? new Uint8Array())
  const missing = mandatory.find((key) => !params.has(key))
  if (missing !== undefined) return bad(`${keyToText(missing)} is mandatory, but not given`)
  if (params.has(noDefaultAlpnKey) && !params.has(alpnKey))
    return bad('no-default-alpn is given without alpn')
  return asText(texts.join(' '))
}
