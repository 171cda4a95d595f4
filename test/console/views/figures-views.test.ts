// The arithmetic of Traffic, Error budgets and Instances.

import { readFileSync } from 'node:fs'

import { describe, expect, test } from 'vitest'

import { chartSentence, tableRows } from '../../../console/charts/series.ts'
import type { Overview, PeerRow } from '../../../console/store/rows.ts'
import {
  burnText,
  courseOf,
  goneText,
  leftText,
  toneOf,
  worries,
} from '../../../console/views/budgets/budgets.ts'
import {
  differingZones,
  elsewhere,
  disputed,
  instanceRows,
  versionsOf,
} from '../../../console/views/instances/agreement.ts'
import {
  countedSince,
  countOf,
  ratesOf,
  shareOf,
  timesOf,
  totalOf,
  type TrafficReply,
} from '../../../console/views/traffic/rates.ts'
import type { BudgetView } from '../../../src/admin/views/budgets-view.ts'

const traffic: TrafficReply = {
  at: '2026-11-29T18:00:40.000Z',
  window: '1h',
  stepSeconds: 10,
  start: '2026-11-29T18:00:00.000Z',
  types: { MX: [null, 100, 200], A: [null, 10, 20] },
  rcodes: { NOERROR: [null, 99, 220], SERVFAIL: [null, 11, 0] },
  transports: {},
  reasons: {},
  fates: {},
  workers: { alive: 2, of: 2, restarts: 0 },
}

describe('traffic', () => {
  test('counts of a bucket are rates, the greatest first, and a gap stays one', () => {
    const lines = ratesOf(traffic.types, traffic.stepSeconds)
    expect(lines.map(({ label, values }) => [label, values])).toEqual([
      ['MX', [null, 10, 20]],
      ['A', [null, 1, 2]],
    ])
    const start = Date.parse(traffic.start) / 1000
    expect(timesOf(traffic)).toEqual([start, start + 10, start + 20])
    expect(countedSince(traffic)).toBe(Date.parse(traffic.start) / 1000 + 10)
  })

  test('what hardly occurs goes together, and nothing is lost', () => {
    const counts = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`T${i}`, [100 - i]]))
    const lines = ratesOf(counts, 1)
    expect(lines.at(-1)?.label).toBe('the rest')
    expect(lines).toHaveLength(7)
    expect(lines.reduce((sum, { values }) => sum + (values[0] ?? 0), 0)).toBe(totalOf(counts))
    expect(new Set(lines.map(({ hue }) => hue)).size).toBe(7)
  })

  test('shares are of all, and unknown without any', () => {
    expect(shareOf(traffic.rcodes, 'NOERROR')).toBeCloseTo(319 / 330)
    expect(countOf(traffic.rcodes, 'NXDOMAIN')).toBe(0)
    expect(shareOf({}, 'tcp')).toBeNull()
  })

  test('the queries for Prometheus name metrics that there are', () => {
    const source = readFileSync(
      new URL('../../../console/views/traffic/traffic.tsx', import.meta.url),
      'utf8',
    )
    const metrics = readFileSync(new URL('../../contracts/metrics.txt', import.meta.url), 'utf8')
    const asked = [...source.matchAll(/(?:by \((\w+)\) \()?rate\((mxsteer_\w+)/g)]
    expect(asked.length).toBeGreaterThan(3)
    for (const [, label, metric] of asked) {
      const line = metrics.split('\n').find((one) => one.startsWith(`${metric}{`))
      expect([metric, line]).not.toEqual([metric, undefined])
      if (label !== undefined) expect(line).toMatch(new RegExp(`[{,]${label}[,}]`))
    }
  })
})

describe('a chart', () => {
  const lines = {
    times: Array.from({ length: 50 }, (_, i) => 1_800_000_000 + i * 60),
    series: [
      { label: 'MX', hue: 'red', values: Array.from({ length: 50 }, (_, i) => (i === 49 ? 5 : 1)) },
    ],
    format: (value: number) => value.toFixed(1),
  }

  test('says its mean and its peak, and when', () => {
    expect(chartSentence(lines, 'queries a second')).toBe(
      'MX 1.1 queries a second on average, at most 5.0 at 08:49 UTC.',
    )
    expect(chartSentence({ ...lines, series: [] }, '')).toContain('Nothing is known')
  })

  test('as a table has few rows, newest first, whose means come to the same', () => {
    const rows = tableRows(lines, 24)
    expect(rows.length).toBeLessThanOrEqual(24)
    expect(rows[0]?.time).toBeGreaterThan(rows[1]?.time ?? Infinity)
    expect(rows[0]?.means[0]).toBe(3)
    expect(tableRows({ ...lines, times: [] }, 24)).toEqual([])
  })
})

