// The time to sign by where the wall clock is wrong, or is set: what a resolver with the right time finds bogus is counted
// over days of answers that are asked for every half hour.

import { describe, expect, test } from 'vitest'

import { createRespond } from '../../src/answer/respond.ts'
import { SigningClock } from '../../src/dnssec/signing-clock.ts'
import { CatalogSigners } from '../../src/dnssec/zone-signer.ts'
import { contextOf, peerOf, send } from '../support/ask-catalog.ts'
import { compiledZone } from '../support/compiled-zone.ts'
import { labelsOf, wireOf } from '../support/dnssec/names.ts'
import { zoneKey } from '../support/dnssec/signatures.ts'
import { validate } from '../support/dnssec-validator.ts'
import { buildQuery } from '../support/packet-builder.ts'
import { alone, fixedKey } from '../support/signers.ts'
import { catalogOf } from '../support/zone-builder.ts'

const [minuteMs, hourMs, dayMs] = [60_000, 3_600_000, 86_400_000] as const
const yearMs = 365 * dayMs
const startMs = 1_800_000_000_000

const { zone } = compiledZone(`
zone: set.test
ttl: 3600
dnssec: {}
soa: { mname: ns1, rname: hostmaster, minimum: 3600 }
records:
  '@': { NS: ns1, MX: 10 ns1 }
  ns1: { A: 192.0.2.1 }
`)
const apex = 'set.test.'
const key = fixedKey()
const anchor = zoneKey(Buffer.from(key.dnskey))
if (anchor === null) throw new Error('the key is none of the validator')
const trusted = { apex: labelsOf(apex), keys: [anchor] }
const questions = [
  { qname: apex, qtype: 15 },
  { qname: `missing.${apex}`, qtype: 1 },
]

/** A machine whose wall clock is off, and that can sleep. */
class Machine {
  trueMs = startMs
  offMs = 0
  sleptMs = 0
  readonly signing: SigningClock
  readonly #respond: ReturnType<typeof createRespond>

  constructor({ knownMs = 0, offMs = 0 } = {}) {
    this.offMs = offMs
    const start = { knownMs, settledForMs: 0, aheadMs: 0, anchoredForMs: 0, suspendedMs: 0 }
    this.signing = new SigningClock(
      { wallMs: this.wallMs(), monotonicMs: this.monotonicMs() },
      { ...start, frozenForMs: null },
      () => this.sleptMs,
    )
    const wallMs = (): number => this.signing.at(this.wallMs(), this.monotonicMs())
    const clock = { wallMs, monotonicMs: () => this.monotonicMs() }
    const signers = new CatalogSigners(clock, undefined, {
      isTimeKnown: () => this.signing.trust !== 'behind',
    })
    signers.use([zone], () => alone(key))
    this.#respond = createRespond(contextOf(catalogOf(zone), { clock, signers }))
  }

  wallMs = (): number => this.trueMs + this.offMs
  monotonicMs = (): number => this.trueMs - startMs + 5000 - this.sleptMs
  signingMs = (): number => this.signing.at(this.wallMs(), this.monotonicMs())

