// Diagnostics: what is wrong in a file or a setting that an operator wrote, with its place. Always values, never thrown.

export interface Diagnostic {
  readonly severity: 'error' | 'warning'
  /** Stable, kebab-case; the table is docs/errors.md. */
  readonly code: string
  readonly file: string
  /** From 1. */
  readonly line: number
  readonly column: number
  /** Where in the document, e.g. `pools.eu.targets.mx1`; empty for the document itself. */
  readonly path: string
  /** One sentence: what is wrong, and what was expected. */
  readonly message: string
  /** The line of the file, with a caret under the column. */
  readonly excerpt: string
}

// The line of a file around a place, with a caret under it; and text that no terminal can be harmed by.

const excerptCharacters = 100

/** Two lines: the text around `offset`, cut where it is long, and the caret. */
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

// Control, format (bidirectional overrides among them), line and paragraph separators, unpaired surrogates.
const harmful = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** One character for one, so that the caret stays under its column. */
const blankOut = (text: string): string => text.replaceAll('\t', ' ').replace(harmful, '\ufffd')

/** Text with everything escaped that a terminal would act on. */
export const printable = (text: string): string =>
  text.replace(harmful, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)

/** Hides secrets of cookies, and what URLs may carry: all of a store's URL, user and password of others. Keeps the length. */
export const maskSecrets = (text: string): string =>
  text
    .replace(/\b(rediss?|valkeys?|sentinels?|redis\+\w+):\S+/gi, stars)
    .replace(/\b[0-9a-f]{32}\b/gi, (secret) => '*'.repeat(secret.length))
    .replace(/:\/\/\S*@/g, (secret) => `://${'*'.repeat(secret.length - 4)}@`)

const stars = (url: string, scheme: string): string =>
  `${scheme}:${'*'.repeat(url.length - scheme.length - 1)}`

// Mistakes as people read them: `file:line:col path: message`, and the line that it is about.

/** Ends in a line feed unless there is nothing to say. */
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

// Mistakes in the order that a reader meets them, and no more of them than a reader can use.

const perFile = 100

const inAll = 1000

/** Sorted by file and place; long runs are cut, saying so. */
export function gatherDiagnostics(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const byFile = new Map<string, Diagnostic[]>()
  for (const diagnostic of diagnostics) {
    const list = byFile.get(diagnostic.file) ?? []
    byFile.set(diagnostic.file, list)
    list.push(diagnostic)
  }
  const gathered = [...byFile.keys()]
    .sort()
    .flatMap((file) => cut(sorted(byFile.get(file) ?? []), perFile))
  return cut(gathered, inAll)
}

const sorted = (diagnostics: readonly Diagnostic[]): readonly Diagnostic[] =>
  [...diagnostics].sort((a, b) => rank(a) - rank(b) || a.line - b.line || a.column - b.column)

/** Errors first, so that none is cut for the sake of a warning. */
const rank = ({ severity }: Diagnostic): number => (severity === 'error' ? 0 : 1)

function cut(diagnostics: readonly Diagnostic[], limit: number): readonly Diagnostic[] {
  const first = diagnostics[limit]
  if (!first) return diagnostics
  const message = `and ${diagnostics.length - limit} more, which are not listed`
  const rest: Diagnostic = { ...first, code: 'more-mistakes', path: '', excerpt: '', message }
  return [...diagnostics.slice(0, limit), rest]
}
