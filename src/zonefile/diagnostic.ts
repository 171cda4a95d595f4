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

/**
 * How many characters on either side of an excerpt are looked at for secrets that reach into it, and
 * for the ends of the line.
 */
const marginCharacters = 1000

/** Two lines: up to 100 characters of the line around `offset`, and a caret under it. */
export function excerptAt(text: string, offset: number): string {
  const at = Math.min(Math.max(0, offset), text.length)
  const reach = excerptCharacters + marginCharacters
  const [first, last] = [Math.max(0, at - reach), Math.min(text.length, at + reach)]
  const before = text.slice(first, at)
  const after = text.slice(at, last)
  const start = before.lastIndexOf('\n') + 1
  const end = after.indexOf('\n')
  const near = before.slice(start) + (end < 0 ? after : after.slice(0, end))
  const line = maskSecrets(near.replace(/\r$/, ''))
  const column = Math.min(at - first - start, line.length)
  const from = Math.max(
    0,
    Math.min(column - excerptCharacters / 2, line.length - excerptCharacters),
  )
  const to = Math.min(line.length, from + excerptCharacters)
  const isCutBefore = from > 0 || (start === 0 && first > 0)
  const isCutAfter = to < line.length || (end < 0 && last < text.length)
  const shown = `${isCutBefore ? '…' : ''}${line.slice(from, to)}${isCutAfter ? '…' : ''}`
  return `${blankOut(shown)}\n${' '.repeat((isCutBefore ? 1 : 0) + column - from)}^`
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
 * Text for a terminal, `FILE:LINE:COLUMN PATH: MESSAGE` and the excerpt for each; with its code in brackets behind the
 * message where that is wanted. Empty, or ends in a line feed.
 */
export const formatDiagnostics = (
  diagnostics: readonly Diagnostic[],
  { withCodes }: { readonly withCodes: boolean } = { withCodes: false },
): string =>
  diagnostics
    .map(({ message, ...rest }) => ({
      ...rest,
      message: withCodes ? `${message} [${rest.code}]` : message,
    }))
    .map((diagnostic) => `${formatDiagnostic(diagnostic)}\n`)
    .join('')

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

/** So many mistakes of one file are shown. */
export const maxPerFile = 100

const maxInAll = 1000

/** Sorts by file. Beyond 1000 in all, the last one tells how many are left out. */
export function gatherDiagnostics(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const byFile = Map.groupBy(diagnostics, ({ file }) => file)
  const gathered = [...byFile.keys()].sort().flatMap((file) => byFile.get(file) ?? [])
  return cutDiagnostics(gathered, maxInAll, gathered.length)
}

/**
 * The first `limit` of `count` diagnostics; where there are more, `diagnostics` has one more than
 * that, whose place is taken by one that tells how many are left out.
 */
export function cutDiagnostics(
  diagnostics: readonly Diagnostic[],
  limit: number,
  count: number,
): readonly Diagnostic[] {
  const first = diagnostics[limit]
  if (!first) return diagnostics
  const message = `and ${count - limit} more, which are not listed`
  const rest: Diagnostic = { ...first, code: 'more-mistakes', path: '', excerpt: '', message }
  return [...diagnostics.slice(0, limit), rest]
}
