// Truncation law, for every limit from 512 to 1232 and for TCP, over answers larger than most of them:
//   - the reply never exceeds the limit
//   - every RRset in it is whole
//   - TC iff a set of the answer or authority section, or glue of an in-domain name server, is missing
//   - what fits is not cut: if the whole answer is within the limit, it is the whole answer
//   - OPT in the reply iff OPT in the query, however tight it gets

import { describe, expect, test } from 'vitest'
import { createRespond } from '../../src/answer/respond.ts'
import { contextOf, peerOf, send } from '../support/ask-catalog.ts'
import { viewOf } from '../support/foreign-view.ts'
import type { View } from '../support/foreign-view.ts'
import { buildQuery } from '../support/packet-builder.ts'
import { catalogOf, zoneOf } from '../support/zone-builder.ts'

const many = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i))

/** Hosts whose names share little, so that sizes vary. */
const hosts = (count: number, prefix: string, where = ''): [string, Record<string, string[]>][] =>
  many(count, (i) => [
    `${prefix}${'x'.repeat(i)}${i}${where}`,
    { A: [`192.0.2.${i}`, `198.51.100.${i}`], AAAA: [`2001:db8::${i}`] },
  ])
const names = (list: readonly [string, unknown][]): string[] => list.map(([name]) => name)

const exchangers = hosts(16, 'mx')
const servers = hosts(16, 'ns', '.child')
const siblings = hosts(8, 'sib', '.sibling')
const catalog = catalogOf(
  zoneOf('example.test.', {
    '@': { NS: ['ns1'], MX: names(exchangers).map((name, i) => `${i} ${name}`) },
    text: { TXT: many(9, (i) => `${i}`.repeat(60 + i)) },
    long: { CNAME: 'hop' },
    hop: { CNAME: 'text' },
    child: { NS: names(servers) },
    sibling: { NS: names(siblings) },
    mixed: { NS: [...names(servers).slice(0, 4), ...names(siblings)] },
    small: { A: '192.0.2.1' },
    ...Object.fromEntries([...exchangers, ...servers, ...siblings]),
  }),
)
const questions: [name: string, type: number, leastOctets: number][] = [
  ['example.test', 15, 1300],
  ['text.example.test', 16, 700],
  ['long.example.test', 16, 750],
  ['a.child.example.test', 1, 1300],
  ['mixed.example.test', 1, 900],
  ['small.example.test', 1, 40],
  ['none.example.test', 1, 60],
]

const respond = createRespond(contextOf(catalog, { maxUdpOctets: 4096 }))

function reply(name: string, type: number, udp: number | null, transport: 'udp' | 'tcp' = 'udp') {
  const opts = udp === null ? [] : [{ udp }]
  const octets = send(respond, buildQuery({ name, type, opts }), peerOf(transport))
  if (octets === null) throw new Error('silence')
  return octets
}

const setOf = (line: string): string => line.split(' ').toSpliced(1, 1).slice(0, 2).join(' ')
const setsOf = (lines: readonly string[]): Map<string, string[]> => Map.groupBy(lines, setOf)

/** The sets of `whole` that are not in `part`; throws where one is there in part. */
function missing(part: readonly string[], whole: readonly string[]): string[] {
  const present = setsOf(part)
  const all = setsOf(whole)
  for (const [set, lines] of present) expect(lines).toEqual(all.get(set))
  return [...all.keys()].filter((set) => !present.has(set))
}

const inDomain = (set: string): boolean =>
  set.split(' ')[0]?.endsWith('.child.example.test') ?? false

function checkLaw(view: View, whole: View): void {
  const referral = whole.answer.length === 0 && whole.additional.length > 0
  const lost = [
    ...missing(view.answer, whole.answer),
    ...missing(view.authority, whole.authority),
    ...missing(view.additional, whole.additional).filter(
      (set) => referral && whole.question?.includes('child') && inDomain(set),
    ),
  ]
  expect(view.flags.includes('tc')).toBe(lost.length > 0)
}

describe.each(questions)('%s type %i', (name, type, leastOctets) => {
  const wholeOctets = reply(name, type, 4096, 'tcp')
  const whole = viewOf(wholeOctets)

  test('is whole over TCP, and as large as this test needs it', () => {
    expect(whole.flags).not.toContain('tc')
    expect(wholeOctets.length).toBeGreaterThanOrEqual(leastOctets)
  })

  test('keeps the law at every limit', () => {
    for (let limit = 512; limit <= 1232; limit++) {
      const octets = reply(name, type, limit)
      expect(octets.length).toBeLessThanOrEqual(limit)
      const view = viewOf(octets)
      expect(view.opt).not.toBeNull()
      checkLaw(view, whole)
      const isWhole = Buffer.compare(octets, wholeOctets) === 0
      expect(isWhole).toBe(wholeOctets.length <= limit)
    }
  })

  test('without EDNS: 512 octets and no OPT', () => {
    const octets = reply(name, type, null)
    const view = viewOf(octets)
    expect(octets.length).toBeLessThanOrEqual(512)
    expect(view.opt).toBeNull()
    checkLaw(view, whole)
  })

  test('an EDNS size below 512 counts as 512 (RFC 6891 §6.2.3)', () => {
    for (const size of [0, 11, 511]) expect(reply(name, type, size)).toEqual(reply(name, type, 512))
  })
})

describe('bounds', () => {
  test('the server’s limit caps the client’s', () => {
    const capped = createRespond(contextOf(catalog, { maxUdpOctets: 700 }))
    const query = buildQuery({ name: 'example.test', type: 15, opts: [{ udp: 4096 }] })
    const octets = send(capped, query, peerOf('udp'))
    expect(octets?.length).toBeLessThanOrEqual(700)
    expect(octets?.length).toBeGreaterThan(400)
    expect(viewOf(octets ?? new Uint8Array(0)).opt?.udp).toBe(700)
  })

  test('octets beyond the limit are never touched', () => {
    for (let limit = 512; limit <= 1232; limit += 16) {
      const out = new Uint8Array(2000).fill(0xaa)
      const query = buildQuery({ name: 'example.test', type: 15, opts: [{ udp: limit }] })
      respond(query, 0, query.length, peerOf('udp'), out, 3)
      expect(out.subarray(3 + limit).every((octet) => octet === 0xaa)).toBe(true)
    }
  })

  test('more than a message can hold: TC even over TCP, nothing partial', () => {
    const huge = catalogOf(
      zoneOf('example.test.', { '@': { TXT: many(600, (i) => `${i}`.padStart(120, '.')) } }),
    )
    const query = buildQuery({ name: 'example.test', type: 16 })
    const octets = send(createRespond(contextOf(huge)), query, peerOf('tcp'))
    expect(viewOf(octets ?? new Uint8Array(0))).toMatchObject({ flags: 'aa tc rd', answer: [] })
  })
})
