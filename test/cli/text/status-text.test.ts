// The page of `mxsteer status`: what is wrong first, 80 columns unless the terminal is wider, folded rather than cut.

import { expect, test } from 'vitest'

import {
  type Page,
  type StatusReport,
  cachesText,
  durationText,
  kindText,
  plainPage,
  statusText,
} from '../../../src/cli/text/status-text.ts'

const at = '2026-11-21T03:00:00.000Z'

const target = (index: number, state: string) => ({
  zone: 'a-rather-long-name-of-a-zone.smtp.example.test',
  target: `mx${index}`,
  address: `2001:db8:1234:5678:9abc:def0:1234:${index}`,
  probe: 'inbound',
  state,
  since: '2026-11-21T02:58:30.000Z',
  reason: 'greeting-timeout',
  votes: Array.from({ length: 7 }, (_, i) => ({
    instance: `instance-number-${i}`,
    vote: i < 5 ? 'down' : i < 6 ? 'up' : 'unknown',
  })),
})

const problem = (kind: string, severity: string, text: string) => ({
  kind,
  severity,
  since: '2026-11-21T02:50:00.000Z',
  text,
})

const report: StatusReport = {
  instance: 'ns1',
  site: 'fra',
  version: '0.1.0',
  at,
  uptimeSeconds: 93_784,
  ready: false,
  reasons: ['stopping', 'no zones are loaded'],
  problems: [
    problem(
      'pool-empty',
      'critical',
      'nobody is eligible in pool main of smtp.example.test: all members are answered, down ones too',
    ),
    problem('not-ready', 'critical', 'stopping'),
    problem('zones-rejected', 'warning', 'mail.yaml:3:1 pools: \u001b[31m'),
    { ...problem('peer-missing', 'warning', 'ns9 went silent'), since: null },
  ],
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
  departed: [{ zone: 'z', name: 'mx9.z', types: ['A', 'AAAA'], until: '2026-11-21T04:07:00.000Z' }],
}

const linesOf = (of: StatusReport, page?: Page): readonly string[] =>
  statusText(of, page).split('\n')
const lines = linesOf(report)
const after = (head: string, of = lines): readonly string[] =>
  of.slice(of.findIndex((line) => line.startsWith(head)) + 1)

test('who it is, what is wrong, whether it is ready, how it shares: the page as a whole', async () => {
  const few = { ...report, targets: [target(99, 'down'), target(1, 'up')] }
  await expect(statusText(few)).toMatchFileSnapshot('./status-80-columns.txt')
})

test('the head says who, what is wrong, whether ready, and how it shares', () => {
  expect(lines.slice(0, 8)).toEqual([
    `ns1 at fra, mxsteer 0.1.0, up 1 d 2 h, ${at}`,
    'CRITICAL  pool-empty, 10 m: nobody is eligible in pool main of',
    '          smtp.example.test: all members are answered, down ones too',
    'WARNING   zones-rejected, 10 m: mail.yaml:3:1 pools: \\u{1b}[31m',
    'WARNING   peer-missing: ns9 went silent',
    'NOT READY: stopping; no zones are loaded',
    'state: redis, FENCED: a later process has the name of this instance',
    'config: DIFFERS: ns1 ns3 | ns2',
  ])
  expect(after('INSTANCE')[0]).toBe('ns2       ams   SUSPECT  1 s ago')
})

test('twenty problems are shown, the rest counted', () => {
  const problems = Array.from({ length: 33 }, () => problem('probes-held', 'warning', 'many'))
  const many = linesOf({ ...report, problems })
  expect(many.filter((line) => line.startsWith('WARNING'))).toHaveLength(20)
  expect(many).toContain('and 13 more: --json has them all')
})

test('what is wrong stands first', () => {
  expect(after('POOL')[0]).toMatch(/^gone of z +NONE +3 +0\.0 %$/)
  expect(after('TARGET')[0]).toMatch(/^mx99\..* DOWN +1 m 30 s /)
  const suspect = after('TARGET').find((line) => line.startsWith('mx98.'))
  expect(suspect).toMatch(/ SUSPECT /)
})

test.each([60, 80, 100, 132, 200])(
  'at %d columns nothing is wider, and nothing is lost',
  (columns) => {
    const page = linesOf(report, { ...plainPage, columns })
    expect(Math.max(...page.map((line) => line.length))).toBeLessThanOrEqual(Math.max(columns, 80))
    expect(page.filter((line) => /^mx\d+\./.test(line) && line.includes('2001:')).length).toBe(40)
    expect(page).toContain('and 22 more: --json has them all')
    const first = after('TARGET', page)
    const cells = first.slice(
      0,
      first.findIndex((line, i) => i > 0 && /^mx\d/.test(line)),
    )
    const votes = cells.join(' ').replaceAll(/\s+/g, '')
    if (columns >= 132) for (let i = 0; i < 6; i++) expect(votes).toContain(`instance-number-${i}`)
  },
)

