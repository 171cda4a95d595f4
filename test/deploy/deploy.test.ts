// What is shipped for Prometheus, Grafana and MTAs: rules of the right form, about metrics that there are.

import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'

import { temporaryFolder } from '../support/server.ts'

const root = new URL('../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')

/** By what the sources register; histograms have three names each. */
const metrics = new Set(
  readdirSync(new URL('src/', root), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .flatMap((path) => [...read(`src/${path}`).matchAll(/'(mxsteer_[a-z_]+)'/g)])
    .flatMap(([, name]) => [`${name}`, `${name}_bucket`, `${name}_sum`, `${name}_count`]),
)

const named = (text: string): string[] => [
  ...new Set([...text.matchAll(/mxsteer_[a-z_]+/g)].map(([name]) => name)),
]

const duration = z.string().regex(/^\d+[smhd]$/)
const rulesFile = z.strictObject({
  groups: z.array(
    z.strictObject({
      name: z.string(),
      rules: z
        .array(
          z.strictObject({
            alert: z.string().regex(/^Mxsteer[A-Za-z]+$/),
            expr: z.string().min(1),
            for: duration.optional(),
            labels: z.strictObject({ severity: z.enum(['critical', 'warning', 'info']) }),
            annotations: z.strictObject({
              summary: z.string(),
              description: z.string().optional(),
            }),
          }),
        )
        .min(1),
    }),
  ),
})

describe('alert rules', () => {
  const { groups } = rulesFile.parse(parse(read('deploy/prometheus-rules.yaml')))
  const rules = groups.flatMap((group) => group.rules)

  test('Prometheus takes them', () => {
    const file = new URL('deploy/prometheus-rules.yaml', root).pathname
    const said = execFileSync('promtool', ['check', 'rules', file], { encoding: 'utf8' })
    expect(said).toContain(`SUCCESS: ${rules.length} rules found`)
  })

  test('each has a name of its own, and each group', () => {
    const names = rules.map(({ alert }) => alert)
    expect(new Set(names).size).toBe(names.length)
    expect(new Set(groups.map(({ name }) => name)).size).toBe(groups.length)
  })

  test.each(rules)('$alert asks for metrics that there are, in balanced brackets', ({ expr }) => {
    expect(named(expr).length).toBeGreaterThan(0)
    expect(named(expr).filter((name) => !metrics.has(name))).toEqual([])
    for (const [open, close] of ['()', '[]', '{}'])
      expect(expr.split(open as string).length).toBe(expr.split(close as string).length)
  })

  test('each summary names the instance', () => {
    const summaries = rules.map(({ annotations }) => annotations.summary)
    expect(summaries.filter((text) => !text.includes('{{ $labels.instance }}'))).toEqual([])
  })

  test('promtool sees empty pools, old databases, keys, signatures and clocks fire, and their opposites not', () => {
    const folder = temporaryFolder()
    const rulesPath = new URL('deploy/prometheus-rules.yaml', root).pathname
    const pool = (name: string): string =>
      `mxsteer_pool_members_eligible{instance="ns1", zone="smtp.example.test", pool="${name}"}`
    const age = (database: string): string =>
      `mxsteer_geoip_age_seconds{instance="ns1", database="${database}"}`
    /** With its annotations, whose labels are filled in. */
    const fired = (
      alertname: string,
      evalTime: string,
      labels: Readonly<Record<string, string>> | null,
    ): object => {
      const all: Readonly<Record<string, string>> = { instance: 'ns1', ...labels }
      const annotations: Readonly<Record<string, string | undefined>> =
        rules.find(({ alert }) => alert === alertname)?.annotations ?? {}
      const filled = Object.entries(annotations).map(([key, text]) => [
        key,
        text?.replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (_, label: string) => all[label] ?? ''),
      ])
      const alert = { exp_labels: all, exp_annotations: Object.fromEntries(filled) }
      return { eval_time: evalTime, alertname, exp_alerts: labels === null ? [] : [alert] }
    }
    const validity = 'mxsteer_dnssec_least_validity_seconds{instance="ns1", scope="answers"}'
    const clock = (how: string): string => `mxsteer_dnssec_clock_${how}{instance="ns1"}`
    const refused = 'mxsteer_dnssec_signatures_total{instance="ns1", how="refused"}'
    const dsMatches = (zone: string): string =>
      `mxsteer_dnssec_ds_matches{instance="ns1", zone="${zone}"}`
    const keysEnd = (zone: string): string =>
      `mxsteer_dnssec_keys_end_seconds{instance="ns1", zone="${zone}"}`
    const empty = { zone: 'smtp.example.test', pool: 'main', severity: 'critical' }
    const suite = {
      rule_files: [rulesPath],
      evaluation_interval: '1m',
      tests: [
        {
          interval: '1m',
          input_series: [
            { series: pool('main'), values: '2 1 0x10 1x60' },
            { series: pool('other'), values: '1x80' },
            { series: age('country'), values: `${59 * 86_400}x20 ${61 * 86_400}x80` },
            { series: age('asn'), values: '86400x100' },
            { series: dsMatches('signed.test'), values: '1x9 0x70' },
            { series: dsMatches('other.test'), values: '1x80' },
            { series: keysEnd('signed.test'), values: `${14 * 86_400 + 600}-60x80` },
            { series: keysEnd('years.test'), values: `${900 * 86_400}-60x80` },
            { series: validity, values: `${12 * 3600 + 600}-60x80` },
            { series: clock('frozen'), values: '0x30 1x50' },
            { series: clock('behind'), values: '0x80' },
            { series: refused, values: '0x40 0+5x40' },
          ],
          alert_rule_test: [
            fired('MxsteerDsMismatch', '11m', null),
            fired('MxsteerDsMismatch', '12m', { zone: 'signed.test', severity: 'critical' }),
            fired('MxsteerKeysEnd', '10m', null),
            fired('MxsteerKeysEnd', '11m', { zone: 'signed.test', severity: 'critical' }),
            fired('MxsteerSignaturesEnd', '10m', null),
            fired('MxsteerSignaturesEnd', '20m', { scope: 'answers', severity: 'critical' }),
            fired('MxsteerClockWrong', '30m', null),
            fired('MxsteerClockWrong', '31m', { severity: 'critical' }),
            fired('MxsteerSignaturesRefused', '40m', null),
            fired('MxsteerSignaturesRefused', '60m', { how: 'refused', severity: 'warning' }),
            fired('MxsteerPoolEmpty', '1m', null),
            fired('MxsteerPoolEmpty', '5m', empty),
            fired('MxsteerPoolEmpty', '20m', null),
            fired('MxsteerGeoipOld', '20m', null),
            fired('MxsteerGeoipOld', '90m', { database: 'country', severity: 'warning' }),
          ],
        },
      ],
    }
    const file = join(folder, 'suite.yaml')
    writeFileSync(file, JSON.stringify(suite))
    const seen = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' })
    expect([seen.stdout + seen.stderr, seen.status]).toEqual([
      expect.stringContaining('SUCCESS'),
      0,
    ])
  })

  test('labels in summaries are labels of the metric, as docs/operations.md has them', () => {
    const operations = read('docs/operations.md')
    for (const { alert, expr, annotations } of rules) {
      const used = [
        ...Object.values(annotations)
          .join(' ')
          .matchAll(/\$labels\.(\w+)/g),
      ]
      const row =
        operations.split('\n').find((line) => line.includes(`\`${named(expr)[0]}\``)) ?? ''
      const strange = used.filter(
        ([, label]) =>
          label !== 'instance' && !/the same/.test(row) && !row.includes(`\`${label}\``),
      )
      expect([alert, ...strange]).toEqual([alert])
    }
  })
})

