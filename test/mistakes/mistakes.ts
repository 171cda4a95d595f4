// The rows of test/mistakes/*.yaml, and what is said of what they have.

import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'

import { main } from '../../src/main.ts'
import { readSettingsFile } from '../../src/settings/settings-sources.ts'
import type { Diagnostic } from '../../src/zonefile/diagnostic.ts'
import { readZonesHere } from '../support/read-zones.ts'

export interface Mistake {
  /** A piece of the zone, and what stands in its place. */
  readonly was?: string
  readonly is?: string
  /** A whole file. */
  readonly text?: string
  readonly as?: 'utf16le' | 'latin1'
  /** A command line, its words apart by blanks. */
  readonly run?: string
  /** Environment of the command. */
  readonly env?: Readonly<Record<string, string>>
  readonly says: string | readonly string[]
  /** What is written in the place of `is`, `text` or `run` by who does to the letter what the message says. */
  readonly fixed?: string
  /** Why nothing can be written by the message alone. */
  readonly open?: string
  /** Digest of what a second reader has judged: what was written, what is said, and what comes of it. */
  readonly judged?: string
}

export interface Mistakes {
  readonly zone?: string
  readonly mistakes: readonly Mistake[]
}

export const kinds = ['zone-files', 'settings', 'master-files', 'command-lines'] as const
export type Kind = (typeof kinds)[number]

export const pathOf = (kind: Kind): string => join(import.meta.dirname, `${kind}.yaml`)

export const readRows = (kind: Kind): Mistakes =>
  parse(readFileSync(pathOf(kind), 'utf8')) as Mistakes

export const linesOf = ({ says }: Mistake): readonly string[] => [says].flat()

/** What an operator wrote. */
export const writtenIn = ({ is, text, run }: Mistake): string => run ?? is ?? text ?? ''

/** Changes with everything that a judgement is of. */
export function digestOf(row: Mistake): string {
  const entries = Object.entries(row)
    .filter(([key]) => key !== 'judged')
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(entries)).digest('hex').slice(0, 8)
}

const shown = ({ line, column, path, severity, message, code }: Diagnostic): string =>
  `${line}:${column}${path === '' ? '' : ` ${path}`}: ${severity === 'warning' ? 'warning: ' : ''}${message} [${code}]`

/** Says what is said of a row, or of another text in the place of what it has. */
export type Say = (kind: Kind, row: Mistake, written?: string) => Promise<readonly string[]>

/** A folder for the files of mistakes, which is the working directory until it is closed. */
export function openMistakes(): { readonly say: Say; readonly close: () => void } {
  const { zone = '' } = readRows('zone-files')
  const before = process.cwd()
  const scratch = mkdtempSync(join(tmpdir(), 'mxsteer-mistakes-'))
  mkdirSync(join(scratch, 'zones'))
  writeFileSync(join(scratch, 'zones/mail.yaml'), zone)
  writeFileSync(join(scratch, 'named.conf'), 'zone "example.com" { type master; file "db"; };\n')
  process.chdir(scratch)
  const say: Say = (kind, row, written = writtenIn(row)) => {
    switch (kind) {
      case 'zone-files':
        return sayOfZone(
          scratch,
          row.was === undefined ? written : replaced(zone, row.was, written),
          row.as,
        )
      case 'settings':
        return Promise.resolve(
          readSettingsFile('mxsteer.yaml', Buffer.from(written)).diagnostics.map(shown),
        )
      case 'master-files':
        writeFileSync('db.example.com', written)
        return errorsOf(['import', 'db.example.com', '--zone', 'example.com'])
      case 'command-lines':
        return errorsOf(written.split(' '), row.env)
      default:
        return kind satisfies never
    }
  }
  const close = (): void => {
    process.chdir(before)
    rmSync(scratch, { recursive: true })
  }
  return { say, close }
}

function replaced(zone: string, was: string, is: string): string {
  if (!zone.includes(was)) throw new Error(`the zone has no ${JSON.stringify(was)}`)
  return zone.replace(was, () => is)
}

async function sayOfZone(
  scratch: string,
  text: string,
  encoding: BufferEncoding = 'utf8',
): Promise<readonly string[]> {
  const folder = mkdtempSync(join(scratch, 'zone-'))
  writeFileSync(join(folder, 'mail.yaml'), Buffer.from(text, encoding))
  const loaded = await readZonesHere(folder)
  return (loaded.kind === 'rejected' ? loaded.diagnostics : loaded.warnings).map(shown)
}

/** What a command writes to standard error, without excerpts; nothing where it succeeds. */
async function errorsOf(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<readonly string[]> {
  let text = ''
  const { stderr, stdout } = process
  const environment = { ...process.env }
  Object.assign(process.env, env)
  stderr.write = (chunk: string | Uint8Array): boolean => {
    text += String(chunk)
    return true
  }
  stdout.write = (): boolean => true
  let code = 0
  try {
    code = await main(words)
  } finally {
    // Theirs again, which are of the prototype.
    Reflect.deleteProperty(stderr, 'write')
    Reflect.deleteProperty(stdout, 'write')
    process.env = environment
  }
  if (code === 0) return []
  return text.split('\n').filter((line) => line !== '' && !/^ +\d* *\|/.test(line))
}
