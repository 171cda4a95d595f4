// Server cookies against the vectors of RFC 9018, Appendix A, and the rules of RFC 7873 §5.2.

import { describe, expect, test } from 'vitest'

import { type CookieStatus, createCookieKeeper } from '../../src/admission/server-cookie.ts'
import { parseAddress } from '../../src/lib/ip.ts'

const hex = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const addressOf = (text: string): Uint8Array => parseAddress(text)?.octets as Uint8Array

const secret = hex('e5e973e5a6b2a43f48e7dc849e37bfcf')
const keeper = createCookieKeeper({ secrets: [secret] })

interface Made {
  readonly secrets?: readonly Uint8Array[]
  readonly client: string
  readonly from: string
  readonly seconds: number
}

function write({ secrets = [secret], client, from, seconds }: Made): string {
  const out = new Uint8Array(26).fill(0xaa)
  const around = new Uint8Array([0xff, ...hex(client), 0xff])
  createCookieKeeper({ secrets }).write(around, 1, addressOf(from), seconds, out, 1)
  expect([out[0], out[25]]).toEqual([0xaa, 0xaa])
  return Buffer.from(out.subarray(1, 25)).toString('hex')
}

const verify = (option: string, from: string, nowSeconds: number, by = keeper): CookieStatus => {
  const octets = hex(option)
  const within = new Uint8Array([0xff, 0xff, ...octets, 0xff])
  return by.verify(within, 2, octets.length, addressOf(from), nowSeconds)
}

describe('RFC 9018, Appendix A', () => {
  const client = '2464c4abcf10c957'
  const first = `${client}010000005cf79f111f8130c3eee29480`
  const renewed = `${client}010000005cf7a871d4a564a1442aca77`

  test('A.1: a new server cookie', () => {
    expect(write({ client, from: '198.51.100.100', seconds: 0x5cf79f11 })).toBe(first)
    expect(verify(client, '198.51.100.100', 0x5cf79f11)).toBe('client-only')
  })

  test('A.2: the same client 40 minutes later is renewed', () => {
    expect(verify(first, '198.51.100.100', 0x5cf7a871)).toBe('renew')
    expect(write({ client, from: '198.51.100.100', seconds: 0x5cf7a871 })).toBe(renewed)
    expect(verify(renewed, '198.51.100.100', 0x5cf7a871)).toBe('valid')
  })

  test('A.3: reserved octets that are not zero are hashed as received', () => {
    const other = 'fc93fc62807ddb86'
    const odd = `${other}01abcdef5cf78f71a314227b6679ebf5`
    expect(verify(odd, '203.0.113.203', 0x5cf79000)).toBe('valid')
    expect(verify(odd, '203.0.113.203', 0x5cf79b81)).toBe('renew')
    expect(verify(odd.replace('abcdef', '000000'), '203.0.113.203', 0x5cf79000)).toBe('invalid')
    expect(write({ client: other, from: '203.0.113.203', seconds: 0x5cf7a9ac })).toBe(
      `${other}010000005cf7a9acf73a7810aca2381e`,
    )
  })

  test('A.4: IPv6, and a secret that was rolled', () => {
    const from = '2001:db8:220:1:59de:d0f4:8769:82b8'
    const v6Client = '22681ab97d52c298'
    const old = hex('dd3bdf9344b678b185a6f5cb60fca715')
    const next = hex('445536bcd2513298075a5d379663c962')
    const byOld = `${v6Client}010000005cf7c57926556bd0934c72f8`
    expect(write({ secrets: [old], client: v6Client, from, seconds: 0x5cf7c579 })).toBe(byOld)
    expect(write({ secrets: [next, old], client: v6Client, from, seconds: 0x5cf7c609 })).toBe(
      `${v6Client}010000005cf7c609a6bb79d16625507a`,
    )
    const rolled = createCookieKeeper({ secrets: [next, old] })
    expect(verify(byOld, from, 0x5cf7c609, rolled)).toBe('renew')
    expect(verify(byOld, from, 0x5cf7c609, createCookieKeeper({ secrets: [old, next] }))).toBe(
      'valid',
    )
    expect(verify(byOld, from, 0x5cf7c609, createCookieKeeper({ secrets: [next] }))).toBe('invalid')
  })
})

describe('age', () => {
  const client = '0011223344556677'
  const from = '192.0.2.7'
  const verdictAt = (made: number, now: number): CookieStatus =>
    verify(write({ client, from, seconds: made }), from, now)

  test.each<[string, number, CookieStatus]>([
    ['now', 0, 'valid'],
    ['30 minutes', 1800, 'valid'],
    ['a second more', 1801, 'renew'],
    ['an hour', 3600, 'renew'],
    ['a second more', 3601, 'invalid'],
    ['five minutes ahead', -300, 'valid'],
    ['a second more', -301, 'invalid'],
    ['half the circle', 2 ** 31, 'invalid'],
  ])('%s', (_, ageSeconds, wanted) => {
    for (const made of [1_760_000_000, 2 ** 31 - 10, 2 ** 32 - 10, 2 ** 32 + 5])
      expect(verdictAt(made, made + ageSeconds)).toBe(wanted)
  })

  test('of a clock with fractions', () => {
    expect(verdictAt(1_760_000_000.75, 1_760_000_000.1)).toBe('valid')
  })
})

describe('a cookie that this server did not make', () => {
  const client = '0011223344556677'
  const from = '192.0.2.7'
  const now = 1_760_000_000
  const good = write({ client, from, seconds: now })

  test('one bit changed anywhere but in the reserved octets, which are hashed too', () => {
    for (let bit = 0; bit < 24 * 8; bit++) {
      const octets = hex(good)
      octets[bit >> 3] = (octets[bit >> 3] as number) ^ (1 << (bit & 7))
      expect(verify(Buffer.from(octets).toString('hex'), from, now)).toBe('invalid')
    }
  })

  test('another address, of either family', () => {
    expect(verify(good, from, now)).toBe('valid')
    expect(verify(good, '192.0.2.8', now)).toBe('invalid')
    expect(verify(good, '::ffff:192.0.2.7', now)).toBe('invalid')
    expect(verify(good, 'c000:207::', now)).toBe('invalid')
  })

  test('an IPv4 client after an IPv6 client: no octet of the longer address remains', () => {
    verify(good, '2001:db8::1', now)
    expect(verify(good, from, now)).toBe('valid')
  })

  test('every length from 0 to 45', () => {
    for (let octets = 0; octets <= 45; octets++) {
      const option = new Uint8Array(octets)
      option.set(hex(good).subarray(0, octets))
      const lawful = octets >= 16 && octets <= 40
      const wanted =
        octets === 8 ? 'client-only' : octets === 24 ? 'valid' : lawful ? 'invalid' : 'malformed'
      expect([octets, keeper.verify(option, 0, octets, addressOf(from), now)]).toEqual([
        octets,
        wanted,
      ])
    }
  })

  test('secrets are 16 octets, one at least', () => {
    expect(() => createCookieKeeper({ secrets: [] })).toThrow(RangeError)
    expect(() => createCookieKeeper({ secrets: [secret, new Uint8Array(15)] })).toThrow(RangeError)
  })
})
