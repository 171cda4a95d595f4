// What a steered set of many outcomes has signed: the cards of a deck, and no more of them for health that comes and goes.

import { expect, test } from 'vitest'

import { createCounters } from '../../src/answer/counters.ts'
import { createRespond } from '../../src/answer/respond.ts'
import { CatalogSigners } from '../../src/dnssec/zone-signer.ts'
import { createHealthTable, SlotState } from '../../src/health/table.ts'
import { RRType } from '../../src/wire/rrtype.ts'
import { seeded } from '../steer/arrange.ts'
import { contextOf, fixedClock, peerOf, send } from '../support/ask-catalog.ts'
import { compiledZone } from '../support/compiled-zone.ts'
import { buildQuery } from '../support/packet-builder.ts'
import { alone, fixedKey } from '../support/signers.ts'
import { catalogOf } from '../support/zone-builder.ts'

const targets = Array.from({ length: 16 }, (_, i) => `mx${i + 1}`)
const { zone } = compiledZone(`
zone: smtp.test
ttl: 60
dnssec: {}
soa: { mname: ns1, rname: hostmaster }
targets:
${targets.map((name, i) => `  ${name}: { addresses: [203.0.113.${i + 1}] }`).join('\n')}
probes: { smtp: {} }
pools: { all: { probe: smtp, targets: [${targets.join(', ')}] } }
steering: { in: [{ pools: [all] }] }
records: { "@": { NS: ns1, MX: { steer: in } }, ns1: { A: 192.0.2.53 } }
`)

const mx = zone.nodes.get(zone.apexKey)?.sets.get(RRType.MX)
const members = mx?.kind === 'steered-mx' ? (mx.policy.rules[0]?.pools[0]?.members ?? []) : []
const slots = members.flatMap((member) => member.slots)

/** Queries that are answered before a set has a deck. */
const undealt = 10

test('a target that goes and comes back finds the cards of before signed', () => {
  const counters = createCounters()
  const health = createHealthTable(64, 64)
  const signers = new CatalogSigners(fixedClock, counters)
  signers.use([zone], () => alone(fixedKey()))
  const random = seeded(7)
  const respond = createRespond(contextOf(catalogOf(zone), { counters, health, random, signers }))
  const packet = buildQuery({ name: 'smtp.test', type: RRType.MX, opts: [{ dnssecOk: true }] })
  /** Signatures that so many answers made. */
  const made = (): number => {
    const before = counters.read().scalars.signaturesMade
    for (let i = 0; i < 5000; i++) expect(send(respond, packet, peerOf('tcp'))).not.toBeNull()
    return counters.read().scalars.signaturesMade - before
  }
  for (const slot of slots) health.set(slot, SlotState.up, 1, 60)
  const first = made()
  expect(first).toBeGreaterThan(100)
  expect(first).toBeLessThanOrEqual(128 + 16 + undealt)
  expect(made()).toBe(0)
  health.set(slots[0] as number, SlotState.down, 1, 60)
  expect(made()).toBeGreaterThan(100)
  health.set(slots[0] as number, SlotState.up, 1, 60)
  expect(made()).toBeLessThanOrEqual(undealt)
})
