// Isolation by address family against a naive reference that reads it off the whole list of what was seen.

import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import {
  type Family,
  FamilyIsolation,
  familyOf,
  type PathEvidence,
} from '../../src/health/isolation.ts'
import { runs } from '../support/runs.ts'

interface Seen {
  readonly kind: 'canary' | 'target'
  /** Of the canary. */
  readonly index: number
  readonly address: string
  readonly evidence: PathEvidence
  readonly startedMs: number
  readonly endedMs: number
}

const targets = ['2001:db8:1::1', '2001:db8:2::1', '192.0.2.1', '198.51.100.1']

/** All of it ends within the half minute for which results of targets are kept. */
const limits = { maxSpells: 5, maxProbes: 20, maxAfterMs: 250 }

/** How much had been seen when the last canary of the family was lost; null: there are none, or one answers. */
function lostAfter(
  all: readonly Seen[],
  family: Family,
  canaries: readonly string[],
): number | null {
  const own = [...canaries.keys()].filter((index) => familyOf(canaries[index] ?? '') === family)
  if (own.length === 0) return null
  const secondFailures = own.map((index) => {
    const rounds = [...all.keys()].filter((i) => isRound(all[i]) && all[i]?.index === index)
    const from = rounds.findLastIndex((i) => all[i]?.evidence === 'answered') + 1
    return rounds.slice(from)[1]
  })
  return secondFailures.includes(undefined) ? null : Math.max(...secondFailures.map(Number)) + 1
}

const isRound = (seen: Seen | undefined): boolean => seen?.kind === 'canary'

/** Whether the family is isolated by what was seen since then, by the words of the table in health/isolation.ts. */
function isCutOff(since: readonly Seen[], family: Family): boolean {
  const ended = since.filter(
    ({ kind, address, evidence }) =>
      kind === 'target' && familyOf(address) === family && evidence !== 'none',
  )
  const passed = ended.filter(({ evidence }) => evidence === 'answered')
  return ended.length > 0 && passed.length * 10 < ended.length
}

/** Whether the last round of a canary of the family began after an answer of the other one that is among these. */
function doesOtherAnswer(since: readonly Seen[], family: Family): boolean {
  const last = since.findLast((one) => isRound(one) && familyOf(one.address) === family)
  return since.some(
    ({ evidence, address, endedMs }) =>
      evidence === 'answered' &&
      familyOf(address) !== family &&
      endedMs <= (last?.startedMs ?? -Infinity),
  )
}

/** What the network does for a while: which families answer, and which addresses are dead. */
const spell = fc.record({
  lost: fc.constantFrom<readonly Family[]>([], [4], [6], [6], [6], [4, 6]),
  dead: fc.subarray(targets, { maxLength: 2 }),
  probes: fc.array(
    fc.record({
      who: fc.nat({ max: 7 }),
      afterMs: fc.nat({ max: limits.maxAfterMs }),
      lastsMs: fc.nat({ max: 1500 }),
      isNone: fc.constantFrom(false, false, false, true),
    }),
    { minLength: 8, maxLength: limits.maxProbes },
  ),
})

type Spell = typeof spell extends fc.Arbitrary<infer T> ? T : never

function seenOf(spells: readonly Spell[], canaries: readonly string[]): Seen[] {
  let nowMs = 0
  return spells.flatMap(({ lost, dead, probes }) =>
    probes.map(({ who, afterMs, lastsMs, isNone }): Seen => {
      nowMs += afterMs
      const index = who % Math.max(1, canaries.length)
      const isCanary = who < 4 && canaries.length > 0
      const address = (isCanary ? canaries[index] : targets[who % targets.length]) ?? ''
      const isSilent = lost.includes(familyOf(address)) || dead.includes(address)
      const evidence = isNone && !isCanary ? 'none' : isSilent ? 'silent' : 'answered'
      const kind = isCanary ? 'canary' : 'target'
      return { kind, index, address, evidence, startedMs: nowMs - lastsMs, endedMs: nowMs }
    }),
  )
}

const canaryLists: readonly (readonly string[])[] = [
  [],
  ['203.0.113.9'],
  ['2001:db8:9::1'],
  ['203.0.113.9', '2001:db8:9::1'],
  ['2001:db8:9::1', '203.0.113.9', '2001:db8:9::2'],
]

test('is what the table says, and is reported only where the other family answers', () => {
  const cases = { reported: 0, unreported: 0 }
  fc.assert(
    fc.property(
      fc.constantFrom(...canaryLists),
      fc.array(spell, { minLength: 1, maxLength: limits.maxSpells }),
      (canaries, spells) => {
        const all = seenOf(spells, canaries)
        const isolation = new FamilyIsolation(canaries)
        const reported = new Set<Family>()
        for (const [i, seen] of all.entries()) {
          const { kind, index, address, evidence, startedMs, endedMs } = seen
          if (kind === 'target') isolation.recordTarget(address, evidence, endedMs)
          else isolation.recordCanary(index, evidence === 'answered', startedMs, endedMs)
          const changes = isolation.takeChanges(endedMs)
          for (const { family, isOver } of changes) {
            expect(reported.has(family)).toBe(isOver)
            if (isOver) reported.delete(family)
            else reported.add(family)
          }
          for (const family of [4, 6] as const) {
            const before = all.slice(0, i + 1)
            const from = lostAfter(before, family, canaries)
            const since = from === null ? [] : before.slice(from)
            const isIsolated = isCutOff(since, family)
            expect(isolation.isIsolated(family, endedMs)).toBe(isIsolated)
            if (!isIsolated) expect(reported.has(family)).toBe(false)
            else cases[reported.has(family) ? 'reported' : 'unreported']++
            const isNew = changes.some((one) => one.family === family && !one.isOver)
            if (isNew) expect(doesOtherAnswer(since, family)).toBe(true)
          }
        }
      },
    ),
    { numRuns: runs(500) },
  )
  // Or it would say nothing.
  expect(Math.min(...Object.values(cases))).toBeGreaterThan(50)
})
