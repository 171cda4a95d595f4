// Answers that were kept ready are those that would be made anew, octet for octet, in whatever letters they are asked for:
// two responders over the same zone, health and random numbers, one of which keeps nothing. Counters move alike.

import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AnswerContext, Peer } from '../../src/answer/context.ts'
import { createCounters } from '../../src/answer/counters.ts'
import { DrawnMessages } from '../../src/answer/cache/drawn-messages.ts'
import { StickyMessages } from '../../src/answer/cache/sticky-messages.ts'
import { AnswerCache } from '../../src/answer/cache/answer-cache.ts'
import { createRespond } from '../../src/answer/respond.ts'
import { createCookieKeeper } from '../../src/admission/server-cookie.ts'
import {
  createHealthTable,
  SlotState,
  Standing,
  type HealthWriter,
} from '../../src/health/table.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { Scopes } from '../../src/steer/scope/scope-cache.ts'
import { lowerOctet } from '../../src/wire/name.ts'
import { openCatalog, packCatalog } from '../../src/zone/packed-catalog.ts'
import type { Catalog } from '../../src/zone/zone.ts'
import { seeded } from '../steer/arrange.ts'
import { answerCells, contextOf, fixedClock } from '../support/ask-catalog.ts'
import { compiledZone } from '../support/compiled-zone.ts'
import { buildQuery } from '../support/packet-builder.ts'
import { catalogOf, zoneOf } from '../support/zone-builder.ts'
import { relativeNames, randomZones } from '../support/random-zones.ts'
import { runs } from '../support/runs.ts'
import { signersOf } from '../support/signers.ts'
import { wrap } from '../support/wrap-method.ts'

const zoneText = `
zone: smtp.test
internal: [192.0.2.200]
soa: { mname: ns1.deep, rname: hostmaster }
targets:
  mx1: { addresses: [203.0.113.1, 2001:db8::1], region: eu }
  mx2: { addresses: [203.0.113.2, 2001:db8::2], region: eu }
  mx3: { addresses: [203.0.113.3], region: us }
  Mx4: { addresses: [2001:db8::4, 203.0.113.4] }
  many: { addresses: [203.0.113.21, 203.0.113.22, 203.0.113.23, 203.0.113.24, 203.0.113.25, 203.0.113.26] }
probes: { p: {} }
pools:
  eu: { probe: p, targets: { mx1: 2, mx2: 1, Mx4: 1 }, min_healthy: 0.5, spill: proportional, panic: 0.3 }
  us: { probe: p, targets: { mx3: 3, Mx4: 1 }, min_healthy: 0.4 }
  wide: { probe: p, targets: [mx1, many] }
steering:
  in:
    - { when: { network: 192.0.2.0/25 }, pools: [us, eu] }
    - { pools: [eu, us] }
  shut:
    - { pools: [us] }
  wide:
    - { pools: [wide] }
slots: { steer: in, names: [in1, in2, in3], epoch: 10m }
records:
  '@': { NS: [ns1.deep, ns2], MX: { steer: in }, address: { steer: in, answers: 2 }, TXT: '"x"' }
  ns1.deep: { A: 192.0.2.53, AAAA: 2001:db8:53::1 }
  ns2: { A: 192.0.2.54 }
  '*.wild': { MX: { steer: in, ladder: 2 }, address: { steer: in, answers: all, sticky: true }, TXT: '"w"' }
  relay: { address: { steer: in, answers: 1 } }
  shut: { MX: { steer: shut }, address: { steer: shut, answers: 1 } }
  wide: { MX: { steer: wide } }
  equal: { MX: { steer: in, mode: equal } }
  pair: { MX: { steer: shut, mode: equal } }
  fixed: { MX: { steer: in, ladder: 3, sticky: true }, address: { steer: in, answers: 1, sticky: true } }
  '*.fixed': { MX: { steer: in, mode: equal, sticky: true }, address: { steer: wide, answers: 3, sticky: true } }
  plain: { A: [192.0.2.1, 192.0.2.2], MX: [10 mx1, 20 mail.elsewhere.test.], TXT: '"long text"' }
  _submission._tcp: { SRV: { steer: in, port: 587 } }
  _some._tcp: { SRV: { steer: in, port: 465, answers: 2 } }
  _one._tcp: { SRV: { steer: shut, port: 25, answers: 1 } }
  www: { CNAME: plain }
  far: { CNAME: any.wild }
  out: { CNAME: www.elsewhere.test. }
  fixed-mx: { MX: [10 in1, 20 in2, 30 in3] }
  child: { NS: [ns1.child, ns2] }
  ns1.child: { A: 192.0.2.55 }
  tree: { DNAME: wild }
  a.b.c: { A: 192.0.2.9 }
`

