// Postfix as Debian ships it, as MTAs of tests: each with its own configuration, queue and data folders under a
// temporary one, on an unprivileged port of a loopback address, answering SMTP and delivering nothing.

import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { atExit } from './at-exit.ts'
import { isProcessAlive, temporaryFolder } from './server.ts'
import { until } from './wait.ts'

const run = promisify(execFile)

export interface PostfixOptions {
  readonly name: string
  readonly address: string
  readonly port: number
  /** Puts postscreen before smtpd: a teaser line `220-…` first, the final banner after two seconds. */
  readonly postscreen?: boolean
  /** Lines for main.cf. */
  readonly main?: readonly string[]
  /** Lines for master.cf. */
  readonly services?: readonly string[]
  /** A command that starts it, as `nsenter` does: what comes after it is the command to run. */
  readonly through?: readonly string[]
}

export interface Postfix {
  readonly address: string
  readonly port: number
  start(): Promise<void>
  stop(): Promise<void>
  /** SIGKILL for the master and everything it started: no QUIT to any client. */
  kill(): Promise<void>
  /** What it logged since the first start. */
  log(): string
}

/** Sets the folders up; nothing runs before `start`. */
export async function createPostfix(options: PostfixOptions): Promise<Postfix> {
  if (process.getuid?.() !== 0) {
    throw new Error('these tests start Postfix, which only root may: run npm test as root')
  }
  const folder = await layFolders(options)
  const configuration = join(folder, 'etc')
  const pidFile = join(folder, 'queue/pid/master.pid')
  const logFile = join(folder, 'mail.log')
  const master = (): number | null => readPid(pidFile)
  const command = async (word: 'start' | 'stop'): Promise<void> => {
    const through = word === 'start' ? (options.through ?? []) : []
    try {
      const postfix = ['postfix', '-c', configuration, word]
      await run('env', [...through, ...postfix], { timeout: 90_000 })
    } catch (error) {
      // Postfix says why in its log, if it got that far.
      throw new Error(`postfix ${word} failed: ${String(error)}\n${readText(logFile)}`, {
        cause: error,
      })
    }
  }

  const kill = async (): Promise<void> => {
    const pid = master()
    if (pid === null || !isProcessAlive(pid)) return
    killAll(pid)
    await gone(pid)
  }
  // A test that dies half way leaves no daemon behind.
  atExit(() => {
    const pid = master()
    if (pid !== null && isProcessAlive(pid)) killAll(pid)
  })

  return {
    address: options.address,
    port: options.port,
    kill,
    async start() {
      await command('start')
      // The master starts its logger at the first log line, and hangs if too many did before that.
      const mark = `tests begin at ${performance.now()}`
      await run('postlog', ['-c', configuration, mark], { timeout: 20_000 })
      await until(() => readText(logFile).includes(mark), { what: 'a logger', withinMs: 60_000 })
    },
    async stop() {
      const pid = master()
      if (pid === null || !isProcessAlive(pid)) return
      await command('stop')
      await gone(pid)
    },
    log: () => readText(logFile),
  }
}

async function layFolders(options: PostfixOptions): Promise<string> {
  const folder = temporaryFolder()
  chmodSync(folder, 0o755)
  for (const name of ['etc', 'queue', 'data']) mkdirSync(join(folder, name))
  await run('chown', ['postfix', join(folder, 'data')])
  writeFileSync(join(folder, 'etc/main.cf'), mainCf(folder, options))
  writeFileSync(join(folder, 'etc/master.cf'), masterCf(options))
  return folder
}

const mainCf = (folder: string, { name, main = [] }: PostfixOptions): string =>
  [
    'compatibility_level = 3.6',
    `queue_directory = ${folder}/queue`,
    `data_directory = ${folder}/data`,
    `maillog_file = ${folder}/mail.log`,
    `maillog_file_prefixes = ${folder}`,
    // The logger stays, however long it is idle or a busy machine lets it wait.
    'max_idle = 1h',
    'postlogd_watchdog_timeout = 600s',
    `myhostname = ${name}`,
    'mydestination =',
    'local_recipient_maps =',
    'alias_maps =',
    'alias_database =',
    // Only addresses that an interface has may stand here; which one it listens on stands in master.cf.
    'inet_interfaces = loopback-only',
    'inet_protocols = ipv4',
    'mynetworks = 127.0.0.0/8',
    'smtpd_peername_lookup = no',
    'postscreen_greet_wait = 2s',
    'postscreen_greet_banner = $smtpd_banner',
    'postscreen_greet_action = enforce',
    // Else loopback clients pass without being tested.
    'postscreen_access_list =',
    'postscreen_cache_map =',
    ...main,
    '',
  ].join('\n')

const masterCf = ({ address, port, postscreen = false, services = [] }: PostfixOptions): string =>
  [
    postscreen
      ? `${address}:${port} inet n - n - 1 postscreen\nsmtpd pass - - n - - smtpd`
      : `${address}:${port} inet n - n - - smtpd`,
    'cleanup unix n - n - 0 cleanup',
    'rewrite unix - - n - - trivial-rewrite',
    'anvil unix - - n - 1 anvil',
    'proxymap unix - - n - - proxymap',
    'postlog unix-dgram n - n - 1 postlogd',
    ...services,
    '',
  ].join('\n')

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

const gone = (pid: number): Promise<unknown> =>
  until(() => !isProcessAlive(pid), { what: `the end of master ${pid}`, withinMs: 60_000 })

function readPid(file: string): number | null {
  const pid = Number.parseInt(readText(file), 10)
  return Number.isSafeInteger(pid) && pid > 1 ? pid : null
}

// A child that sees its master gone forks, to finish what it has begun: so the master stands still first, and
// goes last. Each of them leads a process group.
function killAll(master: number): void {
  signal(master, 'SIGSTOP')
  for (const child of childrenOf(master)) signal(-child, 'SIGKILL')
  signal(master, 'SIGKILL')
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It ended by itself.
  }
}

const childrenOf = (parent: number): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => readText(`/proc/${name}/status`).includes(`\nPPid:\t${parent}\n`))
    .map(Number)
