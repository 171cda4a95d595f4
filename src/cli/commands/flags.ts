// Reads command lines, and reports what is wrong with them.

import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'

import { printable } from '../../lib/printable.ts'
import { nearest } from '../../lib/suggest-name.ts'
import type { CommandFlag } from './command.ts'
import { findCommand } from './commands.ts'

type Flags =
  | { readonly kind: 'flags'; readonly values: FlagValues; readonly words: readonly string[] }
  | { readonly kind: 'bad'; readonly why: string }

/**
 * By name, without the hyphens. A flag that may be repeated has an array, a switch the text `yes`.
 */
export type FlagValues = Readonly<Record<string, string | string[] | undefined>>

/** What follows the name of a command, by its row in the table of commands. What is no flag is in `words`. */
export function parseFlags(command: string, argv: readonly string[]): Flags {
  const known = findCommand(command)?.flags ?? []
  const options = Object.fromEntries(known.map((one) => [one.name, optionOf(one)]))
  const args = [...argv]
  // Not strict: what is wrong is said in our own words.
  const { values, positionals, tokens } = parseArgs({
    args,
    options,
    allowPositionals: true,
    strict: false,
    tokens: true,
  })
  for (const token of tokens) {
    const why = token.kind === 'option' ? wrongOption(token, known, command) : null
    if (why !== null) return { kind: 'bad', why }
  }
  const texts = Object.entries(values).map(([name, value]) => [
    name,
    value === true ? 'yes' : value,
  ])
  return { kind: 'flags', values: Object.fromEntries(texts) as FlagValues, words: positionals }
}

const optionOf = ({ value, isRepeatable, short }: CommandFlag): ParseArgsOptionsConfig[string] => ({
  type: value === null ? 'boolean' : 'string',
  multiple: isRepeatable === true,
  ...(short === undefined ? {} : { short }),
})

interface OptionToken {
  readonly name: string
  readonly rawName: string
  readonly value?: string | undefined
  readonly inlineValue?: boolean | undefined
}

/** null: nothing is wrong with it. */
function wrongOption(
  { name, rawName, value, inlineValue }: OptionToken,
  known: readonly CommandFlag[],
  command: string,
): string | null {
  const flag = known.find((one) => one.name === name)
  if (flag === undefined) {
    const names = known.map((one) => `--${one.name}`)
    const meant = nearest(rawName, names)
    const advice = meant === null ? `see mxsteer ${command} --help` : `did you mean ${meant}?`
    return `there is no option ${rawName}: ${advice}`
  }
  if (flag.value === null)
    return value === undefined ? null : `${rawName} takes no value, here ${JSON.stringify(value)}`
  const isMissing = value === undefined || (inlineValue !== true && /^-./.test(value))
  return isMissing ? `${rawName} needs a value: ${rawName} ${flag.value}` : null
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
