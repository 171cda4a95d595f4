// What a command of the command line is, for its parser, its help, completion by shells and manual pages.

/** A flag. */
export interface CommandFlag {
  /** Without the hyphens. */
  readonly name: string
  /** What stands for its value, such as `DIR`; null: it is a switch. */
  readonly value: string | null
  readonly help: string
  readonly isRepeatable?: boolean
  /** One letter that stands for it too. */
  readonly short?: string
  /** What a shell offers for the value; absent: nothing. */
  readonly offers?: 'files' | 'folders' | readonly string[]
}

export interface Command {
  /** One word, or two as in `keys status`. */
  readonly name: string
  /** What follows it, such as `NAME [TYPE]`; empty: flags alone. */
  readonly words: string
  /** One line. */
  readonly summary: string
  /** Paragraphs. */
  readonly about?: readonly string[]
  readonly flags: readonly CommandFlag[]
  /** What a shell offers for its words; absent: nothing. */
  readonly offers?: CommandFlag['offers']
  readonly examples: readonly CommandExample[]
  readonly exits: readonly ExitCode[]
}

export interface CommandExample {
  readonly line: string
  readonly what: string
}

/** A code and what it says. */
export type ExitCode = readonly [code: number, meaning: string]

export const flag = (
  name: string,
  value: string | null,
  help: string,
  more: Pick<CommandFlag, 'isRepeatable' | 'short' | 'offers'> = {},
): CommandFlag => ({ name, value, help, ...more })

export const jsonFlag: CommandFlag = flag('json', null, 'the same as JSON')

export const configFlag: CommandFlag = flag(
  'config',
  'FILE',
  'settings (default: mxsteer.yaml if there is one)',
  { offers: 'files' },
)

export const zonesFlag: CommandFlag = flag(
  'zones',
  'DIR',
  'folder of zone files (default: as serve has it)',
  { offers: 'folders' },
)

export const badUsage: ExitCode = [2, 'bad usage']
export const badFiles: ExitCode = [2, 'bad usage, settings or zone files']
