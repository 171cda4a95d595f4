// Whatever the two files of a key hold, they are read as a key that signs for its DNSKEY, or as mistakes that show
// nothing of the private key.

import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { generatePrivateKey, isSignedBy, publicKeyFrom } from '../../src/dnssec/algorithms.ts'
import { keyFileTexts, readKeyPair } from '../../src/dnssec/key-file.ts'
import { noTimes } from '../../src/dnssec/key-set.ts'
import { createSigningKey, signOctets } from '../../src/dnssec/signing-key.ts'
import { runs } from '../support/runs.ts'

const secretOf = (text: string): string => /PrivateKey: (\S+)/.exec(text)?.[1] ?? ''

const texts = ([13, 15] as const).map((algorithm) => {
  const key = createSigningKey(algorithm, 257, generatePrivateKey(algorithm))
  return keyFileTexts({
    ...key,
    zone: Uint8Array.of(1, 97, 0),
    times: { ...noTimes, publishMs: 0 },
  })
})

/** A text with some octets replaced, inserted or cut. */
const mutated = (text: string): fc.Arbitrary<Uint8Array> =>
  fc
    .array(
      fc.record({
        at: fc.nat({ max: text.length }),
        cut: fc.nat({ max: 3 }),
        put: fc.oneof(
          fc.uint8Array({ maxLength: 2 }),
          fc.constantFrom(...'\n;()"\\: 0A='.split('')).map((c) => Buffer.from(c)),
        ),
      }),
      { maxLength: 4 },
    )
    .map((changes) =>
      changes.reduce<Uint8Array>(
        (octets, { at, cut, put }) =>
          Buffer.concat([octets.subarray(0, at), put, octets.subarray(at + cut)]),
        Buffer.from(text),
      ),
    )

const pair = fc
  .constantFrom(...texts)
  .chain((one) => fc.tuple(mutated(one.public), mutated(one.private), fc.constant(one.private)))

test('mutated key files', () => {
  const seen = { key: 0, bad: 0 }
  fc.assert(
    fc.property(pair, ([record, secret, text]) => {
      const read = readKeyPair(
        { file: 'K.key', octets: record },
        { file: 'K.private', octets: secret },
      )
      seen[read.kind]++
      if (read.kind === 'bad') {
        expect(read.diagnostics.length).toBeGreaterThan(0)
        expect(JSON.stringify(read.diagnostics)).not.toContain(secretOf(text).slice(8, 24))
        return
      }
      const { key } = read
      const publicKey = publicKeyFrom(key.algorithm, key.dnskey.subarray(4))
      const signature = signOctets(key, record)
      expect(publicKey && isSignedBy(key.algorithm, publicKey, record, signature)).toBe(true)
    }),
    { numRuns: runs(2_000) },
  )
  expect(Math.min(seen.key, seen.bad)).toBeGreaterThan(0)
})
