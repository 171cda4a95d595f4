// Rdata from the RFCs that define it: text ⇄ octets as printed there.

import { describe, expect, it } from 'vitest'
import { formatRdata } from '../../../src/wire/rdata/format.ts'
import { RRType } from '../../../src/wire/rrtype.ts'
import { hex, parseHex } from './rdata-parse-hex.ts'

const fooExampleCom = '03 66 6f 6f 07 65 78 61 6d 70 6c 65 03 63 6f 6d 00'
const fooExampleOrg = '03 66 6f 6f 07 65 78 61 6d 70 6c 65 03 6f 72 67 00'

describe('RFC 9460 appendix D', () => {
  it.each([
    ['HTTPS', '0 foo.example.com.', `00 00 ${fooExampleCom}`],
    ['SVCB', '1 .', '00 01 00'],
    ['SVCB', '16 foo.example.com. port=53', `00 10 ${fooExampleCom} 00 03 00 02 00 35`],
    [
      'SVCB',
      '1 foo.example.com. key667=hello',
      `00 01 ${fooExampleCom} 02 9b 00 05 68 65 6c 6c 6f`,
    ],
    [
      'SVCB',
      '1 foo.example.com. key667="hello\\210qoo"',
      `00 01 ${fooExampleCom} 02 9b 00 09 68 65 6c 6c 6f d2 71 6f 6f`,
    ],
    [
      'SVCB',
      '1 foo.example.com. (\n ipv6hint="2001:db8::1,2001:db8::53:1"\n )',
      `00 01 ${fooExampleCom} 00 06 00 20 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01 20 01 0d b8 00 00 00 00 00 00 00 00 00 53 00 01`,
    ],
    [
      'SVCB',
      '1 example.com. (\n ipv6hint="2001:db8:122:344::192.0.2.33"\n )',
      '00 01 07 65 78 61 6d 70 6c 65 03 63 6f 6d 00 00 06 00 10 20 01 0d b8 01 22 03 44 00 00 00 00 c0 00 02 21',
    ],
    [
      'SVCB',
      '16 foo.example.org. (\n alpn=h2,h3-19 mandatory=ipv4hint,alpn\n ipv4hint=192.0.2.1\n )',
      `00 10 ${fooExampleOrg} 00 00 00 04 00 01 00 04 00 01 00 09 02 68 32 05 68 33 2d 31 39 00 04 00 04 c0 00 02 01`,
    ],
    [
      'SVCB',
      '16 foo.example.org. alpn="f\\\\\\\\oo\\\\,bar,h2"',
      `00 10 ${fooExampleOrg} 00 01 00 0c 08 66 5c 6f 6f 2c 62 61 72 02 68 32`,
    ],
    [
      'SVCB',
      '16 foo.example.org. alpn=f\\\\\\092oo\\092,bar,h2',
      `00 10 ${fooExampleOrg} 00 01 00 0c 08 66 5c 6f 6f 2c 62 61 72 02 68 32`,
    ],
  ])('%s %s', (type, text, octets) => {
    const expected = octets.replaceAll(' ', '')
    expect(parseHex(type, text)).toBe(expected)
    const written = formatRdata(type === 'HTTPS' ? RRType.HTTPS : RRType.SVCB, hex(octets))
    expect(written).not.toMatch(/^\\#/)
    expect(parseHex(type, written)).toBe(expected)
  })

  it.each([
    'key123=abc key123=def',
    'mandatory',
    'alpn',
    'port',
    'ipv4hint',
    'ipv6hint',
    'no-default-alpn=abc',
    'mandatory=key123',
    'mandatory=mandatory',
    'mandatory=key123,key123 key123=abc',
  ])('refuses 1 foo.example.com. %s', (params) => {
    expect(parseHex('SVCB', `1 foo.example.com. ${params}`)).toBeNull()
  })
})

describe('RFC 1876', () => {
  // The examples of §4; octets worked out by hand from §2.
  it.each([
    ['42 21 54 N 71 06 18 W -24m 30m', '00 33 16 13 89 17 2d d0 70 be 15 f0 00 98 8d 20'],
    ['42 21 43.952 N 71 5 6.344 W -24m 1m 200m', '00 12 24 13 89 17 06 90 70 bf 2d d8 00 98 8d 20'],
    ['52 14 05 N 00 08 50 E 10m', '00 12 16 13 8b 35 56 c8 80 08 16 50 00 98 9a 68'],
    ['32 7 19 S 116 2 25 E 10m', '00 12 16 13 79 1b 7d 28 98 e6 48 68 00 98 9a 68'],
  ])('%s', (text, octets) => expect(parseHex('LOC', text)).toBe(octets.replaceAll(' ', '')))

  it('writes the sample', () => {
    const octets = hex('00 33 16 13 89 17 2d d0 70 be 15 f0 00 98 8d 20')
    expect(formatRdata(RRType.LOC, octets)).toBe(
      '42 21 54.000 N 71 6 18.000 W -24.00m 30.00m 10000.00m 10.00m',
    )
  })
})

describe('other RFCs', () => {
  it.each([
    ['AAAA', '2001:db8::1', '20010db8000000000000000000000001'],
    // RFC 8659 §4.1.1: tag length and tag, then the value without a length.
    ['CAA', '0 issue "ca1.example.net"', '0005697373756563 61312e6578616d706c652e6e6574'],
    // RFC 7043 §3.2 and §4.2.
    ['EUI48', '00-00-5e-00-53-2a', '00005e00532a'],
    ['EUI64', '00-00-5e-ef-10-00-00-2a', '00005eef1000002a'],
    // RFC 7477 §2.2: serial 66, both flags, A NS AAAA.
    ['CSYNC', '66 3 A NS AAAA', '0000 0042 0003 0004 60000008'],
    // RFC 3597 §5.
    ['A', '\\# 4 0A000001', '0a000001'],
    ['TYPE731', '\\# 6 abcd (\nef 01 23 45 )', 'abcdef012345'],
    // RFC 8078 §4: delete the DS.
    ['CDS', '0 0 0 00', '0000000000'],
    ['CDNSKEY', '0 3 0 AA==', '0000030000'],
    // RFC 7505: the null MX.
    ['MX', '0 .', '000000'],
  ])('%s %s', (type, text, octets) => expect(parseHex(type, text)).toBe(octets.replaceAll(' ', '')))
})