/** With nothing to spread over, draws are prepared (steer/draw/outcomes.ts). */
const unspread = zoneText.replaceAll(/, region: \w+/g, '')

const apex = 'smtp.test'
const names = [
  '@ relay shut wide equal pair plain www far out child x.child ns1.child tree x.tree a.b.c b.c c x.b.c',
  'x.wild y.x.wild wild *.wild fixed x.fixed mx1 mx2 mx3 mx4 many deep ns1.deep ns2 hostmaster x.hostmaster',
  'in1 in2 in3 in1 in2 in3 fixed-mx x.in1',
  'missing x.missing deep.missing x.deep mx1.mx1 _submission._tcp _some._tcp _tcp x._tcp',
]
  .join(' ')
  .split(' ')
  .map((name) => (name === '@' ? apex : `${name}.${apex}`))

const ladders = ['smtp.test', 'equal.smtp.test', 'shut.smtp.test', 'wide.smtp.test']
const qname = fc
  .tuple(
    fc.constantFrom(...names, ...ladders, ...ladders, 'elsewhere.test', 'test'),
    fc.constantFrom(0, 0, 0, 1, 2, 3),
  )
  .map(([name, letters]) => {
    // As asked, as the zone has it, in capitals, or in both by turns.
    if (letters === 1) return name.replace('smtp', 'Smtp').replace('mx4', 'Mx4')
    if (letters === 2) return name.toUpperCase()
    return letters === 3 ? name.replace(/[a-z](?=[a-z])/g, (one) => one.toUpperCase()) : name
  })

const subnet = fc.oneof(
  fc.constant([0, 8, 0, 7, 0, 1, 24, 0, 192, 0, 2]),
  fc.constant([0, 8, 0, 7, 0, 1, 24, 0, 198, 51, 100]),
  fc.constant([0, 8, 0, 4, 0, 1, 0, 0]),
)
const cookie = [0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]
const opts: fc.Arbitrary<Opts> = fc.oneof<fc.Arbitrary<Opts>[]>(
  fc.constant([]),
  fc.record({ udp: fc.constantFrom(512, 600, 1232, 4096), dnssecOk: fc.boolean() }).map((o) => [o]),
  fc
    .record({ udp: fc.constantFrom(700, 1232), options: subnet, dnssecOk: fc.boolean() })
    .map((o) => [o]),
  fc.constant([{ options: [0, 3, 0, 0] }]),
  // A client's cookie alone, and with the subnet.
  fc.constantFrom<Opts>(
    [{ options: cookie }],
    [{ options: [...cookie, 0, 8, 0, 7, 0, 1, 24, 0, 192, 0, 2] }],
  ),
)
type Opts = readonly { udp?: number; dnssecOk?: boolean; options?: readonly number[] }[]
interface Asked {
  readonly name: string
  readonly type: number
  readonly id: number
  readonly flags: number
  readonly class: number
  readonly opts: Opts
}
const qtypes = [
  1, 1, 1, 15, 15, 15, 28, 2, 6, 5, 16, 33, 39, 43, 46, 47, 48, 255, 65, 252, 128, 257,
]
const asked: fc.Arbitrary<Asked> = fc.record({
  name: qname,
  type: fc.constantFrom(...qtypes),
  id: fc.nat(0xffff),
  flags: fc.constantFrom(0x0100, 0, 0x0110, 0x0020),
  class: fc.constantFrom(1, 1, 1, 1, 1, 1, 1, 255, 3),
  opts,
})

