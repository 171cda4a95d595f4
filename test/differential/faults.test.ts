// What the trusted servers get wrong, so that it is not brought here: each fault with whose it is (as measured with
// Debian 12's NSD 4.6, BIND 9.18, Knot 3.2, PowerDNS 4.7), the packet that shows it, and what is right.
//
// That slow TCP clients keep others out (Knot, PowerDNS) is tested with the rest of TCP.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { startBind } from '../support/bind.ts'
import type { ForeignServer } from '../support/foreign-server.ts'
import { buildQuery, wireName } from '../support/packet-builder.ts'
import type { QuerySpec } from '../support/packet-builder.ts'
import { startServer } from '../support/server.ts'
import type { RunningServer } from '../support/server.ts'
import { viewAnswer } from './answer-view.ts'
import type { AnswerView } from './answer-view.ts'
import { askOverTcp, askOverUdp } from './ask.ts'
import { parseZone, toMaster, toYaml } from './zone-text.ts'

const servers = Array.from({ length: 13 }, (_, i) => i + 1)
const zone = parseZone(
  'faults.test.',
  [
    '@ NS ns',
    'ns A 192.0.2.53',
    'www A 192.0.2.1',
    ...servers.flatMap((i) => [
      `in NS ns${i}.in`,
      `ns${i}.in A 198.51.100.${i}`,
      `ns${i}.in AAAA 2001:db8::${i}`,
    ]),
    'top NS ns.top',
    'ns.top A 192.0.2.2',
    'lower.top NS ns.lower.top',
    'ns.lower.top A 192.0.2.3',
    'ping CNAME pong',
    'pong CNAME ping',
    '*.a A 192.0.2.4',
    'srv SRV 0 0 25 x.y.a',
    ...Array.from({ length: 13 }, (_, i) => `c${i} CNAME c${i + 1}`),
    'c13 A 192.0.2.5',
  ].join('\n'),
)

let ours: RunningServer
let bind: ForeignServer

beforeAll(async () => {
  ;[ours, bind] = await Promise.all([
    startServer({
      zones: { 'faults.yaml': toYaml(zone) },
      flags: ['--workers', '1', '--lameduck', '0'],
    }),
    startBind([{ apex: zone.apex, text: toMaster(zone) }]),
  ])
})
afterAll(async () => {
  await Promise.all([ours?.stop(), bind?.stop()])
})

const packetOf = (spec: QuerySpec): Buffer =>
  Buffer.from(buildQuery({ name: 'www.faults.test', flags: 0, ...spec }))

async function octetsOf(port: number, spec: QuerySpec, tcp = false): Promise<Buffer> {
  const [reply] = await (tcp ? askOverTcp : askOverUdp)(port, [packetOf(spec)])
  return reply as Buffer
}

const ask = async (spec: QuerySpec, tcp = false): Promise<AnswerView> =>
  viewAnswer(await octetsOf(ours.port, spec, tcp))

/** AA, TC, RD, Z, AD, CD, and rcode bits. */
const everyBit = 0x077f
const status = 2 << 11

const ownersOf = (sets: readonly { readonly id: string }[]): string[] => sets.map(({ id }) => id)

interface Fault {
  readonly fault: string
  readonly whose: string
  readonly spec: QuerySpec
  readonly tcp?: true
  /** What of the answer is right. */
  readonly right: (view: AnswerView) => unknown
  readonly is: unknown
}

