// `mxsteer completion bash|zsh|fish`: what a shell reads to complete commands, flags and words, made from the table.

import { suggestName } from '../../lib/suggest-name.ts'
import { fail, parseFlags } from './flags.ts'
import type { Command, CommandFlag } from './command.ts'
import { commands, everyFlag } from './commands.ts'

type Offers = CommandFlag['offers']

/** A script for each shell. */
export const completions: ReadonlyMap<string, () => string> = new Map([
  ['bash', bashCompletion],
  ['zsh', zshCompletion],
  ['fish', fishCompletion],
])

export async function completion(argv: readonly string[]): Promise<number> {
  const name = 'completion'
  const flags = parseFlags(name, argv)
  if (flags.kind === 'bad') return fail(name, flags.why)
  const [word = '', ...rest] = flags.words
  if (word === '' || rest.length > 0) return fail(name, 'which shell? bash, zsh or fish')
  const script = completions.get(word)
  if (script === undefined) {
    const advice = suggestName('shell', completions.keys(), word)
    return fail(name, `there is none for ${JSON.stringify(word)}, ${advice}`)
  }
  process.stdout.write(script())
  return 0
}

const flagsOf = ({ flags }: Command): readonly CommandFlag[] => [...flags, ...everyFlag]

/** Commands by their first word, such as `keys`, in order. */
function firstWords(): ReadonlyMap<string, readonly Command[]> {
  return Map.groupBy(commands, ({ name }) => name.split(' ')[0] as string)
}

const secondWord = ({ name }: Command): string | null => name.split(' ')[1] ?? null

/** What the second words are offered for. */
const grouped = (): readonly (readonly [string, readonly Command[]])[] =>
  [...firstWords()].filter(([, [first]]) => first !== undefined && secondWord(first) !== null)

// bash

function bashCompletion(): string {
  return `# bash completion of mxsteer
_mxsteer() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
  local command=\${COMP_WORDS[1]} words= offers=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '${[...firstWords().keys()].join(' ')}' -- "$cur"))
    return
  fi
  case $command in
${bashSeconds().join('\n')}
  esac
  if [ -n "$words" ]; then
    if [ "$COMP_CWORD" -eq 2 ]; then
      COMPREPLY=($(compgen -W "$words" -- "$cur"))
      return
    fi
    command="$command \${COMP_WORDS[2]}"
  fi
  case "$command $prev" in
${bashValues().join('\n')}
  esac
  case $command in
${bashWords().join('\n')}
  esac
  case $cur in
    -*) COMPREPLY=($(compgen -W "$words" -- "$cur")) ;;
    *)
      case $offers in
        :files) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$cur")) ;;
        *) COMPREPLY=($(compgen -W "$offers" -- "$cur")) ;;
      esac
      ;;
  esac
}
complete -F _mxsteer mxsteer
`
}

const bashSeconds = (): readonly string[] =>
  grouped().map(([word, all]) => `    ${word}) words='${all.map(secondWord).join(' ')}' ;;`)

const bashValues = (): readonly string[] =>
  commands.flatMap((command) =>
    command.flags
      .filter(({ value }) => value !== null)
      .map((one) => `    '${command.name} --${one.name}') ${bashOffer(one.offers)} return ;;`),
  )

const bashWords = (): readonly string[] =>
  commands.map((command) => {
    const names = flagsOf(command).map(({ name }) => `--${name}`)
    return `    '${command.name}') words='${names.join(' ')}'; offers='${wordOffers(command.offers)}' ;;`
  })

const wordOffers = (offers: Offers): string =>
  typeof offers === 'object' ? offers.join(' ') : offers === undefined ? '' : ':files'

function bashOffer(offers: Offers): string {
  if (offers === undefined) return ''
  if (typeof offers === 'object')
    return `COMPREPLY=($(compgen -W '${offers.join(' ')}' -- "$cur"));`
  const kind = offers === 'folders' ? '-d' : '-f'
  return `compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen ${kind} -- "$cur"));`
}

// zsh

