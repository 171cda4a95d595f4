// The tokenizer: what is a token, what is refused, and that the time is linear in the text.

import { describe, expect, it } from 'vitest'
import { maxPresentationCharacters, quoteOctets, tokenize } from '../../src/wire/presentation.ts'

const tokens = (text: string, pairs = false): unknown => {
  const tokenized = tokenize(text, { pairs })
  if (tokenized.kind === 'bad') return tokenized.why
  return tokenized.tokens.map(({ octets, quoted }) => {
    const value = Buffer.from(octets).toString('latin1')
    return quoted ? { quoted: value } : value
  })
}

describe('tokenize', () => {
  it.each([
    ['', []],
    [' \t\r\n', []],
    ['a b\tc\nd', ['a', 'b', 'c', 'd']],
    ['"a b"', [{ quoted: 'a b' }]],
    ['"" ""', [{ quoted: '' }, { quoted: '' }]],
    ['"a""b"', [{ quoted: 'a' }, { quoted: 'b' }]],
    ['"a\\"b"', [{ quoted: 'a"b' }]],
    ['"a;b(c)"', [{ quoted: 'a;b(c)' }]],
    ['a\\ b', ['a b']],
    ['a\\;b \\"', ['a;b', '"']],
    ['\\065\\255', ['A\u00FF']],
    ['(a ( b ) c)', ['a', 'b', 'c']],
    ['a(b)c', ['a', 'b', 'c']],
    ['ä', ['\u00C3\u00A4']],
  ])('%j', (text, expected) => expect(tokens(text)).toEqual(expected))

  it.each([
    ['a;b', 'there is a ";" outside quotes, expected it quoted or escaped'],
    ['"a', 'a quoted string is not closed, expected " behind it'],
    ['"a\nb"', 'a quoted string is not closed on its line, expected " behind it'],
    ['"a"b', 'something follows a closing quote directly, expected white space between'],
    ['a"b"', 'a quote stands within a word, expected white space before it'],
    ['k="v"', 'a quote stands within a word, expected white space before it'],
    ['a\\', 'the escape after "\\" is not DDD (000–255) or one character'],
    ['\\256', 'the escape after "\\" is not DDD (000–255) or one character'],
    ['"\\25"', 'the escape after "\\" is not DDD (000–255) or one character'],
    ['(a', 'a parenthesis is not closed, expected ) behind the last word of the record'],
    ['a)', 'a parenthesis is closed that was not opened'],
  ])('refuses %j', (text, why) => expect(tokens(text)).toBe(why))

  it('takes key="value" as one token if pairs are enabled', () => {
    expect(tokens('k="a b" l= "c"', true)).toEqual(['k=a b', 'l=', { quoted: 'c' }])
    expect(tokens('k"a"', true)).toBe(
      'a quote stands within a word, expected white space before it',
    )
    expect(tokens('k="a', true)).toBe('a quoted string is not closed, expected " behind it')
    expect(tokens('k="a"b', true)).toBe(
      'something follows a closing quote directly, expected white space between',
    )
  })

  it('keeps the text as written beside the octets', () => {
    const tokenized = tokenize('\uFEFFa\\.b "c\\"d"')
    expect(tokenized.kind === 'tokens' && tokenized.tokens.map(({ text }) => text)).toEqual([
      '\uFEFFa\\.b',
      'c\\"d',
    ])
  })

  it('refuses what is longer than any rdata can be', () => {
    expect(tokens('x'.repeat(maxPresentationCharacters + 1))).toMatch(/^the text has 300001 char/)
    expect(tokens('x'.repeat(maxPresentationCharacters))).toHaveLength(1)
  })
})

it('quotes octets so that they read back', () => {
  const all = Uint8Array.from({ length: 256 }, (_, octet) => octet)
  const tokenized = tokenize(quoteOctets(all))
  expect(tokenized.kind === 'tokens' && tokenized.tokens).toMatchObject([
    { octets: all, quoted: true },
  ])
})
