// A key that is kept offline, and what it signs: for tests that inject the time.

import { privateKeyFrom } from '../../src/dnssec/algorithms.ts'
import { type KeyTimes, noTimes, type TimedKey } from '../../src/dnssec/key-set.ts'
import { keyRequestLines, readKeyRequest } from '../../src/dnssec/offline/request.ts'
import { type KeyResponse, readKeyResponse } from '../../src/dnssec/offline/response.ts'
import { signRequest } from '../../src/dnssec/offline/sign-request.ts'
import { createSigningKey, type SigningKey } from '../../src/dnssec/signing-key.ts'
import type { Name } from '../../src/wire/name.ts'

export type Key = SigningKey & TimedKey

/** The same key for the same number, 1 – 255. */
export function keyOfNumber(
  number: number,
  flags: 256 | 257,
  times: Partial<KeyTimes> = { publishMs: 0, activateMs: 0 },
): Key {
  const secret = privateKeyFrom(13, new Uint8Array(32).fill(number))
  if (secret === null) throw new Error('the secret is none of a key')
  return { ...createSigningKey(13, flags, secret), times: { ...noTimes, ...times } }
}

export interface Part {
  readonly fromMs: number
  readonly keys: readonly Pick<Key, 'dnskey'>[]
}

/** The text of a response to a request with these parts. */
export function responseText(
  zone: Name,
  parts: readonly Part[],
  {
    keys,
    untilMs,
    isUnsigning = false,
  }: {
    readonly keys: readonly Key[]
    readonly untilMs: number
    readonly isUnsigning?: boolean
  },
): string {
  const [first, ...others] = parts.map(({ fromMs, keys: own }) => ({
    fromMs,
    dnskeys: own.map(({ dnskey }) => dnskey),
  }))
  if (first === undefined) throw new Error('no parts')
  const lines = keyRequestLines({ zone, ttlSeconds: 3600, parts: [first, ...others] })
  const octets = Buffer.from(lines.join('\n'))
  const read = readKeyRequest({ file: 'request', octets })
  if (read.kind === 'bad') throw new Error(JSON.stringify(read.diagnostics))
  const signed = signRequest(read.request, { keys, untilMs, isUnsigning })
  if (signed.kind === 'refused') throw new Error(signed.why)
  return `${signed.lines.join('\n')}\n`
}

export function readResponse(zone: Name, text: string, entryPoints: readonly Key[]): KeyResponse {
  const known = entryPoints.map(({ dnskey }) => dnskey)
  const read = readKeyResponse({ file: 'response', octets: Buffer.from(text) }, zone, known)
  if (read.kind === 'bad') throw new Error(JSON.stringify(read.diagnostics))
  return read.response
}
