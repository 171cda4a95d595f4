// The entry of the packages: what it does under the Node that it needs, and what it says under older ones.

import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { mainFile, projectFolder, temporaryFolder } from '../support/server.ts'

const bin = join(dirname(dirname(mainFile)), 'bin', 'mxsteer.cjs')
const engines = JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8')).engines.node

interface Ran {
  readonly code: number | string | null
  readonly stdout: string
  readonly stderr: string
}

const run = (...args: string[]): Promise<Ran> =>
  new Promise((resolve) => {
    execFile(process.execPath, args, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : (error.code ?? null), stdout, stderr }),
    )
  })

/** Flags of Node with which it says that it is another version. */
function posingAs(version: string): string[] {
  const file = join(temporaryFolder(), 'pose.cjs')
  const lies = { version: `v${version}`, versions: { ...process.versions, node: version } }
  writeFileSync(
    file,
    Object.entries(lies)
      .map(
        ([key, value]) =>
          `Object.defineProperty(process, '${key}', { value: ${JSON.stringify(value)} })\n`,
      )
      .join(''),
  )
  return ['--require', file]
}

const commands = [['check', '/nonexistent'], ['--version'], ['serve'], []]
const old = ['12.22.12', '18.20.8', '20.19.2', '22.18.0', '23.11.1']

describe.each([
  ['of the packages', bin],
  ['of the build', mainFile],
])('the entry %s', (_, entry) => {
  test.each(old)('needs more than Node %s, says so in a line and fails', async (version) => {
    for (const command of version === '20.19.2' ? commands : commands.slice(0, 1)) {
      const { code, stdout, stderr } = await run(...posingAs(version), entry, ...command)
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr).toMatch(/^mxsteer needs Node\.js 24 or newer;[^\n]*\n$/)
      expect(stderr).toContain(`v${version}`)
    }
  })

  test('runs commands and has their exit codes', async () => {
    const { version } = JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8'))
    expect(await run(entry, '--version')).toEqual({
      code: 0,
      stdout: `mxsteer ${version}\n`,
      stderr: '',
    })
    expect((await run(entry, 'check', '/nonexistent')).code).toBe(1)
    expect((await run(entry, 'nonsense')).code).toBe(2)
  })
})

test('README, engines and the entry name one version', () => {
  expect(engines).toBe('>=24')
  expect(readFileSync(join(projectFolder, 'README.md'), 'utf8')).toContain('Node 24')
  const source = readFileSync(bin, 'utf8')
  expect(source).toContain('var needed = 24\n')
  // What the first Node with import() reads: no newer syntax.
  expect(source).not.toMatch(/\b(?:const|let|async|await|class)\b|=>|`|\?\.|\?\?/)
})
