// Zone transfers out, message by message: what is sent, to which client, how many at once. Read with a decoder that is not ours.

import { Packet } from 'dns2'
import { describe, expect, test } from 'vitest'

import type { AnswerContext } from '../../../src/answer/context.ts'
import { createRespond } from '../../../src/answer/respond.ts'
import {
  type Transfer,
  createBeginTransfer,
  maxTransfers,
} from '../../../src/answer/transfer/transfer.ts'
import { createCookieKeeper } from '../../../src/admission/server-cookie.ts'
import { typeFromText } from '../../../src/wire/rrtype.ts'
import type { Catalog, RRset } from '../../../src/zone/zone.ts'
import { contextOf, peerOf, send } from '../../support/ask-catalog.ts'
import { compiledZone } from '../../support/compiled-zone.ts'
import { viewOf } from '../../support/foreign-view.ts'
import { option, optsOf } from '../../support/opt-options.ts'
import { type QuerySpec, buildQuery, wireName, wireRecord } from '../../support/packet-builder.ts'
import { catalogOf, zoneOf } from '../../support/zone-builder.ts'

const apex = 'transfer.test.'
const small = zoneOf(apex, {
  '@': { NS: 'ns1', MX: '10 MAIL' },
  ns1: { A: '192.0.2.1' },
  MAIL: { A: '192.0.2.2' },
  '*.wild': { TXT: 'any' },
  'x.y': { TXT: 'below an empty non-terminal' },
  child: { NS: 'ns.child' },
  'ns.child': { A: '192.0.2.3' },
  'hidden.child': { TXT: 'occluded' },
})

const type = { AXFR: 252, IXFR: 251 } as const
const soaOf = (serial: number, name = apex): QuerySpec['records'] => [
  wireRecord(wireName(name), 6, [
    ...wireName('ns1.x'),
    ...wireName('h.x'),
    ...[24, 16, 8, 0].map((shift) => (serial >>> shift) & 255),
    ...Array<number>(16).fill(0),
  ]),
]

function bench(catalog: Catalog, overrides: Partial<AnswerContext> = {}) {
  const context = contextOf(catalog, { mayTransfer: () => true, ...overrides })
  const begin = createBeginTransfer(context)
  const respond = createRespond(context)
  const packetOf = (spec: QuerySpec): Uint8Array =>
    buildQuery({ name: apex, type: type.AXFR, ...spec })
  return {
    context,
    begin: (spec: QuerySpec = {}): Transfer | null => {
      const packet = packetOf(spec)
      const shifted = Buffer.concat([Buffer.alloc(3, 0xee), packet, Buffer.alloc(3, 0xee)])
      return begin(shifted, 3, packet.length, peerOf('tcp'))
    },
    ask: (spec: QuerySpec, transport: 'udp' | 'tcp' = 'udp') =>
      viewOf(send(respond, packetOf(spec), peerOf(transport)) ?? new Uint8Array(0)),
  }
}

/** All messages, each checked to lie where it should. */
function messagesOf(transfer: Transfer | null, octets = 16_384): Buffer[] {
  const messages: Buffer[] = []
  const out = Buffer.alloc(70_000, 0xaa)
  for (;;) {
    const length = transfer?.next(out, 5, octets) ?? -1
    if (length < 0) throw new Error('cannot go on')
    if (length === 0) break
    expect(out.subarray(0, 5).every((octet) => octet === 0xaa)).toBe(true)
    messages.push(Buffer.from(out.subarray(5, 5 + length)))
  }
  transfer?.end()
  return messages
}

const records = (messages: readonly Buffer[]): string[] =>
  messages.flatMap((message) => viewOf(message).answer)

