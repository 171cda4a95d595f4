// The options of a query: which are read, which are ignored, which are FORMERR.

import { describe, expect, test } from 'vitest'
import { createQueryDecoder } from '../../src/wire/query.ts'
import type { Query } from '../../src/wire/query.ts'
import { option, subnetOption } from '../support/opt-options.ts'
import { buildQuery } from '../support/packet-builder.ts'

const decodeOptions = (...options: readonly number[][]) => {
  const packet = buildQuery({ name: 'www.example.test', opts: [{ options: options.flat() }] })
  return createQueryDecoder()(packet, 0, packet.length)
}

function queryOf(...options: readonly number[][]): Query {
  const decoded = decodeOptions(...options)
  if (decoded.kind !== 'query') throw new Error(decoded.kind)
  return decoded.query
}

const octets = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

describe('accepted', () => {
  test.each<[string, number[], object]>([
    ['NSID', option(3), { hasNsid: true }],
    ['NSID with something in it', option(3, [1, 2]), { hasNsid: true }],
    ['a client cookie', option(10, octets(8)), { cookieOctets: 8 }],
    ['the shortest server cookie', option(10, octets(16)), { cookieOctets: 16 }],
    ['the longest server cookie', option(10, octets(40)), { cookieOctets: 40 }],
    ['keepalive', option(11), { hasKeepalive: true }],
    ['keepalive with a timeout, and ignored', option(11, [0, 9]), { hasKeepalive: false }],
    ['padding', option(12, octets(100)), { hasPadding: true }],
    ['EXPIRE, and ignored', option(9), {}],
    ['an unknown one, and ignored', option(65_001, octets(30)), {}],
    ['IPv4 /24', subnetOption(1, 24, [192, 0, 2]), { subnetFamily: 1, sourcePrefixLength: 24 }],
    ['IPv4 /32', subnetOption(1, 32, [192, 0, 2, 1]), { sourcePrefixLength: 32 }],
    ['IPv4 /20', subnetOption(1, 20, [192, 0, 0xf0]), { sourcePrefixLength: 20, subnetOctets: 7 }],
    ['IPv4 /0', subnetOption(1, 0, []), { subnetFamily: 1, sourcePrefixLength: 0 }],
    ['IPv6 /56', subnetOption(2, 56, octets(7)), { subnetFamily: 2, sourcePrefixLength: 56 }],
    ['IPv6 /128', subnetOption(2, 128, octets(16)), { sourcePrefixLength: 128 }],
    ['IPv6 /1', subnetOption(2, 1, [0x80]), { sourcePrefixLength: 1 }],
    ['no family and no address', subnetOption(0, 0, []), { subnetFamily: 0, subnetOctets: 4 }],
  ])('%s', (_what, rdata, expected) => {
    expect(queryOf(rdata).options).toMatchObject(expected)
  })

  test('several at once; of several of a kind the first', () => {
    const { options, packet } = queryOf(
      option(10, octets(8)),
      option(77),
      subnetOption(1, 8, [10]),
      option(3),
      subnetOption(2, 0, []),
      option(10, octets(24)),
    )
    expect(options).toMatchObject({ cookieOctets: 8, subnetFamily: 1, hasNsid: true })
    const { cookieOffset, subnetOffset } = options
    expect([...packet.subarray(cookieOffset, cookieOffset + 8)]).toEqual(octets(8))
    expect([...packet.subarray(subnetOffset, subnetOffset + 5)]).toEqual([0, 1, 8, 0, 10])
  })
})

describe('FORMERR', () => {
  const cookies = [0, 1, 7, 9, 15, 41, 64].map((count): [string, number[]] => [
    `a cookie of ${count}`,
    option(10, octets(count)),
  ])
  test.each<[string, number[]]>([
    ...cookies,
    ['a subnet of nothing', option(8)],
    ['a subnet cut in its head', option(8, [0, 1, 24])],
    ['an unknown family', subnetOption(3, 0, [])],
    ['a family of the high octet', subnetOption(0x0100, 0, [])],
    ['a prefix where there is no family', subnetOption(0, 8, [10])],
    ['IPv4 /33', subnetOption(1, 33, [192, 0, 2, 1, 0])],
    ['IPv6 /129', subnetOption(2, 129, octets(17))],
    ['a scope', subnetOption(1, 24, [192, 0, 2], 24)],
    ['an octet too few', subnetOption(1, 24, [192, 0])],
    ['an octet too many', subnetOption(1, 24, [192, 0, 2, 0])],
    ['bits beyond the prefix', subnetOption(1, 23, [192, 0, 3])],
    ['bits beyond an IPv6 prefix', subnetOption(2, 1, [0xc0])],
    ['an option cut in its head', [0, 3, 0]],
    ['an option longer than its OPT', [0, 3, 0, 5, 1, 2, 3, 4]],
    ['a good one, then a bad one', [...option(3), ...option(10, [1])]],
    ['a bad one behind a good one of its kind', [...option(10, octets(8)), ...option(10, [1])]],
  ])('%s', (_what, rdata) => {
    expect(decodeOptions(rdata)).toMatchObject({
      kind: 'reject',
      rcode: 1,
      // Options before the malformed one must not be answered.
      query: { hasOpt: true, options: { cookieOctets: 0, subnetOctets: 0, hasNsid: false } },
    })
  })

  test('but BADVERS comes first: options of another version may mean anything', () => {
    const packet = buildQuery({ name: 'a', opts: [{ version: 1, options: option(10, [1]) }] })
    expect(createQueryDecoder()(packet, 0, packet.length)).toMatchObject({ rcode: 16 })
  })
})

describe('without a question', () => {
  const bareHead = Buffer.from('00010000000000000000000100002904d000000000', 'hex')
  const bare = (options: readonly number[]): Uint8Array =>
    Uint8Array.from([...bareHead, options.length >> 8, options.length & 0xff, ...options])
  test('FORMERR, with its OPT and cookie read', () => {
    const packet = bare(option(10, octets(8)))
    expect(createQueryDecoder()(packet, 0, packet.length)).toMatchObject({
      kind: 'reject',
      rcode: 1,
      query: { qnameOctets: 0, hasOpt: true, options: { cookieOctets: 8 } },
    })
  })
  test('a malformed option is not answered', () => {
    const packet = bare(option(10, octets(9)))
    expect(createQueryDecoder()(packet, 0, packet.length)).toMatchObject({
      kind: 'reject',
      rcode: 1,
      query: { options: { cookieOctets: 0 } },
    })
  })
})
