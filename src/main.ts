#!/usr/bin/env node
// argv → command. Each command is a file of cli/ and resolves to the exit code; serve runs until a signal.

import { check } from './cli/check.ts'
import { doctor } from './cli/doctor.ts'
import { explain } from './cli/explain.ts'
import { helpText } from './cli/help.ts'
import { disable, drain, undo, undrain, up, weight } from './cli/overrides.ts'
import { probe } from './cli/probe.ts'
import { serve } from './cli/serve.ts'
import { simulate } from './cli/simulate.ts'
import { status } from './cli/status.ts'
import { targets } from './cli/targets.ts'
import { version } from './version.ts'

type Command = (argv: readonly string[]) => Promise<number>

const commands: ReadonlyMap<string, Command> = new Map([
  ['serve', serve],
  ['check', check],
  ['probe', probe],
  ['explain', explain],
  ['simulate', simulate],
  ['doctor', doctor],
  ['status', status],
  ['targets', targets],
  ['drain', drain],
  ['undrain', undrain],
  ['weight', weight],
  ['disable', disable],
  ['up', up],
  ['undo', undo],
])

export async function main(argv: readonly string[]): Promise<number> {
  const [first, ...rest] = argv
  if (argv.includes('--help') || argv.includes('-h') || first === 'help') {
    process.stdout.write(helpText)
    return 0
  }
  if (first === '--version' || first === 'version') {
    process.stdout.write(`mxsteer ${version}\n`)
    return 0
  }
  const command = commands.get(first ?? '')
  if (command) return command(rest)
  process.stderr.write(
    first === undefined
      ? `mxsteer: which command? One of ${[...commands.keys()].join(', ')}; see mxsteer --help\n`
      : `mxsteer: "${first}" is no command; see mxsteer --help\n`,
  )
  return 2
}

// exit(), since a handle that lingers must not keep a stopped server alive.
if (import.meta.main) process.exit(await main(process.argv.slice(2)))