describe('AXFR', () => {
  test('the SOA, every record once, what is below cuts too, the SOA again', () => {
    const [first, ...others] = records(messagesOf(bench(catalogOf(small)).begin()))
    const last = others.pop()
    expect(first).toMatch(/^transfer\.test \d+ SOA /)
    expect(last).toBe(first)
    expect(others.map((record) => record.replace(/ \d+ /, ' ')).sort()).toEqual(
      [
        'MAIL.transfer.test A 192.0.2.2',
        '*.wild.transfer.test TXT "any"',
        'child.transfer.test NS ns.child.transfer.test',
        'hidden.child.transfer.test TXT "occluded"',
        'ns.child.transfer.test A 192.0.2.3',
        'ns1.transfer.test A 192.0.2.1',
        'transfer.test MX 10 MAIL.transfer.test',
        'transfer.test NS ns1.transfer.test',
        'x.y.transfer.test TXT "below an empty non-terminal"',
      ].sort(),
    )
  })

  test('a client cookie gets its server cookie, as in any other answer (RFC 7873 §5.2.3)', () => {
    const cookies = createCookieKeeper({ secrets: [new Uint8Array(16).fill(3)] })
    const spec = { opts: [{ options: option(10, [1, 2, 3, 4, 5, 6, 7, 8]) }] }
    const [message = Buffer.alloc(0)] = messagesOf(bench(catalogOf(small), { cookies }).begin(spec))
    const [given] = optsOf(message)[0]?.options ?? []
    expect([given?.code, given?.data.length, given?.data[7]]).toEqual([10, 24, 8])
  })

  test('header as RFC 5936 §2.2.1 has it; question and OPT in the first message alone', () => {
    const wide = zoneOf(
      apex,
      Object.fromEntries(
        Array.from({ length: 400 }, (_, i) => [`n${i}`, { TXT: 'x'.repeat(200) }]),
      ),
    )
    const spec = { id: 77, flags: 0x0010, opts: [{ udp: 1232 }] }
    const messages = messagesOf(bench(catalogOf(wide)).begin(spec))
    expect(messages.length).toBeGreaterThan(5)
    expect(records(messages)).toHaveLength(402)
    for (const [i, message] of messages.entries()) {
      const view = viewOf(message)
      expect([view.id, view.rcode, view.flags]).toEqual([77, 0, 'aa'])
      expect(view.question === null).toBe(i > 0)
      expect(view.opt === null).toBe(i > 0)
      expect(message.length).toBeLessThanOrEqual(16_384)
    }
  })

  test('a record longer than a message goes in one of its own', () => {
    const string = Uint8Array.of(250, ...Array<number>(250).fill(0x79))
    const rdata = { octets: Buffer.concat(Array<Uint8Array>(100).fill(string)), compressible: [] }
    const long: RRset = { kind: 'plain', type: 16, ttl: 60, rdata: [rdata] }
    const zone = zoneOf(apex, {
      '@': { NS: 'ns1' },
      long: { TXT: long },
      z: { A: '192.0.2.9' },
    })
    const messages = messagesOf(bench(catalogOf(zone)).begin(), 512)
    expect(Math.max(...messages.map((message) => message.length))).toBeGreaterThan(25_000)
    expect(records(messages)).toHaveLength(5)
  })

  test('case is kept, in owners that differ in nothing else', () => {
    const zone = zoneOf(apex, { 'A.x': { TXT: '1' }, 'b.X': { TXT: '2' } })
    const owners = records(messagesOf(bench(catalogOf(zone)).begin())).map(
      (one) => one.split(' ')[0],
    )
    expect(owners).toContain('A.x.transfer.test')
    expect(owners).toContain('b.X.transfer.test')
  })

  test('goes on with the zone that it began with', () => {
    let catalog = catalogOf(small)
    const { begin } = bench(catalog, { catalog: () => catalog })
    const transfer = begin()
    catalog = catalogOf(zoneOf(apex, { other: { A: '192.0.2.200' } }))
    expect(records(messagesOf(transfer))).toHaveLength(11)
    expect(records(messagesOf(begin()))).toHaveLength(3)
  })
})

