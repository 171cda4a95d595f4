// What the overview says of its rows: the sentence of what is wrong, the word beside a mark, shares that were had and due.

import { describe, expect, test } from 'vitest'

import { type Share, shareOf, shareSumsOf } from '../../console/parts/share-bar.tsx'
import { isSafeToStop, namesOf, standingOf } from '../../console/parts/standing.ts'
import { factsOf } from '../../console/store/places.ts'
import type { MemberRow, Overview, OverrideRow, TargetRow } from '../../console/store/rows.ts'
import { findWorries } from '../../console/views/overview/worries.ts'
import { targetRow, weightOf } from './sample-rows.ts'

const at = '2026-11-29T12:00:00.000Z'
const nowMs = Date.parse(at)
const ago = (seconds: number): string => new Date(nowMs - seconds * 1000).toISOString()

const address = (target: string, more: Partial<TargetRow> = {}): TargetRow =>
  targetRow('example.com', target, {
    since: ago(240),
    votes: { up: 3, down: 0, unknown: 0 },
    ...more,
  })

const weight = weightOf(4)

const member = (target: string, more: Partial<MemberRow> = {}): MemberRow => ({
  zone: 'example.com',
  pool: 'us',
  target,
  out: null,
  weight: { ...weight, ...more.weight },
  due: 0.5,
  window: { seconds: 900, had: 0, due: 0 },
  addresses: { had: 0, due: 0 },
  exposedUntil: null,
  fleetExposedUntil: null,
  notKnownOf: [],
  ...more,
})

const sharesOf = (rows: readonly MemberRow[]): readonly Share[] =>
  rows.map((row) => shareOf(row, shareSumsOf(rows)))

const drain: OverrideRow = {
  id: 'a1',
  zone: 'example.com',
  target: 'mx1',
  pool: null,
  kind: 'drain',
  why: 'kernel update',
  by: 'anna',
  set: ago(60),
  until: '2026-11-29T14:10:00.000Z',
  exposure: null,
}

const overviewOf = (more: Partial<Overview>): Overview =>
  ({
    at,
    problems: [],
    pools: [
      { zone: 'example.com', pool: 'us', members: 2, healthy: 1, healthyShare: 0.6 } as never,
    ],
    targets: [],
    members: [],
    overrides: [],
    ...more,
  }) as unknown as Overview

const sentences = (known: Overview): readonly string[] =>
  findWorries(known).map(({ says }) => says(nowMs).parts.flat().join(''))

describe('what needs a look', () => {
  test('nothing, where nothing is wrong', () => {
    expect(sentences(overviewOf({ members: [member('mx1')], targets: [address('mx1')] }))).toEqual(
      [],
    )
  })

  test('who is down, since when, why, seen by whom, and what it costs', () => {
    const down = address('mx1', {
      state: 'down',
      since: ago(63),
      reason: 'connect-refused',
      votes: { up: 0, down: 3, unknown: 0 },
    })
    const known = overviewOf({ members: [member('mx1', { out: 'down' })], targets: [down] })
    expect(sentences(known)).toEqual([
      'mx1 has been down for 1 min: connection refused, seen by 3 of 3 instances. us has 60\u2009% of its weight.',
    ])
  })

  test('who is drained, by whom and why, until when, and whether caches still have it', () => {
    const of = (exposedUntil: string | null, notKnownOf: string[] = []): readonly string[] =>
      sentences(
        overviewOf({
          members: [member('mx1', { out: 'drained', exposedUntil, notKnownOf })],
          targets: [address('mx1')],
          overrides: [drain],
        }),
      )
    const begins = 'mx1 is drained until 14:10 by anna: “kernel update”.'
    expect(of(ago(-7))).toEqual([`${begins} Caches may hold it for 0:07.`])
    expect(of(ago(1))).toEqual([`${begins} No cache should hold it any more: safe to stop.`])
    expect(of(null)).toEqual([`${begins} No cache should hold it any more: safe to stop.`])
    expect(of(ago(1), ['iad', 'z\u202eh'])).toEqual([
      `${begins} Of iad, z\\u{202e}h it is not known what caches hold.`,
    ])
  })

  test('who is too busy, and that instances disagree', () => {
    const known = overviewOf({
      members: [member('mx1', { weight: { ...weight, shedding: 0.1, effective: 0.4 } })],
      targets: [address('mx1', { votes: { up: 1, down: 2, unknown: 0 } })],
    })
    expect(sentences(known)).toEqual([
      'mx1 is too busy, sheds 90\u2009% and gets 10\u2009% of its weight. Instances disagree: 2 down, 1 up.',
    ])
  })

  test('what is wrong with the server comes first, and names of others are shown as they are', () => {
    const known = overviewOf({
      members: [member('\u202emx1', { out: 'down' })],
      targets: [address('\u202emx1', { state: 'down' })],
      problems: [
        {
          kind: 'store-degraded',
          severity: 'critical',
          subject: '',
          text: 'the store\u0007',
          since: ago(120),
        },
      ],
    })
    const [first = '', second = ''] = sentences(known)
    expect(first).toBe('the store\\u{7}, for 2 min.')
    expect(second).toMatch(/^\\u\{202e\}mx1 has been down/)
  })
})