const slotRow = fc.record({
  // Those of mx1 to Mx4; a change of any other would prove little.
  slot: fc.integer({ min: 6, max: 16 }),
  state: fc.constantFrom(...Object.values(SlotState)),
  factor: fc.constantFrom(1, 0.5, 0),
  hold: fc.constantFrom(5, 20, 60),
  // Within a minute of each other, or not.
  fellAtSeconds: fc.constantFrom(0, 1000, 1050, 1200),
})
const memberRow = fc.record({
  row: fc.constantFrom(8, 11, 14, 15, 17),
  standing: fc.constantFrom(...Object.values(Standing)),
  share: fc.constantFrom(1, 0.1, 0),
})
const later = (seconds: number) => ({ kind: 'later' as const, seconds })
/** A question, asked many times as most are, or a change of health. */
const step = fc.oneof(
  { weight: 6, arbitrary: asked.map((query) => ({ kind: 'asked' as const, query })) },
  { weight: 1, arbitrary: slotRow.map((slot) => ({ kind: 'slot' as const, slot })) },
  { weight: 1, arbitrary: memberRow.map((row) => ({ kind: 'row' as const, row })) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 400 }).map(later) },
)
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never

const peers: readonly Peer[] = (['udp', 'udp', 'tcp'] as const).map((transport, i) => ({
  family: 4,
  octets: Uint8Array.of(192, 0, 2, i * 200),
  port: 5353,
  transport,
}))

interface Side {
  readonly context: AnswerContext
  readonly answer: (packet: Uint8Array, peer: Peer, at: number) => Uint8Array
}

function sideOf(
  catalog: () => Catalog,
  { health, clock }: { readonly health: HealthWriter; readonly clock: Clock },
  seed: number,
  usesAnswerCache: boolean,
): Side {
  const scopes = new Scopes()
  scopes.prepare(catalog())
  const counters = createCounters()
  const context = contextOf(catalog(), {
    catalog,
    health,
    clock,
    random: seeded(seed),
    counters,
    scopes,
    identity: { nsid: Uint8Array.of(110, 115), chaosIdentity: null, chaosVersion: null },
    cookies: createCookieKeeper({ secrets: [new Uint8Array(16).fill(7)] }),
    signers: signersOf(catalog().zones.values(), fixedClock),
  })
  const respond = createRespond(context, { usesAnswerCache })
  // As dgram has it: of a Buffer, `slice` is no copy.
  const out = Buffer.alloc(70_000)
  const answer = (packet: Uint8Array, peer: Peer, at: number): Uint8Array => {
    // Of another answer's octets none may come back; few are longer than that.
    out.fill(0xaa, at, at + 2048)
    return Uint8Array.from(out.subarray(at, at + respond(packet, 0, packet.length, peer, out, at)))
  }
  return { context, answer }
}

/** Where answers begin: on a word, and not. */
const somePlaces = [0, 4096, 7, 0, 12, 7]

const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex')

/** As in workers, which read shared memory; the side that keeps nothing has what was compiled. */
function handedOver(catalog: Catalog): Catalog {
  let opened = packed.get(catalog)
  if (!opened) packed.set(catalog, (opened = openCatalog(structuredClone(packCatalog(catalog)))))
  return opened
}
const packed = new WeakMap<Catalog, Catalog>()

/** Gives every letter of the qname a case at random (0x20). */
function respell(packet: Uint8Array, random: () => number): void {
  for (let at = 12; packet[at] !== 0; at++) {
    const octet = packet[at] as number
    const isLetter = (octet | 0x20) >= 0x61 && (octet | 0x20) <= 0x7a
    if (isLetter && random() < 0.5) packet[at] = octet ^ 0x20
  }
}

