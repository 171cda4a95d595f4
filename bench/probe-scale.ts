// 10,000 targets in one process, and HAProxy checking the same ones: node bench/probe-scale.ts [SECONDS] [TARGETS]
//
// 68 % speak SMTP, 20 % refuse, 10 % are mute, 2 % flap; each is probed every 10 s, on a loopback address of its own.
// For SECONDS each (120), one after the other:
//
//   nothing   the server with none of them probed: what it and its DNS answers cost by themselves
//   alone     the server probes all: schedule, memory, descriptors, and DNS beside it
//   beside    the same server goes on, and HAProxy (`option smtpchk`) checks the same targets at the same time: CPU of a
//             dialogue of each, under the same conditions
//
// CPU is what the kernel charged to the process. Dialogues are connections that the kernel opened: all runs in a network
// namespace of its own (unshare -rn). The MTAs and the DNS client share the machine's cores. Needs Linux, and Debian's
// haproxy. Takes about eight minutes, and prints a table for RESULTS-probes.md.

import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { type Launched, mainFile, stopChild, temporaryFolder } from '../test/support/server.ts'
import { watchChild } from '../test/support/server.ts'
import { pause, until } from '../test/support/wait.ts'
import {
  type Schedule,
  activeOpens,
  describeMachine,
  readSchedule,
  usageOf,
  withinMs,
} from './probe-scale-reading.ts'
import { haproxyText, ports, zoneText, zones } from './probe-scale-world.ts'

const seconds = Number(process.argv[2] ?? 120)
const count = Number(process.argv[3] ?? 10_000)
const warmUpSeconds = 40

interface Run {
  readonly cpuShare: number
  readonly mainShare: number
  readonly peakMib: number
  readonly peakDescriptors: number
}

interface Latency {
  readonly sent: number
  readonly answered: number
  readonly p50: number
  readonly p99: number
  /** The median of the seconds' p99. */
  readonly typical99: number
}

interface Phase {
  readonly ours: Run
  readonly theirs: Run | null
  readonly dns: Latency
  readonly opened: number
  readonly before: Schedule
  readonly after: Schedule
}

async function main(): Promise<void> {
  const machine = describeMachine()
  const mtas = node('probe-scale-mtas.ts', ports.live, ports.mute, ports.flapping)
  await until(() => mtas.stdout().includes('ready'), { what: 'the MTAs', withinMs: 20_000 })
  try {
    const nothing = await withServer(false, async (server) => {
      await settle(10)
      return measure(server, null)
    })
    const [alone, beside] = await withServer(true, async (server) => {
      await settle(warmUpSeconds)
      return [await measure(server, null), await withHaproxy((it) => measure(server, it))] as const
    })
    console.log(`\n${machine}\n\n${tableOf(nothing, alone, beside)}`)
  } finally {
    await stopChild(mtas, 5000)
  }
}

async function withServer<T>(isProbed: boolean, use: (server: Launched) => Promise<T>): Promise<T> {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'zones'))
  for (let i = 0; i < zones; i++)
    writeFileSync(join(folder, 'zones', `bench${i}.yaml`), zoneText(i, count, isProbed))
  const server = child(process.execPath, [
    ...(process.env['PROBE_SCALE_NODE']?.split(' ') ?? []),
    mainFile,
    'serve',
    `--zones=${join(folder, 'zones')}`,
    `--listen=127.0.0.1:${ports.dns}`,
    `--admin=127.0.0.1:${ports.admin}`,
    '--workers=1',
    '--lameduck=0s',
  ])
  try {
    await until(() => server.stdout().includes('server.ready'), {
      what: 'the server',
      withinMs: 60_000,
    })
    return await use(server)
  } finally {
    await stopChild(server, 10_000)
  }
}

async function withHaproxy<T>(use: (proxy: Launched) => Promise<T>): Promise<T> {
  const file = join(temporaryFolder(), 'haproxy.cfg')
  writeFileSync(file, haproxyText(count))
  const proxy = child('haproxy', ['-db', '-f', file])
  try {
    await settle(warmUpSeconds)
    if (proxy.stderr().includes('ALERT')) throw new Error(proxy.stderr().slice(-2000))
    return await use(proxy)
  } finally {
    await stopChild(proxy, 5000)
  }
}

async function measure(server: Launched, proxy: Launched | null): Promise<Phase> {
  const before = await readSchedule(ports.admin)
  const asking = node('probe-scale-asker.ts', ports.dns, 'mx0.bench0.test', seconds)
  const watched = proxy ? [server, proxy] : [server]
  const opensBefore = activeOpens()
  const runs = await follow(watched)
  const opened = activeOpens() - opensBefore
  const after = await readSchedule(ports.admin)
  await asking.exited
  const dns = JSON.parse(asking.stdout()) as Latency
  const [ours, theirs = null] = runs as [Run, Run?]
  return { ours, theirs, dns, opened, before, after }
}

