// What an offline key has signed, as a file: every mistake with its line, and nothing that was changed is taken.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { readKeyRequest } from '../../../src/dnssec/offline/request.ts'
import { readKeyResponse } from '../../../src/dnssec/offline/response.ts'
import { type Name, parseName } from '../../../src/wire/name.ts'
import { keyOfNumber, readResponse, responseText } from '../../support/offline-key.ts'

function name(text: string): Name {
  const parsed = parseName(text)
  if (parsed.kind === 'bad') throw new Error(parsed.why)
  return parsed.name
}

const zone = name('mail.example.test.')
const day = 86_400_000
const fromMs = Date.UTC(2026, 10, 29, 12)
const synced = { publishMs: 0, activateMs: 0, syncPublishMs: 0 }
const ksk = keyOfNumber(3, 257, synced)
const [first, second] = [keyOfNumber(4, 256), keyOfNumber(5, 256)]
const parts = [
  { fromMs, keys: [first] },
  { fromMs: fromMs + 5 * day, keys: [first, second] },
]
const untilMs = fromMs + 30 * day
const good = responseText(zone, parts, { keys: [ksk], untilMs })

/** `LINE: message` of each mistake; empty: there is none. */
function mistakesOf(text: string, of: Name = zone): string[] {
  const read = readKeyResponse({ file: 'f', octets: Buffer.from(text) }, of, [ksk.dnskey])
  return read.kind === 'bad'
    ? read.diagnostics.map(({ line, code, message }) => `${line} ${code}: ${message}`)
    : []
}

test('has a period at each change, and after ten days', () => {
  const { periods } = readResponse(zone, good, [ksk])
  const days = periods.map((period) => [
    (period.fromMs - fromMs) / day,
    (period.validUntilMs - fromMs) / day,
    period.sets.map(({ type, rdatas }) => [type, rdatas.length]),
  ])
  const sets = (keys: number): number[][] => [
    [48, keys],
    [59, 1],
    [60, 1],
  ]
  expect(days).toEqual([
    [0, 15, sets(2)],
    [5, 25, sets(3)],
    [15, 35, sets(3)],
    [25, 40, sets(3)],
  ])
})

test('asks the parent to drop its DS where that is wanted', () => {
  const text = responseText(zone, parts, { keys: [ksk], untilMs, isUnsigning: true })
  expect(text).toContain('IN CDS 0 0 0 00\n')
  expect(text).toContain('IN CDNSKEY 0 3 0 AA==\n')
  expect(mistakesOf(text)).toEqual([])
})

const lineOf = (text: string, needle: string): number =>
  text.slice(0, text.indexOf(needle)).split('\n').length

describe('mistakes', () => {
  const header = ';; SignedKeyResponse 1.0 20261129120000'
  const own = 'mail.example.test. 3600 IN'
  const broken = [
    header,
    'mail.example.test. IN DNSKEY 257 3 13 AAAA',
    `${own} MX 1 a.`,
    `${own} RRSIG DNSKEY 13`,
  ]
  test.each([
    ['nothing', '', ['1: no record under a line such as']],
    ['comments alone', '; a\n;; b\n', ['1: no record under']],
    ['no time', `${own} DNSKEY 257 3 13 AAAA\n`, ['1: a record before any']],
    [
      'records that are none',
      broken.join('\n'),
      ['2: expected the zone, its TTL', '3: expected the zone', '4: RRSIG: expected type'],
    ],
    ['an open parenthesis', `${header}\n${own} DNSKEY (\n`, ['2: a parenthesis is not closed']],
    ['a request', ';; KeySigningRequest 1.0 1795953600\n', ['1: it is a KeySigningRequest']],
    ['no such day', ';; SignedKeyResponse 1.0 20261331000000\n', ['1: expected a time in UTC']],
    ['a time again', `${header}\n${header}\n`, ['2: the time is not after the one of line 1']],
  ])('%s', (_, text, expected) => {
    const found = mistakesOf(text)
    expect(found).toHaveLength(expected.length)
    for (const [i, start] of expected.entries())
      expect(found[i]?.replace(' key-response', '')).toMatch(new RegExp(`^${start}`))
  })

  test('another zone, another key, no signature, a TTL that is not signed', () => {
    expect(mistakesOf(good, name('other.example.test.'))).toEqual([
      '1 key-response: it is of mail.example.test., expected other.example.test.',
    ])
    const other = keyOfNumber(9, 257)
    const foreign = responseText(zone, parts, { keys: [other], untilMs })
    expect(mistakesOf(foreign)).toHaveLength(4)
    expect(mistakesOf(foreign)[0]).toMatch(/^1 .*it was made by another key$/)
    const unsigned = good.replace(/^.*RRSIG CDS .*\n/m, '')
    expect(mistakesOf(unsigned)).toEqual([
      `${lineOf(good, 'mail.example.test. 3600 IN CDS')} key-response: CDS has no signature`,
    ])
    const shorter = good.replaceAll(' 3600 IN', ' 60 IN')
    expect(mistakesOf(shorter)[0]).toMatch(/^4 .*DNSKEY by key \d+ is for a TTL of 3600$/)
  })

  test('any octet of a record that is changed', () => {
    const lines = good.split('\n')
    const records = lines.flatMap((line, i) => (line.startsWith('mail') ? [i] : []))
    const base64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
    const change = fc.record({
      line: fc.constantFrom(...records),
      at: fc.nat(40),
      by: fc.integer({ min: 1, max: 63 }),
    })
    fc.assert(
      fc.property(change, ({ line, at, by }) => {
        const text = lines[line] as string
        const index = text.replace(/=+$/, '').length - 2 - at
        const old = base64.indexOf(text[index] as string)
        if (old < 0 || /^\S+ \d+ IN CDS/.test(text)) return
        const changed = text.slice(0, index) + base64[(old + by) % 64] + text.slice(index + 1)
        expect(mistakesOf(lines.with(line, changed).join('\n')).length).toBeGreaterThan(0)
      }),
      { numRuns: 40 },
    )
  })
})

test('any octets are a request, a response or mistakes', () => {
  const words = fc.constantFrom(
    ';; SignedKeyResponse 1.0 1',
    ';; KeySigningRequest 1.0 2',
    '(',
    ')',
  )
  const some = fc.array(fc.oneof(words, fc.string(), fc.constantFrom(...good.split('\n'))))
  fc.assert(
    fc.property(some, (lines) => {
      const octets = Buffer.from(lines.join('\n'))
      expect(['response', 'bad']).toContain(readKeyResponse({ file: 'f', octets }, zone, []).kind)
      expect(['request', 'bad']).toContain(readKeyRequest({ file: 'f', octets }).kind)
    }),
  )
})
