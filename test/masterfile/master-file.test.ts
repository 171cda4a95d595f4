// What is wrong with a master file, and where: every mistake at once, and reading goes on with the next entry.

import { expect, it } from 'vitest'
import { masterDiagnostics } from '../../src/zonefile/master-records.ts'
import { readMaster, readMasterText, recordsOf } from '../support/master-file.ts'
import type { MasterRead } from '../../src/masterfile/read-master-file.ts'

const mistakes = ({ places, problems }: MasterRead): string[] =>
  masterDiagnostics(places, problems, (name) => name).map(
    ({ file, line, column, code, message }) => `${file}:${line}:${column} ${code} ${message}`,
  )

it.each([
  ['a A 192.0.2.1.1', '1:5 bad-rdata bad A: the address is "192.0.2.1.1"'],
  ['a A', '1:3 bad-rdata bad A: the address is missing'],
  ['a', '1:1 syntax the type is missing'],
  ['a 60 IN', '1:6 syntax the type is missing'],
  ['a 60 60 A 192.0.2.1', '1:6 unknown-type unknown record type "60"'],
  ['a 1x A 192.0.2.1', '1:3 bad-value the TTL is "1x"'],
  ['a 2147483648 A 192.0.2.1', '1:3 bad-value the TTL is "2147483648"'],
  ['a CH TXT x', '1:3 syntax class CH, expected IN'],
  ['a TYXT x', '1:3 unknown-type unknown record type "TYXT", did you mean TXT?'],
  ['a ANY x', '1:3 forbidden-type ANY cannot be given'],
  ['a SOA . . 1 2 3 4 5', '1:3 forbidden-type an SOA stands at the apex'],
  ['  A 192.0.2.1', '1:1 syntax no owner yet'],
  [
    'a..b A 192.0.2.1',
    '1:1 bad-name bad name: the name has an empty label, expected one dot between two labels and none in front',
  ],
  ['"a" A 192.0.2.1', '1:2 bad-name bad name: expected no quotes'],
  ['a TXT "open\nb A 192.0.2.1', '1:7 syntax a quoted string is not closed on its line'],
  ['a TXT "open', '1:1 syntax a quoted string is not closed, expected " behind it'],
  ['a TXT x"y"', '1:7 syntax a quote stands within a word'],
  ['a TXT \\300', '1:7 syntax the escape after "\\"'],
  [
    'a A ( 192.0.2.1\nb A 192.0.2.2\n',
    '1:1 syntax a parenthesis is not closed, expected ) behind the last word of the record',
  ],
  ['a A 192.0.2.1 )', '1:15 syntax a parenthesis is closed that was not opened'],
  ['$TTL', '1:1 bad-directive $TTL has 0 words, expected 1'],
  ['$TTL 60 70', '1:1 bad-directive $TTL has 2 words'],
  [
    '$ORIGIN a..b',
    '1:9 bad-name bad name: the name has an empty label, expected one dot between two labels and none in front',
  ],
  ['$DATE 2026', '1:1 bad-directive unknown directive $DATE'],
  ['$INCLUDE /etc/passwd', '1:10 bad-path /etc/passwd is absolute'],
  ['$INCLUDE sub/../../x', '1:10 bad-path sub/../../x leads upwards'],
  ['$INCLUDE ""', '1:11 bad-path an empty path'],
  ['$INCLUDE none.zone', '1:10 unreadable-file cannot read none.zone: it does not exist'],
  ['$INCLUDE a.zone', '1:10 bad-path a.zone includes itself'],
  ['$GENERATE 1-3 a$ A', '1:1 bad-directive $GENERATE lacks words'],
  ['$GENERATE 3-1 a$ A 192.0.2.$', '1:1 bad-directive $GENERATE: the range is 3-1'],
  [
    '$GENERATE 0-65536 a$ TXT x',
    '1:1 bad-directive $GENERATE: 65537 records, expected at most 65536',
  ],
  ['$GENERATE 1-3/0 a$ TXT x', '1:1 bad-directive $GENERATE: the range is 1-3/0'],
  ['$GENERATE 1-3 a${ TXT x', '1:1 bad-directive $GENERATE: a "${" is not closed'],
  [
    '$GENERATE 1-3 a${0,1,q} TXT x',
    '1:1 bad-directive $GENERATE: "${0,1,q}", expected ${offset,width,radix}',
  ],
  ['$GENERATE 1-3 a${-2} TXT x', '1:1 bad-directive $GENERATE: an offset makes a number negative'],
  ['$GENERATE 254-256 a$ A 192.0.2.$', '1:24 bad-rdata bad A: the address is "192.0.2.256"'],
  ['a 29 A 192.0.2.1\nb 29 A 192.0.2.1', '1:3 low-ttl a TTL of 29 s is low'],
  ['a 604801 A 192.0.2.1', '1:3 high-ttl a TTL of 604801 s is long'],
  [
    'a 60 A 192.0.2.1\na 90 A 192.0.2.2',
    '2:6 ttl-differs a TTL of 90 in a set that begins with 60',
  ],
  [
    'a RRSIG x\nb NSEC3 y\nc TYPE46 z',
    '1:3 dnssec-left-out records of another signer are left out: 1 RRSIG, 1 NSEC3, 1 TYPE46',
  ],
])('finds what is wrong in %j', (text, expected) => {
  const found = mistakes(readMasterText(text))
  expect(found.slice(0, 1)).toEqual([expect.stringContaining(`a.zone:${expected}`)])
  expect(found).toHaveLength(1)
})

