// Reads command lines, and reports what is wrong with them.

import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'

import { printable } from '../../lib/printable.ts'
import { nearest, suggestName } from '../../lib/suggest-name.ts'
import type { CommandFlag } from './command.ts'
import { colorTimes, tellWhy } from '../text/output.ts'
import { everyFlag, findCommand } from './commands.ts'

type Flags =
  | { readonly kind: 'flags'; readonly values: FlagValues; readonly words: readonly string[] }
  | { readonly kind: 'bad'; readonly why: string }

/**
 * By name, without the hyphens. A flag that may be repeated has an array, a switch the text `yes`.
 */
export type FlagValues = Readonly<Record<string, string | string[] | undefined>>

/** What follows the name of a command, by its row in the table of commands. What is no flag is in `words`. */
export function parseFlags(command: string, argv: readonly string[]): Flags {
  const known = [...(findCommand(command)?.flags ?? []), ...everyFlag]
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

/** What other servers and tools call a flag. */
const otherFlags: Readonly<Record<string, string>> = {
  '--port': '--listen',
  '--bind': '--listen',
  '--address': '--listen',
  '-p': '--listen',
  '-c': '--config',
  '--conf': '--config',
  '--config-file': '--config',
  '--dir': '--zones',
  '--zone-dir': '--zones',
  '--duration': '--for',
  '--ttl': '--for',
  '--reason': '--why',
  '--comment': '--why',
  '-m': '--why',
}

function flagMeant(rawName: string, names: readonly string[]): string | null {
  const other = otherFlags[rawName]
  return other !== undefined && names.includes(other) ? other : nearest(rawName, names)
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
    const meant = flagMeant(rawName, names)
    const advice = meant === null ? `see mxsteer ${command} --help` : `did you mean ${meant}?`
    return `there is no option ${rawName}: ${advice}`
  }
  if (flag.value === null)
    return value === undefined
      ? null
      : `${rawName} takes no value, expected it without ${JSON.stringify(value)}`
  const isMissing = value === undefined || (inlineValue !== true && /^-./.test(value))
  if (isMissing) return `${rawName} needs a value: ${rawName} ${flag.value}`
  const isColor = name !== 'color' || (colorTimes as readonly string[]).includes(value)
  return isColor ? null : `${rawName} is "${value}", ${suggestName('time', colorTimes, value)}`
}

/** Exit code of bad usage, settings or zone files. */
const badUsage = 2

/** Writes `mxsteer COMMAND: why` to standard error. Returns the exit code. */
export function fail(command: string, why: string, code: number = badUsage): number {
  tellWhy(`mxsteer ${command}: ${linesOf(why)}`, why)
  return code
}

/** What a command says of a word, where it takes none. */
export const noWords = (command: string, words: readonly string[]): string =>
  `what is ${JSON.stringify(words[0] ?? '')}? ${command} takes options only, see mxsteer ${command} --help`

/** Why a command has nothing to do with a zone. `known`: names of the zones that there are. */
export const noZone = (zone: string, folder: string, known: readonly string[]): string =>
  `no zone ${zone} in ${folder}, ${suggestName('zone', known, zone)}`

/** The same of a server that runs. `rows`: what it has. */
export const noTargetOf = (zone: string, rows: readonly { readonly zone: string }[]): string =>
  `no target of a zone ${zone}, ${suggestName('target', new Set(rows.map((row) => row.zone)), zone)}`

/** What a flag is, in place of a port. */
export const noPort = (name: string, values: FlagValues): string =>
  `--${name} is ${JSON.stringify(values[name])}, expected a port from 1 to 65535`

/** As `fail`, but diagnostics of files, which begin with their position, get no prefix. */
export function failAt(command: string, why: string): number {
  if (!/^\S+:\d+/.test(why)) return fail(command, why)
  tellWhy(linesOf(why), why)
  return badUsage
}

/** Diagnostics have several lines; within a line nothing acts on a terminal. */
const linesOf = (text: string): string => text.split('\n').map(printable).join('\n')
