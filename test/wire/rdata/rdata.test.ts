// Parsing and formatting of rdata beyond its octets: messages, compression, generic form, roles of names.

import { describe, expect, it } from 'vitest'
import { nameToText } from '../../../src/wire/name.ts'
import { formatRdata } from '../../../src/wire/rdata/format.ts'
import { layouts } from '../../../src/wire/rdata/layouts.ts'
import { namesInRdata } from '../../../src/wire/rdata/names.ts'
import { isMetaType, RRType, typeFromText } from '../../../src/wire/rrtype.ts'
import { hex, parseText } from './rdata-parse-hex.ts'

const number = 'expected a whole number 0–65535'

describe('messages', () => {
  it.each([
    ['MX', 'x mx1', `preference is "x", ${number}`],
    ['MX', '65536 mx1', `preference is "65536", ${number}`],
    ['MX', '', `preference is missing, ${number}`],
    ['MX', '10', 'the exchange is missing, expected a name, without quotes'],
    ['MX', '10 "mx1"', 'the exchange is "mx1", expected a name, without quotes'],
    [
      'MX',
      '10 a..b',
      'the exchange is "a..b", expected a name, but the name has an empty label, expected one dot between two labels and none in front',
    ],
    ['MX', '10 mx1 mx2', 'what follows is "mx2", expected nothing more'],
    [
      'A',
      '2001:db8::1',
      'the address is "2001:db8::1", expected an IPv4 address such as 192.0.2.1: an IPv6 address is of type AAAA',
    ],
    [
      'A',
      '1'.repeat(100),
      `the address is "${'1'.repeat(60)}…", expected an IPv4 address such as 192.0.2.1`,
    ],
    ['TXT', 'v=DKIM1; p=', 'there is a ";" outside quotes, expected it quoted or escaped'],
    [
      'TXT',
      `"${'x'.repeat(256)}"`,
      'the string has 256 octets, expected a string of at most 255 octets: split it into several',
    ],
    ['CAA', '0 is-sue "x"', 'the tag is "is-sue", expected letters and digits'],
    [
      'SOA',
      'ns1 host 1 2y 3 4 5',
      'refresh is "2y", expected seconds 0–4294967295, or with units as in 1h30m',
    ],
    ['TLSA', '3 1 1 0g', 'the association data is "0g", expected an even number of hex digits'],
    ['DS', '1 13 2 00', 'the digest has 1 octets, expected 32 for type 2'],
    ['SVCB', '1 . port=x', 'port is "x", expected a port 0–65535'],
    [
      'SVCB',
      '1 . nosuch=x',
      'the service parameter is "nosuch", expected a key such as alpn or key667',
    ],
    ['SVCB', '1 . port=1 port=2', 'the service parameter port is given twice'],
    ['SVCB', '1 . mandatory=alpn', 'alpn is mandatory, but not given'],
    ['SVCB', '0 . port=1', 'the priority is 0 (AliasMode), expected no service parameters'],
    [
      'NAPTR',
      '1 1 u x "!a!b" .',
      'the expression expected delimiter, expression, delimiter, replacement, delimiter',
    ],
    [
      'LOC',
      '91 N 0 E 0m',
      'the latitude is "91 N", expected degrees 0–90, minutes, seconds, then N or S',
    ],
    ['A', '\\# 3 c00002', 'the octets end within the address'],
    ['A', '\\# 5 c000020100', '1 octets are left over after the last field'],
    ['MX', '\\# 4 000ac00c', 'the octets of the exchange are no uncompressed name'],
    ['TYPE65400', '\\# 2 0a', 'the data after \\# has 1 octets, expected 2'],
    ['TYPE65400', 'foo', 'TYPE65400 has no form of its own here, expected \\# LENGTH HEX'],
    ['ANY', '\\# 0', 'ANY is a type of queries, never data of a zone'],
    ['OPT', '\\# 0', 'OPT is a type of queries, never data of a zone'],
  ])('%s %s', (type, text, why) => {
    expect(parseText(type, text)).toEqual({ kind: 'bad', why })
  })
})

