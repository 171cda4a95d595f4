// Exim as Debian ships it, as an MTA of tests: its own configuration, spool and logs under a temporary folder,
// on an unprivileged port of a loopback address, taking every recipient and delivering nothing.

import { type ChildProcess, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'

import { atExit } from './at-exit.ts'
import { temporaryFolder } from './server.ts'
import { isListening, until } from './wait.ts'

export interface EximOptions {
  readonly address: string
  readonly port: number
  /** Lines for the main section, before the ACLs. */
  readonly main?: readonly string[]
}

export interface Exim {
  readonly port: number
  /** Main log and reject log. */
  log(): string
  stop(): Promise<void>
}

export async function startExim(options: EximOptions): Promise<Exim> {
  if (process.getuid?.() !== 0) {
    throw new Error('these tests start Exim, which only root may: run npm test as root')
  }
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'exim.conf'), configuration(folder, options), { mode: 0o644 })
  const { uid, gid } = await ownerOf('Debian-exim')
  for (const name of ['', 'spool', 'log']) {
    if (name !== '') mkdirSync(join(folder, name))
    chownSync(join(folder, name), uid, gid)
  }
  const daemon = spawn('exim4', ['-C', join(folder, 'exim.conf'), '-bdf'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  atExit(() => daemon.kill('SIGKILL'))
  await until(() => isListening(options.address, options.port), {
    what: 'Exim to listen',
    withinMs: 60_000,
  })
  return { port: options.port, log: () => readLogs(join(folder, 'log')), stop: () => end(daemon) }
}

async function ownerOf(user: string): Promise<{ uid: number; gid: number }> {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`${user}:`))
  const [, , uid, gid] = (line ?? '').split(':')
  if (uid === undefined) throw new Error(`there is no user ${user}: run npm run pretest`)
  return { uid: Number(uid), gid: Number(gid) }
}

const configuration = (folder: string, { address, port, main = [] }: EximOptions): string =>
  [
    'keep_environment =',
    'exim_path = /usr/local/sbin/exim4',
    'primary_hostname = mx.example.test',
    `spool_directory = ${folder}/spool`,
    `log_file_path = ${folder}/log/%slog`,
    `pid_file_path = ${folder}/spool/pid`,
    `daemon_smtp_ports = ${port}`,
    `local_interfaces = ${address}`,
    'smtp_accept_max = 200',
    'queue_only = true',
    'acl_smtp_rcpt = accept',
    ...main,
    'begin acl',
    '',
  ].join('\n')

function readLogs(folder: string): string {
  return ['mainlog', 'rejectlog', 'paniclog']
    .map((name) => join(folder, name))
    .filter((file) => existsSync(file) && statSync(file).size > 0)
    .map((file) => readFileSync(file, 'utf8'))
    .join('')
}

async function end(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return
  const gone = once(daemon, 'exit')
  daemon.kill('SIGTERM')
  await gone
}
