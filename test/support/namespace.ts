// A host of its own on this machine, as a network namespace without a name: interfaces, routes and sysctls apart from
// everybody else's. It takes root, unshare(1), nsenter(1) and ip(8), and ends with the process that holds it.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { readlinkSync } from 'node:fs'

import { atExit } from './at-exit.ts'

export interface Namespace {
  /** Of the process that holds it, as ip(8) takes it for `netns`. */
  readonly pid: number
  spawn(command: string, args: readonly string[], env?: NodeJS.ProcessEnv): ChildProcess
  /** Runs a command to its end; throws with what it printed if it fails. */
  run(command: string, ...args: readonly string[]): string
  /** Runs one line of ip(8). */
  ip(line: string): void
  /** Sets what lies below /proc/sys/net. */
  sysctl(key: string, value: number): void
  remove(): void
}

/** Throws, in one line, where namespaces cannot be made. */
export function createNamespace(): Namespace {
  const holder = spawn('unshare', ['--net', 'sleep', '900'], { stdio: 'ignore' })
  holder.on('error', () => {})
  const remove = (): void => void holder.kill('SIGKILL')
  atExit(remove)
  try {
    const { pid } = holder
    if (pid === undefined) throw new Error('there is no unshare(1)')
    awaitNamespace(pid)
    return { ...commandsIn(pid), pid, remove }
  } catch (error) {
    remove()
    throw described(error)
  }
}

/** A fault of the machine, told in one line. */
export function described(error: unknown): Error {
  const why = String((error as { stderr?: unknown }).stderr || error).trim()
  return new Error(`network namespaces need root and ip(8): ${why.split('\n')[0]}`, {
    cause: error,
  })
}

function commandsIn(pid: number): Omit<Namespace, 'pid' | 'remove'> {
  const entering = (command: string, args: readonly string[]): string[] => [
    `--net=/proc/${pid}/ns/net`,
    command,
    ...args,
  ]
  const run = (command: string, ...args: readonly string[]): string =>
    execFileSync('nsenter', entering(command, args), {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 60_000,
    })
  return {
    run,
    spawn: (command, args, env = process.env) =>
      spawn('nsenter', entering(command, args), { env, stdio: ['ignore', 'pipe', 'pipe'] }),
    ip: (line) => void run('ip', ...line.split(' ')),
    sysctl: (key, value) => void run('sh', '-c', `echo ${value} > /proc/sys/net/${key}`),
  }
}

/** Waits until the process has left our namespace for its own. */
function awaitNamespace(pid: number): void {
  const ours = readlinkSync('/proc/self/ns/net')
  for (let tries = 0; tries < 1000; tries++) {
    if (readNamespace(pid) !== ours) return
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
  }
  throw new Error('unshare(1) makes none')
}

/** Of a process that has ended it is ours: nothing to enter. */
function readNamespace(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`)
  } catch {
    return readlinkSync('/proc/self/ns/net')
  }
}