describe('compression', () => {
  it.each([
    ['NS', 'ns1', [0]],
    ['CNAME', 'x', [0]],
    ['PTR', 'x', [0]],
    ['MX', '10 mx1', [2]],
    ['MX', '\\# 7 000a036d783100', [2]],
    ['SOA', 'ns1 host 1 2 3 4 5', [0, 13]],
    ['DNAME', 'x', []],
    ['SRV', '0 0 25 mx1', []],
    ['KX', '10 mx1', []],
    ['RP', 'a b', []],
    ['AFSDB', '1 a', []],
    ['NAPTR', '1 1 "" "" "" a', []],
    ['SVCB', '1 a', []],
    ['TYPE65400', '\\# 3 026f6b', []],
  ])('%s %s: names that may be compressed at %j', (type, text, compressible) => {
    expect(parseText(type, text)).toMatchObject({ kind: 'rdata', rdata: { compressible } })
  })
})

describe('format', () => {
  it.each([
    [RRType.TXT, '', '\\# 0'],
    [RRType.TXT, '0568656c6c6f', '"hello"'],
    [RRType.TXT, '0568656c6c', '\\# 5 0568656c6c'],
    [RRType.TXT, '0422005c7f', '"\\"\\000\\\\\\127"'],
    [65_400, '0a00', '\\# 2 0a00'],
    [RRType.MX, '000a00', '10 .'],
    [RRType.MX, '000ac00c', '\\# 4 000ac00c'],
    [RRType.A, 'c0000201ff', '\\# 5 c0000201ff'],
    [RRType.CSYNC, '000000420003000460000008', '66 3 A NS AAAA'],
    [RRType.SVCB, '000100000100030268320003000201bb', '1 . alpn="h2" port=443'],
  ])('type %i, %s: %s', (type, octets, text) => {
    expect(formatRdata(type, hex(octets))).toBe(text)
  })
})

describe('names in rdata', () => {
  it.each([
    ['MX', '10 mx1', [['exchange', 'mx1.example.']]],
    ['KX', '10 mx1', [['exchange', 'mx1.example.']]],
    ['NS', 'ns1', [['ns', 'ns1.example.']]],
    ['CNAME', '@', [['alias', 'example.']]],
    ['DNAME', 'x.', [['alias', 'x.']]],
    ['SRV', '0 0 25 mx1', [['srv', 'mx1.example.']]],
    ['HTTPS', '1 . port=53', [['srv', '.']]],
    ['AFSDB', '1 a', [['srv', 'a.example.']]],
    [
      'SOA',
      'ns1 host\\.master 1 2 3 4 5',
      [
        ['other', 'ns1.example.'],
        ['other', 'host\\.master.example.'],
      ],
    ],
    [
      'RP',
      'a b',
      [
        ['other', 'a.example.'],
        ['other', 'b.example.'],
      ],
    ],
    ['A', '192.0.2.1', []],
    ['TYPE65400', '\\# 3 026f6b', []],
  ])('%s %s', (type, text, expected) => {
    const parsed = parseText(type, text)
    const rdata =
      parsed.kind === 'rdata' ? parsed.rdata : { octets: new Uint8Array(), compressible: [] }
    const found = namesInRdata(typeFromText(type) ?? 0, rdata)
    expect(found.map(({ role, name }) => [role, nameToText(name)])).toEqual(expected)
  })

  it('finds none in invalid rdata', () => {
    expect(namesInRdata(RRType.MX, { octets: hex('000ac00c'), compressible: [] })).toEqual([])
  })
})

it('has a layout for every type by name that a zone file may hold, save those a signer makes', () => {
  const without = Object.entries(RRType)
    .filter(([, type]) => !isMetaType(type) && !layouts.has(type))
    .map(([name]) => name)
  expect(without).toEqual(['RRSIG', 'NSEC'])
})