describe('IXFR', () => {
  const count = (serial: number): number =>
    records(
      messagesOf(
        bench(catalogOf(small)).begin({
          type: type.IXFR,
          records: soaOf(serial) ?? [],
          counts: [1, 0, 1, 0],
        }),
      ),
    ).length

  test.each([
    ['an older serial: the whole zone', 6, 11],
    ['our serial: the SOA', 7, 1],
    ['a later one: the SOA', 8, 1],
    ['one that is older by RFC 1982: the whole zone', 0x80000008, 11],
  ])('%s', (_, serial, expected) => {
    expect(count(serial)).toBe(expected)
  })

  test('without the SOA of the client: FORMERR', () => {
    const [message] = messagesOf(bench(catalogOf(small)).begin({ type: type.IXFR }))
    expect(viewOf(message as Buffer)).toMatchObject({ rcode: 1, answer: [] })
  })

  test('over UDP: the SOA, so that the client comes again over TCP', () => {
    const { ask } = bench(catalogOf(small))
    const ixfr = { type: type.IXFR, records: soaOf(3) ?? [], counts: [1, 0, 1, 0] as const }
    expect(ask(ixfr)).toMatchObject({
      rcode: 0,
      flags: 'aa rd',
      answer: [expect.stringMatching(/ SOA /)],
    })
    expect(ask({ type: type.IXFR }).rcode).toBe(1)
    expect(ask({ ...ixfr, name: 'ns1.transfer.test.' }).rcode).toBe(9)
  })
})

describe('who may not', () => {
  test('any client, unless allowed: REFUSED, over UDP and TCP', () => {
    const { begin, ask, context } = bench(catalogOf(small), { mayTransfer: () => false })
    const ixfr = { type: type.IXFR, records: soaOf(3) ?? [], counts: [1, 0, 1, 0] as const }
    for (const spec of [{ type: type.AXFR }, ixfr]) {
      expect(begin(spec)).toBe(null)
      expect(ask(spec, 'tcp')).toMatchObject({ rcode: 5, answer: [] })
      expect(ask(spec, 'udp')).toMatchObject({ rcode: 5, answer: [] })
    }
    expect(context.counters.read().scalars).toMatchObject({ transfers: 0, transfersRefused: 3 })
  })

  test('AXFR over UDP is REFUSED even to the allowed', () => {
    expect(bench(catalogOf(small)).ask({}).rcode).toBe(5)
  })

  test.each([
    ['a name below the apex', { name: 'ns1.transfer.test.' }],
    ['a zone that is not ours', { name: 'other.test.' }],
  ])('%s: NOTAUTH', (_, spec) => {
    const [message] = messagesOf(bench(catalogOf(small)).begin(spec))
    expect(viewOf(message as Buffer)).toMatchObject({ rcode: 9, flags: 'rd', answer: [] })
  })

  test('other questions are no transfer', () => {
    const { begin } = bench(catalogOf(small))
    for (const qtype of ['A', 'ANY', 'SOA'])
      expect(begin({ type: typeFromText(qtype) ?? 255 })).toBe(null)
    expect(begin({ class: 3 })).toBe(null)
    expect(begin({ flags: 0x2000 })).toBe(null)
    expect(begin({ rawName: [63] })).toBe(null)
  })

  test('a zone that is signed, of which only the records could be sent', () => {
    const { zone } = compiledZone(`
zone: transfer.test
dnssec: {}
soa: { mname: ns1, rname: hostmaster }
records: { '@': { NS: ns1 }, ns1: { A: 192.0.2.1 } }
`)
    const [message] = messagesOf(bench(catalogOf(zone)).begin())
    expect(viewOf(message as Buffer)).toMatchObject({ rcode: 5, flags: 'rd', answer: [] })
  })

  test('one more than there may be at once, until one ends', () => {
    const { begin } = bench(catalogOf(small))
    const running = Array.from({ length: maxTransfers }, () => begin())
    const rcode = (transfer: Transfer | null): number => {
      const [message] = messagesOf(transfer)
      return (Packet.parse(message as Buffer).header as { rcode: number }).rcode
    }
    expect(rcode(begin())).toBe(5)
    running[0]?.end()
    running[0]?.end()
    expect(rcode(begin())).toBe(0)
    expect(records(messagesOf(running[1] ?? null))).toHaveLength(11)
  })
})
