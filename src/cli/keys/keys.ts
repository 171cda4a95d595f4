// `mxsteer keys`: makes, imports and shows the keys that zones are signed with. They are files: a server that runs reads them
// again by itself, and is not asked.
//
// Exits with 0, with 1 where a key is missing or has a mistake, and with 2 for bad usage; with 4 where a roll-over waits and is
// to be gone on with.

import { suggestName } from '../../lib/suggest-name.ts'
import { fail } from '../commands/flags.ts'
import { ds } from './ds.ts'
import { generate } from './generate.ts'
import { importKeys } from './import.ts'
import { request, sign } from './offline-signing.ts'
import { retire } from './retire.ts'
import { rollover } from './rollover.ts'
import { keyStatus } from './status.ts'

const commands: ReadonlyMap<string, (argv: readonly string[]) => Promise<number>> = new Map([
  ['generate', generate],
  ['ds', ds],
  ['import', importKeys],
  ['status', keyStatus],
  ['rollover', rollover],
  ['request', request],
  ['sign', sign],
  ['retire', retire],
])

export async function keys(argv: readonly string[]): Promise<number> {
  const [first, ...rest] = argv
  const command = commands.get(first ?? '')
  if (command) return command(rest)
  if (first === undefined)
    return fail('keys', `do what? One of ${[...commands.keys()].join(', ')}; see mxsteer --help`)
  const advice = suggestName('command', commands.keys(), first)
  return fail('keys', `${JSON.stringify(first)} is no command: ${advice}`)
}
