// The edge between the commands and the terminal. What is printed was partly written by others: names of PTR and NS
// records, greetings, the texts of overrides. Nothing of it may act on the terminal or pass for a line of ours.

import { printable, printableJson } from '../../lib/printable.ts'

/** Writes lines to standard output. In each, what a terminal would interpret is escaped, a line feed included. */
export function printLines(lines: Iterable<string>): void {
  let text = ''
  for (const line of lines) text += `${printable(line)}\n`
  process.stdout.write(text)
}

/** Writes a value to standard output as indented JSON, in which all that a terminal would interpret is escaped. */
export const printJson = (value: unknown): void => {
  process.stdout.write(`${printableJson(JSON.stringify(value, null, 2))}\n`)
}
