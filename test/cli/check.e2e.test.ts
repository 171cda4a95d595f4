// `mxsteer check` as hooks and continuous integration use it: files, warnings that count, JSON.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { runCommand, temporaryFolder } from '../support/server.ts'

const zoneText = (zone: string, ttl = 60): string => `zone: ${zone}
ttl: ${ttl}
soa: { mname: ns1, rname: hostmaster }
records:
  '@': { NS: ns1 }
  ns1: { A: 192.0.2.1 }
`

const folder = temporaryFolder()
const other = join(folder, 'other')
mkdirSync(other)
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}
const good = file('good.yaml', zoneText('good.test'))
const warned = file('warned.yaml', zoneText('warned.test', 5))
const bad = file('bad.yaml', zoneText('bad.test').replace('192.0.2.1', '192.0.2.256'))
const elsewhere = file('other/elsewhere.yaml', zoneText('elsewhere.test'))
const master = file('db.zone', '@ SOA a b 1 2 3 4 5\n')

it('reads the files that are named, of any folder, and no other', async () => {
  expect(await runCommand('check', good, elsewhere)).toEqual({
    code: 0,
    stdout: `${good} ${elsewhere}: 2 zones, no mistakes\n`,
    stderr: '',
  })
  const { code, stderr } = await runCommand('check', folder)
  expect(code).toBe(1)
  expect(stderr).toMatch(/^\S*bad\.yaml:6:13 records\.ns1\.A: bad A: .* \[bad-rdata\]$/m)
  expect(stderr).toMatch(/: 1 mistake, 2 warnings\n$/)
})

it('counts warnings, which fail with --strict', async () => {
  const mild = await runCommand('check', good, warned)
  expect([mild.code, mild.stdout]).toEqual([
    0,
    `${good} ${warned}: 2 zones, no mistakes, 1 warning\n`,
  ])
  expect(mild.stderr).toMatch(/warned\.yaml:2:6 ttl: warning: .* \[low-ttl\]\n/)
  const strict = await runCommand('check', '--strict', good, warned)
  expect(strict).toEqual({ ...mild, code: 1 })
  expect((await runCommand('check', '--strict', good)).code).toBe(0)
})

it('prints JSON, and nothing else', async () => {
  const { code, stdout, stderr } = await runCommand('check', '--json', bad, elsewhere)
  expect([code, stderr]).toEqual([1, ''])
  expect(JSON.parse(stdout)).toEqual({
    zones: ['elsewhere.test'],
    mistakes: 1,
    warnings: 0,
    diagnostics: [
      {
        severity: 'error',
        code: 'bad-rdata',
        file: bad,
        line: 6,
        column: 13,
        path: 'records.ns1.A',
        message: expect.stringContaining('192.0.2.256') as string,
      },
    ],
  })
})

it.each([
  [[master], 1, /db\.zone:1:1: .*mxsteer import makes one of a master file \[not-read\]/],
  [[`${good}x/missing.yaml`], 1, /missing\.yaml:1:1: cannot read the file: .*\[unreadable-file\]/],
  [['/nonexistent'], 1, /cannot read the folder/],
  [[good, elsewhere, '--live'], 2, /go with one folder/],
  [[good, '--json', '--live', '--resolver', 'nowhere'], 2, /--resolver/],
  [[good, '--at', '2026-12-01'], 2, /--at goes with --diff/],
])('says of %j', async (args, code, expected) => {
  const result = await runCommand('check', ...args)
  const printed = args.includes('--json') ? expect.stringContaining('"error"') : ''
  expect([result.code, result.stdout]).toEqual([code, printed])
  expect(result.stderr).toMatch(expected)
})
