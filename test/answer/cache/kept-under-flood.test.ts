// What is kept of answers is kept of what is asked often, and pays only while health stays as it is: neither a flood of
// ever new names nor health that changes all the time may make answers dearer than they are anew.

import { expect, onTestFinished, test, vi } from 'vitest'
import { createCounters } from '../../../src/answer/counters.ts'
import { AnswerCache } from '../../../src/answer/cache/answer-cache.ts'
import { DrawnMessages } from '../../../src/answer/cache/drawn-messages.ts'
import { createRespond } from '../../../src/answer/respond.ts'
import { createHealthTable, SlotState, Standing } from '../../../src/health/table.ts'
import { seeded } from '../../steer/arrange.ts'
import { contextOf, peerOf } from '../../support/ask-catalog.ts'
import { compiledZone } from '../../support/compiled-zone.ts'
import { runs } from '../../support/runs.ts'
import { buildQuery } from '../../support/packet-builder.ts'
import { catalogOf } from '../../support/zone-builder.ts'

const long = `"${'x'.repeat(240)}"`
const zoneOfTargets = (count: number): ReturnType<typeof compiledZone>['zone'] => {
  const each = (text: (i: number) => string): string =>
    Array.from({ length: count }, (_, i) => text(i + 1)).join('')
  return compiledZone(`
zone: smtp.test
soa: { mname: ns1, rname: hostmaster }
targets:${each((i) => `\n  mx${i}: { addresses: [203.0.113.${i}] }`)}
pools:
  all: { targets: { ${each((i) => `mx${i}: ${i}, `)} } }
steering:
  in: [{ pools: [all] }]
records:
  '@': { NS: [ns1], MX: { steer: in, ladder: 5 } }
  ns1: { A: 192.0.2.53 }
  fixed: { MX: { steer: in, sticky: true } }
  '*.many': { MX: { steer: in, ladder: 5 } }
  '*.wild': { TXT: '${long} ${long} ${long}' }
  moved: { DNAME: elsewhere.test. }
`).zone
}
const few = zoneOfTargets(2)
/** 6,720 orders of five. */
const wide = zoneOfTargets(8)

function asker(zone = few) {
  const health = createHealthTable(64, 64)
  const counters = createCounters()
  const respond = createRespond(contextOf(catalogOf(zone), { health, counters, random: seeded(1) }))
  const out = new Uint8Array(4096)
  const peer = peerOf('udp')
  const send = (packet: Uint8Array): number => respond(packet, 0, packet.length, peer, out, 0)
  /** Asks from the /24 of this number. */
  const sendFrom = (network: number, packet: Uint8Array): number => {
    peer.octets = Uint8Array.of(198, network >> 8, network, 7)
    return send(packet)
  }
  return { health, counters, send, sendFrom }
}

const ladder = buildQuery({ name: 'smtp.test', type: 15 })

/** How often a method is called from here on; each is called with its own `this`. */
function callsOf<Of extends object>(prototype: Of, method: keyof Of & string): () => number {
  const spy = vi.spyOn(prototype, method as never)
  onTestFinished(() => spy.mockRestore())
  return () => spy.mock.calls.length
}

test('a flood of names beside a wildcard does not use up what is kept of ladders', () => {
  const { counters, send } = asker()
  const flood = buildQuery({
    name: 'aaaaaaaa.wild.smtp.test',
    type: 16,
    opts: [{ udp: 1232 }],
  })
  for (let i = 0, asked = 0; i < runs(400); i++) {
    for (let name = 0; name < 1400; name++, asked++) {
      for (let at = 0; at < 5; at++) flood[13 + at] = 0x61 + (Math.floor(asked / 26 ** at) % 26)
      send(flood)
    }
    for (let often = 0; often < 90; often++) send(ladder)
  }
  const whole = callsOf(DrawnMessages.prototype, 'copy')
  const { messagesEmptied, messageOctets, uncached } = counters.read().scalars
  expect(messagesEmptied).toBeGreaterThan(runs(400) / 2)
  expect(messageOctets).toBeGreaterThan(0)
  expect(messageOctets).toBeLessThanOrEqual(2 ** 20)
  for (let i = 0; i < 200; i++) send(ladder)
  expect(whole()).toBeGreaterThan(100)
  // What was copied is not among those that were not.
  expect(counters.read().scalars.uncached - uncached).toBe(200 - whole())
})

test('of names below a DNAME, of which there is no end, nothing is kept', () => {
  const { counters, send } = asker()
  send(buildQuery({ name: 'ns1.smtp.test', type: 1 }))
  const { messageOctets } = counters.read().scalars
  expect(messageOctets).toBeGreaterThan(0)
  for (let i = 0; i < 100; i++) {
    const name = `n${i}.moved.smtp.test`
    expect(send(buildQuery({ name, type: 1 }))).toBeGreaterThan(name.length + 20)
  }
  expect(counters.read().scalars).toMatchObject({ messageOctets, uncached: 101 })
})