function compare(catalogs: readonly Catalog[], steps: readonly Step[], seed: number): void {
  const health = createHealthTable(64, 64)
  let catalog = catalogs[0] as Catalog
  let nowMs = fixedClock.wallMs()
  const clock = { ...fixedClock, wallMs: () => nowMs }
  const quick = sideOf(() => handedOver(catalog), { health, clock }, seed, true)
  const slow = sideOf(() => catalog, { health, clock }, seed, false)
  const letters = seeded(seed)
  for (const [i, one] of steps.entries()) {
    if (i > 0 && i % 40 === 0) catalog = catalogs[(i / 40) % catalogs.length] as Catalog
    if (one.kind === 'slot') {
      health.setFell(one.slot.slot, one.slot.fellAtSeconds)
      health.set(one.slot.slot, one.slot.state, one.slot.factor, one.slot.hold)
    } else if (one.kind === 'later') {
      nowMs += one.seconds * 1000
    } else if (one.kind === 'row') {
      health.setRow(one.row.row, one.row.standing, one.row.share, 30)
    } else {
      const packet = buildQuery(one.query)
      const peer = peers[i % peers.length] as Peer
      // Often enough for all that is made only of what is asked often (prepared-sets.ts, ladder-answer.ts).
      const places = one.query.type === 15 ? [...somePlaces, ...somePlaces, 0] : somePlaces
      for (const [asking, at] of places.entries()) {
        if (asking % 3 === 1) respell(packet, letters)
        const made = hex(slow.answer(packet, peer, at))
        const kept = hex(quick.answer(packet, peer, at))
        // `expect` alone would take longer than all the rest.
        if (kept !== made) expect([hex(packet), at, kept]).toEqual([hex(packet), at, made])
      }
    }
  }
  const cells = ({ context }: Side): Buffer => Buffer.from(answerCells(context.counters).buffer)
  expect(cells(quick).equals(cells(slow))).toBe(true)
}

/** How often each way was taken, since a test of ways that are never taken proves nothing. */
function watchWays(): () => Readonly<Record<'written' | 'planned' | 'unknown' | Way, number>> {
  const counts = {
    written: 0,
    planned: 0,
    unknown: 0,
    missing: 0,
    capitals: 0,
    made: 0,
    drawn: 0,
    services: 0,
    sticky: 0,
  }
  const restore = [
    wrap(AnswerCache.prototype, 'answer', (way, [{ plan, query }]) => {
      counts[way]++
      if (way !== 'written') return
      if (plan.rcode === 3) counts.missing++
      if (plan.isWritten && query.qtype === 33) counts.services++
      const { packet, qnameOffset, qnameOctets } = query
      const qname = packet.subarray(qnameOffset, qnameOffset + qnameOctets)
      if (qname.some((octet) => lowerOctet(octet) !== octet)) counts.capitals++
    }),
    wrap(DrawnMessages.prototype, 'add', () => {
      counts.made++
    }),
    wrap(StickyMessages.prototype, 'entryFor', (entry) => {
      if (entry > 0) counts.sticky++
    }),
    wrap(DrawnMessages.prototype, 'copy', () => {
      counts.drawn++
    }),
  ]
  return () => {
    for (const one of restore) one()
    return counts
  }
}

type Way = 'missing' | 'capitals' | 'made' | 'drawn' | 'services' | 'sticky'

