// Signatures, key tags and DS against the examples of RFC 6605 §6.1 and RFC 8080 §6.1, and against OpenSSL's own form of
// ECDSA signatures.

import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, test } from 'vitest'

import {
  type Algorithm,
  algorithmOfKey,
  algorithmOfNumber,
  isSignedBy,
  privateKeyFrom,
  privateOctetsOf,
  publicKeyFrom,
  publicOctetsOf,
  signWith,
} from '../../src/dnssec/algorithms.ts'
import { dsRdata } from '../../src/dnssec/dnskey.ts'
import {
  createSigningKey,
  signingKeyData,
  signingKeyFrom,
  signOctets,
} from '../../src/dnssec/signing-key.ts'
import { type Name, parseName } from '../../src/wire/name.ts'
import { formatRdata } from '../../src/wire/rdata/format.ts'
import { RRType } from '../../src/wire/rrtype.ts'

interface Example {
  readonly from: string
  readonly algorithm: Algorithm
  readonly owner: string
  readonly secret: string
  readonly publicKey: string
  readonly ds: string
  /** What is signed: RRSIG rdata without the signature, then the RRset (RFC 4034 §3.1.8.1). */
  readonly signed: Uint8Array
  readonly signature: string
}

const mxOf = (tag: number, exchange: string): Uint8Array =>
  rrsigInput({
    head: { type: 15, algorithm: 15, labels: 2, ttl: 3600, times: [1440021600, 1438207200], tag },
    signer: 'example.com.',
    owner: 'example.com.',
    rdata: Buffer.concat([Buffer.from([0, 10]), name(exchange)]),
  })

const examples: readonly Example[] = [
  {
    from: 'RFC 6605 §6.1',
    algorithm: 13,
    owner: 'example.net.',
    secret: 'GU6SnQ/Ou+xC5RumuIUIuJZteXT2z0O/ok1s38Et6mQ=',
    publicKey:
      'GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==',
    ds: '55648 13 2 B4C8C1FE2E7477127B27115656AD6256F424625BF5C1E2770CE6D6E37DF61D17',
    signed: rrsigInput({
      head: {
        type: 1,
        algorithm: 13,
        labels: 3,
        ttl: 3600,
        times: [1284026679, 1281607479],
        tag: 55648,
      },
      signer: 'example.net.',
      owner: 'www.example.net.',
      rdata: Buffer.from([192, 0, 2, 1]),
    }),
    signature:
      'qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXAyGmt+3SNruPFKG7tZoLBLlUzGGus7ZwmwWep666VCw==',
  },
  {
    from: 'RFC 8080 §6.1, first',
    algorithm: 15,
    owner: 'example.com.',
    secret: 'ODIyNjAzODQ2MjgwODAxMjI2NDUxOTAyMDQxNDIyNjI=',
    publicKey: 'l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=',
    ds: '3613 15 2 3AA5AB37EFCE57F737FC1627013FEE07BDF241BD10F3B1964AB55C78E79A304B',
    signed: mxOf(3613, 'mail.example.com.'),
    signature:
      'oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg==',
  },
  {
    from: 'RFC 8080 §6.1, second',
    algorithm: 15,
    owner: 'example.com.',
    secret: 'DSSF3o0s0f+ElWzj9E/Osxw8hLpk55chkmx0LYN5WiY=',
    publicKey: 'zPnZ/QwEe7S8C5SPz2OfS5RR40ATk2/rYnE9xHIEijs=',
    ds: '35217 15 2 401781B934E392DE492EC77AE2E15D70F6575A1C0BC59C5275C04EBE80C6614C',
    signed: mxOf(35217, 'mail.example.com.'),
    signature:
      'zXQ0bkYgQTEFyfLyi9QoiY6D8ZdYo4wyUhVioYZXFdT410QPRITQSqJSnzQoSm5poJ7gD7AQR0O7KuI5k2pcBg==',
  },
]

interface SignedSet {
  readonly head: {
    readonly type: number
    readonly algorithm: number
    readonly labels: number
    readonly ttl: number
    /** Expiration and inception. */
    readonly times: readonly [number, number]
    readonly tag: number
  }
  readonly signer: string
  readonly owner: string
  readonly rdata: Uint8Array
}

function rrsigInput({ head, signer, owner, rdata }: SignedSet): Uint8Array {
  const fixed = Buffer.alloc(18)
  fixed.writeUInt16BE(head.type, 0)
  fixed.writeUInt8(head.algorithm, 2)
  fixed.writeUInt8(head.labels, 3)
  fixed.writeUInt32BE(head.ttl, 4)
  fixed.writeUInt32BE(head.times[0], 8)
  fixed.writeUInt32BE(head.times[1], 12)
  fixed.writeUInt16BE(head.tag, 16)
  const set = Buffer.alloc(10)
  set.writeUInt16BE(head.type, 0)
  set.writeUInt16BE(1, 2)
  set.writeUInt32BE(head.ttl, 4)
  set.writeUInt16BE(rdata.length, 8)
  return Buffer.concat([fixed, name(signer), name(owner), set, rdata])
}