test('one question in ever other letters is decided and encoded once', () => {
  const { send } = asker()
  const random = seeded(2)
  const stored = callsOf(AnswerCache.prototype, 'store')
  const questions = [
    ['ns1.smtp.test', 1],
    ['mx1.smtp.test', 1],
    ['missing.smtp.test', 1],
  ] as const
  for (const [name, type] of questions)
    for (let i = 0; i < 500; i++) {
      const spelled = name.replace(/[a-z]/g, (one) => (random() < 0.5 ? one : one.toUpperCase()))
      send(buildQuery({ name: spelled, type }))
    }
  // What does not exist is answered out of the zone's SOA.
  expect(stored()).toBe(2)
})

test('health of others that changes all the time ends nothing', () => {
  const { health, send } = asker()
  const kept = callsOf(DrawnMessages.prototype, 'add')
  const copied = callsOf(DrawnMessages.prototype, 'copy')
  for (let i = 0; i < 2000; i++) {
    health.set(63, i % 2 === 0 ? SlotState.up : SlotState.down, 1, 60)
    health.setRow(63, Standing.normal, i % 2, 60)
    send(ladder)
  }
  expect(kept()).toBe(2)
  expect(copied()).toBeGreaterThan(1950)
})

test('a change of the health of its targets costs a set nine answers, and the messages of its outcomes', () => {
  const { health, send } = asker()
  const kept = callsOf(DrawnMessages.prototype, 'add')
  const copied = callsOf(DrawnMessages.prototype, 'copy')
  const changes = 20
  for (let change = 0; change < changes; change++) {
    for (let row = 1; row < 8; row++) health.setRow(row, Standing.normal, 1 + (change % 2), 60)
    for (let i = 0; i < 100; i++) send(ladder)
  }
  // Two orders there are.
  expect(kept()).toBe(2 * changes)
  // The first answer of all is one by which the question becomes known.
  expect(copied()).toBe(changes * (100 - 9 - 2) - 1)
})

test('of orders that are too many some are kept, and others later', () => {
  const { send } = asker(wide)
  const kept = callsOf(DrawnMessages.prototype, 'add')
  for (let i = 0; i < 30_000; i++) send(ladder)
  const first = kept()
  expect(first).toBeGreaterThan(60)
  expect(first).toBeLessThan(200)
  for (let i = 0; i < 30_000; i++) send(ladder)
  expect(kept()).toBeGreaterThan(first + 60)
  expect(kept()).toBeLessThan(400)
})

test('of a sticky set a message is kept for each selection, and each network finds its own again', () => {
  const { send, sendFrom } = asker(few)
  const fixed = buildQuery({ name: 'fixed.smtp.test', type: 15 })
  for (let i = 0; i < 10; i++) send(fixed)
  const kept = callsOf(DrawnMessages.prototype, 'add')
  const copied = callsOf(DrawnMessages.prototype, 'copy')
  const networks = 1000
  for (let network = 0; network < networks; network++) sendFrom(network, fixed)
  expect([kept(), copied()]).toEqual([2, 0])
  for (let network = 0; network < networks; network++) sendFrom(network, fixed)
  // Hardly any two share both of their cells.
  expect(kept()).toBe(2)
  expect(copied()).toBeGreaterThan(0.98 * networks)
})

test('a flood of networks evicts those of a sticky set, and no more', () => {
  const { send, sendFrom } = asker(few)
  const fixed = buildQuery({ name: 'fixed.smtp.test', type: 15 })
  for (let i = 0; i < 10; i++) send(fixed)
  const kept = callsOf(DrawnMessages.prototype, 'add')
  for (let network = 0; network < 60_000; network++) sendFrom(network, fixed)
  for (let i = 0; i < 20; i++) send(ladder)
  // Those of the set, and those of the ladder.
  expect(kept()).toBe(2 + 2)
})

test('drawn messages of ever new names fill their arena, which is emptied and filled anew', () => {
  const { counters, send } = asker(wide)
  const used = (): number => counters.read().scalars.drawnOctets
  const names = 4000
  let most = 0
  for (let name = 0; name < names; name++) {
    const query = buildQuery({ name: `x${name}.many.smtp.test`, type: 15 })
    for (let i = 0; i < 3; i++) send(query)
    most = Math.max(most, used())
  }
  expect(counters.read().scalars.drawnEmptied).toBeGreaterThan(0)
  expect(most).toBeGreaterThan(2 ** 21)
  expect(most).toBeLessThanOrEqual(2 ** 22)
})
