// The order of names, and DS against keys: vectors of RFC 4034 §6.1, §5.4 and RFC 4509 §2.3. Signatures are judged in
// test/long/doctor-signed-zones.test.ts, where dnssec-signzone has made them.

import { expect, it } from 'vitest'

import {
  compareNames,
  isBetween,
  matchDs,
  readDelegationSigner,
  readSignature,
} from '../../src/dnssec/chain-of-trust.ts'
import { keyOfName, type Name, type NameKey, parseName } from '../../src/wire/name.ts'

function nameOf(text: string): Name {
  const parsed = parseName(text)
  if (parsed.kind === 'bad') throw new Error(parsed.why)
  return parsed.name
}
const keyOf = (text: string): NameKey => keyOfName(nameOf(text))

const ordered = [
  'example.',
  'a.example.',
  'yljkjljk.a.example.',
  'Z.a.example.',
  'zABC.a.EXAMPLE.',
  'z.example.',
  String.raw`\001.z.example.`,
  '*.z.example.',
  String.raw`\200.z.example.`,
].map(keyOf)

it('orders names as RFC 4034 §6.1 does', () => {
  expect(ordered.toReversed().sort(compareNames)).toEqual(ordered)
})

it.each([
  ['b.example.', 'a.example.', 'z.example.', true],
  ['a.example.', 'a.example.', 'z.example.', false],
  ['z.example.', 'a.example.', 'z.example.', false],
  ['zz.example.', 'z.example.', 'example.', true],
  ['b.example.', 'z.example.', 'example.', false],
])('%s between %s and %s: %s', (name, owner, next, expected) => {
  expect(isBetween(keyOf(name), keyOf(owner), keyOf(next))).toBe(expected)
})

const dnskey = Buffer.concat([
  Buffer.from([0x01, 0x00, 3, 5]),
  Buffer.from(
    'AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdvx' +
      'egXd/M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw==',
    'base64',
  ),
])
const apex = nameOf('dskey.example.com.')
const ds = (digestType: number, digest: string): Uint8Array =>
  Buffer.concat([Buffer.from([60485 >> 8, 60485 & 255, 5, digestType]), Buffer.from(digest, 'hex')])

it.each([
  ['SHA-1', 1, '2BB183AF5F22588179A53B0A98631FAD1A292118', 'key'],
  ['SHA-256', 2, 'D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B8383F6A1E4469DA50A', 'key'],
  [
    'another digest',
    2,
    'D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B8383F6A1E4469DA50B',
    'wrong-digest',
  ],
  ['a cut digest', 2, 'D4B7', 'wrong-digest'],
  ['an unknown type', 3, 'D4B7', 'unknown-digest'],
])('DS with %s', (_, digestType, digest, kind) => {
  const signer = readDelegationSigner(ds(digestType, digest))
  expect(signer && matchDs(apex, signer, [dnskey]).kind).toBe(kind)
  expect(signer && matchDs(apex, signer, []).kind).toBe('no-key')
})

it('reads nothing of octets that are too few', () => {
  expect(readDelegationSigner(Buffer.alloc(3))).toBeNull()
  expect(readSignature(Buffer.alloc(18))).toBeNull()
  expect(readSignature(Buffer.concat([Buffer.alloc(18), Buffer.from([5, 1])]))).toBeNull()
})