describe('the dashboard', () => {
  const dashboard = z
    .looseObject({
      title: z.string(),
      schemaVersion: z.number(),
      templating: z.looseObject({ list: z.array(z.looseObject({ name: z.string() })) }),
      panels: z.array(
        z.looseObject({
          id: z.number(),
          type: z.string(),
          title: z.string(),
          gridPos: z.strictObject({ h: z.number(), w: z.number(), x: z.number(), y: z.number() }),
          targets: z
            .array(z.looseObject({ expr: z.string(), legendFormat: z.string() }))
            .optional(),
        }),
      ),
    })
    .parse(JSON.parse(read('deploy/grafana-dashboard.json')))
  const { panels } = dashboard

  test('shows metrics that there are, with variables that there are', () => {
    const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
    expect(expressions.length).toBeGreaterThan(15)
    expect(named(expressions.join('\n')).filter((name) => !metrics.has(name))).toEqual([])
    const variables = dashboard.templating.list.map(({ name }) => name)
    const used = [...expressions.join('\n').matchAll(/\$(\w+)/g)].map(([, name]) => name)
    expect(used.filter((name) => !variables.includes(name as string))).toEqual([])
    expect(
      named(JSON.stringify(dashboard.templating)).filter((name) => !metrics.has(name)),
    ).toEqual([])
  })

  test('what is not summed over instances names the instance', () => {
    const single = panels
      .flatMap(({ targets = [] }) => targets)
      .filter(({ expr }) => !/^(sum|count)\b/.test(expr))
    expect(single.length).toBeGreaterThan(8)
    const unnamed = single.filter(({ legendFormat }) => !legendFormat.includes('{{instance}}'))
    expect(unnamed.map(({ expr }) => expr)).toEqual([])
  })

  test('no panel lies on another, each has a number of its own', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    const taken = new Set<string>()
    for (const { gridPos } of panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken).not.toContain(`${x} ${y}`)
          taken.add(`${x} ${y}`)
        }
    }
  })
})

describe('the script for MTAs', () => {
  test('is a shell script that sh can read, and is executable', () => {
    const file = new URL('examples/mta-load.sh', root).pathname
    expect(() => execFileSync('sh', ['-n', file])).not.toThrow()
    const usage = (): unknown => execFileSync(file, ['--what'], { stdio: 'pipe' })
    expect(usage).toThrow(/usage/)
  })

  test('the units run it, a process a connection', () => {
    const service = read('examples/mta-load@.service')
    expect(service).toMatch(/^ExecStart=\/usr\/local\/bin\/mta-load\.sh$/m)
    expect(service).toMatch(/^StandardOutput=socket$/m)
    expect(read('examples/mta-load.socket')).toMatch(/^Accept=yes$/m)
  })
})