  ask(question: (typeof questions)[number], dnssecOk = true): Buffer {
    const rawName = [...wireOf(labelsOf(question.qname))]
    const packet = buildQuery({ rawName, type: question.qtype, opts: [{ dnssecOk }] })
    return Buffer.from(send(this.#respond, packet, peerOf('tcp')) ?? [])
  }

  /** Lets time go by; what a resolver with the right time found, each once. */
  pass(ms: number, everyMs = 30 * minuteMs): string[] {
    const found = new Set<string>()
    for (const untilMs = this.trueMs + ms; this.trueMs < untilMs; this.trueMs += everyMs)
      for (const question of questions) {
        const seconds = Math.floor(this.trueMs / 1000)
        const response = this.ask(question)
        const isRefused = response.length > 3 && ((response[3] as number) & 0xf) === 2
        found.add(isRefused ? 'SERVFAIL' : validate([trusted], question, response, seconds).kind)
      }
    return [...found].sort()
  }
}

const offsets = [
  ['30 minutes', 30 * minuteMs],
  ['5 hours', 5 * hourMs],
  ['10 years', 10 * yearMs],
] as const
const steps = offsets.flatMap(([text, ms]) => [
  { text: `${text} ahead`, ms },
  { text: `${text} back`, ms: -ms },
])

describe('a clock that is set while the server runs', () => {
  test.each(steps)('by $text, and right again within a day: nothing is bogus', ({ ms }) => {
    const machine = new Machine()
    expect(machine.pass(30 * minuteMs)).toEqual(['secure'])
    machine.offMs = ms
    expect(machine.pass(23 * hourMs)).toEqual(['secure'])
    expect(machine.signing.trust).toBe(Math.abs(ms) > hourMs ? 'frozen' : 'right')
    machine.offMs = 0
    expect(machine.pass(3 * dayMs)).toEqual(['secure'])
    expect(machine.signing.trust).toBe('right')
    expect(machine.signingMs()).toBe(machine.trueMs)
  })

  test('for good: it is followed after a day', () => {
    const machine = new Machine()
    machine.pass(30 * minuteMs)
    machine.offMs = 4 * hourMs
    machine.pass(dayMs - 30 * minuteMs)
    expect(machine.signingMs()).toBe(machine.trueMs)
    machine.pass(hourMs)
    expect([machine.signing.trust, machine.signingMs()]).toEqual(['right', machine.wallMs()])
  })

  test('to before what was known at the start: nothing is signed after a day', () => {
    const machine = new Machine({ knownMs: startMs })
    machine.pass(30 * minuteMs)
    machine.offMs = -10 * yearMs
    expect(machine.pass(23 * hourMs)).toEqual(['secure'])
    machine.pass(2 * hourMs)
    expect(machine.pass(hourMs)).toEqual(['SERVFAIL'])
    machine.offMs = 0
    expect(machine.pass(hourMs)).toEqual(['secure'])
  })

  test('bit by bit, as clocks drift and are put right: it is followed', () => {
    const machine = new Machine()
    for (let days = 0; days < 40; days++) {
      machine.offMs += 5 * minuteMs
      machine.pass(dayMs, hourMs)
      expect(machine.signing.trust).toBe('right')
    }
  })

  test('in leaps of less than an hour, several a day: it is not followed further than an hour', () => {
    const machine = new Machine()
    machine.pass(30 * minuteMs)
    for (let i = 0; i < 8; i++) {
      machine.offMs += 50 * minuteMs
      machine.pass(hourMs)
      expect(Math.abs(machine.signingMs() - machine.trueMs)).toBeLessThanOrEqual(hourMs)
    }
    expect(machine.signing.trust).toBe('frozen')
  })
})

test('a machine that slept is followed at once', () => {
  const machine = new Machine()
  machine.pass(30 * minuteMs)
  machine.trueMs += 5 * dayMs
  machine.sleptMs = 5 * dayMs
  expect(machine.pass(dayMs)).toEqual(['secure'])
  expect(machine.signing.trust).toBe('right')
})

describe('a clock that is wrong at the start', () => {
  test.each(steps.filter(({ ms }) => ms < 0))('by $text: nothing is bogus', ({ ms }) => {
    const machine = new Machine({ knownMs: startMs - minuteMs, offMs: ms })
    const isSigned = ms === -30 * minuteMs
    expect(machine.pass(hourMs)).toEqual([isSigned ? 'secure' : 'SERVFAIL'])
    machine.offMs = 0
    expect(machine.pass(3 * dayMs)).toEqual(['secure'])
  })

  test('says so with the extended error 14, and answers without DO', () => {
    const machine = new Machine({ knownMs: startMs, offMs: -yearMs })
    const [question = { qname: apex, qtype: 15 }] = questions
    const refused = machine.ask(question)
    // Header and question alone, SERVFAIL, and OPT with option 15 (RFC 8914), INFO-CODE 14.
    expect([refused[3], refused.readUInt16BE(6), refused.readUInt16BE(8)]).toEqual([2, 0, 0])
    const at = refused.lastIndexOf(Buffer.from([0, 15]))
    expect(refused.readUInt16BE(at + 4)).toBe(14)
    expect(refused.subarray(at + 6).toString()).toMatch(/^the clock/)
    const plain = machine.ask(question, false)
    expect([plain[3], plain.readUInt16BE(6)]).toEqual([0, 1])
  })

  test('and set within ten minutes, as by NTP: it is followed', () => {
    const machine = new Machine({ offMs: 14 * hourMs })
    machine.pass(5 * minuteMs, minuteMs)
    machine.offMs = 0
    expect(machine.pass(hourMs)).toEqual(['secure'])
    expect(machine.signingMs()).toBe(machine.trueMs)
  })
})

describe('a thread that starts later', () => {
  test('goes on as the others, by a monotonic clock of its own', () => {
    const machine = new Machine()
    machine.pass(30 * minuteMs)
    machine.offMs = 5 * hourMs
    machine.pass(hourMs)
    const reading = { wallMs: machine.wallMs(), monotonicMs: machine.monotonicMs() }
    const other = new SigningClock(
      { ...reading, monotonicMs: 77 },
      machine.signing.handover(reading),
    )
    for (const laterMs of [0, hourMs, 22 * hourMs, 24 * hourMs]) {
      const here = machine.signing.at(reading.wallMs + laterMs, reading.monotonicMs + laterMs)
      expect(other.at(reading.wallMs + laterMs, 77 + laterMs)).toBe(here)
      expect(other.trust).toBe(machine.signing.trust)
    }
  })

  test('knows what has been', () => {
    const reading = { wallMs: startMs, monotonicMs: 5 }
    const first = new SigningClock(reading)
    first.learn(startMs + dayMs, reading)
    const other = new SigningClock({ ...reading, monotonicMs: 1 }, first.handover(reading))
    expect([other.trust, other.at(startMs, 1)]).toEqual(['behind', startMs + dayMs])
    expect(first.at(startMs, 5)).toBe(startMs + dayMs)
  })
})
