// Addresses against node:net, an independent parser, and networks against naive bit strings.

import { BlockList, isIP } from 'node:net'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  formatAddress,
  networkContains,
  parseAddress,
  parseEndpoint,
  parseNetwork,
} from '../../src/lib/ip.ts'
import { runs } from '../support/runs.ts'

const anyOctets = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  // Mostly zero, so that runs of zero groups occur.
  fc
    .array(fc.constantFrom(0, 0, 0, 0, 1, 255), { minLength: 16, maxLength: 16 })
    .map((octets) => Uint8Array.from(octets)),
)

const family = (octets: Uint8Array): 'ipv4' | 'ipv6' => (octets.length === 4 ? 'ipv4' : 'ipv6')

const almostAddress = fc
  .array(
    fc.constantFrom(':', '::', '.', '0', '1', '255', '256', '01', 'ffff', 'A', 'g', '%e', '/', ' '),
    {
      maxLength: 18,
    },
  )
  .map((parts) => parts.join(''))

describe('addresses', () => {
  it.each([
    ['192.0.2.1', [192, 0, 2, 1]],
    ['0.0.0.0', [0, 0, 0, 0]],
    ['2001:db8::10', [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10]],
    ['::', Array(16).fill(0)],
    ['::ffff:192.0.2.1', [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 1]],
    ['1:2:3:4:5:6:7.8.9.10', [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 7, 8, 9, 10]],
    ['1:2:3:4:5:6:7::', [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 0]],
  ])('reads %s', (text, octets) => {
    expect(parseAddress(text)).toEqual({
      family: octets.length === 4 ? 4 : 6,
      octets: Uint8Array.from(octets as number[]),
    })
  })

  it.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '1.2.3.256',
    '1.2.3.4 ',
    '0x1.2.3.4',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '12345::',
    '::g',
    'fe80::1%eth0',
    '[::1]',
    '::1.2.3',
    '1.2.3.4::',
    '::1.2.3.4:5',
    ':1::2',
    '1::2:',
    '::1/128',
  ])('refuses %j', (text) => {
    expect(parseAddress(text)).toBeNull()
    expect(text.includes('%') ? 0 : isIP(text)).toBe(0)
  })

  it.each([
    ['2001:0db8:0000:0000:0001:0000:0000:0001', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:DB8:0:0:0:0:2:1', '2001:db8::2:1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['0:0:0:0:0:FFFF:c000:201', '::ffff:192.0.2.1'],
    ['1:0:0:0:0:0:0:0', '1::'],
  ])('writes %s as RFC 5952 wants: %s', (text, canonical) => {
    expect(formatAddress(parseAddress(text)?.octets ?? new Uint8Array(4))).toBe(canonical)
  })

  it('accepts exactly what Node accepts', () => {
    fc.assert(
      fc.property(fc.oneof(almostAddress, fc.ipV4(), fc.ipV6(), fc.string()), (text) => {
        fc.pre(!text.includes('%'))
        expect(parseAddress(text)?.family ?? 0).toBe(isIP(text))
      }),
      { numRuns: runs(5000) },
    )
  })

  it('reads back what it writes', () => {
    fc.assert(
      fc.property(anyOctets, (octets) => {
        expect(parseAddress(formatAddress(octets))?.octets).toEqual(octets)
      }),
    )
  })
})

describe('networks', () => {
  it('reads a prefix and a lone address', () => {
    expect(parseNetwork('192.0.2.0/24')).toEqual({
      kind: 'network',
      octets: Uint8Array.of(192, 0, 2, 0),
      prefixLength: 24,
    })
    expect(parseNetwork('::1')).toMatchObject({ kind: 'network', prefixLength: 128 })
    expect(parseNetwork('::/0')).toMatchObject({ kind: 'network', prefixLength: 0 })
  })

  it.each([
    ['192.0.2.1/24', '"192.0.2.1/24" has host bits set, expected the network 192.0.2.0/24'],
    ['2001:db8::1/32', '"2001:db8::1/32" has host bits set, expected the network 2001:db8::/32'],
    ['192.0.2.0/33', 'prefix length is "33", expected 0–32'],
    ['192.0.2.0/', 'prefix length is "", expected 0–32'],
    ['::/0128', 'prefix length is "0128", expected 0–128'],
    ['192.0.2/24', '"192.0.2/24" is no network, expected 192.0.2.0/24'],
    ['192.0.2.0/24/24', '"192.0.2.0/24/24" is no network such as 192.0.2.0/24'],
  ])('refuses %s', (text, why) => {
    expect(parseNetwork(text)).toEqual({ kind: 'bad', why })
  })

  it('contains what net.BlockList contains', () => {
    fc.assert(
      fc.property(anyOctets, anyOctets, fc.nat(128), fc.nat(127), (base, other, prefix, flip) => {
        const prefixLength = prefix % (base.length * 8 + 1)
        // Half of the time an address that differs from the base in one bit.
        const asked =
          flip % 2 === 0
            ? other
            : base.map((octet, i) => octet ^ (i === flip >> 3 ? 1 << (flip & 7) : 0))
        fc.pre(base.length === asked.length)
        const peer = new BlockList()
        peer.addSubnet(formatAddress(base), prefixLength, family(base))
        expect(networkContains({ octets: base, prefixLength }, asked)).toBe(
          peer.check(formatAddress(asked), family(asked)),
        )
      }),
      { numRuns: runs(2000) },
    )
  })

  it('never contains an address of the other family', () => {
    const everything = { octets: new Uint8Array(4), prefixLength: 0 }
    expect(networkContains(everything, new Uint8Array(16))).toBe(false)
    expect(networkContains(everything, new Uint8Array(4))).toBe(true)
  })
})

describe('endpoints', () => {
  it.each([
    ['127.0.0.1:53', { address: '127.0.0.1', port: 53 }],
    ['[::1]:5300', { address: '::1', port: 5300 }],
    ['[0:0::0]:0', { address: '::', port: 0 }],
    ['0.0.0.0:65535', { address: '0.0.0.0', port: 65_535 }],
  ])('reads %s', (text, endpoint) => expect(parseEndpoint(text)).toEqual(endpoint))

  it.each([
    '',
    '53',
    '127.0.0.1',
    '::1:53',
    '[::1]',
    '[127.0.0.1]:53',
    '127.0.0.1:65536',
    '127.0.0.1:053',
    '127.0.0.1:-1',
    'localhost:53',
    '[::1]:53 ',
    '[[::1]]:53',
  ])('refuses %j', (text) => expect(parseEndpoint(text)).toBeNull())
})
