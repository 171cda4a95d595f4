// Health that changes while something is computed of it: what is kept must follow from what was read, or end.

import { expect, test } from 'vitest'

import { type HealthInputs, RecordingHealth } from '../../../src/answer/cache/health-inputs.ts'
import { Enumeration } from '../../../src/answer/cache/set-outcomes.ts'
import { selectUnder } from '../../../src/steer/select/select.ts'
import { createRespond } from '../../../src/answer/respond.ts'
import {
  createHealthTable,
  type HealthReader,
  SlotState,
  Standing,
} from '../../../src/health/table.ts'
import { isSticky } from '../../../src/steer/draw/sticky.ts'
import { createSteering, standingClock } from '../../../src/steer/select/steering.ts'
import { seeded } from '../../steer/arrange.ts'
import { contextOf, peerOf } from '../../support/ask-catalog.ts'
import { compiledZone } from '../../support/compiled-zone.ts'
import { buildQuery } from '../../support/packet-builder.ts'
import { catalogOf } from '../../support/zone-builder.ts'

test('inputs hold until a value that was read is another', () => {
  const health = createHealthTable(8, 8)
  const recording = new RecordingHealth(health)
  const read = (): HealthInputs => {
    recording.state(1)
    recording.factor(2)
    recording.share(3)
    return recording.take()
  }
  const inputs = read()
  expect(inputs.areIn(health)).toBe(true)
  // What was not read does not count: neither other slots and rows, nor other values of these.
  health.set(5, SlotState.down, 0.5, 1)
  health.set(1, SlotState.unknown, 0.5, 1)
  health.setRow(3, Standing.drained, 1, 1)
  expect(inputs.areIn(health)).toBe(true)
  for (const change of [
    () => health.set(1, SlotState.down, 1, 1),
    () => health.set(2, SlotState.up, 0.5, 1),
    () => health.setRow(3, Standing.normal, 2, 1),
  ]) {
    const before = read()
    change()
    expect(before.areIn(health)).toBe(false)
  }
})

const { zone } = compiledZone(`
zone: smtp.test
soa: { mname: ns1, rname: hostmaster }
targets:
  mx1: { addresses: [203.0.113.1] }
  mx2: { addresses: [203.0.113.2] }
probes: { p: {} }
pools:
  all: { probe: p, targets: [mx1, mx2] }
steering:
  in: [{ pools: [all] }]
records:
  '@': { NS: [ns1], MX: { steer: in } }
  relay: { address: { steer: in, answers: 1 } }
  fixed: { MX: { steer: in, sticky: true }, address: { steer: in, answers: 1, sticky: true } }
  ns1: { A: 192.0.2.53 }
`)

/** The slots of mx1, in every membership. */
const slots = new Set(
  [...zone.nodes.values()].flatMap(({ sets }) =>
    [...sets.values()].flatMap((set) =>
      set.kind === 'target-address' && set.target.name === 'mx1'
        ? set.memberships.flatMap((member) => member.slots)
        : [],
    ),
  ),
)

/** All up. From the `atRead`th read on mx1 is down, which the generation tells when the query under way has been answered. */
function changing(atRead: number) {
  const table = createHealthTable(64, 64)
  for (let slot = 1; slot < 64; slot++) table.set(slot, SlotState.up, 1, 60)
  const now = { generation: 1, reads: 0, isCounting: false, isDown: false }
  const note = (): void => {
    if (now.isCounting && ++now.reads === atRead) now.isDown = true
  }
  const health: HealthReader = {
    ...table,
    generation: () => now.generation,
    state(slot) {
      const state = now.isDown && slots.has(slot) ? SlotState.down : table.state(slot)
      note()
      return state
    },
    factor(slot) {
      note()
      return table.factor(slot)
    },
  }
  return { now, health }
}

/** Answers are asked for until outcomes are looked for, at the tenth, and on until all messages are made. */
const before = 9
const later = 60