const budget: BudgetView = {
  zone: 'example.com',
  pool: 'eu',
  target: 0.99,
  errorBudgetLeft: 0.5,
  windows: {
    '1h': { good: 99, total: 100, availability: 0.99, since: null },
    '24h': { good: 99, total: 100, availability: 0.99, since: null },
    '30d': { good: 99, total: 100, availability: 0.99, since: null },
  },
  burnRates: { '1h': 0.5, '24h': 1, '30d': 1 },
  goneAfterSeconds: null,
  good: [100, 95, 80, 0],
  total: [100, 97, 100, 0],
}

describe('budgets', () => {
  const cases: readonly [Partial<BudgetView>, string, string, string][] = [
    [{}, 'up', '50 % left', 'not within 30 d'],
    [
      { burnRates: { ...budget.burnRates, '1h': 3 }, goneAfterSeconds: 7200 },
      'warn',
      '50 % left',
      'in 2 h',
    ],
    [
      { burnRates: { ...budget.burnRates, '1h': 20 }, goneAfterSeconds: 60 },
      'bad',
      '50 % left',
      'in 1 min',
    ],
    [{ errorBudgetLeft: -2, goneAfterSeconds: 0 }, 'bad', 'spent', 'gone now'],
    [{ target: null, errorBudgetLeft: null }, 'off', 'no target', '–'],
    [
      { errorBudgetLeft: null, burnRates: { '1h': null, '24h': null, '30d': null } },
      'off',
      'not probed',
      '–',
    ],
  ]
  test.each(cases)('%#', (part, tone, left, gone) => {
    const one = { ...budget, ...part }
    expect(toneOf(one)).toBe(tone)
    expect(leftText(one).replaceAll(/\s/g, ' ')).toBe(left)
    expect(goneText(one)).toBe(gone)
    expect(worries([one])).toHaveLength(tone === 'warn' || tone === 'bad' ? 1 : 0)
  })

  test('the course: within the target, above it, ten times above, not probed', () => {
    expect(courseOf(budget).worst).toEqual(['up', 'suspect', 'down', null])
    expect(courseOf({ ...budget, target: null }).worst).toEqual(['up', 'suspect', 'suspect', null])
    expect(burnText(14.44)).toBe('14\u2009×')
  })
})

describe('instances', () => {
  const peer = (instance: string, part: Partial<PeerRow> = {}): PeerRow => ({
    instance,
    site: 'us',
    state: 'ok',
    config: null,
    version: '0.1.0',
    consoleUrl: null,
    zones: {},
    zonesDiffering: Object.keys(part.zones ?? {}).length,
    zonesUnknown: 0,
    silentSeconds: null,
    ...part,
  })
  const overview = {
    self: { instance: 'fra-a', site: 'eu', ready: true, version: '0.1.0' },
    zones: [{ zone: 'example.com', serial: 1, hash: 'a' }],
    peers: [
      peer('zrh', { consoleUrl: 'javascript:alert(1)' }),
      peer('iad', {
        zones: { 'example.com': 'b' },
        version: '0.2.0',
        consoleUrl: 'https://iad.example/console/',
      }),
      peer('old', { version: null, zones: null }),
    ],
  } as unknown as Overview

  test('this one first, the others by name; only addresses of the web are links', () => {
    const rows = instanceRows(overview)
    expect(rows.map(({ instance, consoleUrl }) => [instance, consoleUrl])).toEqual([
      ['fra-a', null],
      ['iad', 'https://iad.example/console/'],
      ['old', null],
      ['zrh', null],
    ])
    expect(versionsOf(rows)).toEqual(['0.1.0', '0.2.0'])
  })

  test('zones that differ, with who serves what; who does not say is in no group', () => {
    expect(differingZones(overview)).toEqual([
      {
        zone: 'example.com',
        groups: [
          { hash: 'a', instances: ['fra-a', 'zrh'] },
          { hash: 'b', instances: ['iad'] },
        ],
      },
    ])
    const lacking = { ...overview, peers: [peer('iad', { zones: { 'example.com': null } })] }
    expect(differingZones(lacking)[0]?.groups[1]).toEqual({ hash: null, instances: ['iad'] })
    expect(differingZones({ ...overview, peers: [peer('iad')] })).toEqual([])
  })

  test('a zone that an instance has no room to report is not known of it', () => {
    const cut = { zones: { 'other.com': 'c' }, zonesDiffering: 1, zonesUnknown: 7 }
    const peers = [...overview.peers, peer('big', cut)]
    expect(elsewhere({ ...overview, peers }, 'Example.com')).toEqual({
      other: ['iad'],
      notKnown: ['big', 'old'],
    })
    expect(elsewhere({ ...overview, peers }, 'other.com').other).toEqual(['big'])
  })

  test('votes are disputed where some say up and others down', () => {
    const rows = [
      { target: 'a', votes: { up: 1, down: 1, unknown: 0 } },
      { target: 'b', votes: { up: 2, down: 0, unknown: 1 } },
    ] as unknown as Overview['targets']
    expect(disputed(rows).map(({ target }) => target)).toEqual(['a'])
  })
})
