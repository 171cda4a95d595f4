// Rdata from text, compared with BIND: both give the same octets, or both refuse the text.

import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { compileSoa, compileZone, type RdataText } from './rdata-compilezone.ts'
import { parseHex } from './rdata-parse-hex.ts'

const cases: RdataText[] = readFileSync(new URL('rdata-texts.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => ({ type: line.split(' ', 1).join(), text: line.replace(/^\S+ ?/, '') }))
const soas = cases.filter(({ type }) => type === 'SOA')
const others = cases.filter(({ type }) => type !== 'SOA')

const refused = null

/** Texts on which we differ from BIND: the octets that we give, and the reason. */
const departures: readonly (readonly [type: string, text: string, ours: unknown, why: string])[] = [
  ['TXT', 'v=a;b', refused, 'a comment would drop what follows the ";" without a word'],
  ['TXT', 'a"b"', refused, 'a quote within a word is a slip; BIND makes two strings of it'],
  ['TXT', '"a"b', refused, 'as above'],
  [
    'TXT',
    '\\#',
    refused,
    'the generic form begins so; BIND reads the string "#" if no number follows',
  ],
  ['URI', '10 1 ""', refused, 'the target must not be empty (RFC 7553 §4.4)'],
  ['URI', '\\# 4 000a0001', refused, 'as above'],
  ['EUI48', '00-00-5e-00-53-2g', refused, 'BIND reads the last pair as 02'],
  ['EUI64', '00-00-5e-ef-10-00-00-2a-00', refused, 'BIND drops the last pair'],
  ['SVCB', '1 foo ech', refused, 'a list of ECH configurations is never empty'],
  ['SVCB', '1 foo key65535=x', refused, 'reserved as the invalid key (RFC 9460 §14.3.2)'],
  ['SVCB', '0 foo port=53', refused, 'clients ignore parameters in AliasMode (RFC 9460 §2.4.2)'],
  ['SVCB', '\\# 9 000000 0003 0002 0035', refused, 'as above'],
  ['HTTPS', '0 . alpn=h2', refused, 'as above'],
  ['LOC', '42 n 71 w 10', '001216138903210070c3da8000989a68', 'BIND wants capitals here only'],
  ['LOC', '42 N 71 W +10m', refused, 'RFC 1876 §3 has no plus sign'],
  ['DNSKEY', 'ZONE 3 8 AwEA', refused, 'flags are a number (RFC 4034 §2.2)'],
]

describe('rdata texts, ours and BIND', () => {
  let theirs: (string | null)[] = []
  beforeAll(async () => {
    theirs = await compileZone(others)
  })

  it('has many valid and invalid texts, and no duplicates', () => {
    expect(theirs.filter((octets) => octets !== null).length).toBeGreaterThanOrEqual(150)
    expect(theirs.filter((octets) => octets === null).length).toBeGreaterThanOrEqual(150)
    expect(new Set(cases.map(({ type, text }) => `${type} ${text}`)).size).toBe(cases.length)
  })

  it.each(others.map((text, i) => ({ ...text, i })))('$type $text', ({ type, text, i }) => {
    expect(parseHex(type, text)).toBe(theirs[i])
  })

  it.each(soas)('SOA $text', async ({ text }) => {
    expect(parseHex('SOA', text)).toBe(await compileSoa(text))
  })

  it.each(departures)('%s %s: we give %s, since %s', (type, text, expected) => {
    expect(parseHex(type, text)).toBe(expected)
  })
})
