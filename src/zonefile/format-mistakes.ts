// Mistakes as people read them: `file:line:col path: message`, and the line that it is about.

import type { Mistake } from './mistake.ts'

/** Ends in a line feed unless there is nothing to say. */
export const formatMistakes = (mistakes: readonly Mistake[]): string =>
  mistakes.map((mistake) => `${formatMistake(mistake)}\n`).join('')

function formatMistake({ severity, file, line, column, path, message, excerpt }: Mistake): string {
  const where = line > 0 ? `${file}:${line}:${column}` : file
  const mark = severity === 'warning' ? 'warning: ' : ''
  const head = `${where}${path === '' ? '' : ` ${path}`}: ${mark}${message}`
  if (excerpt === '') return head
  const [text = '', caret = ''] = excerpt.split('\n')
  const gutter = String(line)
  return `${head}\n  ${gutter} | ${text}\n  ${' '.repeat(gutter.length)} | ${caret}`
}
