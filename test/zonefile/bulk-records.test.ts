// What the fast path reads is what composing the whole document gives; where it gives up, the document is composed.

import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { LineCounter } from 'yaml'
import { parseDocument } from '../../src/zonefile/document.ts'
import { toPlainValue, composeChecked } from '../../src/zonefile/syntax.ts'
import { readBulkDocument, readEntry } from '../../src/zonefile/bulk-records.ts'
import { isRecordData } from '../../src/zonefile/zone-schema.ts'
import { costRatio } from '../support/cpu-time.ts'
import { runs } from '../support/runs.ts'

const good = join(import.meta.dirname, '../fixtures/config/good')
const originals = readdirSync(good).map((file) => readFileSync(join(good, file), 'utf8'))

/** Order of keys included. */
const asJson = (value: unknown): string => JSON.stringify(value)

function byComposing(text: string): string | null {
  const composed = composeChecked(text, new LineCounter())
  if (composed.kind === 'bad') return null
  const { value, problems } = toPlainValue(composed.document.contents, isRecordData)
  return problems.length === 0 ? asJson(value) : null
}

const byReading = (text: string): string | null => {
  const bulk = readBulkDocument(text, isRecordData)
  return bulk && asJson(bulk.value)
}

function expectSame(text: string): boolean {
  const bulk = byReading(text)
  if (bulk !== null && bulk !== byComposing(text))
    expect([text, bulk]).toEqual([text, byComposing(text)])
  return bulk !== null
}

const head = fc.constantFrom(
  'zone: a.test\n',
  '---\nzone: a.test\nttl: 60\n\n',
  '# c\nsoa: { mname: ns1 }\n',
  ' zone: a.test\n',
  '{ zone: a.test }\n',
  'soa: { mname: "\n',
  'soa: "open\n',
  'zone: a\n---\n',
  'zone: a\n...\n',
  '? zone\n',
  'soa: |\n',
  'soa:\n- a\n',
  'records:\n',
  '"records": {}\n',
  '&a zone: b\n',
  '',
)
const opening = fc.constantFrom(
  'records:   # all\n',
  'records:\n\n  # first\n',
  'records: {}\n',
  'records: x\n',
  'records: |\n',
  'records:\n    deep: { A: 192.0.2.9 }\n',
)
const plain = fc.constantFrom(
  '  www: { A: 192.0.2.1 }\n',
  '  "*": {TXT: "quoted # text: {[", MX: [10 mx1, 20 mx2.example.]}\n',
  "  '@': { NS: [ns1] }\n",
  '  12: { AAAA: 2001:db8::1, TXT: \'a "b" c\' }\n',
  '  www.a-b_c:\n    A: 010 # as written\n    AAAA: ~\n',
  '  host:\n    # c\n\n    CAA: 0 issue ca.example\n',
  '  null: { A: true }\n',
  '  "a": { TXT: ["x", y, \'z\'] } # c\n',
)
const odd = fc.constantFrom(
  '  www: { A: 192.0.2.2 }\n',
  '  x1: { A: 192.0.2.1, }\n',
  '  x2: { A: { ttl: 10, data: 010 } }\n',
  '  x3: { A: 192.0.2.1\n',
  '  x4: { TXT: "open\n',
  '  x5: close" }\n',
  '  x6: | \n    TXT: block\n',
  '  x7: >-\n\n',
  '  x8:\n    TXT: several\n      lines\n',
  '  x9:\n  - one\n',
  '  ? y1\n  : { A: 192.0.2.1 }\n',
  '  : empty\n',
  '   y2: { A: 192.0.2.1 }\n',
  ' y3: { A: 192.0.2.1 }\n',
  '    y4: { A: 192.0.2.1 }\n',
  '  y5: { A: &x 192.0.2.1 }\n',
  '  y6: *x\n',
  '  y7: !!str z\n',
  '  __proto__: { A: 192.0.2.1 }\n',
  '  y8: { "A": 192.0.2.1 }\n',
  '  y9: { A: a: b }\n',
  '  z1: { A: a:: }\n',
  '  z2: { A: "a"b }\n',
  '  z3: { A: a#b }\n',
  '  z4: { A: a #b }\n',
  '  z5: { TXT: é, A: "\\u0041" }\n',
  "  z6: { TXT: 'it''s' }\n",
  '  z7: { A: 1 , AAAA:2 }\n',
  '  z8:\n    A: [a,\n     b]\n',
  '  z9:\n    A: 1\n\n      2\n',
  '  w1:\n    A: 1\n    A: 2\n',
  '  w2: { A: 1 }\t\n',
  '  w3: { A: 1 }}\n',
  '  ]\n',
  '# c\n',
  '  \n',
  '\t\n',
  '...\n',
  '--- # next\n',
  '%TAG\n',
)
const tail = fc.constantFrom(
  'internal: [192.0.2.0/24]\n',
  'ttl: 5\nmin_ttl: 5',
  'zone: again\n',
  '"x": "\n',
  '- a\n',
  '}\n',
  '...\n',
  '---\nzone: b\n',
  'records:\n  more: { A: 192.0.2.1 }\n',
)
const oftenFirst = <T>(often: fc.Arbitrary<T>, other: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 4, arbitrary: often }, { weight: 1, arbitrary: other })

