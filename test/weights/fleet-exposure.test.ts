// Until when a fleet has a target: each kind of other instance, and what is not known.

import { expect, test } from 'vitest'

import type { ReportingInstance } from '../../src/cluster/cluster-votes.ts'
import { fleetExposure } from '../../src/weights/fleet-exposure.ts'

const key = 'z mx1'

const instance = (
  name: string,
  reported: readonly [untilMs: number, ...overrides: string[]] | null,
  gone: Partial<ReportingInstance> = {},
): ReportingInstance => {
  const [untilMs = 0, ...overrides] = reported ?? []
  const targets = new Map(reported === null ? [] : [[key, { untilMs, overrides }]])
  const exposure = { atMs: 1, targets }
  return { instance: name, state: 'live', goneMs: null, report: null, exposure, ...gone }
}

const of = (
  instances: readonly ReportingInstance[],
  { overrides = ['d'], isCutOff = false }: { overrides?: string[]; isCutOff?: boolean } = {},
) => fleetExposure({ instances, isCutOff }, { key, overrides, ownUntilMs: 100, ttlMs: 60 })

const cases: Readonly<Record<string, readonly [ReturnType<typeof of>, number, readonly string[]]>> =
  {
    'alone: the own': [of([]), 100, []],
    'the latest of all': [of([instance('b', [90, 'd']), instance('c', [300, 'd'])]), 300, []],
    'one that gave none': [of([instance('b', [0, 'd'])]), 100, []],
    'of another override, it is not known': [of([instance('b', [90, 'earlier'])]), 100, ['b']],
    'of all overrides': [
      of([instance('b', [90, 'w']), instance('a', [90, 'd', 'w'])], { overrides: ['d', 'w'] }),
      100,
      ['b'],
    ],
    'out by feedback alone': [of([instance('b', [150])], { overrides: [] }), 150, []],
    'without the target in its report': [of([instance('b', null)]), 100, ['b']],
    'of an earlier version': [of([instance('b', null, { exposure: null })]), 100, ['b']],
    'silent, whatever it reported': [
      of([instance('b', [90, 'd'], { state: 'silent', goneMs: 80 })]),
      100,
      ['b'],
    ],
    'stopped, as it reported': [
      of([instance('b', [120, 'd'], { state: 'stopped', goneMs: 110 })]),
      120,
      [],
    ],
    'stopped before the override: a TTL later': [
      of([instance('b', null, { state: 'stopped', goneMs: 110 })]),
      170,
      [],
    ],
    'cut off, of nobody': [of([instance('b', [90, 'd'])], { isCutOff: true }), 100, ['b']],
  }

test.each(Object.entries(cases))('%s', (_, [exposure, untilMs, notKnownOf]) => {
  expect(exposure).toEqual({ untilMs, notKnownOf })
})
