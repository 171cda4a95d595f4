// Hostile packets: respond never throws, takes long or writes past its bounds, and the next client is answered as if
// nothing had happened. A failing seed is printed by fast-check; put it into `fc.assert` to replay.

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createRespond } from '../../src/answer/respond.ts'
import { createCounters } from '../../src/answer/counters.ts'
import { cpuMs } from '../support/cpu-time.ts'
import { contextOf, peerOf, send } from '../support/ask-catalog.ts'
import { exampleCatalog } from '../support/example-zone.ts'
import { viewOf } from '../support/foreign-view.ts'
import { runs } from '../support/runs.ts'
import { buildQuery, wireName, wireRecord } from '../support/packet-builder.ts'

const count = runs(10_000)
/** Of CPU time: the slowest packet takes microseconds. */
const slowMs = 1000
const maxUdpOctets = 1232
const numRuns = { numRuns: count }

const octet = fc.integer({ min: 0, max: 255 })

/** Octets that pass the checks of the header more often than random ones do. */
const noise = fc.oneof(
  fc.uint8Array({ maxLength: 600 }),
  fc
    .tuple(
      fc.uint8Array({ maxLength: 600 }),
      fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 4, maxLength: 4 }),
    )
    .map(([body, counts]) =>
      Uint8Array.from([0x12, 0x34, 0x01, 0x00, ...counts.flatMap((count) => [0, count]), ...body]),
    ),
)

const valid = fc.record({
  name: fc.constantFrom(
    'example.test',
    'a.b.wild.example.test',
    'x.child.example.test',
    'ping.example.test',
    'host.old.example.test',
    'b.c.example.test',
    'org',
  ),
  type: fc.constantFrom(1, 2, 5, 6, 15, 16, 28, 33, 39, 43, 251, 252, 255, 65400),
  withRecord: fc.boolean(),
  opts: fc.array(
    fc.record({
      udp: fc.integer({ min: 0, max: 65_535 }),
      dnssecOk: fc.boolean(),
      options: fc.array(octet, { maxLength: 40 }),
    }),
    { maxLength: 2 },
  ),
})

type Change = {
  readonly at: number
  readonly to: number
  readonly how: 'set' | 'drop' | 'insert' | 'cut'
}

const change: fc.Arbitrary<Change> = fc.record({
  at: fc.nat(200),
  to: fc.oneof(octet, fc.constantFrom(0, 1, 0x3f, 0x40, 0x80, 0xc0, 0xff)),
  how: fc.constantFrom('set', 'set', 'set', 'drop', 'insert', 'cut'),
})

const mutated = fc
  .tuple(valid, fc.array(change, { minLength: 1, maxLength: 6 }))
  .map(([spec, changes]) => {
    const { withRecord, ...query } = spec
    const records = withRecord ? [wireRecord(wireName('a.example'), 250, [1, 2, 3, 4])] : []
    const octets = [...buildQuery({ ...query, records })]
    for (const { at, to, how } of changes) {
      const place = at % Math.max(octets.length, 1)
      if (how === 'set') octets[place] = to
      else if (how === 'drop') octets.splice(place, 1)
      else if (how === 'insert') octets.splice(place, 0, to)
      else octets.length = place
    }
    return Uint8Array.from(octets)
  })

const counters = createCounters()
const respond = createRespond(contextOf(exampleCatalog, { counters, maxUdpOctets }))
const udp = peerOf('udp')
const knownQuery = buildQuery({ name: 'www.example.test', opts: [{}] })
const knownAnswer = send(respond, knownQuery, udp)

let checked = 0

function checkReply(packet: Uint8Array, transport: 'udp' | 'tcp'): void {
  let reply: Uint8Array | null = null
  const tookMs = cpuMs(() => (reply = send(respond, packet, peerOf(transport))))
  expect(tookMs).toBeLessThan(slowMs)
  const silent = packet.length < 12 || ((packet[2] ?? 0) & 0x80) !== 0
  expect(reply === null).toBe(silent)
  if (reply !== null) checkShape(packet, reply, transport)
  expect(send(respond, knownQuery, udp)).toEqual(knownAnswer)
  checked++
}

function checkShape(packet: Uint8Array, reply: Uint8Array, transport: 'udp' | 'tcp'): void {
  const view = viewOf(reply)
  expect(view.id).toBe(((packet[0] ?? 0) << 8) | (packet[1] ?? 0))
  expect(view.opcode).toBe(((packet[2] ?? 0) >> 3) & 0x0f)
  if (transport === 'udp')
    expect(reply.length).toBeLessThanOrEqual(view.opt === null ? 512 : maxUdpOctets)
}

describe('respond', () => {
  test('the known answer is a real one', () => {
    expect(viewOf(knownAnswer ?? udp.octets).answer).toHaveLength(2)
  })

  test.each(['udp', 'tcp'] as const)(
    `${count} packets of noise over %s`,
    (transport) => {
      checked = 0
      fc.assert(
        fc.property(noise, (packet) => checkReply(packet, transport)),
        numRuns,
      )
      expect(checked).toBe(count)
    },
    600_000,
  )

  test(`${count} mutated queries`, () => {
    checked = 0
    fc.assert(
      fc.property(mutated, (packet) => checkReply(packet, 'udp')),
      numRuns,
    )
    expect(checked).toBe(count)
  }, 600_000)

  test('none of them caused an exception inside', () => {
    const { scalars } = counters.read()
    expect(scalars.failures).toBe(0)
    expect(scalars.packets).toBeGreaterThan(3 * count)
    expect(scalars.rejected).toBeGreaterThan(0)
    expect(scalars.dropped).toBeGreaterThan(0)
  })
})
