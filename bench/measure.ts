// What a server costs a query: CPU time that the kernel charged to its process, while dnsperf asks.
//
// /proc/PID/stat counts user and kernel mode of all threads, so a machine that others use too disturbs it less than it
// does rates. It counts hundredths of a second: a round should last some seconds.

import { execFile, execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'

/** One round of one server. */
export interface Run {
  readonly microseconds: number
  /** Of these in user mode. */
  readonly userMicroseconds: number
  readonly perSecond: number
  readonly lost: number
  readonly averageMs: number
  readonly maxMs: number
  /** Answered codes as dnsperf prints them. */
  readonly codes: string
}

export interface Load {
  readonly port: number
  readonly pid: number
  readonly seconds: number
  /** Of dnsperf: what is asked, and how. */
  readonly options: readonly string[]
}

/** The server has the first core, the client the second, where there are two. */
const hasTwoCores = availableParallelism() > 1
const hasTaskset = ((): boolean => {
  try {
    execFileSync('taskset', ['-c', '0,1', 'true'])
    return hasTwoCores
  } catch {
    return false
  }
})()

/** A command line that runs on one core. */
export const pinned = (
  core: 0 | 1,
  command: string,
  args: readonly string[],
): [command: string, args: string[]] =>
  hasTaskset ? ['taskset', ['-c', String(core), command, ...args]] : [command, [...args]]

export async function play({ port, pid, seconds, options }: Load): Promise<Run> {
  const fixed = ['-s', '127.0.0.1', '-p', String(port), '-l', String(seconds), '-t', '2']
  const before = cpuTime(pid)
  const printed = await run('dnsperf', [...fixed, ...options], seconds + 20)
  const after = cpuTime(pid)
  const user = after.user - before.user
  const microseconds = user + after.kernel - before.kernel
  const number = (what: string): number => figureIn(printed, what)
  const latency = /Average Latency \(s\): +([\d.]+) \(min ([\d.]+), max ([\d.]+)\)/.exec(printed)
  return {
    microseconds: microseconds / number('Queries completed'),
    userMicroseconds: user / number('Queries completed'),
    perSecond: number('Queries per second'),
    lost: number('Queries lost'),
    averageMs: Number(latency?.[1]) * 1000,
    maxMs: Number(latency?.[3]) * 1000,
    codes: /Response codes: +(.*)/.exec(printed)?.[1] ?? '',
  }
}

/** A figure of what dnsperf printed, by its words in a regular expression; NaN: it is not there. */
export const figureIn = (printed: string, what: string): number =>
  Number(new RegExp(`${what}: +([\\d.]+)`).exec(printed)?.[1])

/** What it printed; it has the second core. */
export const run = (command: string, args: readonly string[], seconds: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const options = { timeout: seconds * 1000, maxBuffer: 2 ** 30 }
    execFile(...pinned(1, command, args), options, (error, stdout) => {
      if (error) reject(new Error(`${command} ${args.join(' ')}: ${error.message}`))
      else resolve(stdout)
    })
  })

/** Microseconds in user and in kernel mode of all threads so far. */
function cpuTime(pid: number): { readonly user: number; readonly kernel: number } {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // The command's name is in brackets and may hold spaces; the state that follows is the third field.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { user: Number(fields[11]) * 10_000, kernel: Number(fields[12]) * 10_000 }
}

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] as number
  return sorted.length % 2 ? upper : (upper + (sorted[middle - 1] as number)) / 2
}

/** The version of a Debian package, null where it is not installed. */
export function packageVersion(name: string): string | null {
  try {
    const text = execFileSync('dpkg-query', ['-W', '-f', '${Version}', name], { stdio: 'pipe' })
    return /\d+(\.\d+)+/.exec(text.toString())?.[0] ?? null
  } catch {
    return null
  }
}
