// What operators get wrong, as data: each row has what was written, and each line that is said of it: where, what is wrong,
// and what to write. The rows were read once more by someone in the place of who wrote the file: whether the place is that
// of the slip, whether the words are theirs and not those of a library, and whether it says what to do.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { parse } from 'yaml'

import { main } from '../../src/main.ts'
import { readSettingsFile } from '../../src/settings/settings-sources.ts'
import type { Diagnostic } from '../../src/zonefile/diagnostic.ts'
import { readZonesHere } from '../support/read-zones.ts'

interface Mistake {
  /** A piece of the zone, and what stands in its place. */
  readonly was?: string
  readonly is?: string
  /** A whole file. */
  readonly text?: string
  readonly as?: 'utf16le' | 'latin1'
  /** A command line, its words apart by blanks. */
  readonly run?: string
  readonly says: string | readonly string[]
}

interface Mistakes {
  readonly zone: string
  readonly mistakes: readonly Mistake[]
}

const read = (name: string): Mistakes =>
  parse(readFileSync(join(import.meta.dirname, `${name}.yaml`), 'utf8')) as Mistakes

const zoneFiles = read('zone-files')
const settings = read('settings')
const masterFiles = read('master-files')
const commandLines = read('command-lines')
const all = [zoneFiles, settings, masterFiles, commandLines].flatMap(({ mistakes }) => mistakes)

const before = process.cwd()
const scratch = mkdtempSync(join(tmpdir(), 'mxsteer-mistakes-'))
beforeAll(() => {
  mkdirSync(join(scratch, 'zones'))
  writeFileSync(join(scratch, 'zones/mail.yaml'), zoneFiles.zone)
  writeFileSync(join(scratch, 'named.conf'), 'zone "example.com" { type master; file "db"; };\n')
  process.chdir(scratch)
})
afterAll(() => {
  process.chdir(before)
  rmSync(scratch, { recursive: true })
})

const linesOf = ({ says }: Mistake): readonly string[] => [says].flat()

const shown = ({ line, column, path, severity, message, code }: Diagnostic): string =>
  `${line}:${column}${path === '' ? '' : ` ${path}`}: ${severity === 'warning' ? 'warning: ' : ''}${message} [${code}]`

const title = ({ is, text, run, as }: Mistake): string =>
  `${JSON.stringify(run ?? is ?? text)}${as === undefined ? '' : ` as ${as}`}`

const rows = ({ mistakes }: Mistakes): readonly (readonly [string, Mistake])[] =>
  mistakes.map((mistake) => [title(mistake), mistake])

/** What a command writes to standard error, without excerpts. */
async function errorsOf(words: readonly string[]): Promise<readonly string[]> {
  let text = ''
  const error = vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    text += String(chunk)
    return true
  })
  const output = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  try {
    expect(await main(words)).toBeGreaterThan(0)
  } finally {
    error.mockRestore()
    output.mockRestore()
  }
  return text.split('\n').filter((line) => line !== '' && !/^ +\d* *\|/.test(line))
}

describe('zone files', () => {
  it.each(rows(zoneFiles))('%s', async (_, mistake) => {
    const { was, is, text, as } = mistake
    if (was !== undefined) expect(zoneFiles.zone).toContain(was)
    const written = text ?? zoneFiles.zone.replace(was ?? '', () => is ?? '')
    const folder = mkdtempSync(join(scratch, 'zone-'))
    writeFileSync(join(folder, 'mail.yaml'), Buffer.from(written, as ?? 'utf8'))
    const loaded = await readZonesHere(folder)
    const found = loaded.kind === 'rejected' ? loaded.diagnostics : loaded.warnings
    expect(found.map(shown)).toEqual(linesOf(mistake))
  })
})

describe('settings', () => {
  it.each(rows(settings))('%s', (_, mistake) => {
    const { diagnostics } = readSettingsFile('mxsteer.yaml', Buffer.from(mistake.text ?? ''))
    expect(diagnostics.map(shown)).toEqual(linesOf(mistake))
  })
})

describe('master files', () => {
  it.each(rows(masterFiles))('%s', async (_, mistake) => {
    writeFileSync('db.example.com', mistake.text ?? '')
    const found = await errorsOf(['import', 'db.example.com', '--zone', 'example.com'])
    expect(found).toEqual(linesOf(mistake))
  })
})

describe('command lines', () => {
  it.each(rows(commandLines))('%s', async (_, mistake) => {
    expect(await errorsOf((mistake.run ?? '').split(' '))).toEqual(linesOf(mistake))
  })
})

describe('all of them', () => {
  it('are many, and no two are the same', () => {
    expect(all.length).toBeGreaterThanOrEqual(128)
    expect(new Set(all.map((one) => JSON.stringify([one.was, title(one)]))).size).toBe(all.length)
  })

  it('say what to do', () => {
    const advice =
      /expected|did you mean|[:,;] (?:write|give|put|take|save)|such as|[Ss]ee mxsteer|One of|goes with|leave|is a setting|needs a|say |mend|"mxsteer import|which \w+\?|--zone NAME|is a final dot missing|takes|makes one|there is no zone with|it does not exist|^nowhere: 1 mistake$/
    const silent = all.flatMap(linesOf).filter((line) => !advice.test(line))
    expect(silent).toEqual([])
  })

  it('have no words of the parsers', () => {
    const foreign =
      /Invalid input|flow (?:map|sequence|collection)|implicit key|scalar|unexpected token|undefined|\[object/i
    expect(all.flatMap(linesOf).filter((line) => foreign.test(line))).toEqual([])
  })
})
