// `mxsteer test`: the example passes, each expectation can fail, and every mistake in the file is told of at once.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { projectFolder, runCommand, temporaryFolder } from '../support/server.ts'

const folder = temporaryFolder()
const examples = join(projectFolder, 'examples')

async function run(text: string, ...flags: string[]) {
  const file = join(folder, 'cases.yaml')
  writeFileSync(file, text)
  return runCommand('test', file, '--zones', examples, ...flags)
}

it('passes the example', async () => {
  const file = join(examples, 'cases/two-regions.yaml')
  const { code, stdout, stderr } = await runCommand('test', file, '--zones', examples)
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/^(?:ok {4}.*\n){4}4 cases: 4 passed, 0 failed\n$/)
})

it('fails each expectation that does not hold, and says what is', async () => {
  // A private address is of no place: the catch-all answers, us before eu. In 2027 no warm-up is on.
  const asked = 'ask: smtp.example.com, client: 192.0.2.1, at: 2027-06-01'
  const cases = [
    '{ shares: { iad1: 60% } }',
    '{ shares: { iad1: 52% }, tolerance: 1% }',
    '{ first: iad1 }',
    '{ never: [iad1, fra1] }',
    '{ ttl: { max: 30s } }',
    '{ ttl: { min: 2m } }',
    '{ shares: { iad1: 50%, iad2: 0.5 }, first: [iad1, iad2], ttl: { min: 60, max: 1m } }',
  ].map((expected, i) => `  - { name: case ${i}, ${asked}, expect: ${expected} }\n`)
  const { code, stdout } = await run(`cases:\n${cases.join('')}`, '--json')
  expect(code).toBe(1)
  const { cases: results, ...counts } = JSON.parse(stdout) as {
    cases: { name: string; file: string; line: number; failures: string[] }[]
  }
  expect(counts).toEqual({ passed: 1, failed: 6 })
  expect(results[1]).toMatchObject({ name: 'case 1', line: 3, file: join(folder, 'cases.yaml') })
  expect(results.map(({ failures }) => failures)).toEqual([
    ['iad1 has 50.0 % of the first places, expected 60.0 % ± 2.0 %'],
    ['iad1 has 50.0 % of the first places, expected 52.0 % ± 1.0 %'],
    [expect.stringMatching(/^iad2 has \d+\.\d % of the first places, expected iad1 alone$/)],
    expect.arrayContaining([expect.stringMatching(/^iad1 is in .* expected never$/)]) as string[],
    ['a TTL of 60, expected 30 or less'],
    ['a TTL of 60, expected 120 or more'],
    [],
  ])
})

it('says of a name that nothing steers, and of a country without addresses', async () => {
  const { code, stdout } = await run(
    `cases:
  - { name: plain, ask: ns1.smtp.example.com A, expect: {} }
  - { name: nowhere, ask: smtp.example.com, country: ZZ, expect: {} }
`,
  )
  expect(code).toBe(1)
  expect(stdout).toMatch(/FAIL {2}plain \(\S+cases\.yaml:2\)\n {6}no steering answers ns1/)
  expect(stdout).toMatch(/FAIL {2}nowhere .*\n {6}no address of ZZ was found: name a client\n/)
  expect(stdout).toMatch(/\n2 cases: 0 passed, 2 failed\n$/)
})

it('names every mistake of the file with its place', async () => {
  const shape = await run(`cases:
  - { name: a, ask: 5, clientt: 1.2.3.4, expect: { shares: { fra1: 150% } } }
  - { ask: x, client: nowhere, at: yesterday, expect: { ttl: { min: soon } } }
`)
  expect([shape.code, shape.stdout]).toEqual([2, ''])
  const places = [...shape.stderr.matchAll(/cases\.yaml:(\d+:\d+) (\S+): /g)]
  expect(places.map(([, place, path]) => `${place} ${path}`)).toEqual([
    '2:21 cases[0].ask',
    '2:24 cases[0].clientt',
    '2:68 cases[0].expect.shares.fra1',
    '3:5 cases[1].name',
    '3:23 cases[1].client',
    '3:36 cases[1].at',
    '3:69 cases[1].expect.ttl.min',
  ])
  const names = await run(`cases:
  - { name: a, ask: x, down: frb1, expect: { shares: { fra9: 1 }, never: [iad1, nobody] } }
`)
  expect(names.code).toBe(2)
  expect(names.stderr).toMatch(/2:30 cases\[0\]\.down: unknown target "frb1", did you mean fra1\?/)
  expect(names.stderr.match(/unknown target/g)).toHaveLength(3)
  expect((await run('cases: []\n')).stderr).toContain('expected at least one')
  expect((await run('')).code).toBe(2)
})