test.each([
  ['relay.smtp.test', 1],
  ['smtp.test', 15],
  ['fixed.smtp.test', 1],
  ['fixed.smtp.test', 15],
])('%s: no answer goes by health that changed while it was looked at', (name, type) => {
  expect(slots.size).toBe(1)
  const query = buildQuery({ name, type, opts: [{ udp: 1232 }] })
  const out = new Uint8Array(4096)
  let atRead = 0
  for (;;) {
    atRead++
    const { now, health } = changing(atRead)
    const respond = createRespond(contextOf(catalogOf(zone), { health, random: seeded(atRead) }))
    const ask = (): string => {
      const octets = respond(query, 0, query.length, peerOf('udp'), out, 0)
      return Buffer.from(out.subarray(0, octets)).toString('hex')
    }
    for (let i = 0; i < before; i++) ask()
    now.isCounting = true
    // The outcomes are found by the first, and their messages made by these.
    for (let i = 0; i < 3; i++) ask()
    if (!now.isDown) break
    now.generation++
    const answers = new Set(Array.from({ length: later }, ask).map((answer) => answer.slice(4)))
    // mx2 alone: its address in A, one exchange in MX.
    expect([atRead, answers.size]).toEqual([atRead, 1])
    expect([...answers][0]).toContain('cb007102')
    expect([...answers][0]).not.toContain('cb007101')
  }
  expect(atRead).toBeGreaterThan(5)
})

/** A table that lists what is read of it, but for slot 0 and row 0, which never change. */
function listing(health: HealthReader) {
  const reads = new Set<string>()
  const note = (column: keyof HealthReader, index: number): void => {
    if (index > 0) reads.add(`${column} ${index}`)
  }
  const reader: HealthReader = {
    generation: () => health.generation(),
    beats: () => health.beats(),
    state: (slot) => (note('state', slot), health.state(slot)),
    factor: (slot) => (note('factor', slot), health.factor(slot)),
    holdSeconds: (slot) => (note('holdSeconds', slot), health.holdSeconds(slot)),
    fellAtSeconds: (slot) => (note('fellAtSeconds', slot), health.fellAtSeconds(slot)),
    standing: (row) => (note('standing', row), health.standing(row)),
    share: (row) => (note('share', row), health.share(row)),
    rowHoldSeconds: (row) => (note('rowHoldSeconds', row), health.rowHoldSeconds(row)),
  }
  return { reads, reader }
}

test.each(['all', 'last_good', 'servfail', '{ backup: spare }'])(
  'on_all_down: %s: what a sticky set depends on is all that is read for any client',
  (onAllDown) => {
    const { zone: sticky } = compiledZone(`
zone: smtp.test
soa: { mname: ns1, rname: hostmaster }
internal: [192.0.2.0/24]
targets:
  mx1: { addresses: [203.0.113.1, 2001:db8::1], region: eu }
  mx2: { addresses: [203.0.113.2] }
  mx3: { addresses: [203.0.113.3], region: us }
  mx4: { addresses: [203.0.113.4] }
probes: { p: {} }
pools:
  one: { probe: p, targets: { mx1: 2, mx2: 1 }, min_healthy: 0.5, spill: proportional, panic: 0.3 }
  two: { probe: p, targets: { mx2: 1, mx3: 3 }, panic: 0.6 }
  spare: { probe: p, targets: [mx4] }
on_all_down: ${onAllDown}
steering:
  in: [{ when: { network: 198.51.100.0/24 }, pools: [two] }, { pools: [one, two] }]
records:
  '@': { NS: [ns1] }
  ns1: { A: 192.0.2.53 }
  fixed: { MX: { steer: in, ladder: 2, sticky: true }, address: { steer: in, answers: 2, sticky: true } }
  equal: { MX: { steer: in, mode: equal, sticky: true } }
`)
    const table = createHealthTable(64, 64)
    const random = seeded(4)
    const below = (count: number): number => Math.floor(random() * count)
    const sets = [...sticky.nodes.values()]
      .flatMap((node) => [...node.sets.values()])
      .filter((set) => set.kind !== 'plain' && isSticky(set))
    expect(sets).toHaveLength(4)
    let selected = 0
    for (let round = 0; round < 60; round++) {
      // Everything down now and then.
      const states = round % 3 === 0 ? [SlotState.down] : Object.values(SlotState)
      for (let i = 1; i < 32; i++) {
        table.setFell(i, below(200))
        table.set(i, states[below(states.length)] as SlotState, below(3) / 2, 60)
        table.setRow(i, (below(8) < 5 ? 0 : below(4)) as Standing, below(3) / 2, 60)
      }
      for (const set of sets) {
        for (let rule = 0; rule < 3; rule++) {
          const noted = listing(table)
          new Enumeration(noted.reader).outcomesOf(set, rule, sticky, 0)
          const read = listing(table)
          const health = read.reader
          const steering = createSteering({
            health,
            random,
            cachesEvaluations: false,
            clock: standingClock,
          })
          for (let client = 0; client < 4; client++)
            if (selectUnder(set, rule, below(2 ** 32), steering).kind === 'selected') selected++
          expect([...read.reads].filter((one) => !noted.reads.has(one))).toEqual([])
        }
      }
    }
    expect(selected).toBeGreaterThan(1000)
  },
)