const text = fc
  .record({
    head: oftenFirst(fc.constant('zone: a.test\n'), head),
    opening: oftenFirst(fc.constant('records:\n'), opening),
    entries: fc.uniqueArray(oftenFirst(plain, odd), { maxLength: 8 }),
    tail: oftenFirst(fc.constant(''), tail),
  })
  .map((parts) => parts.head + parts.opening + parts.entries.join('') + parts.tail)

it('what it reads is what YAML says, whatever stands around it', () => {
  let bulk = 0
  fc.assert(
    fc.property(text, (one) => {
      if (expectSame(one)) bulk++
    }),
    { numRuns: runs(8000) },
  )
  expect(bulk).toBeGreaterThan(runs(8000) / 8)
}, 120_000)

it('so it is where a good file was cut, doubled or overwritten', () => {
  let bulk = 0
  const junk = fc.constantFrom(
    '',
    '"',
    "'",
    '{',
    '}',
    ':',
    '#',
    '\n',
    '  ',
    '\n  ',
    ' ',
    '- ',
    '|',
    ',',
  )
  const edit = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat({ max: 6 }), junk)
  fc.assert(
    fc.property(fc.constantFrom(...originals), fc.array(edit, { maxLength: 2 }), (one, edits) => {
      const edited = edits.reduce((before, [where, length, put]) => {
        const from = Math.floor(where * before.length)
        return before.slice(0, from) + put + before.slice(from + length)
      }, one)
      if (expectSame(edited)) bulk++
    }),
    { numRuns: runs(2000) },
  )
  expect(bulk).toBeGreaterThan(runs(2000) / 10)
}, 120_000)

it.each([
  ['  a: { A: 192.0.2.1 }\n', { A: '192.0.2.1' }],
  ['  a:\n    A: 010\n    MX: [10 b, "20 c"]\n\n# c\n  d: x\n', { A: '010', MX: ['10 b', '20 c'] }],
])('reads an entry at once: %j', (entry, types) => {
  expect(asJson(readEntry(entry, 0)?.types)).toBe(asJson(types))
})

it.each([
  '  a: { A: [] }\n',
  '  a: {}\n',
  '  a:\n',
  '  a: x\n',
  '  a: { A: 1 }',
  '  a: { A: é }\n',
])('leaves what is written otherwise: %j', (entry) => expect(readEntry(entry, 0)).toBeNull())

it('places in what was read at once are those of the whole document', () => {
  const one = 'zone: a\nrecords:\n  www: { A: 192.0.2.1 }\n  mail:\n    MX: [10 a, 20 b]\n'
  const parsed = parseDocument('f', new TextEncoder().encode(one), isRecordData)
  if (parsed.kind === 'bad') throw new Error('bad document')
  const path = ['records', 'mail', 'MX', 1]
  const problem = { severity: 'error', code: 'bad-rdata', path, at: 'value', message: '' } as const
  expect(byReading(one)).not.toBeNull()
  expect(parsed.document.toDiagnostic(problem)).toMatchObject({ line: 5, column: 16 })
})

it('takes endless documents with work that grows as they do, and within the stack', () => {
  const documentsOf = (many: number): readonly string[] => [
    `records:\n  a: { A: 1 }\n${'\n'.repeat(many)}`,
    `records:\n${' '.repeat(many)}\n`,
    `${' '.repeat(many)}records:\n`,
    `${'\n'.repeat(many)}records:\n  a: { A: 1 }\n`,
    `records:\n  a: { TXT: "${'x'.repeat(many)}" }\n`,
    `records:\n  a: { TXT: ${'x '.repeat(many)}}\n`,
    `records:\n  ${'x'.repeat(many)}: { A: 1 }\n`,
    `records:\n  a: { A: 1 } #${'#'.repeat(many)}\n`,
    `records:\n  a: { A: 1${' '.repeat(many)}}\n`,
  ]
  const small = documentsOf(100_000)
  for (const [i, one] of documentsOf(1_000_000).entries()) {
    const read = (text: string) => (): unknown => readBulkDocument(text, isRecordData)
    expect(costRatio(read(small[i] as string), read(one), 40)).toBeLessThan(40)
  }
}, 120_000)
