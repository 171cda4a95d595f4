// Manual pages, made from the table of commands: mxsteer(1), and one for each command as mxsteer-check(1).

import type { Command } from './command.ts'
import { commandGroups, commands, everyFlag } from './commands.ts'
import { flagText, helpOf, sentenceOf } from './help.ts'

interface ManualPage {
  /** Of the file, such as `mxsteer-keys-status.1`. */
  readonly file: string
  /** For man(7). */
  readonly text: string
}

/** `date`: of the pages, as `2026-11-29`. */
export const manualPages = (version: string, date: string): readonly ManualPage[] =>
  [overviewPage, ...commands.map((command) => () => commandPage(command))].map((page) => {
    const { name, lines } = page()
    const head = `.TH ${name.toUpperCase()} 1 "${date}" "mxsteer ${version}" "mxsteer"`
    return { file: `${name}.1`, text: `${[head, ...lines].join('\n')}\n` }
  })

interface PageLines {
  readonly name: string
  readonly lines: readonly string[]
}

const pageName = ({ name }: Command): string => `mxsteer-${name.replace(' ', '-')}`

function overviewPage(): PageLines {
  const lines = [
    '.SH NAME',
    'mxsteer \\- an authoritative DNS server that steers mail',
    '.SH SYNOPSIS',
    '.B mxsteer',
    '.I COMMAND',
    '.RI [ OPTION ...]',
    '.SH DESCRIPTION',
    roff(
      'Answers MX, A and AAAA of delegated names with weighted, GeoIP-aware and health-checked record sets, and finds dead mail servers by SMTP probes. Zone files are YAML; every key of them, every setting and every error is in the pages of the package.',
    ),
    ...commandGroups.flatMap(({ title, commands: group }) => [
      `.SH ${roff(title.toUpperCase())}`,
      ...group.flatMap((command) => [
        '.TP',
        `.BR ${pageName(command)} (1)`,
        roff(`${command.summary}.`),
      ]),
    ]),
    '.SH FILES',
    '.TP',
    '.I mxsteer.yaml',
    'settings, in the working folder, where no --config names another file.',
    '.SH SEE ALSO',
    '.BR named (8),',
    '.BR dig (1)',
  ]
  return { name: 'mxsteer', lines }
}

function commandPage(command: Command): PageLines {
  const { name, words, summary, about = [], examples, exits } = command
  const lines = [
    '.SH NAME',
    `${pageName(command)} \\- ${roff(summary)}`,
    '.SH SYNOPSIS',
    `.B mxsteer ${roff(name)}`,
    ...(words === '' ? [] : [roff(words)]),
    '.RI [ OPTION ...]',
    '.SH DESCRIPTION',
    roff(sentenceOf(command)),
    ...about.flatMap((paragraph) => ['.PP', roff(paragraph)]),
    '.SH OPTIONS',
    ...[...command.flags, ...everyFlag].flatMap((one) => [
      '.TP',
      `.B ${roff(flagText(one))}`,
      roff(`${helpOf(one)}.`),
    ]),
    '.SH EXAMPLES',
    ...examples.flatMap(({ line, what }) => ['.TP', `.B ${roff(line)}`, roff(`${what}.`)]),
    '.SH EXIT STATUS',
    ...exits.flatMap(([code, meaning]) => ['.TP', `.B ${code}`, roff(`${meaning}.`)]),
    '.SH SEE ALSO',
    '.BR mxsteer (1)',
  ]
  return { name: pageName(command), lines }
}

/** As text of roff: nothing of it is a request, and hyphens can be copied. */
const roff = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(?=[.'])/, '\\&')
