// Seals against vectors of OpenSSL. Each was computed by
//
//   printf 'mxsteer-state-1\n%s\n%s\n%s\n%s\n%s' KEY FIELD WRITER EPOCH VALUE |
//     openssl dgst -sha256 -hmac correct-horse-battery-staple-0001 -binary | base64 | tr '+/' '-_' | cut -c1-22

import { expect, test } from 'vitest'

import {
  maxSealLength,
  RecordSealer,
  splitSealed,
  splitSigned,
} from '../../../src/cluster/redis/sealed-record.ts'

const secretOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const first = secretOf('correct-horse-battery-staple-0001')
const second = secretOf('correct-horse-battery-staple-0002')

const vectors = [
  {
    key: 'mxsteer:{default}:v1:hb:ns1-fra',
    field: '',
    writer: 'ns1-fra',
    epoch: 12,
    value: '12|3456|ok|fra',
    seal: 'mKBHE_Omkh6m-jQrN2ylDb',
  },
  {
    key: 'mxsteer:{default}:v1:v:ns1-fra',
    field: 'pZ3_bW0bGv6q1x-d',
    writer: 'ns1-fra',
    epoch: 1_780_000_000_000,
    value: 'D|1780000000000|connect-refused|7',
    seal: 'N0PHvMNJgFT0b1A8MPyIER',
  },
  {
    key: 'mxsteer:{default}:v1:ov',
    field: 'z.test mx1  state',
    writer: 'ns2',
    epoch: 3,
    value: '{"id":"a1","why":"größer ✔"}',
    seal: 'WSDUUb2rNwvMfe5iZHyzGd',
  },
]

test.each(vectors)('$value at $key', ({ value, seal, ...place }) => {
  const sealer = new RecordSealer([first])
  expect(sealer.seal(place, value)).toBe(`${value}~${seal}`)
  const signed = sealer.sign(place, value)
  expect(signed).toBe(`${value}~${place.writer}~${place.epoch}~${seal}`)
  expect(splitSealed(`${value}~${seal}`)).toEqual({ value, seal })
  expect(splitSigned(signed)).toEqual({ value, seal, writer: place.writer, epoch: place.epoch })
  expect(signed.length - value.length).toBeLessThanOrEqual(maxSealLength)
  expect(sealer.verify(place, value, seal)).toBe('active')
})

test('the first secret seals, all verify, no other does', () => {
  const { value, seal, ...place } = vectors[0] as (typeof vectors)[0]
  expect(new RecordSealer([second, first]).verify(place, value, seal)).toBe('other')
  expect(new RecordSealer([second]).verify(place, value, seal)).toBe('none')
  const rotated = new RecordSealer([second, first]).seal(place, value)
  expect(new RecordSealer([first, second]).verify(place, value, rotated.slice(-22))).toBe('other')
})

test('a line feed cannot move the border between two parts', () => {
  const sealer = new RecordSealer([first])
  const place = { key: 'k', field: 'f\na', writer: 'a', epoch: 1 }
  const seal = sealer.seal(place, 'v').slice(-22)
  expect(sealer.verify(place, 'v', seal)).toBe('none')
  expect(sealer.verify({ ...place, field: 'f' }, 'a\n1\nv', seal)).toBe('none')
})

test.each(['', '~', 'v~short', 'v~with space in the seal!', `v~${'x'.repeat(23)}`])(
  '%j carries no seal',
  (text) => {
    expect(splitSealed(text)).toEqual({ value: text, seal: null })
    expect(splitSigned(text)).toEqual({ value: text, seal: null, writer: null, epoch: 0 })
  },
)
