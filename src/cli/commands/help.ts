// The texts of --help, at 80 columns.

import { printable } from '../../lib/printable.ts'
import { nearest } from '../../lib/suggest-name.ts'
import { wrapText } from '../text/columns.ts'
import type { Command, CommandFlag } from './command.ts'
import { commandGroups, commands, findCommand, everyFlag } from './commands.ts'

const columns = 80

/** `help`, `help COMMAND` and `COMMAND --help`. Returns the exit code. */
export function help(argv: readonly string[]): number {
  const words = argv.filter((word) => word !== 'help' && !word.startsWith('-'))
  const [first = '', second = ''] = words
  const command = findCommand(`${first} ${second}`) ?? findCommand(first)
  const isNone = first !== 'keys' || second !== ''
  if (command === null && first !== '' && isNone) return noCommand(`${first} ${second}`.trim())
  process.stdout.write(command === null ? overview() : commandHelp(command))
  return 0
}

/** Says so, with what may be meant. Returns the exit code. */
export function noCommand(word: string): number {
  const whole = commands.map(({ name }) => name)
  const meant = nearest(word, firstWords) ?? nearest(word, whole) ?? meantCommands[word] ?? null
  const advice = meant === null ? 'see mxsteer --help' : `did you mean ${meant}? See mxsteer --help`
  process.stderr.write(`mxsteer: "${printable(word)}" is no command: ${advice}\n`)
  return 2
}

/** What other servers and their tools call a command. */
const meantCommands: Readonly<Record<string, string>> = {
  reload: '"systemctl reload mxsteer", or the signal SIGHUP',
  stop: '"systemctl stop mxsteer", or the signal SIGTERM',
  restart: '"systemctl restart mxsteer"',
  start: 'serve',
  run: 'serve',
  validate: 'check',
  verify: 'check',
  lint: 'check',
  configtest: 'check',
  zones: 'check',
  generate: 'keys generate',
  convert: 'import',
  dig: 'explain',
  query: 'explain',
  enable: 'undrain',
  resume: 'undrain',
}

const firstWords: readonly string[] = [
  ...new Set(commands.map(({ name }) => name.split(' ')[0] as string)),
]

/** Of all commands. */
export function overview(): string {
  const groups = commandGroups.flatMap(({ title, commands }) => [
    '',
    title,
    ...pairs(commands.map(({ name, words, summary }) => [`${name} ${words}`.trim(), summary])),
  ])
  return lines([
    'mxsteer: an authoritative DNS server that steers mail',
    '',
    'Usage: mxsteer COMMAND [OPTION...]',
    ...groups,
    '',
    ...wrapped(
      '"mxsteer COMMAND --help" tells of one: its options, examples and exit codes. "mxsteer --version" tells the version.',
      0,
    ),
  ])
}

export function commandHelp(command: Command): string {
  const { name, words, about = [], examples, exits } = command
  const flags = [...command.flags, ...everyFlag]
  return lines([
    `Usage: mxsteer ${[name, words, '[OPTION...]'].filter((part) => part !== '').join(' ')}`,
    '',
    ...wrapped(sentenceOf(command), 0),
    ...about.flatMap((paragraph) => ['', ...wrapped(paragraph, 0)]),
    '',
    'Options',
    ...pairs(flags.map((one) => [flagText(one), helpOf(one)])),
    '',
    'Examples',
    ...examples.flatMap(({ line, what }) => [`  ${line}`, ...wrapped(what, 6)]),
    '',
    'Exit codes',
    ...pairs(exits.map(([code, meaning]) => [String(code), meaning])),
  ])
}

/** What a command is for. */
export const sentenceOf = ({ summary }: Command): string =>
  `${summary[0]?.toUpperCase()}${summary.slice(1)}.`

/** `-o, --output PATH` */
export const flagText = ({ name, value, short }: CommandFlag): string =>
  `${short === undefined ? '' : `-${short}, `}--${name}${value === null ? '' : ` ${value}`}`

/** What a flag is for, and whether it may be repeated. */
export const helpOf = ({ help, isRepeatable }: CommandFlag): string =>
  isRepeatable === true && !help.includes('may be repeated') ? `${help}; may be repeated` : help

const lines = (all: readonly string[]): string => `${all.join('\n')}\n`

/** Where a left part is wider than this, its text begins on the next line. */
const widestLeft = 26

/** Two columns, the right one wrapped. */
function pairs(rows: readonly (readonly [string, string])[]): readonly string[] {
  const fitting = rows.map(([left]) => left.length).filter((width) => width <= widestLeft)
  const indent = Math.max(4, ...fitting) + 4
  return rows.flatMap(([left, right]) => {
    const texts = wrapped(right, indent)
    if (left.length > widestLeft) return [`  ${left}`, ...texts]
    const [first = '', ...rest] = texts
    return [`  ${left}`.padEnd(indent) + first.slice(indent), ...rest]
  })
}

/** Lines of 80 columns, behind an indent. */
const wrapped = (text: string, indent: number): readonly string[] =>
  wrapText(text, indent, columns, 0).map((line) => ' '.repeat(indent) + line)
