// Whole answers of a steered zone under any health: never NODATA or NXDOMAIN where steering decides, an address for
// every exchange from the same snapshot, TLSA whatever happens. As an operator wrote the zone: at the apex, below
// a wildcard, through aliases, with services beside.

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createHealthTable, SlotState, Standing } from '../../src/health/table.ts'
import type { HealthWriter } from '../../src/health/table.ts'
import { seeded } from '../steer/arrange.ts'
import { askerOf } from '../support/ask-catalog.ts'
import type { Ask } from '../support/ask-catalog.ts'
import { compiledZone } from '../support/compiled-zone.ts'
import { catalogOf } from '../support/zone-builder.ts'
import { runs } from '../support/runs.ts'

const textWith = (onAllDown: string): string => `
zone: smtp.test
soa: { mname: ns1, rname: hostmaster }
on_all_down: ${onAllDown}
targets:
  mx1: { addresses: [203.0.113.1, 2001:db8::1], region: eu, rack: a, tlsa: 3 1 1 ${'aa'.repeat(32)} }
  mx2: { addresses: [203.0.113.2, 203.0.113.12, 2001:db8::2], region: eu, rack: b, tlsa: 3 1 1 ${'bb'.repeat(32)} }
  mx3: { addresses: [203.0.113.3], region: us, warmup: { from: 2026-12-01, days: 30 } }
  mx4: { addresses: [2001:db8::4, 203.0.113.4] }
  old: { addresses: [203.0.113.5, 2001:db8::5] }
probes: { p: {} }
pools:
  eu: { probe: p, targets: { mx1: 2, mx2: 1, mx4: 1 }, min_healthy: 0.5, spill: proportional, panic: 0.3 }
  us: { probe: p, targets: { mx3: 3, mx4: 1 }, min_healthy: 0.4 }
  reserve: { probe: p, targets: [old] }
steering:
  in:
    - { when: { network: 192.0.2.0/25 }, pools: [us, eu] }
    - { pools: [eu, us, reserve] }
records:
  '@': { NS: ns1, MX: { steer: in }, address: { steer: in, answers: 2 } }
  ns1: { A: 192.0.2.53 }
  '*.wild': { MX: { steer: in, ladder: 2 }, address: { steer: in, answers: all, sticky: true } }
  relay: { address: { steer: in, answers: 1, sticky: subnet } }
  equal: { MX: { steer: in, mode: equal } }
  _submission._tcp: { SRV: { steer: in, port: 587 } }
  _submissions._tcp: { SRV: { steer: in, port: 465, answers: 2 } }
  www: { CNAME: '@' }
  deep: { CNAME: any.wild }
`

interface Setting {
  readonly ask: Ask
  readonly health: HealthWriter
}

function settingOf(onAllDown: string, seed: number): Setting {
  const { zone } = compiledZone(textWith(onAllDown))
  const health = createHealthTable(64, 64)
  return { ask: askerOf(catalogOf(zone), { health, random: seeded(seed) }), health }
}

const slotRow = fc.record({
  state: fc.constantFrom(...Object.values(SlotState)),
  factor: fc.constantFrom(1, 1, 0.5, 0),
  fell: fc.constantFrom(0, 10, 500),
})
const memberRow = fc.record({
  standing: fc.constantFrom(...Object.values(Standing)),
  share: fc.constantFrom(1, 1, 0.1, 0),
})
const healths = fc.record({
  slots: fc.oneof(
    fc.array(slotRow, { minLength: 40, maxLength: 40 }),
    fc.constant(Array.from({ length: 40 }, () => ({ state: SlotState.down, factor: 1, fell: 9 }))),
  ),
  rows: fc.array(memberRow, { minLength: 40, maxLength: 40 }),
})
type Health = typeof healths extends fc.Arbitrary<infer One> ? One : never

function write(health: HealthWriter, { slots, rows }: Health): void {
  for (const [i, { state, factor, fell }] of slots.entries()) {
    health.set(i + 1, state, factor, 60)
    health.setFell(i + 1, fell)
  }
  for (const [i, { standing, share }] of rows.entries()) health.setRow(i + 1, standing, share, 60)
}

const steeredNames: readonly (readonly [string, string])[] = [
  ['smtp.test', 'MX'],
  ['smtp.test', 'A'],
  ['smtp.test', 'AAAA'],
  ['a.wild.smtp.test', 'MX'],
  ['a.b.wild.smtp.test', 'A'],
  ['relay.smtp.test', 'A'],
  ['relay.smtp.test', 'AAAA'],
  ['equal.smtp.test', 'MX'],
  ['_submission._tcp.smtp.test', 'SRV'],
  ['_submissions._tcp.smtp.test', 'SRV'],
  ['www.smtp.test', 'MX'],
  ['www.smtp.test', 'AAAA'],
  ['deep.smtp.test', 'MX'],
]

const isOfType =
  (type: string) =>
  (line: string): boolean =>
    line.split(' ')[2] === type

describe.each(['all', 'last_good', '{ backup: reserve }'])('on_all_down: %s', (onAllDown) => {
  test('a steered name is never NODATA or NXDOMAIN, and an exchange has an address', () => {
    fc.assert(
      fc.property(healths, fc.nat(), (drawn, seed) => {
        const { ask, health } = settingOf(onAllDown, seed)
        write(health, drawn)
        for (const [name, type] of steeredNames) {
          const { rcode, answer, additional } = ask(name, type)
          const records = answer.filter(isOfType(type))
          expect([name, type, rcode, records.length > 0]).toEqual([name, type, 0, true])
          const exchanges = type === 'MX' || type === 'SRV' ? records : []
          for (const exchange of exchanges.map((line) => line.split(' ').at(-1) ?? '')) {
            const own = ['A', 'AAAA'].flatMap((family) =>
              ask(exchange, family).answer.filter(isOfType(family)),
            )
            expect([exchange, own.length > 0]).toEqual([exchange, true])
            const beside = additional.some((line) => line.startsWith(`${exchange} `))
            expect([name, exchange, beside]).toEqual([name, exchange, true])
          }
        }
      }),
      { numRuns: runs(120) },
    )
  })
})

test('servfail: only where no member is eligible, and then instead of an empty answer', () => {
  fc.assert(
    fc.property(healths, fc.nat(), (drawn, seed) => {
      const { ask, health } = settingOf('servfail', seed)
      write(health, drawn)
      for (const [name, type] of steeredNames) {
        const { rcode, answer } = ask(name, type)
        const isAnswered = rcode === 0 && answer.some(isOfType(type))
        expect([name, type, isAnswered || rcode === 2]).toEqual([name, type, true])
      }
    }),
    { numRuns: runs(100) },
  )
})

test('TLSA of a target stays, at its port and at those of its services', () => {
  fc.assert(
    fc.property(healths, (drawn) => {
      const { ask, health } = settingOf('all', 1)
      write(health, drawn)
      for (const port of [25, 465, 587]) {
        const { rcode, answer } = ask(`_${port}._tcp.mx1.smtp.test`, 'TLSA')
        expect([port, rcode, answer.length]).toEqual([port, 0, 1])
      }
      expect(ask('_25._tcp.mx3.smtp.test', 'TLSA').rcode).toBe(3)
      for (const relay of ['relay.smtp.test', 'smtp.test'])
        expect(ask(`_25._tcp.${relay}`, 'TLSA').answer.map((one) => one.slice(-2))).toEqual([
          'aa',
          'bb',
        ])
    }),
    { numRuns: runs(30) },
  )
})
