#!/usr/bin/env node
// The entry point: runs the command that the command line names. Each command is a file of cli/ and
// resolves to the exit code; `serve` runs until a signal.

import { exitProcess } from './app/exit.ts'
import { version } from './app/version.ts'

type Command = (argv: readonly string[]) => Promise<number>

// Loaded on demand, so that `serve` does not wait for the code of the others.
const commands: ReadonlyMap<string, () => Promise<Command>> = new Map([
  ['serve', async () => (await import('./cli/serve.ts')).serve],
  ['check', async () => (await import('./cli/check.ts')).check],
  ['probe', async () => (await import('./cli/probe.ts')).probe],
  ['explain', async () => (await import('./cli/explain.ts')).explain],
  ['simulate', async () => (await import('./cli/simulate.ts')).simulate],
  ['delegation', async () => (await import('./cli/zones/delegation.ts')).delegation],
  ['doctor', async () => (await import('./cli/doctor.ts')).doctor],
  ['geoip', async () => (await import('./cli/geoip.ts')).geoip],
  ['health', async () => (await import('./cli/health.ts')).health],
  ['coherence', async () => (await import('./cli/names/coherence.ts')).coherence],
  ['mta-sts', async () => (await import('./cli/names/mta-sts.ts')).mtaSts],
  ['tlsa', async () => (await import('./cli/names/tlsa.ts')).tlsa],
  ['status', async () => (await import('./cli/status.ts')).status],
  ['targets', async () => (await import('./cli/targets.ts')).targets],
  ['drain', async () => (await import('./cli/overrides.ts')).drain],
  ['undrain', async () => (await import('./cli/overrides.ts')).undrain],
  ['weight', async () => (await import('./cli/overrides.ts')).weight],
  ['disable', async () => (await import('./cli/overrides.ts')).disable],
  ['up', async () => (await import('./cli/overrides.ts')).up],
  ['keys', async () => (await import('./cli/keys/keys.ts')).keys],
  ['import', async () => (await import('./cli/zones/import.ts')).importZones],
  ['test', async () => (await import('./cli/zones/test-cases.ts')).testCases],
  ['schema', async () => (await import('./cli/zones/schema.ts')).schema],
  ['extend', async () => (await import('./cli/overrides.ts')).extend],
  ['completion', async () => (await import('./cli/commands/completion.ts')).completion],
  ['undo', async () => (await import('./cli/overrides.ts')).undo],
])

export async function main(argv: readonly string[]): Promise<number> {
  const [first, ...rest] = argv
  if (argv.includes('--help') || argv.includes('-h') || first === 'help') {
    const { help } = await import('./cli/commands/help.ts')
    return help(argv)
  }
  if (first === '--version' || first === 'version') {
    process.stdout.write(`mxsteer ${version}\n`)
    return 0
  }
  const command = commands.get(first ?? '')
  if (command) return runCommand(await command(), rest)
  if (first === undefined) {
    const names = [...commands.keys()].join(', ')
    process.stderr.write(`mxsteer: which command? One of ${names}; see mxsteer --help\n`)
    return 2
  }
  const { noCommand } = await import('./cli/commands/help.ts')
  return noCommand(first)
}

async function runCommand(command: Command, argv: readonly string[]): Promise<number> {
  const end = argv.indexOf('--')
  if (!argv.slice(0, end < 0 ? argv.length : end).includes('--json')) return command(argv)
  const { beginCommand, printFailure } = await import('./cli/text/output.ts')
  beginCommand()
  const code = await command(argv)
  if (code !== 0) printFailure(code)
  return code
}

const neededNode = 24

/** Ends the process with the exit code of the command: a handle that is still open must not keep a stopped server alive. */
export async function run(argv: readonly string[]): Promise<never> {
  if (Number(process.versions.node.split('.', 1)) < neededNode) {
    process.stderr.write(
      `mxsteer needs Node.js ${neededNode} or newer; this is ${process.version}\n`,
    )
    return process.exit(1)
  }
  return exitProcess(await main(argv))
}

// Not known to a Node that is too old, which is to say so and not to end without a word.
if ((import.meta as { main?: boolean }).main ?? true) await run(process.argv.slice(2))
