// Private keys as other servers give them away: PEM (Knot keeps PKCS#8, pdnsutil writes SEC 1), and BIND's private key
// format without a `.key` beside it, which is what `pdnsutil export-zone-key` prints. Neither says whose key it is, nor
// what it does: whoever imports it does.

import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'

import type { Name } from '../wire/name.ts'
import type { Diagnostic } from '../zonefile/diagnostic.ts'
import { type Algorithm, algorithmOfKey, privateKeyFrom, privateOctetsOf } from './algorithms.ts'
import type { KeyFlags } from './dnskey.ts'
import { keyDiagnostic, type KeyFile, readPrivateKey, type ZoneKey } from './key-file.ts'
import { type KeyTimes, noTimes } from './key-set.ts'
import { createSigningKey } from './signing-key.ts'

/** What the file of a private key alone does not say. */
interface KeyOwner {
  readonly zone: Name
  readonly flags: KeyFlags
  /** When it is imported, milliseconds since 1970: active since then, if the file has no times. */
  readonly nowMs: number
}

type ImportedKeyRead =
  | { readonly kind: 'key'; readonly key: ZoneKey }
  | { readonly kind: 'bad'; readonly diagnostics: readonly Diagnostic[] }

export function readImportedKey(
  { file, octets }: KeyFile,
  { zone, flags, nowMs }: KeyOwner,
): ImportedKeyRead {
  const text = new TextDecoder('latin1').decode(octets)
  const read = /^-----BEGIN /m.test(text) ? readPem(file, text) : readPrivateKey({ file, octets })
  if (read.kind === 'bad') return read
  const signing = createSigningKey(read.algorithm, flags, read.privateKey)
  return { kind: 'key', key: { ...signing, zone, times: adoptedTimes(read.times, nowMs) } }
}

type PemRead =
  | {
      readonly kind: 'private'
      readonly algorithm: Algorithm
      readonly privateKey: KeyObject
      readonly times: KeyTimes
    }
  | { readonly kind: 'bad'; readonly diagnostics: readonly Diagnostic[] }

function readPem(file: string, text: string): PemRead {
  const bad = (why: string): PemRead => ({
    kind: 'bad',
    diagnostics: [keyDiagnostic(file, 0, 'bad-key', why)],
  })
  let given: KeyObject
  try {
    given = createPrivateKey(text)
  } catch {
    return bad('no private key in PEM form, or one with a passphrase')
  }
  const algorithm = algorithmOfKey(given)
  if (algorithm === null)
    return bad('a key of another algorithm, expected 13 (ECDSAP256SHA256) or 15 (ED25519)')
  // PEM may hold the public key as well, and OpenSSL does not look whether it is that of the private one.
  const privateKey = privateKeyFrom(algorithm, privateOctetsOf(given))
  const isPair = privateKey !== null && createPublicKey(given).equals(createPublicKey(privateKey))
  return isPair
    ? { kind: 'private', algorithm, privateKey, times: noTimes }
    : bad('the public key in it is not that of the private key')
}

/** A key without times was in use elsewhere, and goes on. */
export function adoptedTimes(times: KeyTimes, nowMs: number): KeyTimes {
  const hasTimes = (times.publishMs ?? 0) > 0 || (times.activateMs ?? 0) > 0
  if (hasTimes) return times
  return { ...times, createdMs: times.createdMs ?? nowMs, publishMs: nowMs, activateMs: nowMs }
}