it('finds all mistakes at once, and reads what stands between them', () => {
  const read = readMasterText(
    [
      'a A 1',
      'b A 192.0.2.2',
      'c..c A 192.0.2.3',
      '  A 192.0.2.4',
      'd TXT "',
      'e A 192.0.2.5',
      '',
    ].join('\n'),
  )
  expect(mistakes(read).map((one) => one.split(' ', 2).join(' '))).toEqual([
    'a.zone:1:5 bad-rdata',
    'a.zone:3:1 bad-name',
    'a.zone:5:7 syntax',
  ])
  expect(recordsOf(read.records).map((one) => one.split(' ', 1).join())).toEqual([
    'b.example.',
    'e.example.',
  ])
})

it('names file, line and column of a mistake in a file that is included', () => {
  const files: Record<string, string> = {
    'a.zone': 'a A 192.0.2.1\n$INCLUDE sub/b.zone\nc A x\n',
    'sub/b.zone': '\n\n   TXT "gr\u00fc\u00dfe" ( 300chars )\nb A y',
  }
  const read = readMaster('a.zone', (name) => Buffer.from(files[name] ?? ''))
  expect(mistakes(read).map((one) => one.split(' ', 2).join(' '))).toEqual([
    'sub/b.zone:4:5 bad-rdata',
    'a.zone:3:5 bad-rdata',
  ])
  expect(masterDiagnostics(read.places, read.problems, (name) => name)[0]?.excerpt).toBe(
    'b A y\n    ^',
  )
})

it('shows 100 mistakes of a file, errors first, and stops after 1000', () => {
  const many = readMasterText(`a 5 A 192.0.2.1\n${'b A x\n'.repeat(150)}`)
  const shown = mistakes(many)
  expect(shown).toHaveLength(101)
  expect(shown.at(-1)).toMatch(/more-mistakes and 51 more/)
  expect(readMasterText('b A x\n'.repeat(5000)).problems).toHaveLength(1000)
})

it('bounds how deep files include others, and how many', () => {
  const deep = readMaster('0', (name) => Buffer.from(`$INCLUDE ${Number(name) + 1}\n`))
  expect(mistakes(deep)).toEqual(['8:1:10 bad-path included too deep, expected at most 8 files'])
  const files: Record<string, string> = {
    a: '$INCLUDE b\n'.repeat(40),
    b: '$INCLUDE c\n'.repeat(40),
  }
  const many = readMaster('a', (name) => Buffer.from(files[name] ?? 'x A 192.0.2.1\n'))
  expect(mistakes(many)[0]).toMatch(/bad-path more than 1000 files in all/)
  expect(many.places.files.length).toBe(1000)
})

it('bounds the records of a zone, those of $GENERATE included', () => {
  const text = 'a A 192.0.2.1\n$GENERATE 0-65535 b$ A 192.0.2.1\nc A 192.0.2.1\n'
  const read = readMasterText(text, { maxRecords: 1000 })
  expect(mistakes(read)).toEqual([
    expect.stringMatching(/^a\.zone:2:1 too-large more than 1000 records/),
  ])
  expect(recordsOf(read.records).length).toBe(999)
})

it('takes an owner that would begin a comment elsewhere', () => {
  const read = readMasterText('# TYPE65400 \\# 0\n# NSEC a. A\n// A 192.0.2.1\n')
  expect(mistakes(read).map((one) => one.replace(/.* (\S+-left-out) .*/, '$1'))).toEqual([
    'dnssec-left-out',
  ])
  expect(recordsOf(read.records).map((one) => one.split(' ', 1).join())).toEqual([
    '#.example.',
    '//.example.',
  ])
})
