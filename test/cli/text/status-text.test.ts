import { expect, test } from 'vitest'

import { type StatusReport, durationText, statusText } from '../../../src/cli/text/status-text.ts'

const at = '2026-11-21T03:00:00.000Z'

const target = (index: number, state: string) => ({
  zone: 'a-rather-long-name-of-a-zone.smtp.example.test',
  target: `mx${index}`,
  address: `2001:db8:1234:5678:9abc:def0:1234:${index}`,
  state,
  since: '2026-11-21T02:58:30.000Z',
  reason: 'greeting-timeout',
  votes: Array.from({ length: 7 }, (_, i) => ({
    instance: `instance-number-${i}`,
    vote: i < 5 ? 'down' : i < 6 ? 'up' : 'unknown',
  })),
})

const report: StatusReport = {
  instance: 'ns1',
  site: 'fra',
  version: '0.1.0',
  at,
  uptimeSeconds: 93_784,
  ready: false,
  reasons: ['stopping', 'no zones are loaded'],
  state: { kind: 'redis', degraded: false, fenced: true, unansweredSeconds: 0 },
  config: {
    differs: true,
    groups: [{ instances: ['ns1', 'ns3'] }, { instances: ['ns2'] }],
  },
  peers: [{ instance: 'ns2', site: 'ams', state: 'suspect', ageSeconds: 1.4 }],
  pools: [
    { zone: 'z', pool: 'whole', members: 2, healthy: 2, healthyShare: 1 },
    { zone: 'z', pool: 'gone', members: 3, healthy: 0, healthyShare: 0 },
  ],
  targets: [
    ...Array.from({ length: 60 }, (_, i) => target(i, 'up')),
    target(98, 'suspect'),
    target(99, 'down'),
  ],
  overrides: [
    {
      zone: 'z',
      target: 'mx1',
      pool: null,
      kind: 'drain',
      why: 'new disk \u202e\u001b[31m',
      by: 'ann',
      until: '2026-11-21T05:00:00.000Z',
    },
  ],
}

const lines = statusText(report).split('\n')
const after = (head: string): readonly string[] =>
  lines.slice(lines.findIndex((line) => line.startsWith(head)) + 1)

test('the head says who, whether ready, and how it shares', () => {
  expect(lines.slice(0, 4)).toEqual([
    `ns1 at fra, mxsteer 0.1.0, up 1 d 2 h, ${at}`,
    'NOT READY: stopping; no zones are loaded',
    'state: redis, FENCED: a later process has the name of this instance',
    'config: DIFFERS: ns1 ns3 | ns2',
  ])
  expect(after('INSTANCE')[0]).toBe('ns2       ams   SUSPECT  1 s ago')
})

test('what is wrong stands first', () => {
  expect(after('POOL')[0]).toMatch(/^gone of z +NONE +3 +0\.0 %$/)
  expect(after('TARGET')[0]).toMatch(/^mx99\..* DOWN +1 m 30 s /)
  expect(after('TARGET')[1]).toMatch(/^mx98\..* SUSPECT /)
})

test('no line is wider than 100 columns, no table longer than 40 rows and a count of the rest', () => {
  expect(Math.max(...lines.map((line) => line.length))).toBe(100)
  expect(lines.filter((line) => /^mx\d+\./.test(line) && line.includes('2001:')).length).toBe(40)
  expect(after('TARGET')[40]).toBe('and 22 more: --json has them all')
})

test('nothing in it acts on a terminal', () => {
  expect(after('OVERRIDE')[0]).toBe(
    'mx1.z     -     drain  2026-11-21T05:00:00Z  ann  new disk \\u{202e}\\u{1b}[31m',
  )
})

test('who votes how, and who says nothing is left out', () => {
  const [one] = report.targets
  const text = statusText({ ...report, targets: one ? [{ ...one, zone: 'z', votes: [] }] : [] })
  expect(text).toMatch(/^mx0\.z .* greeting-timeout +-$/m)
  const votes = one?.votes.map((vote, i) => ({ ...vote, instance: `n${i}` })) ?? []
  const short = statusText({ ...report, targets: one ? [{ ...one, zone: 'z', votes }] : [] })
  expect(short).toMatch(/ down n0 n1 n2 n3 n4, up n5$/m)
})

test.each([
  [0, '0 s'],
  [59.4, '59 s'],
  [60, '1 m'],
  [3605, '1 h'],
  [90_000, '1 d 1 h'],
])('%d seconds are %s', (seconds, text) => expect(durationText(seconds)).toBe(text))
