// Every command of the command line.

import { badUsage, type Command, type CommandFlag, flag } from './command.ts'
import { keyCommands } from './key-commands.ts'
import { serverCommands } from './server-commands.ts'
import { zoneCommands } from './zone-commands.ts'

const shells = ['bash', 'zsh', 'fish'] as const

const completionCommand: Command = {
  name: 'completion',
  words: 'bash|zsh|fish',
  summary: 'what a shell reads to complete commands and flags',
  offers: shells,
  flags: [],
  examples: [{ line: 'source <(mxsteer completion bash)', what: 'in this shell' }],
  exits: [[0, 'done'], badUsage],
}

interface CommandGroup {
  readonly title: string
  readonly commands: readonly Command[]
}

/** In the order of the help. */
export const commandGroups: readonly CommandGroup[] = [
  { title: 'The server, and what asks one that runs', commands: serverCommands },
  { title: 'Zones, and the world around them', commands: [...zoneCommands, completionCommand] },
  { title: 'Keys that zones are signed with', commands: keyCommands },
]

export const commands: readonly Command[] = commandGroups.flatMap((group) => group.commands)

const helpFlag: CommandFlag = flag('help', null, 'this text', { short: 'h' })

/** Every command takes these. */
export const everyFlag: readonly CommandFlag[] = [
  flag(
    'color',
    'WHEN',
    'auto (default: on terminals, by NO_COLOR and FORCE_COLOR), always or never',
    {
      offers: ['auto', 'always', 'never'],
    },
  ),
  helpFlag,
]

export const findCommand = (name: string): Command | null =>
  commands.find((command) => command.name === name) ?? null
