// Names: presentation form, limits, keys and ancestry.

import { describe, expect, it } from 'vitest'
import {
  countLabels,
  isAtOrBelow,
  keyOfName,
  nameToText,
  parentKey,
  parseName,
  rootName,
} from '../../src/wire/name.ts'
import { nameOf } from './rdata/rdata-parse-hex.ts'

const origin = nameOf('example.')
const label63 = 'a'.repeat(63)
const key = (text: string): string => keyOfName(nameOf(text))

describe('parseName', () => {
  it.each([
    ['mx1', 'mx1.example.'],
    ['mx1.', 'mx1.'],
    ['@', 'example.'],
    ['.', '.'],
    ['MiXeD', 'MiXeD.example.'],
    ['a\\.b.', 'a\\.b.'],
    ['a\\046b.', 'a\\.b.'],
    ['a\\032b.', 'a\\032b.'],
    ['\\@.', '\\@.'],
    ['\\000\\255.', '\\000\\255.'],
    ['*.x', '*.x.example.'],
    ['ä.', '\\195\\164.'],
    [`${label63}.`, `${label63}.`],
  ])('%s under example. is %s', (text, expected) => {
    const parsed = parseName(text, origin)
    expect(parsed.kind === 'name' ? nameToText(parsed.name) : parsed.why).toBe(expected)
  })

  it.each([
    ['', 'the name is empty'],
    ['..', 'the name has an empty label, expected one dot between two labels and none in front'],
    ['.a', 'the name has an empty label, expected one dot between two labels and none in front'],
    ['a..b', 'the name has an empty label, expected one dot between two labels and none in front'],
    ['a..', 'the name has an empty label, expected one dot between two labels and none in front'],
    ['a\\', 'the escape after "\\" is not DDD (000–255) or one character'],
    ['a\\25', 'the escape after "\\" is not DDD (000–255) or one character'],
    ['a\\256', 'the escape after "\\" is not DDD (000–255) or one character'],
    [`${label63}a.`, 'a label has 64 octets, expected at most 63'],
    [
      `${label63}.${label63}.${label63}.${'b'.repeat(62)}.`,
      'the name has 256 octets, expected at most 255',
    ],
    [
      `${label63}.${label63}.${label63}.${'b'.repeat(54)}`,
      'the name has 256 octets, expected at most 255',
    ],
  ])('refuses %s', (text, why) => {
    expect(parseName(text, origin)).toEqual({ kind: 'bad', why })
  })

  it('takes a name of exactly 255 octets', () => {
    expect(nameOf(`${label63}.${label63}.${label63}.${'b'.repeat(61)}.`)).toHaveLength(255)
  })
})

describe('keys', () => {
  it('are lower case in ASCII and nothing else (RFC 4343)', () => {
    expect(key('MX1.Example.')).toBe('\u0003mx1\u0007example\u0000')
    expect(key('\\195\\132.')).toBe('\u0002\u00C3\u0084\u0000')
    expect(keyOfName(rootName)).toBe('\u0000')
  })

  it('give parents, labels and descendants', () => {
    expect(parentKey(key('a.b.'))).toBe(key('b.'))
    expect(parentKey(key('b.'))).toBe(key('.'))
    expect(parentKey(key('.'))).toBe(key('.'))
    expect([countLabels(key('.')), countLabels(key('a.')), countLabels(key('a.b\\.c.'))]).toEqual([
      0, 1, 2,
    ])
    expect(isAtOrBelow(key('a.b.'), key('B.'))).toBe(true)
    expect(isAtOrBelow(key('b.'), key('b.'))).toBe(true)
    expect(isAtOrBelow(key('b.'), key('.'))).toBe(true)
    expect(isAtOrBelow(key('ab.'), key('b.'))).toBe(false)
    expect(isAtOrBelow(key('b.'), key('a.b.'))).toBe(false)
  })

  it('do not mistake octets within a label for a label boundary', () => {
    // The label "x", 0x01, "b" ends as the name "b." does, but it is one label.
    expect(isAtOrBelow(key('x\\001b.'), key('b.'))).toBe(false)
  })
})
