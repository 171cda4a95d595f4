// What operators, dashboards and scripts rely on, as lists: metrics and labels, keys of files, flags, variables, paths,
// events, codes. A change of one shows as a change of a list beside this file, and belongs into CHANGELOG.md.
// The lists are written anew by `npx vitest run test/contracts -u`.

import { readFileSync, readdirSync } from 'node:fs'

import { describe, expect, test } from 'vitest'

import { logEvents } from '../../src/app/log-events.ts'
import { commands } from '../../src/cli/commands/commands.ts'
import { problemKinds } from '../../src/problems/problem-table.ts'
import { createMetrics, type MetricSources } from '../../src/metrics/metrics.ts'
import { settingsFileSchema } from '../../src/settings/settings-table.ts'
import { problemCodes } from '../../src/zone/compile/problem.ts'
import { zoneSchema } from '../../src/zonefile/zone-schema.ts'

const root = new URL('../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')
const sources = readdirSync(new URL('src/', root), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => read(`src/${path}`))
  .join('\n')

const list = (lines: Iterable<string>): string => `${[...new Set(lines)].sort().join('\n')}\n`

const matches = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map((match) => match[1] as string)

/** Every key of what a schema reads: it names the keys that it knows when it finds one that it does not. */
function keysOf(
  schema: { safeParse(value: unknown): { error?: { issues: readonly Issue[] } } },
  strange: unknown,
): string[] {
  const issues = schema.safeParse(strange).error?.issues ?? []
  return issues
    .filter(({ code }) => code === 'unrecognized_keys')
    .flatMap(({ path, message }) =>
      message.split(' ').map((key) => [...path.map(String), key].join('.')),
    )
}

interface Issue {
  readonly code?: string
  readonly path: readonly PropertyKey[]
  readonly message: string
}

const unknown = { zzzzzz: 0 }

test('metrics and their labels', async () => {
  const anything: unknown = new Proxy(() => [], {
    get: (_, key) =>
      key === Symbol.iterator ? [][Symbol.iterator] : key === 'map' ? () => [] : anything,
  })
  const { registry } = createMetrics({
    ...(anything as MetricSources),
    version: '0',
    counters: [],
    certificate: anything as MetricSources['certificate'],
    cluster: anything as MetricSources['cluster'],
    states: () => [],
    targets: () => [],
    overrides: anything as MetricSources['overrides'],
    shares: anything as MetricSources['shares'],
    reputation: anything as MetricSources['reputation'],
    probing: anything as MetricSources['probing'],
    feedback: anything as MetricSources['feedback'],
    records: anything as MetricSources['records'],
  })
  const metrics = registry.getMetricsAsArray() as unknown as {
    readonly name: string
    readonly labelNames: readonly string[]
    readonly type?: string
  }[]
  const own = metrics.filter(({ name }) => name.startsWith('mxsteer_'))
  expect(own.length).toBeGreaterThan(40)
  await expect(
    list(own.map(({ name, labelNames }) => `${name}{${[...labelNames].sort().join(',')}}`)),
  ).toMatchFileSnapshot('./metrics.txt')
})

test('keys of zone files', async () => {
  const zone = {
    ...unknown,
    soa: unknown,
    dnssec: unknown,
    targets: { TARGET: { ...unknown, warmup: unknown, agent: unknown } },
    probes: { PROBE: unknown },
    pools: { POOL: { ...unknown, identity: { ...unknown, dnsbl: unknown } } },
    steering: { POLICY: [{ ...unknown, when: unknown }] },
    slots: unknown,
    records: {
      OWNER: {
        MX: { steer: 's', ...unknown },
        SRV: { steer: 's', ...unknown },
        address: unknown,
        TXT: { data: ['x'], ...unknown },
        spf: unknown,
      },
    },
  }
  const keys = keysOf(zoneSchema, zone)
  expect(keys.length).toBeGreaterThan(60)
  await expect(list(keys)).toMatchFileSnapshot('./zone-keys.txt')
})

test('keys of mxsteer.yaml', async () => {
  const nested = [
    'geoip',
    'dnssec',
    'announce',
    'rate_limit',
    'probe_limits',
    'tls',
    'proxy',
    'transfer',
  ]
  const settings = { ...unknown, ...Object.fromEntries(nested.map((key) => [key, unknown])) }
  const keys = keysOf(settingsFileSchema, settings)
  for (const key of nested) expect(keys.some((one) => one.startsWith(`${key}.`))).toBe(true)
  await expect(list(keys)).toMatchFileSnapshot('./settings-keys.txt')
})

test('commands, flags, and exit codes', async () => {
  expect(commands.length).toBeGreaterThan(25)
  const rows = commands.flatMap(({ name, flags, exits }) => [
    `mxsteer ${name}`,
    ...flags.map((flag) => `mxsteer ${name} --${flag.name}${flag.value === null ? '' : ' …'}`),
    ...exits.map(([code]) => `mxsteer ${name}: exit code ${code}`),
  ])
  await expect(list(rows)).toMatchFileSnapshot('./commands.txt')
})

describe('words', () => {
  test('events of the log', async () => {
    await expect(list(Object.keys(logEvents))).toMatchFileSnapshot('./events.txt')
  })

  test('kinds of problems of a server', async () => {
    for (const kind of problemKinds) expect(read('docs/operations.md')).toContain(`\`${kind}\``)
    await expect(list(problemKinds)).toMatchFileSnapshot('./problem-kinds.txt')
  })

  test('codes of mistakes', async () => {
    await expect(list(problemCodes)).toMatchFileSnapshot('./mistake-codes.txt')
  })

  test('codes of what the admin server refuses', async () => {
    const page = read('docs/operations.md').split('\n')
    const start = page.findIndex((line) => line.startsWith('| code | status |'))
    const rows = page.slice(start + 2, page.indexOf('', start))
    const codes = rows.flatMap((row) => matches(row.split('|')[1] ?? '', /`([a-z-]+)`/g))
    expect(codes.length).toBeGreaterThan(10)
    const inCode = matches(sources, /\brefused?\(\s*\d{3},\s*'([a-z-]+)'/g)
    for (const code of codes) expect(sources).toContain(`'${code}'`)
    for (const code of inCode) expect(codes).toContain(code)
    await expect(list(codes)).toMatchFileSnapshot('./refusal-codes.txt')
  })
})