function name(text: string): Name {
  const parsed = parseName(text)
  if (parsed.kind === 'bad') throw new Error(parsed.why)
  return parsed.name
}

const octets = (base64: string): Uint8Array => Buffer.from(base64, 'base64')
const base64 = (value: Uint8Array): string => Buffer.from(value).toString('base64')

describe.each(examples)(
  '$from',
  ({ algorithm, owner, secret, publicKey, ds, signed, signature }) => {
    const privateKey = privateKeyFrom(algorithm, octets(secret))
    if (privateKey === null) throw new Error('no private key')
    const key = createSigningKey(algorithm, 257, privateKey)

    test('the private key leads to the public one, and back to itself', () => {
      expect(formatRdata(RRType.DNSKEY, key.dnskey)).toBe(`257 3 ${algorithm} ${publicKey}`)
      expect(base64(privateOctetsOf(privateKey))).toBe(secret)
    })

    test('DS, of an owner in any case of letters', () => {
      for (const text of [owner, owner.toUpperCase()])
        expect(formatRdata(RRType.DS, dsRdata(name(text), key.dnskey, 2))).toBe(ds)
      expect(key.tag).toBe(Number.parseInt(ds, 10))
    })

    test('its signature is valid, and so is ours', () => {
      const verifier = publicKeyFrom(algorithm, octets(publicKey))
      if (verifier === null) throw new Error('no public key')
      expect(isSignedBy(algorithm, verifier, signed, octets(signature))).toBe(true)
      const ours = signOctets(key, signed)
      expect(isSignedBy(algorithm, verifier, signed, ours)).toBe(true)
      // Ed25519 is deterministic.
      if (algorithm === 15) expect(base64(ours)).toBe(signature)
      ours[40] = (ours[40] as number) ^ 1
      expect(isSignedBy(algorithm, verifier, signed, ours)).toBe(false)
    })

    test('survives a structured clone', () => {
      const clone = signingKeyFrom(structuredClone(signingKeyData(key)))
      expect({ ...clone, privateKey: null }).toEqual({ ...key, privateKey: null })
      expect(clone.privateKey.equals(privateKey)).toBe(true)
    })
  },
)

test('r and s are padded where they are short: among 2,000 signatures there are such of either', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const short = { r: 0, s: 0 }
  for (let i = 0; i < 2000; i++) {
    const message = Buffer.from(`message ${i}`)
    const signature = signWith(13, privateKey, message)
    expect(signature.length).toBe(64)
    if (!isSignedBy(13, publicKey, message, signature)) expect.fail(`signature ${i} is not valid`)
    if (signature[0] === 0) short.r++
    if (signature[32] === 0) short.s++
  }
  // Each is expected 8 times.
  expect(short.r).toBeGreaterThan(0)
  expect(short.s).toBeGreaterThan(0)
})

describe('keys that are none', () => {
  test.each([
    ['no octets', 13, new Uint8Array(0)],
    ['a point that is not on the curve', 13, new Uint8Array(64).fill(1)],
    ['the point (0, 0)', 13, new Uint8Array(64)],
    ['a key of 33 octets', 15, new Uint8Array(33)],
  ] as const)('public: %s', (_, algorithm, value) => {
    expect(publicKeyFrom(algorithm, value)).toBeNull()
  })

  test.each([
    ['the scalar 0', 13, new Uint8Array(32)],
    ['a scalar above the order of the group', 13, new Uint8Array(32).fill(255)],
    ['31 octets', 13, new Uint8Array(31).fill(1)],
    ['31 octets', 15, new Uint8Array(31).fill(1)],
  ] as const)('private: %s', (_, algorithm, value) => {
    expect(privateKeyFrom(algorithm, value)).toBeNull()
  })

  test('of other algorithms', () => {
    expect(algorithmOfNumber(8)).toBeNull()
    const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' })
    expect(algorithmOfKey(p384.privateKey)).toBeNull()
    expect(algorithmOfKey(generateKeyPairSync('ed448').publicKey)).toBeNull()
  })
})

test('public keys are read from keys of either kind', () => {
  for (const algorithm of [13, 15] as const) {
    const { privateKey, publicKey } =
      algorithm === 13
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('ed25519')
    expect(algorithmOfKey(privateKey)).toBe(algorithm)
    const value = publicOctetsOf(algorithm, privateKey)
    expect(publicOctetsOf(algorithm, createPublicKey(privateKey))).toEqual(value)
    expect(publicKeyFrom(algorithm, value)?.equals(publicKey)).toBe(true)
    expect(sign(algorithm === 13 ? 'sha256' : null, value, privateKey).length).toBeGreaterThan(63)
  }
})