function zshCompletion(): string {
  const firsts = Array.from(firstWords(), ([word, [first]]) =>
    zshItem(word, first !== undefined && secondWord(first) === null ? first.summary : word),
  )
  return `#compdef mxsteer
# zsh completion of mxsteer
_mxsteer() {
  local -a items
  if (( CURRENT == 2 )); then
    items=(${firsts.join(' ')})
    _describe command items
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${zshSeconds().join('\n')}
  esac
  case $command in
${zshWords().join('\n')}
  esac
}
if [ "$funcstack[1]" = _mxsteer ]; then
  _mxsteer "$@"
else
  compdef _mxsteer mxsteer
fi
`
}

const zshSeconds = (): readonly string[] =>
  grouped().map(([word, all]) => {
    const items = all.map((one) => zshItem(secondWord(one) ?? '', one.summary))
    return `    ${word})
      if (( CURRENT == 2 )); then
        items=(${items.join(' ')})
        _describe command items
        return
      fi
      command="$command $words[2]"
      shift words
      (( CURRENT-- ))
      ;;`
  })

const zshWords = (): readonly string[] =>
  commands.map((command) => {
    const specs = [
      ...flagsOf(command).map(zshFlag),
      `'*:${command.words}:${zshOffer(command.offers)}'`,
    ]
    return `    '${command.name}') _arguments -S ${specs.join(' ')} ;;`
  })

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

const zshItem = (word: string, summary: string): string =>
  quoted(`${word}:${summary.replaceAll(':', '\\:')}`)

const zshText = (text: string): string => text.replaceAll(/[\\[\]:]/g, '\\$&')

function zshFlag({ name, value, help, isRepeatable, offers }: CommandFlag): string {
  const repeated = isRepeatable === true ? '*' : ''
  const argument = value === null ? '' : `:${zshText(value)}:${zshOffer(offers)}`
  return quoted(`${repeated}--${name}[${zshText(help)}]${argument}`)
}

function zshOffer(offers: Offers): string {
  if (offers === undefined) return ' '
  if (typeof offers === 'object') return `(${offers.join(' ')})`
  return offers === 'folders' ? '_files -/' : '_files'
}

// fish

function fishCompletion(): string {
  const firsts = Array.from(firstWords(), ([word, [first]]) => {
    const summary = first !== undefined && secondWord(first) === null ? first.summary : ''
    return `complete -c mxsteer -f -n __fish_use_subcommand -a ${word} -d ${fishQuoted(summary)}`
  })
  const seconds = grouped().flatMap(([word, all]) => {
    const names = all.map(secondWord).join(' ')
    const when = `__fish_seen_subcommand_from ${word}; and not __fish_seen_subcommand_from ${names}`
    return all.map(
      (one) =>
        `complete -c mxsteer -f -n '${when}' -a ${secondWord(one)} -d ${fishQuoted(one.summary)}`,
    )
  })
  const own = commands.flatMap((command) => {
    const when = `complete -c mxsteer -n '${fishWhen(command)}'`
    return [
      ...flagsOf(command).map((one) => `${when} ${fishFlag(one)}`),
      `${when} ${fishOffer(command.offers)}`,
    ]
  })
  return `# fish completion of mxsteer\n${[...firsts, ...seconds, ...own].join('\n')}\n`
}

/** Where the words before are those of the command: `import` is one, and `keys import` another. */
function fishWhen(command: Command): string {
  const second = secondWord(command)
  const first = command.name.split(' ')[0] ?? ''
  if (second !== null)
    return `__fish_seen_subcommand_from ${first}; and __fish_seen_subcommand_from ${second}`
  const others = grouped().map(([word]) => word)
  return `__fish_seen_subcommand_from ${first}; and not __fish_seen_subcommand_from ${others.join(' ')}`
}

const fishQuoted = (text: string): string => `'${text.replaceAll(/[\\']/g, '\\$&')}'`

function fishFlag({ name, value, help, short, offers }: CommandFlag): string {
  const letter = short === undefined ? '' : `-s ${short} `
  const argument = value === null ? '-f' : `-r ${fishOffer(offers)}`
  return `${letter}-l ${name} -d ${fishQuoted(help)} ${argument}`
}

function fishOffer(offers: Offers): string {
  if (offers === undefined) return '-f'
  if (typeof offers === 'object') return `-f -a '${offers.join(' ')}'`
  return offers === 'folders' ? `-f -a '(__fish_complete_directories)'` : '-F'
}
