// `npm start`: the server, and beside it the demo MTAs that the shipped zones steer to.
//
//   npm start                         server with zones/ and the demo MTAs
//   npm start -- --listen … …         the same with flags for serve; --zones leaves the demo MTAs out
//   npm start -- serve … (or check…)  the command alone
//
// With MTA_PORT set the demo MTAs listen on that port, and are started beside whatever zones are served: so a second demo
// runs beside the first, with zones of its own.

import { type ChildProcess, fork } from 'node:child_process'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

import { buildConsole } from '../console/build.ts'
import { main } from '../src/main.ts'
import { demoAddresses } from './mta.ts'

const shippedZones = fileURLToPath(new URL('../zones', import.meta.url))
const mta = fileURLToPath(new URL('./mta.ts', import.meta.url))

/** The zones folder that serve will read, as far as flags and environment say. */
function zonesOf(flags: readonly string[]): string {
  const at = flags.findLastIndex((flag) => flag === '--zones' || flag.startsWith('--zones='))
  if (at >= 0)
    return flags[at] === '--zones'
      ? (flags[at + 1] ?? '')
      : (flags[at] ?? '').slice('--zones='.length)
  return process.env['MXSTEER_ZONES'] ?? 'zones'
}

/** Starts one and says so when it ends, since ending one is what the demo is for. */
function startMta(name: string): Promise<ChildProcess> {
  const child = fork(mta, [name], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  child.once('exit', (code, signal) => {
    if (isEnding) return
    process.stdout.write(
      `demo MTA ${name} ended (${signal ?? code}); start it again: npm run mta -- ${name}\n`,
    )
  })
  // Until it listens, or has failed to and said why: probes begin at once, and must not find a demo half begun.
  return new Promise((settled) => {
    child.once('message', () => settled(child))
    child.once('exit', () => settled(child))
  })
}

/** Builds what browsers get where its sources moved; a server without it serves the plain page. */
async function buildConsoleIfMoved(): Promise<void> {
  const out = fileURLToPath(new URL('../dist/console', import.meta.url))
  try {
    await buildConsole(out, true)
  } catch (error) {
    process.stderr.write(`the console could not be built: ${(error as Error).message}\n`)
  }
}

let isEnding = false
const argv = process.argv.slice(2)
const isCommand =
  argv[0] !== undefined &&
  (!argv[0].startsWith('-') || ['--help', '-h', '--version'].includes(argv[0]))

if (isCommand) {
  process.exitCode = await main(argv)
} else {
  await buildConsoleIfMoved()
  const isDemo =
    process.env['MTA_PORT'] !== undefined ||
    (resolve(zonesOf(argv)) === shippedZones && !argv.some((flag) => flag.startsWith('--config')))
  const children = isDemo ? await Promise.all(Object.keys(demoAddresses).map(startMta)) : []
  process.on('exit', () => {
    isEnding = true
    for (const child of children) child.kill()
  })
  process.exitCode = await main(['serve', ...argv])
  process.exit()
}