async function follow(processes: readonly Launched[]): Promise<readonly Run[]> {
  const startMs = performance.now()
  const starts = processes.map(({ pid }) => usageOf(pid))
  const peaks = processes.map(() => ({ mib: 0, descriptors: 0 }))
  for (let i = 0; i < seconds; i++) {
    await pause(1000)
    for (const [j, { pid }] of processes.entries()) {
      const { mib, descriptors } = usageOf(pid)
      const peak = peaks[j] as { mib: number; descriptors: number }
      peak.mib = Math.max(peak.mib, mib)
      peak.descriptors = Math.max(peak.descriptors, descriptors)
    }
  }
  const passedMs = performance.now() - startMs
  return processes.map(({ pid }, j) => {
    const end = usageOf(pid)
    return {
      cpuShare: (end.cpuMs - (starts[j]?.cpuMs ?? 0)) / passedMs,
      mainShare: (end.mainMs - (starts[j]?.mainMs ?? 0)) / passedMs,
      peakMib: peaks[j]?.mib ?? NaN,
      peakDescriptors: peaks[j]?.descriptors ?? NaN,
    }
  })
}

function tableOf(nothing: Phase, alone: Phase, beside: Phase): string {
  const started = ({ before, after }: Phase): number => after.started - before.started
  const theirDialogues = beside.opened - started(beside)
  const oursEach = eachUs(beside.ours.cpuShare - nothing.ours.cpuShare, started(beside))
  const theirsEach = eachUs(beside.theirs?.cpuShare ?? NaN, theirDialogues)
  const aloneEach = eachUs(alone.ours.cpuShare - nothing.ours.cpuShare, alone.opened)
  const shares = ({ cpuShare, mainShare }: Run): string =>
    `${cpuShare.toFixed(3)} (${mainShare.toFixed(3)})`
  const kib = ((alone.ours.peakMib - nothing.ours.peakMib) * 1024) / count
  const rows: readonly (readonly (string | number)[])[] = [
    [`${count} targets, ${seconds} s each`, 'nothing probed', 'alone', 'beside HAProxy', 'HAProxy'],
    ['dialogues', nothing.opened, alone.opened, started(beside), theirDialogues],
    [
      'CPU, share of a core (main thread)',
      shares(nothing.ours),
      shares(alone.ours),
      shares(beside.ours),
      beside.theirs?.cpuShare.toFixed(3) ?? '–',
    ],
    ['CPU a dialogue, kernel included, µs', '–', aloneEach, oursEach, theirsEach],
    ['**ratio to HAProxy**', '–', '–', `**${(oursEach / theirsEach).toFixed(2)} : 1**`, '1'],
    ['starts: half, 99 %, 99.9 % late by at most, ms', '–', lateness(alone), lateness(beside), '–'],
    ['late by over 1 s; held by a cap; rounds skipped', '–', odd(alone), odd(beside), '–'],
    [
      'resident memory at most, MiB',
      ...[nothing.ours, alone.ours, beside.ours, beside.theirs].map(
        (run) => run?.peakMib.toFixed(0) ?? '–',
      ),
    ],
    [`of that more than with nothing probed, KiB a target`, '–', kib.toFixed(1), '–', '–'],
    [
      'descriptors at most',
      ...[nothing.ours, alone.ours, beside.ours, beside.theirs].map(
        (run) => run?.peakDescriptors ?? '–',
      ),
    ],
    ['DNS p50; p99; p99 of a typical second, ms', ...[nothing, alone, beside].map(dnsText), '–'],
    [
      'DNS queries unanswered',
      ...[nothing, alone, beside].map(({ dns }) => `${dns.sent - dns.answered} of ${dns.sent}`),
      '–',
    ],
  ]
  const [head, ...body] = rows.map((row) => `| ${row.join(' | ')} |`)
  return [head, '|---|---|---|---|---|', ...body].join('\n')
}

const eachUs = (cpuShare: number, dialogues: number): number =>
  Math.round((cpuShare * seconds * 1e6) / dialogues)

const lateness = ({ before, after }: Phase): string =>
  [0.5, 0.99, 0.999].map((share) => withinMs(share, before, after)).join('; ')

const odd = ({ before, after }: Phase): string =>
  (['late', 'capped', 'skipped'] as const).map((key) => after[key] - before[key]).join('; ')

const dnsText = ({ dns }: Phase): string =>
  [dns.p50, dns.p99, dns.typical99].map((ms) => ms.toFixed(2)).join('; ')

const child = (command: string, args: readonly string[]): Launched =>
  watchChild(spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] }))

const node = (file: string, ...args: readonly (string | number)[]): Launched =>
  child(process.execPath, [join(import.meta.dirname, file), ...args.map(String)])

const settle = (s: number): Promise<void> => pause(s * 1000)

if (process.env['PROBE_SCALE_INSIDE'] === undefined) {
  const command = `ip link set lo up && ulimit -n $(ulimit -Hn) && exec "$0" "$@"`
  const args = ['-rn', 'sh', '-c', command, process.execPath, ...process.argv.slice(1)]
  const env = { ...process.env, PROBE_SCALE_INSIDE: '1' }
  const { status } = spawnSync('unshare', args, { stdio: 'inherit', env })
  process.exitCode = status ?? 1
} else await main()