describe('the word beside the mark', () => {
  const facts = (...addresses: TargetRow[]) => ({ addresses, overrides: [] })
  test.each([
    ['up', member('mx1'), facts(address('mx1')), 'up', 'Up 4 min', ''],
    [
      'one of two addresses down',
      member('mx1'),
      facts(address('mx1'), address('mx1', { state: 'down', reason: 'timeout' })),
      'suspect',
      'One address down',
      'timeout',
    ],
    [
      'coming back',
      member('mx1', { weight: { ...weight, slowStart: 0.35 } }),
      facts(address('mx1')),
      'coming-back',
      'Coming back',
      'at 35\u2009%',
    ],
    [
      'drained by itself',
      member('mx1', { out: 'drained' }),
      facts(address('mx1')),
      'drained',
      'Drained',
      'asked for by itself',
    ],
    ['without a probe', member('mx1'), facts(), 'unknown', 'Not probed', ''],
  ])('%s', (_, row, of, mark, word, note) => {
    expect(standingOf(row, of, nowMs)).toEqual({ mark, word, note })
  })

  test('of a drain is until when and by whom', () => {
    const facts = factsOf({ targets: [address('mx1')], overrides: [drain] }, 'example.com mx1')
    const row = member('mx1', { out: 'drained' })
    expect(standingOf(row, facts, nowMs).note).toBe('until 14:10 · anna')
  })
})

test('safe to stop is said of all instances, and only of what is out by order', () => {
  const out = { out: 'drained', exposedUntil: ago(5) } as const
  expect(isSafeToStop(member('mx1'), nowMs)).toBeNull()
  expect(isSafeToStop(member('mx1', out), nowMs)).toBe(true)
  expect(isSafeToStop(member('mx1', { ...out, fleetExposedUntil: ago(-5) }), nowMs)).toBe(false)
  expect(isSafeToStop(member('mx1', { ...out, notKnownOf: ['zrh'] }), nowMs)).toBe(false)
  expect(namesOf(['a', 'b', 'c', 'd', 'e'], 9)).toBe('a, b, c, d and 5 more')
})

describe('shares', () => {
  const counts = (had: number, due: number) => ({ seconds: 900, had, due })
  test('are of what was handed out in the window', () => {
    const rows = [
      member('mx1', { window: counts(30, 20) }),
      member('mx2', { window: counts(70, 80) }),
    ]
    expect(sharesOf(rows)).toEqual([
      { had: 0.3, due: 0.2 },
      { had: 0.7, due: 0.8 },
    ])
  })

  test('are those of addresses where no MX was asked for', () => {
    const rows = [member('mx1', { addresses: { had: 3, due: 1 } }), member('mx2')]
    expect(sharesOf(rows).map(({ had }) => had)).toEqual([1, 0])
  })

  test('are what is due now where nothing was handed out', () => {
    expect(sharesOf([member('mx1', { due: 0.25 })])).toEqual([{ had: null, due: 0.25 }])
  })
})