test.each([
  ['all', zoneText],
  ['servfail', zoneText],
  ['last_good', unspread],
  ['all', unspread],
  ['all', `${zoneText}dnssec: {}\n`],
])(
  'steered, on_all_down: %s: what is kept ready is what would be made',
  (onAllDown, records) => {
    const text = `on_all_down: ${onAllDown}${records}`
    const { zone } = compiledZone(text)
    const other = compiledZone(text.replace('zone: smtp', 'zone: Smtp'))
    const child = zoneOf('deep.missing.smtp.test.', { '@': { NS: 'ns1' }, ns1: { A: '192.0.2.1' } })
    const catalogs = [catalogOf(zone), catalogOf(other.zone, child)]
    const ways = watchWays()
    fc.assert(
      fc.property(fc.array(step, { minLength: 60, maxLength: 160 }), fc.nat(), (steps, seed) => {
        compare(catalogs, steps, seed)
      }),
      { numRuns: runs(50) },
    )
    const { written, planned, unknown, made, capitals } = ways()
    expect(Math.min(written, unknown, capitals)).toBeGreaterThan(2 * runs(50))
    expect(Math.min(planned, made)).toBeGreaterThan(0.4 * runs(50))
  },
  600_000,
)

/** Drawn by one number and by several; the two below `wild` are of one set. */
const often: readonly (readonly [name: string, type: number])[] = [
  ['pair.smtp.test', 15],
  ['smtp.test', 15],
  ['smtp.test', 1],
  ['relay.smtp.test', 1],
  ['x.wild.smtp.test', 15],
  ['y.x.wild.smtp.test', 15],
  ['in1.smtp.test', 1],
  ['in3.smtp.test', 28],
  ['fixed.smtp.test', 15],
  ['fixed.smtp.test', 1],
  ['x.fixed.smtp.test', 15],
  ['_submission._tcp.smtp.test', 33],
  ['_some._tcp.smtp.test', 33],
  ['_one._tcp.smtp.test', 33],
]

/** So often that whole answers are kept, under health that changes now and then. */
test.each([
  ['spread', zoneText],
  ['last_good', `on_all_down: last_good${unspread}`],
  ['signed', `${unspread}dnssec: {}\n`],
])(
  'the same many times over, %s',
  (_, text) => {
    const { zone } = compiledZone(text)
    const ways = watchWays()
    const changes = fc.array(fc.oneof(slotRow, memberRow), { minLength: 4, maxLength: 9 })
    fc.assert(
      fc.property(changes, fc.nat(), opts, (rows, seed, withOpts) => {
        const asks = (id: number): Step => {
          const [name, type] = often[id % often.length] as (typeof often)[number]
          const query = { name, type, id, flags: 0x0100, class: 1, opts: withOpts }
          return { kind: 'asked', query }
        }
        const steps = rows.flatMap((row): Step[] => [
          'slot' in row ? { kind: 'slot', slot: row } : { kind: 'row', row },
          later(7 * rows.length),
          ...Array.from({ length: 6 * often.length }, (_, id) => asks(id)),
        ])
        compare([catalogOf(zone)], steps, seed)
      }),
      { numRuns: runs(40) },
    )
    const { made, drawn, capitals, services, sticky } = ways()
    expect(Math.min(made, drawn, capitals, services, sticky)).toBeGreaterThan(25 * runs(40))
  },
  600_000,
)

const randomQuestions = fc.record({
  name: fc
    .tuple(relativeNames, fc.constantFrom('Zone.test', 'zone.test', 'ZONE.TEST'))
    .map(([owner, apexOfIt]) => `${owner}.${apexOfIt}`),
  type: fc.constantFrom(1, 28, 15, 2, 5, 6, 16, 33, 39, 43),
  id: fc.nat(0xffff),
  flags: fc.constant(0x0100),
  class: fc.constant(1),
  opts,
})

test('random zones: what is kept ready is what would be made', () => {
  const ways = watchWays()
  fc.assert(
    fc.property(
      randomZones,
      fc.array(randomQuestions, { minLength: 20, maxLength: 60 }),
      (zone, queries) => {
        compare(
          [catalogOf(zone)],
          queries.map((query) => ({ kind: 'asked', query })),
          1,
        )
      },
    ),
    { numRuns: runs(150) },
  )
  const { written, missing } = ways()
  expect(written).toBeGreaterThan(7 * runs(150))
  expect(missing).toBeGreaterThan(0.7 * runs(150))
}, 600_000)
