// Fixtures with mistakes say in their first lines what is expected: `# expect LINE:COLUMN CODE PATH: MESSAGE`.
// `bad/` has one error a file, `warn/` one warning, `several/` many at once, `good/` nothing at all.

import { copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { ZonesRead } from '../../src/zonefile/load-zones.ts'
import type { Diagnostic } from '../../src/zonefile/diagnostic.ts'
import { readZonesHere } from '../support/read-zones.ts'

const fixtures = join(import.meta.dirname, '../fixtures/config')
const scratch = mkdtempSync(join(tmpdir(), 'mxsteer-fixtures-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const filesOf = (kind: string): string[] => readdirSync(join(fixtures, kind)).sort()

async function load(kind: string, file: string): Promise<ZonesRead> {
  const folder = mkdtempSync(join(scratch, 'zone-'))
  copyFileSync(join(fixtures, kind, file), join(folder, file))
  return readZonesHere(folder)
}

const expected = (kind: string, file: string): string[] =>
  readFileSync(join(fixtures, kind, file), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('# expect '))

const asExpected = ({ line, column, code, path, message }: Diagnostic): string =>
  `# expect ${line}:${column} ${code} ${path}: ${message}`

/** The excerpt is the file's own line, and the caret stands where the position says. */
function checkExcerpt(kind: string, file: string, diagnostic: Diagnostic): void {
  const line =
    readFileSync(join(fixtures, kind, file), 'utf8').split('\n')[diagnostic.line - 1] ?? ''
  const [text = '', caret = ''] = diagnostic.excerpt.split('\n')
  expect(caret).toMatch(/^ *\^$/)
  if (line.length > 100 || line.includes('\u001b')) return
  expect(text).toBe(line.replaceAll('\t', ' '))
  expect(caret.length).toBe(diagnostic.column)
}

describe('bad zones', () => {
  it('are many', () => expect(filesOf('bad').length).toBeGreaterThanOrEqual(80))

  it.each(filesOf('bad'))('%s is refused for its one problem', async (file) => {
    const loaded = await load('bad', file)
    const diagnostics = loaded.kind === 'rejected' ? loaded.diagnostics : []
    expect(diagnostics.map(asExpected)).toEqual(expected('bad', file))
    expect(diagnostics.map(({ severity }) => severity)).toEqual(['error'])
    for (const diagnostic of diagnostics) checkExcerpt('bad', file, diagnostic)
  })

  it.each(filesOf('several'))('%s has all its problems reported at once', async (file) => {
    const loaded = await load('several', file)
    const diagnostics = loaded.kind === 'rejected' ? loaded.diagnostics : []
    expect(diagnostics.map(asExpected)).toEqual(expected('several', file))
    expect(diagnostics.length).toBeGreaterThan(4)
  })
})

describe('doubtful zones', () => {
  it.each(filesOf('warn'))('%s is loaded with its one warning', async (file) => {
    const loaded = await load('warn', file)
    const warnings = loaded.kind === 'loaded' ? loaded.warnings : []
    expect(warnings.map(asExpected)).toEqual(expected('warn', file))
    expect(warnings.map(({ severity }) => severity)).toEqual(['warning'])
    for (const warning of warnings) checkExcerpt('warn', file, warning)
  })
})

describe('good zones', () => {
  it.each(filesOf('good'))('%s is loaded without a word', async (file) => {
    expect(await load('good', file)).toMatchObject({ kind: 'loaded', warnings: [] })
  })

  it('the shipped ones are among them', async () => {
    const folder = join(import.meta.dirname, '../../zones')
    const loaded = await readZonesHere(folder)
    expect(loaded).toMatchObject({ kind: 'loaded', warnings: [] })
    if (loaded.kind !== 'loaded') return
    expect(loaded.watched.map(({ address }) => address)).toEqual([
      '127.0.0.1',
      '127.0.0.2',
      '127.0.0.3',
    ])
  })
})
