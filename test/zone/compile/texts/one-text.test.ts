import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rootName } from '../../../../src/wire/name.ts'
import { parseRdata } from '../../../../src/wire/rdata/parse.ts'
import { RRType } from '../../../../src/wire/rrtype.ts'
import { readStrings, readTxt } from '../../../../src/zone/compile/texts/one-text.ts'
import { stringsOf } from '../../../../src/zone/compile/texts/txt-strings.ts'
import { runs } from '../../../support/runs.ts'

const long = `v=DKIM1; k=rsa; p=${'MIIB'.repeat(100)}`
const cutLong = [long.slice(0, 255), long.slice(255)]

/** What is served; `bad`: the reason that the file is refused for. */
function served(text: string): readonly string[] | string {
  const parsed = parseRdata(RRType.TXT, text, rootName)
  return parsed.kind === 'bad' ? parsed.why : stringsOf(parsed.rdata)
}

describe('a TXT record as people write it', () => {
  const cases: readonly (readonly [name: string, given: string, strings: readonly string[]])[] = [
    ['SPF', 'v=spf1 ip4:192.0.2.0/24 -all', ['v=spf1 ip4:192.0.2.0/24 -all']],
    ['DKIM', 'v=DKIM1; k=rsa; p=MIIB', ['v=DKIM1; k=rsa; p=MIIB']],
    ['DKIM, a long key', long, cutLong],
    [
      'DMARC',
      'v=DMARC1; p=none; rua=mailto:d@example.com',
      ['v=DMARC1; p=none; rua=mailto:d@example.com'],
    ],
    ['DMARC, escaped for a master file', 'v=DMARC1\\; p=none', ['v=DMARC1; p=none']],
    ['MTA-STS', 'v=STSv1; id=20261129T1900;', ['v=STSv1; id=20261129T1900;']],
    ['TLSRPT', 'v=TLSRPTv1; rua=mailto:t@example.com', ['v=TLSRPTv1; rua=mailto:t@example.com']],
    ['one word', 'google-site-verification=x', ['google-site-verification=x']],
    ['one pair of quotes', '"v=spf1 mx -all"', ['v=spf1 mx -all']],
    ['one pair of quotes, longer than a string', `"${long}"`, cutLong],
    ['several pairs', '"v=DKIM1; p=MI" "IB"', ['v=DKIM1; p=MI', 'IB']],
    ['words beside quotes', 'one "two three"', ['one', 'two three']],
    ['parentheses', 'see (below)', ['see (below)']],
    ['several blanks', 'a  b', ['a  b']],
    ['lines', 'v=spf1\n  ip4:192.0.2.1\n  -all', ['v=spf1 ip4:192.0.2.1 -all']],
    ['no octets', '""', ['']],
    ['an escape', '\\065\\"B', ['A"B']],
    ['octets above 127', 'grüße', [Buffer.from('grüße').toString('latin1')]],
    ['the generic form', '\\# 3 026869', ['hi']],
  ]
  it.each(cases)('%s', (_, given, strings) => {
    expect(served(readTxt(given).text)).toEqual(strings)
  })

  it('keeps its text, and so the serial of its zone, where it means what it meant', () => {
    for (const text of ['hello', '"v=spf1 mx -all"', '"a" "b"', 'a "b c"', '\\# 3 026869', '\\065'])
      expect(readTxt(text)).toEqual({ text })
  })

  it('names the strings that versions before read, where they were others', () => {
    expect(readTxt('v=spf1 mx -all')).toEqual({
      text: '"v=spf1 mx -all"',
      formerly: '"v=spf1" "mx" "-all"',
    })
    expect(readTxt('(a)').formerly).toBe('"a"')
    expect(readTxt('v=DKIM1; p=MIIB').formerly).toBeUndefined()
  })

  it('leaves mistakes to who parses it', () => {
    for (const text of ['\\25', 'a\\', '"a', `"${long}" "${long}"`])
      expect(served(readTxt(text).text)).toEqual(expect.any(String))
  })

  it('is one text, whatever stands in it', () => {
    const texts = fc.string({
      unit: fc.constantFrom('a', ' ', ';', '(', ')', '-', 'ü', '='),
      minLength: 1,
      maxLength: 600,
    })
    fc.assert(
      fc.property(
        texts.filter((text) => text.trim() !== ''),
        (text) => {
          const strings = served(readTxt(text).text)
          expect([strings].flat().join('')).toBe(Buffer.from(text.trim()).toString('latin1'))
          for (const string of [strings].flat().slice(0, -1)) expect(string).toHaveLength(255)
        },
      ),
      { numRuns: runs(1000) },
    )
  })
})

describe('the strings of a TXT record, one by one', () => {
  it.each([
    [
      ['one two', 'three'],
      ['one two', 'three'],
    ],
    [
      ['"one"', 'v=DKIM1; p='],
      ['one', 'v=DKIM1; p='],
    ],
    [
      ['', 'a\\"b'],
      ['', 'a"b'],
    ],
  ])('%j', (items, strings) => {
    expect(served(readStrings(items))).toEqual(strings)
  })

  it('are at most 255 octets each', () => {
    expect(served(readStrings([long]))).toContain('split it into several')
  })
})
