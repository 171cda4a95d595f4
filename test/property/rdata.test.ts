// Random rdata and names: what is written reads back, and no text or octets make the code throw or take long.

import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nameToText, parseName } from '../../src/wire/name.ts'
import { formatRdata } from '../../src/wire/rdata/format.ts'
import { layouts } from '../../src/wire/rdata/layouts.ts'
import { namesInRdata } from '../../src/wire/rdata/names.ts'
import { parseRdata } from '../../src/wire/rdata/parse.ts'
import { typeToText, RRType } from '../../src/wire/rrtype.ts'
import { nameOf } from '../wire/rdata/rdata-parse-hex.ts'
import { costRatio } from '../support/cpu-time.ts'
import { runs } from '../support/runs.ts'

type Octets = fc.Arbitrary<number[]>

const origin = nameOf('example.')
const anyReason: unknown = expect.stringMatching(/./)
const u8 = fc.nat(255)
const some = (min: number, max: number = min): Octets =>
  fc.array(u8, { minLength: min, maxLength: max })
const string: Octets = some(0, 255).map((octets) => [octets.length, ...octets])
const name: Octets = fc
  .array(some(1, 20), { maxLength: 8 })
  .map((labels) => [...labels.flatMap((label) => [label.length, ...label]), 0])
const all = (...parts: readonly Octets[]): Octets =>
  fc.tuple(...parts).map((octets) => octets.flat())
const many = (part: Octets, min: number, max: number): Octets =>
  fc.array(part, { minLength: min, maxLength: max }).map((parts) => parts.flat())

const degrees = (max: number): Octets =>
  fc
    .integer({ min: -max * 3_600_000, max: max * 3_600_000 })
    .map((value) => uint32(2 ** 31 + value))
const uint32 = (value: number): number[] => [
  Math.floor(value / 2 ** 24),
  (value >>> 16) & 255,
  (value >>> 8) & 255,
  value & 255,
]
const size = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.nat(9))
  .map(([digit, power]) => [(digit << 4) | power])

const bitmap: Octets = fc
  .uniqueArray(fc.tuple(u8, some(0, 31), fc.integer({ min: 1, max: 255 })), {
    selector: ([window]) => window,
    maxLength: 4,
  })
  .map((windows) =>
    windows
      .sort(([a], [b]) => a - b)
      .flatMap(([window, bits, last]) => [window, bits.length + 1, ...bits, last]),
  )

const param = (key: number, octets: readonly number[]): number[] => [
  key >> 8,
  key & 255,
  octets.length >> 8,
  octets.length & 255,
  ...octets,
]
const alpn = many(
  some(1, 9).map((id) => [id.length, ...id]),
  1,
  4,
)
const params: Octets = fc
  .tuple(
    fc.option(alpn),
    fc.boolean(),
    fc.option(some(2)),
    fc.option(many(some(4), 1, 3)),
    fc.option(some(1, 30)),
    fc.option(many(some(16), 1, 3)),
    fc.uniqueArray(fc.integer({ min: 9, max: 65_534 }), { maxLength: 3 }),
    some(0, 20),
  )
  .map(([ids, noDefault, port, hint4, ech, hint6, keys, value]) => {
    const pairs: (readonly [number, number[] | null])[] = [
      [1, ids],
      [2, ids && noDefault ? [] : null],
      [3, port],
      [4, hint4],
      [5, ech],
      [6, hint6],
      ...keys.sort((a, b) => a - b).map((key) => [key, value] as const),
    ]
    const given = pairs.filter((pair): pair is readonly [number, number[]] => pair[1] !== null)
    const mandatory = given.flatMap(([key]) => [key >> 8, key & 255])
    return [
      ...(mandatory.length > 0 ? param(0, mandatory) : []),
      ...given.flatMap(([key, octets]) => param(key, octets)),
    ]
  })

const digest = all(
  some(2),
  fc.constantFrom([13], [8]),
  fc.constantFrom([2, ...Array<number>(32).fill(7)], [1, ...Array<number>(20).fill(9)], [77, 1]),
)
const service = all(
  some(1),
  fc.integer({ min: 1, max: 255 }).map((low) => [low]),
  name,
  params,
)
const key = all(some(4), some(1, 60))
const word = fc
  .array(fc.constantFrom(0x61, 0x5a, 0x30), { minLength: 1, maxLength: 15 })
  .map((tag) => [tag.length, ...tag])

/** Valid rdata of each type, made without the code under test. */
const rdataOf = new Map<number, Octets>([
  [RRType.A, some(4)],
  [RRType.AAAA, some(16)],
  [RRType.NS, name],
  [RRType.CNAME, name],
  [RRType.DNAME, name],
  [RRType.PTR, name],
  [RRType.SOA, all(name, name, some(20))],
  [RRType.MX, all(some(2), name)],
  [RRType.KX, all(some(2), name)],
  [RRType.TXT, many(string, 1, 5)],
  [RRType.SPF, many(string, 1, 5)],
  [RRType.HINFO, all(string, string)],
  [RRType.RP, all(name, name)],
  [RRType.AFSDB, all(some(2), name)],
  [RRType.SRV, all(some(6), name)],
  [RRType.LOC, all(fc.constant([0]), size, size, size, degrees(90), degrees(180), some(4))],
  [
    RRType.NAPTR,
    all(some(4), string, string, fc.constantFrom([0], [...Buffer.from('\u0009!(a)!\\1!i')]), name),
  ],
  [RRType.CERT, all(some(5), some(1, 60))],
  [RRType.DS, digest],
  [RRType.CDS, digest],
  [RRType.DNSKEY, key],
  [RRType.CDNSKEY, key],
  [RRType.SSHFP, all(some(2), some(1, 40))],
  [RRType.TLSA, all(some(3), some(1, 64))],
  [RRType.SMIMEA, all(some(3), some(1, 64))],
  [RRType.OPENPGPKEY, some(1, 80)],
  [RRType.CSYNC, all(some(6), bitmap)],
  [RRType.ZONEMD, all(some(5), fc.constantFrom([1, ...Array<number>(48).fill(5)], [200, 1, 2]))],
  [RRType.SVCB, service],
  [RRType.HTTPS, service],
  [RRType.EUI48, some(6)],
  [RRType.EUI64, some(8)],
  [RRType.URI, all(some(4), some(1, 400))],
  [RRType.CAA, all(some(1), word, some(0, 400))],
])