test('colours go around words, and move no column', () => {
  const painted = linesOf(report, { columns: 80, paint: (style, text) => `<${style}>${text}</>` })
  const bare = painted.map((line) => line.replaceAll(/<\w*>|<\/>/g, ''))
  expect(bare).toEqual(lines)
  expect(painted[1]).toMatch(/^<red>CRITICAL +<\/>pool-empty/)
  expect(painted.join('\n')).toMatch(/^mx99\..* <red>DOWN<\/> +1 m 30 s/m)
  expect(painted.join('\n')).toContain('<red>NOT READY: stopping; no zones are loaded</>')
})

test('a target with several probes has a column that says which', () => {
  const of = (probe: string, state: string) => ({
    ...target(1, state),
    zone: 'z',
    probe,
    votes: [],
  })
  const one = linesOf({ ...report, targets: [of('inbound', 'up')] })
  expect(one.some((line) => /^TARGET +ADDRESS +STATE /.test(line))).toBe(true)
  const two = linesOf({ ...report, targets: [of('inbound', 'up'), of('submission', 'down')] })
  expect(two.some((line) => /^TARGET +ADDRESS +PROBE +STATE /.test(line))).toBe(true)
  expect(after('TARGET', two)[0]).toMatch(/^mx1\.z +2001:\S+ +submission +DOWN /)
})

test.each([
  [{ kind: 'drain' }, 'drain'],
  [{ kind: 'weight', factor: 0.5 }, 'weight 50%'],
  [{ kind: 'weight', factor: 1 / 3 }, 'weight 33.33%'],
  [{ kind: 'weight', weight: 3 }, 'weight 3'],
  [{ kind: 'weight', share: 0.1 }, 'weight 10% of pool'],
])('%o is shown as %s', (override, text) => expect(kindText(override)).toBe(text))

test('nothing in it acts on a terminal', () => {
  const wide = linesOf(report, { ...plainPage, columns: 100 })
  expect(after('OVERRIDE', wide)[0]).toBe(
    'mx1.z     -     drain  2026-11-21T05:00:00Z  ann  new disk \\u{202e}\\u{1b}[31m',
  )
})

test('who votes how, and who says nothing is left out', () => {
  const [one] = report.targets
  const text = statusText({ ...report, targets: one ? [{ ...one, zone: 'z', votes: [] }] : [] })
  expect(text).toMatch(/^mx0\.z .* greeting-timeout +-$/m)
  const votes = one?.votes.map((vote, i) => ({ ...vote, instance: `n${i}` })) ?? []
  const targets = one ? [{ ...one, zone: 'z', votes }] : []
  const short = statusText({ ...report, targets }, { ...plainPage, columns: 120 })
  expect(short).toMatch(/ down n0 n1 n2 n3 n4, up n5$/m)
})

test.each([
  [0, '0 s'],
  [59.4, '59 s'],
  [60, '1 m'],
  [3605, '1 h'],
  [90_000, '1 d 1 h'],
])('%d seconds are %s', (seconds, text) => expect(durationText(seconds)).toBe(text))

test('what other instances report of themselves, and when a target is safe to stop', () => {
  const peer = { ...report.peers[0], version: '0.1.0' } as StatusReport['peers'][number]
  const zones = Object.fromEntries(['a.test', 'b.test', 'c.test', 'd.test'].map((z) => [z, 'x']))
  const page = { ...plainPage, columns: 160 }
  const peers = [
    { ...peer, zones: {}, zonesDiffering: 0, zonesUnknown: 0 },
    { ...peer, zones: { 'a.test': null }, zonesDiffering: 1, zonesUnknown: 7 },
    { ...peer, zones, zonesDiffering: 9, consoleUrl: 'https://ns2.example.test/console/' },
    { ...peer, version: null, zones: null },
  ]
  expect(after('INSTANCE', linesOf({ ...report, peers }, page)).slice(0, 4)).toEqual([
    'ns2       ams   SUSPECT  1 s ago    0.1.0    the same                                  -',
    'ns2       ams   SUSPECT  1 s ago    0.1.0    other: a.test (not served), 7 not known   -',
    'ns2       ams   SUSPECT  1 s ago    0.1.0    other: a.test, b.test, c.test and 6 more  https://ns2.example.test/console/',
    'ns2       ams   SUSPECT  1 s ago    -        -                                         -',
  ])
  const of = (until: string | null, ...notKnownOf: string[]): string =>
    cachesText({ until, unknown: notKnownOf.length, notKnownOf }, Date.parse(at))
  expect(of('2026-11-21T03:00:10.000Z', 'ns2')).toBe('for 10 s, not known of ns2')
  expect(of('2026-11-21T02:59:50.000Z')).toBe('safe to stop')
  expect(of(null)).toBe('safe to stop')
  expect(of(at, 'ns2', 'ns3', 'ns4', 'ns5')).toBe('not known of ns2, ns3, ns4 and 1 more')
  const overrides = report.overrides.map((one) => ({
    ...one,
    why: 'disk',
    exposure: { until: null, unknown: 1, notKnownOf: ['ns2'] },
  }))
  expect(after('OVERRIDE', linesOf({ ...report, overrides }, page))[0]).toBe(
    'mx1.z     -     drain  2026-11-21T05:00:00Z  not known of ns2  ann  disk',
  )
})
