// What is kept of answers is kept of what is asked often, and pays only while health stays as it is: neither a flood of
// ever new names nor health that changes all the time may make answers dearer than they are anew.

import { expect, onTestFinished, test, vi } from 'vitest'
import { createCounters } from '../../src/answer/counters.ts'
import { DrawnLadders } from '../../src/answer/drawn-ladders.ts'
import { LadderPieces } from '../../src/answer/ladder-pieces.ts'
import { createRespond } from '../../src/answer/respond.ts'
import { createHealthTable, SlotState } from '../../src/health/table.ts'
import { contextOf, peerOf } from '../support/asker.ts'
import { compiledZone } from '../support/compiled-zone.ts'
import { buildQuery } from '../support/packet-builder.ts'
import { catalogOf } from '../support/zone-builder.ts'

const long = `"${'x'.repeat(240)}"`
const { zone } = compiledZone(`
zone: smtp.test
soa: { mname: ns1, rname: hostmaster }
targets:
  mx1: { addresses: [203.0.113.1] }
  mx2: { addresses: [203.0.113.2] }
pools:
  all: { targets: { mx1: 2, mx2: 1 } }
steering:
  in: [{ pools: [all] }]
records:
  '@': { NS: [ns1], MX: { steer: in } }
  ns1: { A: 192.0.2.53 }
  '*.wild': { TXT: '${long} ${long} ${long}' }
`)

function asker() {
  const health = createHealthTable(64, 64)
  const counters = createCounters()
  const respond = createRespond(contextOf(catalogOf(zone), { health, counters }))
  const out = new Uint8Array(4096)
  const peer = peerOf('udp')
  const send = (packet: Uint8Array): number => respond(packet, 0, packet.length, peer, out, 0)
  return { health, counters, send }
}

const ladder = buildQuery({ name: 'smtp.test', type: 15 })

/** How often a method is called from here on; each is called with its own `this`. */
function callsOf<Of extends object>(prototype: Of, method: keyof Of & string): () => number {
  const spy = vi.spyOn(prototype, method as never)
  onTestFinished(() => spy.mockRestore())
  return () => spy.mock.calls.length
}

test('pieces of a ladder are made only while health stays as it is', () => {
  const { health, send } = asker()
  const pieces = callsOf(LadderPieces.prototype, 'of')
  for (let i = 0; i < 400; i++) {
    if (i % 4 === 0) health.set(63, SlotState.up, 1, 60)
    send(ladder)
  }
  expect(pieces()).toBe(0)
  for (let i = 0; i < 30; i++) send(ladder)
  expect(pieces()).toBeGreaterThan(20)
})

test('a flood of names beside a wildcard does not use up what is kept of ladders', () => {
  const { send } = asker()
  const flood = buildQuery({
    name: 'aaaaaaaa.wild.smtp.test',
    type: 16,
    opts: [{ udp: 1232 }],
  })
  for (let i = 0, asked = 0; i < 400; i++) {
    for (let name = 0; name < 1400; name++, asked++) {
      for (let at = 0; at < 5; at++) flood[13 + at] = 0x61 + (Math.floor(asked / 26 ** at) % 26)
      send(flood)
    }
    for (let often = 0; often < 90; often++) send(ladder)
  }
  const whole = callsOf(DrawnLadders.prototype, 'find')
  for (let i = 0; i < 200; i++) send(ladder)
  expect(whole()).toBeGreaterThan(100)
}, 60_000)

test('whole ladders that were not worth it in a bad hour are tried again', () => {
  const { health, send } = asker()
  for (let i = 0; i < 20_000; i++) {
    if (i % 9 === 0) health.set(63, SlotState.up, 1, 60)
    send(ladder)
  }
  const bad = callsOf(DrawnLadders.prototype, 'find')
  for (let i = 0; i < 100; i++) send(ladder)
  expect(bad()).toBe(0)
  for (let i = 0; i < 66_000; i++) send(ladder)
  expect(bad()).toBeGreaterThan(100)
}, 60_000)
