// Diagnostics: what is wrong in a file or a setting that an operator wrote, with its place. Always
// values, never thrown.

import { blankOut } from '../lib/printable.ts'

export interface Diagnostic {
  readonly severity: 'error' | 'warning'
  /** Stable; docs/errors.md has one row a code. */
  readonly code: string
  /** Path of the file; of a setting the flag or the variable that gave it. */
  readonly file: string
  /** From 1; 0: there is no position. */
  readonly line: number
  /** From 1; 0: there is no position. */
  readonly column: number
  /** Path in the document, such as `pools.eu.targets.mx1`; empty for the document itself. */
  readonly path: string
  /** One sentence: what is wrong, and what was expected. */
  readonly message: string
  /**
   * The line of the file, and a second line with a caret under the column; empty: none is shown.
   */
  readonly excerpt: string
}

// Excerpts, and text that is safe to print: no control characters, no secrets.

const excerptCharacters = 100

/** Two lines: up to 100 characters of the line around `offset`, and a caret under it. */
export function excerptAt(text: string, offset: number): string {
  const at = Math.min(Math.max(0, offset), text.length)
  const start = at === 0 ? 0 : text.lastIndexOf('\n', at - 1) + 1
  const end = text.indexOf('\n', at)
  const line = maskSecrets(text.slice(start, end < 0 ? text.length : end).replace(/\r$/, ''))
  const column = Math.min(at - start, line.length)
  const from = Math.max(
    0,
    Math.min(column - excerptCharacters / 2, line.length - excerptCharacters),
  )
  const to = Math.min(line.length, from + excerptCharacters)
  const before = from > 0 ? '…' : ''
  const after = to < line.length ? '…' : ''
  const shown = `${before}${line.slice(from, to)}${after}`
  return `${blankOut(shown)}\n${' '.repeat(before.length + column - from)}^`
}

/**
 * Replaces cookie secrets, URLs of a store, user and password of other URLs, and what follows a key
 * that names a token, a password or a secret, by as many asterisks.
 */
export const maskSecrets = (text: string): string =>
  text
    .replace(/\b(rediss?|valkeys?|sentinels?|redis\+\w+):\S+/gi, stars)
    .replace(/\b[0-9a-f]{32}\b/gi, (secret) => '*'.repeat(secret.length))
    .replace(
      /(\b\w*(?:token|secret|passw\w*|pwd)["']?\s*[:=]\s*)(\S.*)/gi,
      (_, key: string, secret: string) => key + '*'.repeat(secret.length),
    )
    .replace(/:\/\/\S*@/g, (secret) => `://${'*'.repeat(secret.length - 4)}@`)

const stars = (url: string, scheme: string): string =>
  `${scheme}:${'*'.repeat(url.length - scheme.length - 1)}`

/**
 * Text for a terminal, `FILE:LINE:COLUMN PATH: MESSAGE` and the excerpt for each. Empty, or ends in
 * a line feed.
 */
export const formatDiagnostics = (diagnostics: readonly Diagnostic[]): string =>
  diagnostics.map((diagnostic) => `${formatDiagnostic(diagnostic)}\n`).join('')

function formatDiagnostic({
  severity,
  file,
  line,
  column,
  path,
  message,
  excerpt,
}: Diagnostic): string {
  const where = line > 0 ? `${file}:${line}:${column}` : file
  const mark = severity === 'warning' ? 'warning: ' : ''
  const head = `${where}${path === '' ? '' : ` ${path}`}: ${mark}${message}`
  if (excerpt === '') return head
  const [text = '', caret = ''] = excerpt.split('\n')
  const gutter = String(line)
  return `${head}\n  ${gutter} | ${text}\n  ${' '.repeat(gutter.length)} | ${caret}`
}

const maxPerFile = 100

const maxInAll = 1000

/**
 * Sorts by file, severity and position. Beyond 100 a file or 1000 in all, the last one tells how
 * many are left out.
 */
export function gatherDiagnostics(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const byFile = new Map<string, Diagnostic[]>()
  for (const diagnostic of diagnostics) {
    const list = byFile.get(diagnostic.file) ?? []
    byFile.set(diagnostic.file, list)
    list.push(diagnostic)
  }
  const gathered = [...byFile.keys()]
    .sort()
    .flatMap((file) => cut(sorted(byFile.get(file) ?? []), maxPerFile))
  return cut(gathered, maxInAll)
}

const sorted = (diagnostics: readonly Diagnostic[]): readonly Diagnostic[] =>
  [...diagnostics].sort((a, b) => rank(a) - rank(b) || a.line - b.line || a.column - b.column)

/** Errors come first, so that a warning never displaces an error. */
const rank = ({ severity }: Diagnostic): number => (severity === 'error' ? 0 : 1)

function cut(diagnostics: readonly Diagnostic[], limit: number): readonly Diagnostic[] {
  const first = diagnostics[limit]
  if (!first) return diagnostics
  const message = `and ${diagnostics.length - limit} more, which are not listed`
  const rest: Diagnostic = { ...first, code: 'more-mistakes', path: '', excerpt: '', message }
  return [...diagnostics.slice(0, limit), rest]
}