const faults: readonly Fault[] = [
  {
    fault: 'in-domain glue cut without TC (RFC 9471 §3.1)',
    whose: 'NSD, BIND',
    spec: { name: 'x.in.faults.test' },
    right: ({ flags, authority }) => [flags, ownersOf(authority)],
    is: [['tc'], ['in.faults.test. TYPE2']],
  },
  {
    fault: 'and without the glue over TCP there would be no end of it',
    whose: 'NSD, BIND',
    spec: { name: 'x.in.faults.test' },
    tcp: true,
    right: ({ flags, additional }) => [flags, additional.length],
    is: [[], 26],
  },
  {
    fault: 'FORMERR for an EDNS size below 512 (RFC 6891 §6.2.3)',
    whose: 'Knot',
    spec: { opts: [{ udp: 1 }] },
    right: ({ rcode, answer, opt }) => [rcode, answer[0]?.text, opt?.udp],
    is: [0, 'www.faults.test. TYPE1 300 c0000201', 1232],
  },
  {
    fault: 'DO not echoed in BADVERS (RFC 3225 §3)',
    whose: 'NSD',
    spec: { opts: [{ version: 1, dnssecOk: true }] },
    right: ({ rcode, opt, answer }) => [rcode, opt, answer],
    is: [16, { udp: 1232, version: 0, dnssecOk: true }, []],
  },
  {
    fault: 'AD or CD of the query in an answer that validates nothing (RFC 4035 §3.1.6)',
    whose: 'BIND (CD)',
    spec: { flags: 0x0030, opts: [{ dnssecOk: true }] },
    right: ({ flags }) => flags,
    is: ['aa'],
  },
  {
    fault: 'the lowest zone cut instead of the topmost (RFC 1034 §4.3.2 step 3b)',
    whose: 'PowerDNS',
    spec: { name: 'www.lower.top.faults.test' },
    right: ({ flags, authority, additional }) => [flags, ownersOf([...authority, ...additional])],
    is: [[], ['top.faults.test. TYPE2', 'ns.top.faults.test. TYPE1']],
  },
  {
    fault: 'SERVFAIL for a loop of aliases, which is in the data and not in the server',
    whose: 'BIND, PowerDNS',
    spec: { name: 'ping.faults.test' },
    right: ({ rcode, answer }) => [rcode, ownersOf(answer)],
    is: [0, ['ping.faults.test. TYPE5', 'pong.faults.test. TYPE5']],
  },
  {
    fault: 'SERVFAIL, or an end without a target, for a chain of thirteen aliases',
    whose: 'BIND, Knot, PowerDNS',
    spec: { name: 'c0.faults.test' },
    right: ({ rcode, answer }) => [rcode, answer.length, answer.at(-1)?.id],
    is: [0, 14, 'c13.faults.test. TYPE1'],
  },
  {
    fault: 'an address out of a wildcard under another owner than the name that was meant',
    whose: 'NSD',
    spec: { name: 'srv.faults.test', type: 33 },
    right: ({ additional }) => ownersOf(additional),
    is: ['x.y.a.faults.test. TYPE1'],
  },
  {
    fault: 'an answer of class IN with authority over every class (RFC 1035 §6.2)',
    whose: 'Knot',
    spec: { class: 255 },
    right: ({ rcode, flags, answer }) => [rcode, flags, answer.length],
    is: [0, [], 1],
  },
  {
    fault: 'REFUSED without the question, by which clients find their query (RFC 5452 §9.1)',
    whose: 'NSD (other classes)',
    spec: { class: 4 },
    right: ({ rcode, question }) => [rcode, question],
    is: [5, 'www.faults.test. 1 4'],
  },
]

describe('faults of the trusted, not to be copied', () => {
  it.each(faults.map((one) => [one.fault, one.whose, one] as const))(
    '%s: %s',
    async (_, _whose, { spec, tcp, right, is }) => {
      expect(right(await ask(spec, tcp))).toEqual(is)
    },
  )

  it.each([
    ['every header bit', everyBit],
    ['RD alone', 0x0100],
  ])('header bits echoed in NOTIMP (NSD, Knot, gdnsd): %s', async (_, bits) => {
    const reply = await octetsOf(ours.port, { flags: status | bits })
    // QR, the opcode and NOTIMP: nothing else.
    expect(reply.readUInt16BE(2)).toBe(0x8000 | status | 4)
  })
})

const longLabel = [64, ...Array.from({ length: 64 }, () => 97), 0]
const malformed: readonly (readonly [string, QuerySpec])[] = [
  ['a question cut short', { rawName: [] }],
  ['a label past the end', { rawName: [40, 97, 98] }],
  ['a pointer to itself', { rawName: [0xc0, 12] }],
  ['a label of 64 octets', { rawName: longLabel }],
  ['two questions', { counts: [2, 0, 0, 0] }],
  ['no question', { counts: [0, 0, 0, 0], rawName: [] }],
  ['an answer that is not there', { counts: [1, 1, 0, 0] }],
  [
    'an OPT that ends outside',
    { counts: [1, 0, 0, 1], trailing: [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 9] },
  ],
  ['two OPT', { opts: [{}, {}] }],
  ['an OPT with an owner', { opts: [{ owner: wireName('a') }] }],
  ['counts of records that are not there', { counts: [1, 0, 0, 0xffff] }],
]

describe('a whole header gets an answer, however malformed the rest (Knot, PowerDNS: silence)', () => {
  it.each(malformed)('%s: FORMERR, as BIND', async (_, spec) => {
    const flags = 0x0100
    const [mine, its] = await Promise.all([
      octetsOf(ours.port, { ...spec, flags }),
      octetsOf(bind.port, { ...spec, flags }),
    ])
    // QR, RD and FORMERR.
    expect(mine.readUInt16BE(2)).toBe(0x8101)
    expect(mine.readUInt16BE(2)).toBe(its.readUInt16BE(2))
  })
})
