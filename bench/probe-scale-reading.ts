// What bench/probe-scale.ts reads: of a process from the kernel, of the schedule from our metrics, and what the machine is.

import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { cpus, loadavg, release } from 'node:os'

export interface Usage {
  /** In ticks of a hundredth of a second, as Linux has them everywhere. */
  readonly cpuMs: number
  /** Of the main thread alone: the prober. */
  readonly mainMs: number
  readonly mib: number
  readonly descriptors: number
}

export function usageOf(pid: number): Usage {
  const ticks = (path: string): number => {
    const fields = readFileSync(path, 'latin1')
      .replace(/^.*\) /, '')
      .split(' ')
    return (Number(fields[11]) + Number(fields[12])) * 10
  }
  const rss = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))
  return {
    cpuMs: ticks(`/proc/${pid}/stat`),
    mainMs: ticks(`/proc/${pid}/task/${pid}/stat`),
    mib: Number(rss?.[1] ?? 0) / 1024,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
  }
}

/** Connections that the kernel of this network namespace opened so far. */
export function activeOpens(): number {
  const [heads = '', values = ''] = readFileSync('/proc/net/snmp', 'latin1')
    .split('\n')
    .filter((line) => line.startsWith('Tcp:'))
  return Number(values.split(' ')[heads.split(' ').indexOf('ActiveOpens')])
}

/** The schedule since the start of the server. */
export interface Schedule {
  /** Upper bound in seconds → starts so late at most. */
  readonly buckets: ReadonlyMap<number, number>
  readonly started: number
  readonly late: number
  readonly capped: number
  readonly skipped: number
  readonly inFlight: number
}

export async function readSchedule(adminPort: number): Promise<Schedule> {
  const text = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text()
  const buckets = [...text.matchAll(/^mxsteer_probe_delay_seconds_bucket\{le="([^"]+)"\} (\d+)/gm)]
  const one = (name: string): number =>
    Number(new RegExp(`^mxsteer_probes_${name} (\\d+)`, 'm').exec(text)?.[1] ?? NaN)
  return {
    buckets: new Map(
      buckets.map(([, le, n]) => [le === '+Inf' ? Infinity : Number(le), Number(n)]),
    ),
    started: Number(/^mxsteer_probe_delay_seconds_count (\d+)/m.exec(text)?.[1] ?? NaN),
    late: one('late_total'),
    capped: one('capped_total'),
    skipped: one('skipped_total'),
    inFlight: one('in_flight'),
  }
}

/** The bound in milliseconds within which that share of the starts between the two was. */
export function withinMs(share: number, before: Schedule, after: Schedule): number {
  const total = after.started - before.started
  const bound = [...after.buckets].find(
    ([le, n]) => n - (before.buckets.get(le) ?? 0) >= share * total,
  )
  return (bound?.[0] ?? NaN) * 1000
}

export const haproxyVersion = (): string =>
  /\d+\.\d+[\d.]*/.exec(spawnSync('haproxy', ['-v'], { encoding: 'utf8' }).stdout)?.[0] ?? 'unknown'

export function describeMachine(): string {
  const load = loadavg()
    .map((one) => one.toFixed(1))
    .join(', ')
  const parts = [
    `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'CPU'}`,
    `Linux ${release()}`,
    `Node ${process.version}`,
    `HAProxy ${haproxyVersion()}`,
    `commit ${commit()}`,
    new Date().toISOString().slice(0, 10),
    `load averages before: ${load}`,
  ]
  return parts.join('; ')
}

function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8' }).trim()
  try {
    const isChanged = git('status', '--porcelain', '--', '../src') !== ''
    return git('rev-parse', '--short', 'HEAD') + (isChanged ? ' and changes' : '')
  } catch {
    return 'unknown'
  }
}
