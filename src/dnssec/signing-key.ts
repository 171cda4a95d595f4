// A key that signs, and its form that crosses to another thread.

import { hash, type KeyObject } from 'node:crypto'

import {
  type Algorithm,
  privateKeyFrom,
  privateOctetsOf,
  publicOctetsOf,
  signWith,
} from './algorithms.ts'
import { dnskeyRdata, type KeyFlags, keyTagOf } from './dnskey.ts'

export interface SigningKey {
  readonly algorithm: Algorithm
  readonly flags: KeyFlags
  /** Key tag, 0 – 65535. */
  readonly tag: number
  /** DNSKEY rdata. */
  readonly dnskey: Uint8Array
  /** Tells it from all other keys, in 8 characters: 64 bits of a hash. */
  readonly identity: string
  readonly privateKey: KeyObject
}

/** A signing key as plain data, for `postMessage`. It holds the private key: it is neither logged nor kept. */
export interface SigningKeyData {
  readonly algorithm: Algorithm
  readonly flags: KeyFlags
  /** The 32 octets of the private key. */
  readonly secret: Uint8Array
}

/** The key of `privateKey`, which is one of this algorithm. */
export function createSigningKey(
  algorithm: Algorithm,
  flags: KeyFlags,
  privateKey: KeyObject,
): SigningKey {
  const dnskey = dnskeyRdata(flags, algorithm, publicOctetsOf(algorithm, privateKey))
  const identity = hash('sha256', dnskey, 'binary').slice(0, 8)
  return { algorithm, flags, tag: keyTagOf(dnskey), dnskey, identity, privateKey }
}

export const signingKeyData = ({ algorithm, flags, privateKey }: SigningKey): SigningKeyData => ({
  algorithm,
  flags,
  secret: privateOctetsOf(privateKey),
})

/** The key again, in the thread that it was sent to. Throws for data that `signingKeyData` did not make. */
export function signingKeyFrom({ algorithm, flags, secret }: SigningKeyData): SigningKey {
  const privateKey = privateKeyFrom(algorithm, secret)
  if (privateKey === null) throw new RangeError('the octets of a signing key are no key')
  return createSigningKey(algorithm, flags, privateKey)
}

/** The signature of these octets, 64 octets as RRSIG has them. */
export const signOctets = ({ algorithm, privateKey }: SigningKey, octets: Uint8Array): Uint8Array =>
  signWith(algorithm, privateKey, octets)
