// The edge between the commands and the terminal. What is printed was partly written by others: names of PTR and NS
// records, greetings, the texts of overrides. Nothing of it may act on the terminal or pass for a line of ours.

import { styleText } from 'node:util'

import { printable, printableJson } from '../../lib/printable.ts'
import type { Paint } from './columns.ts'

/** Writes lines to standard output. In each, what a terminal would interpret is escaped, a line feed included. */
export function printLines(lines: Iterable<string>): void {
  let text = ''
  for (const line of lines) text += `${printable(line)}\n`
  process.stdout.write(text)
}

/** Writes a value to standard output as indented JSON, in which all that a terminal would interpret is escaped. */
export const printJson = (value: unknown): void => {
  told.hasJson = true
  process.stdout.write(`${printableJson(JSON.stringify(value, null, 2))}\n`)
}

/** Of this process, which runs one command. */
const told: { hasJson: boolean; whys: string[] } = { hasJson: false, whys: [] }

/** Forgets what was told: another command begins. */
export function beginCommand(): void {
  told.hasJson = false
  told.whys = []
}

/** Writes lines that say why a command cannot go on, to standard error. They are printable. */
export function tellWhy(lines: string, why: string): void {
  told.whys.push(why)
  process.stderr.write(`${lines}\n`)
}

/**
 * With --json standard output has a value even where a command ends before it has anything:
 * `{ "error": { "code": "failed", "message": "…" } }`, as the admin server refuses.
 */
export function printFailure(exitCode: number): void {
  if (told.hasJson || told.whys.length === 0) return
  const code = exitCode === 2 ? 'bad-input' : 'failed'
  printJson({ error: { code, message: told.whys.join('\n') } })
}

export const colorTimes = ['auto', 'always', 'never'] as const

/**
 * Paints for a stream. `auto`: on a terminal that has colours, by NO_COLOR and FORCE_COLOR as Node reads them.
 * A style never says what the words do not.
 */
export function paintFor(color: unknown, stream: NodeJS.WriteStream = process.stdout): Paint {
  if (color === 'never') return (_, text) => text
  const options = color === 'always' ? { validateStream: false } : { stream }
  return (style, text) => (text === '' ? text : styleText(style, text, options))
}
