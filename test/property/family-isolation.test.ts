// Isolation by address family, without canaries of the family, against a naive reference that reads it off the whole
// list of what was seen.

import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import {
  type Family,
  FamilyIsolation,
  familyOf,
  type PathEvidence,
} from '../../src/health/isolation.ts'
import { runs } from '../support/runs.ts'

type Seen =
  | { readonly kind: 'forget'; readonly slot: number }
  | {
      readonly kind: 'probe'
      readonly slot: number
      readonly evidence: PathEvidence
      readonly startedMs: number
      readonly endedMs: number
    }

type Probe = Extract<Seen, { kind: 'probe' }>

/** Address by slot: of each family six, at three networks; 4 and 5, and 10 and 11, are two ports of one address. */
const addresses = [
  '2001:db8:1:0:0:0:0:1',
  '2001:db8:1:0:0:0:0:2',
  '2001:db8:1:9:0:0:0:1',
  '2001:db8:2:0:0:0:0:1',
  '2001:db8:3:0:0:0:0:1',
  '2001:db8:3:0:0:0:0:1',
  '192.0.2.1',
  '192.0.2.2',
  '192.0.9.1',
  '198.51.100.1',
  '203.0.113.1',
  '203.0.113.1',
]
const addressOf = (slot: number): string => addresses[slot] as string
const networkOf = (address: string): string =>
  address.includes(':')
    ? address.split(':').slice(0, 3).join(':')
    : address.split('.').slice(0, 2).join('.')

/** Whether the family is isolated after all of this, by the words of the table in health/isolation.ts. */
function readOff(all: readonly Seen[], family: Family): boolean {
  const isOf = (seen: Seen): boolean => familyOf(addressOf(seen.slot)) === family
  const answersIn = (seen: Seen, isThis: boolean): boolean =>
    seen.kind === 'probe' && seen.evidence === 'answered' && isOf(seen) === isThis
  const from = all.findLastIndex((seen) => answersIn(seen, true)) + 1
  const isSilent = (seen: Seen): seen is Probe =>
    seen.kind === 'probe' && seen.evidence === 'silent' && isOf(seen)
  const first = all.findIndex((seen, i) => i >= from && isSilent(seen))
  if (first < 0) return false
  const other = all.findIndex((seen, i) => i > first && answersIn(seen, false))
  if (other < 0) return false
  const { endedMs: otherAnsweredMs } = all[other] as Probe
  const isOtherAlive = all.some(
    (seen, i) => i > other && isSilent(seen) && seen.startedMs >= otherAnsweredMs,
  )
  const fellSilent = [...addresses.keys()].filter((slot) => {
    const forgotten = all.findLastIndex((seen) => seen.kind === 'forget' && seen.slot === slot)
    const ofSlot = all
      .map((seen, i) => ({ seen, i }))
      .filter(({ seen, i }) => i > forgotten && seen.slot === slot)
      .filter(({ seen }) => seen.kind === 'probe' && seen.evidence !== 'none')
    const before = ofSlot.findLast(({ i }) => i < from)
    return (
      before !== undefined &&
      answersIn(before.seen, true) &&
      ofSlot.some(({ seen, i }) => i >= from && isSilent(seen))
    )
  })
  const silent = new Set(fellSilent.map(addressOf))
  return isOtherAlive && silent.size >= 3 && new Set([...silent].map(networkOf)).size >= 2
}

const slot = fc.nat({ max: addresses.length - 1 })

/** What the network does for a while: which families answer, and which slots are dead. */
const spell = fc.record({
  lost: fc.constantFrom<readonly Family[]>([], [], [4], [6], [6], [6], [4, 6]),
  dead: fc.oneof(fc.constant<number[]>([]), fc.array(slot, { maxLength: 4 })),
  probes: fc.array(
    fc.record({
      slot,
      afterMs: fc.nat({ max: 400 }),
      lastsMs: fc.nat({ max: 1500 }),
      odd: fc.constantFrom<'none' | 'forget' | null>(
        null,
        null,
        null,
        null,
        null,
        'none',
        'forget',
      ),
    }),
    { minLength: 12, maxLength: 40 },
  ),
})

interface Spell {
  readonly lost: readonly Family[]
  readonly dead: readonly number[]
  readonly probes: readonly {
    readonly slot: number
    readonly afterMs: number
    readonly lastsMs: number
    readonly odd: 'none' | 'forget' | null
  }[]
}

function seenOf(spells: readonly Spell[]): Seen[] {
  let nowMs = 0
  return spells.flatMap(({ lost, dead, probes }) =>
    probes.map((probe): Seen => {
      nowMs += probe.afterMs
      const family = familyOf(addressOf(probe.slot))
      if (probe.odd === 'forget') return { kind: 'forget', slot: probe.slot }
      const isSilent = lost.includes(family) || dead.includes(probe.slot)
      const evidence = probe.odd ?? (isSilent ? 'silent' : 'answered')
      const startedMs = nowMs - probe.lastsMs
      return { kind: 'probe', slot: probe.slot, evidence, startedMs, endedMs: nowMs }
    }),
  )
}

test('is what the table says, after each probe', () => {
  let isolated = 0
  fc.assert(
    fc.property(fc.array(spell, { minLength: 1, maxLength: 6 }), (spells) => {
      const all = seenOf(spells)
      const isolation = new FamilyIsolation([])
      const reported = new Set<Family>()
      for (const [i, seen] of all.entries()) {
        if (seen.kind === 'forget') isolation.forget(seen.slot)
        else isolation.recordTarget({ ...seen, address: addressOf(seen.slot) })
        for (const { family, isOver } of isolation.takeChanges(0)) {
          expect(reported.has(family)).toBe(isOver)
          if (isOver) reported.delete(family)
          else reported.add(family)
        }
        for (const family of [4, 6] as const) {
          const expected = readOff(all.slice(0, i + 1), family)
          expect(isolation.isIsolated(family, 0)).toBe(expected)
          expect(reported.has(family)).toBe(expected)
          if (expected) isolated++
        }
      }
    }),
    { numRuns: runs(1000) },
  )
  // Or it would say nothing.
  expect(isolated).toBeGreaterThan(100)
})
