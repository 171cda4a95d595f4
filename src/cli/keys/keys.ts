// `mxsteer keys`: makes, imports and shows the keys that zones are signed with. They are files: a server that runs reads them
// again by itself, and is not asked.
//
// Exits with 0, with 1 where a key is missing or has a mistake, and with 2 for bad usage; with 4 where a roll-over waits and is
// to be gone on with.

import { fail } from '../commands/flags.ts'
import { ds } from './ds.ts'
import { generate } from './generate.ts'
import { importKeys } from './import.ts'
import { request, sign } from './offline-signing.ts'
import { retire } from './retire.ts'
import { rollover } from './rollover.ts'
import { keyStatus } from './status.ts'

interface KeysCommand {
  readonly run: (argv: readonly string[]) => Promise<number>
  /** Beside `--keys DIR`, which each takes. */
  readonly usage: string
}

const commands: ReadonlyMap<string, KeysCommand> = new Map([
  ['generate', { run: generate, usage: 'ZONE [--algorithm 13|15] [--split] [--zsk]' }],
  ['ds', { run: ds, usage: 'ZONE [--digest 2|4] [--json]' }],
  ['import', { run: importKeys, usage: 'FILE... [--zone ZONE] [--zsk]' }],
  ['status', { run: keyStatus, usage: '[ZONE] [--parents] [--watch] [--json]' }],
  [
    'rollover',
    {
      run: rollover,
      usage:
        'ZONE [--ksk|--zsk] [--algorithm 13|15] [--now] [--abort] [--hook CMD] [--dry-run] [--json]',
    },
  ],
  ['request', { run: request, usage: 'ZONE [--zones DIR]' }],
  ['sign', { run: sign, usage: 'FILE [--days 180] [--unsign]' }],
  ['retire', { run: retire, usage: 'ZONE [--hook CMD] [--dry-run] [--json]' }],
])

export async function keys(argv: readonly string[]): Promise<number> {
  const [first, ...rest] = argv
  const command = commands.get(first ?? '')
  if (command) return command.run(rest)
  const lines = Array.from(commands, ([name, { usage }]) => `  mxsteer keys ${name} ${usage}`)
  const what = first === undefined ? 'do what?' : `"${first}" is no command;`
  const folder = 'each with --keys DIR where the settings name no folder'
  return fail('keys', `${what} one of\n${lines.join('\n')}\n${folder}`)
}