describe('rdata', () => {
  it('is generated here for every type with a layout', () => {
    expect(new Set(rdataOf.keys())).toEqual(new Set(layouts.keys()))
  })

  it.each(Array.from(rdataOf, ([type, octets]) => ({ name: typeToText(type), type, octets })))(
    '$name: what is written, in its own form and in the generic one, reads back',
    ({ type, octets }) => {
      fc.assert(
        fc.property(octets, (made) => {
          const rdata = Uint8Array.from(made)
          const text = formatRdata(type, rdata)
          expect(text).not.toMatch(/^\\#/)
          const generic = `\\# ${made.length} ${Buffer.from(made).toString('hex')}`
          const parsed = parseRdata(type, text, origin)
          expect(parsed).toMatchObject({ kind: 'rdata', rdata: { octets: rdata } })
          expect(parseRdata(type, generic, origin)).toEqual(parsed)
        }),
        { numRuns: runs(150) },
      )
    },
  )

  const anyType = fc.constantFrom(...layouts.keys(), 65_400)

  it('survives any octets, and what it writes of them reads back or is refused', () => {
    fc.assert(
      fc.property(anyType, fc.uint8Array({ maxLength: 80 }), (type, octets) => {
        const text = formatRdata(type, octets)
        const parsed = parseRdata(type, text, origin)
        const refused = text.startsWith('\\#') && layouts.has(type)
        expect(parsed).toMatchObject(
          refused ? { kind: 'bad' } : { kind: 'rdata', rdata: { octets } },
        )
        namesInRdata(type, { octets, compressible: [] })
      }),
      { numRuns: runs(5000) },
    )
  })

  it('survives any text, and what it takes it can write', () => {
    const bits = fc.constantFrom(
      '0',
      '1',
      '65535',
      '10 ',
      ' ',
      '"',
      '\\',
      '\\#',
      '(',
      ')',
      ';',
      '\n',
      '.',
      '@',
      'a',
      'mx1',
      'N ',
      'W ',
      '-',
      'm',
      '192.0.2.1',
      '::1',
      'AA==',
      '00',
      'key1=',
      'alpn=',
      'mandatory=',
      ',',
      '=',
      '!',
      '1h',
      'A',
      'TYPE9',
      '\\065',
      '\\999',
      'ä',
      '\u0000',
      '\uD800',
    )
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(bits, { maxLength: 20 }).map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(anyType, text, (type, written) => {
        const parsed = parseRdata(type, written, origin)
        const octets = parsed.kind === 'rdata' ? parsed.rdata.octets : null
        const again = octets && parseRdata(type, formatRdata(type, octets), origin)
        expect(parsed).toEqual(again ?? { kind: 'bad', why: anyReason })
      }),
      { numRuns: runs(10_000) },
    )
  })

  const piles = [
    '(',
    ')',
    '"" ',
    'a ',
    '\\',
    '\\065',
    '"',
    'A ',
    '1h',
    'AA==',
    '00 ',
    'a.',
    'k=',
    ',',
    'key1=a ',
    '!',
    '[',
  ]
  // One type and the start of a text for each way that a field is read.
  const starts: readonly (readonly [type: number, start: string])[] = [
    [RRType.MX, '1 '],
    [RRType.SOA, 'a. b. 1 '],
    [RRType.TXT, ''],
    [RRType.NAPTR, '1 1 u x "!'],
    [RRType.LOC, ''],
    [RRType.TLSA, '1 1 1 '],
    [RRType.OPENPGPKEY, ''],
    [RRType.CSYNC, '1 1 '],
    [RRType.SVCB, '1 . alpn='],
    [RRType.SVCB, '1 . ipv6hint='],
    [RRType.SVCB, '1 . dohpath=/{'],
    [65_400, '\\# 9 '],
  ]
  it.each(piles)('takes a pile of %j with work that grows as its length does', (part) => {
    const pileOf = (octets: number): string => part.repeat(Math.floor(octets / part.length))
    const [small, large] = [pileOf(29_990), pileOf(299_900)]
    for (const [type, start] of starts) {
      const parse = (pile: string) => (): unknown => parseRdata(type, start + pile, origin)
      // Ten times the length; a hundred would be its square.
      expect(costRatio(parse(small), parse(large), 40)).toBeLessThan(40)
    }
  })
})

describe('names', () => {
  it('read back as written, whatever their octets', () => {
    fc.assert(
      fc.property(name, (octets) => {
        const wire = Uint8Array.from(octets)
        expect(parseName(nameToText(wire), origin)).toEqual({ kind: 'name', name: wire })
      }),
    )
  })
})
