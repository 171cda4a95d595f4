import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { Diagnostic } from '../../src/zonefile/diagnostic.ts'
import { readSettingsFile } from '../../src/settings/settings-sources.ts'
import { readZone } from '../../src/zonefile/load-zones.ts'
import { problemCodes } from '../../src/zone/compile/problem.ts'

const root = join(import.meta.dirname, '../..')
const documented = [
  ...readFileSync(join(root, 'docs/errors.md'), 'utf8').matchAll(/^\| `([a-z0-9-]+)` \|/gm),
].map(([, code]) => String(code))

it('documents every code once, and none that there is not', () => {
  const sorted = (codes: readonly string[]): string[] => codes.toSorted((a, b) => (a < b ? -1 : 1))
  expect(sorted(documented)).toEqual(sorted(problemCodes))
})

it('has no code that nothing uses', () => {
  const compile = ['zone/compile', 'zone/compile/check', 'zone/compile/texts', 'zone/mta-sts']
  const rooms = ['coherence', 'dnssec', 'masterfile', ...compile, 'settings', 'zonefile']
  const sources = rooms.flatMap((room) =>
    readdirSync(join(root, 'src', room))
      .filter((file) => file.endsWith('.ts') && file !== 'problem.ts')
      .map((file) => readFileSync(join(root, 'src', room, file), 'utf8')),
  )
  const unused = problemCodes.filter(
    (code) => !sources.some((source) => source.includes(`'${code}'`)),
  )
  expect(unused).toEqual([])
})

/** An unknown key in every map: the messages list the known ones. */
const strange = `
zzzzzz: 0
soa: { zzzzzz: 0 }
targets: { t: { zzzzzz: 0, warmup: { zzzzzz: 0 }, agent: { zzzzzz: 0 } } }
probes: { p: { zzzzzz: 0 } }
pools: { p: { zzzzzz: 0, identity: { zzzzzz: 0, dnsbl: { zzzzzz: 0 } } } }
steering: { s: [{ zzzzzz: 0 }, { when: { zzzzzz: 0 } }] }
records: { a: { MX: { steer: s, zzzzzz: 0 }, SRV: { steer: s, zzzzzz: 0 }, address: { zzzzzz: 0 }, TXT: { zzzzzz: 0 }, spf: { zzzzzz: 0 } } }
`

const strangeSettings = `
zzzzzz: 0
geoip: { zzzzzz: 0 }
rate_limit: { zzzzzz: 0 }
probe_limits: { zzzzzz: 0 }
`

const listedKeys = (diagnostics: readonly Diagnostic[]): string[][] =>
  diagnostics.flatMap(({ message }) => {
    const found = /^unknown key "zzzzzz", expected one of: (.*)$/.exec(message)?.[1]
    return found === undefined ? [] : [found.split(', ')]
  })

it('shows every key of zone files and settings in the reference', () => {
  const { document, problems } = readZone('f.yaml', new TextEncoder().encode(strange))
  const maps = [
    ...listedKeys(document?.toDiagnostics(problems) ?? []),
    ...listedKeys(
      readSettingsFile('f.yaml', new TextEncoder().encode(strangeSettings)).diagnostics,
    ),
  ]
  expect(maps).toHaveLength(20)
  const reference = ['docs/zone-reference.md', 'docs/settings.md']
    .map((page) => readFileSync(join(root, page), 'utf8'))
    .join('\n')
  const keys = maps.flat()
  expect(keys).toContain('slow_start')
  expect(keys.filter((key) => !reference.includes(`| \`${key}\` |`))).toEqual([])
})
