// Reads command lines, and reports what is wrong with them.

import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'

import { printable } from '../lib/printable.ts'

type Flags =
  | { readonly kind: 'flags'; readonly values: FlagValues; readonly words: readonly string[] }
  | { readonly kind: 'bad'; readonly why: string }

/**
 * By name, without the hyphens. A flag that may be repeated has an array, a switch the text `yes`.
 */
export type FlagValues = Readonly<Record<string, string | string[] | undefined>>

/**
 * `single`: flags with one value; `repeatable`: flags that may be given more than once; `switches`:
 * flags without a value. What is no flag is in `words`.
 */
export function parseFlags(
  argv: readonly string[],
  single: readonly string[],
  repeatable: readonly string[] = [],
  switches: readonly string[] = [],
): Flags {
  const options: ParseArgsOptionsConfig = {}
  for (const name of single) options[name] = { type: 'string' }
  for (const name of repeatable) options[name] = { type: 'string', multiple: true }
  for (const name of switches) options[name] = { type: 'boolean' }
  try {
    const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true })
    const texts = Object.entries(values).map(([name, value]) => [
      name,
      typeof value === 'boolean' ? 'yes' : value,
    ])
    return { kind: 'flags', values: Object.fromEntries(texts) as FlagValues, words: positionals }
  } catch (error) {
    return { kind: 'bad', why: error instanceof Error ? error.message : String(error) }
  }
}

/** Exit code of bad usage, settings or zone files. */
const badUsage = 2

/** Writes `mxsteer COMMAND: why` to standard error. Returns the exit code. */
export function fail(command: string, why: string, code: number = badUsage): number {
  process.stderr.write(`mxsteer ${command}: ${linesOf(why)}\n`)
  return code
}

/** As `fail`, but diagnostics of files, which begin with their position, get no prefix. */
export function failAt(command: string, why: string): number {
  if (!/^\S+:\d+/.test(why)) return fail(command, why)
  process.stderr.write(`${linesOf(why)}\n`)
  return badUsage
}

/** Diagnostics have several lines; within a line nothing acts on a terminal. */
const linesOf = (text: string): string => text.split('\n').map(printable).join('\n')
