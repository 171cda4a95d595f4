// 10,000 targets in one process, and HAProxy checking the same ones: node bench/probe-scale.ts [SECONDS]
//
// 70 % speak SMTP, 20 % refuse, 10 % are mute; each is probed every 10 s, on a loopback address of its own. One after
// the other, for SECONDS each (120): the server with none of them probed, the server, HAProxy with `option smtpchk`.
// CPU is what the kernel charged to the process, dialogues are the connections that the kernel opened meanwhile: all
// runs in a network namespace of its own (unshare -rn). The MTAs and the DNS client share the machine's cores, so ratios
// count. Needs Linux, and Debian's haproxy. Takes about seven minutes.

import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { join } from 'node:path'

import { type Launched, mainFile, stopChild, temporaryFolder } from '../test/support/server.ts'
import { watchChild } from '../test/support/server.ts'
import { until } from '../test/support/wait.ts'

const seconds = Number(process.argv[2] ?? 120)
const warmUpSeconds = 30
const count = 10_000
const ports = { live: 2525, dead: 2526, mute: 2527, dns: 5300, admin: 8053, front: 2600 }
const zones = 10
const poolSize = 20
type Kind = 'live' | 'dead' | 'mute'

interface Run {
  readonly name: string
  readonly cpuShare: number
  readonly mainShare: number
  readonly dialogues: number
  readonly peakMib: number
  readonly peakDescriptors: number
  readonly dns: Latency | null
}

interface Latency {
  readonly sent: number
  readonly answered: number
  readonly p50: number
  readonly p99: number
  /** The median of the seconds' p99. */
  readonly typical99: number
}

async function main(): Promise<void> {
  const mtas = child(process.execPath, [
    new URL('./probe-scale-mtas.ts', import.meta.url).pathname,
    `${ports.live}`,
    `${ports.mute}`,
  ])
  await until(() => mtas.stdout().includes('ready'), { what: 'the MTAs', withinMs: 20_000 })
  try {
    const quiet = await playOurs('mxsteer, nothing probed', false)
    const ours = await playOurs('mxsteer, 10,000 probed', true)
    const haproxy = await playHaproxy()
    report([quiet.run, ours.run, haproxy])
    console.log(`schedule: ${ours.schedule}`)
  } finally {
    await stopChild(mtas, 5000)
  }
}

async function playOurs(name: string, isProbed: boolean): Promise<{ run: Run; schedule: string }> {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'zones'))
  for (let i = 0; i < zones; i++)
    writeFileSync(join(folder, 'zones', `bench${i}.yaml`), zoneText(i, isProbed))
  const server = child(process.execPath, [
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
    await sleep(isProbed ? warmUpSeconds : 5)
    const before = await delays()
    const run = await measure(name, server, true)
    return { run, schedule: scheduleOf(before, await delays()) }
  } finally {
    await stopChild(server, 10_000)
  }
}

async function playHaproxy(): Promise<Run> {
  const file = join(temporaryFolder(), 'haproxy.cfg')
  writeFileSync(file, haproxyText())
  const proxy = child('haproxy', ['-db', '-f', file])
  try {
    await sleep(warmUpSeconds)
    if (proxy.stderr().includes('ALERT')) throw new Error(proxy.stderr().slice(-2000))
    return await measure(`HAProxy ${version('haproxy', ['-v'])}, the same`, proxy, false)
  } finally {
    await stopChild(proxy, 5000)
  }
}

async function measure(name: string, server: Launched, isAsked: boolean): Promise<Run> {
  const asker = new URL('./probe-scale-asker.ts', import.meta.url).pathname
  const asking = isAsked
    ? child(process.execPath, [asker, `${ports.dns}`, 'mx0.bench0.test', `${seconds}`])
    : null
  const before = { ...usage(server.pid), opens: activeOpens(), atMs: performance.now() }
  let peakMib = 0
  let peakDescriptors = 0
  for (let i = 0; i < seconds; i++) {
    await sleep(1)
    peakMib = Math.max(peakMib, usage(server.pid).mib)
    peakDescriptors = Math.max(peakDescriptors, readdirSync(`/proc/${server.pid}/fd`).length)
  }
  const after = usage(server.pid)
  const passedMs = performance.now() - before.atMs
  const dialogues = activeOpens() - before.opens
  await asking?.exited
  return {
    name,
    cpuShare: (after.cpuMs - before.cpuMs) / passedMs,
    mainShare: (after.mainMs - before.mainMs) / passedMs,
    dialogues,
    peakMib,
    peakDescriptors,
    dns: asking && (JSON.parse(asking.stdout()) as Latency),
  }
}

function report(runs: readonly Run[]): void {
  const [quiet, ours, haproxy] = runs as [Run, Run, Run]
  console.log(machine())
  const perProbe = (run: Run, less: number): number =>
    ((run.cpuShare - less) * seconds * 1e6) / Math.max(1, run.dialogues)
  console.table(
    runs.map((run) => ({
      run: run.name,
      dialogues: run.dialogues,
      'CPU, share of a core': run.cpuShare.toFixed(3),
      'main thread alone': run.mainShare.toFixed(3),
      'µs a dialogue':
        run.dialogues < count ? '–' : perProbe(run, run === ours ? quiet.cpuShare : 0).toFixed(0),
      'peak MiB': run.peakMib.toFixed(0),
      'peak descriptors': run.peakDescriptors,
      'DNS ms p50 / p99 / p99 of a typical second': run.dns
        ? [run.dns.p50, run.dns.p99, run.dns.typical99].map((ms) => ms.toFixed(2)).join(' / ')
        : '–',
      unanswered: run.dns ? run.dns.sent - run.dns.answered : '–',
    })),
  )
  const ratio = perProbe(ours, quiet.cpuShare) / perProbe(haproxy, 0)
  const kib = ((ours.peakMib - quiet.peakMib) * 1024) / count
  console.log(
    `CPU a dialogue, mxsteer : HAProxy ${ratio.toFixed(1)} : 1; ${kib.toFixed(1)} KiB a target`,
  )
}

/** Sixteen targets a network: no cap of networks is in the way. */
const addressOf = (i: number): string => `127.${1 + (i >> 12)}.${(i >> 4) & 255}.${1 + (i & 15)}`
/** By pools of twenty. */
const kindOf = (i: number): Kind => {
  const tenth = Math.floor(i / poolSize) % 10
  return tenth < 7 ? 'live' : tenth < 9 ? 'dead' : 'mute'
}

/** Each zone has pools of twenty, each policy ten of them: seven live, two dead, one mute. */
function zoneText(zone: number, isProbed: boolean): string {
  const size = count / zones
  const members = Array.from({ length: size }, (_, i) => zone * size + i)
  const pools = Array.from({ length: size / poolSize }, (_, i) =>
    members.slice(i * poolSize, (i + 1) * poolSize),
  )
  const policies = Array.from({ length: pools.length / 10 }, (_, i) =>
    Array.from({ length: 10 }, (_, j) => `p${10 * i + j}`),
  )
  const kinds = ['live', 'dead', 'mute'] as const
  return [
    `zone: bench${zone}.test`,
    'soa: { mname: ns1, rname: hostmaster.bench.test. }',
    'targets:',
    ...members.map((i) => `  t${i}: { addresses: [${addressOf(i)}] }`),
    ...(isProbed
      ? ['probes:', ...kinds.map((kind) => `  ${kind}: { port: ${ports[kind]}, interval: 10s }`)]
      : []),
    'pools:',
    ...pools.map((pool, i) => {
      const probe = isProbed ? `probe: ${kindOf(pool[0] as number)}, ` : ''
      return `  p${i}: { ${probe}targets: { ${pool.map((each) => `t${each}: 1`).join(', ')} } }`
    }),
    'steering:',
    ...policies.map((names, i) => `  s${i}: [{ pools: [${names.join(', ')}] }]`),
    'records:',
    '  "@": { NS: ns1 }',
    ...policies.map((_, i) => `  mx${i}: { MX: { steer: s${i} } }`),
    '  ns1: { A: 127.0.0.1 }',
    '',
  ].join('\n')
}

const haproxyText = (): string =>
  [
    'global',
    '  nbthread 1',
    '  maxconn 1000',
    '  spread-checks 10',
    'defaults',
    '  mode tcp',
    '  timeout connect 5s',
    '  timeout client 10s',
    '  timeout server 10s',
    '  timeout check 10s',
    'listen mx',
    `  bind 127.0.0.1:${ports.front}`,
    '  option smtpchk EHLO probe.bench.test',
    '  default-server check inter 10s fastinter 5s fall 3 rise 2',
    ...Array.from(
      { length: count },
      (_, i) => `  server t${i} ${addressOf(i)}:${ports[kindOf(i)]}`,
    ),
    '',
  ].join('\n')

const child = (command: string, args: readonly string[]): Launched =>
  watchChild(spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] }))

/** In ticks of a hundredth of a second, as Linux has them everywhere. */
function usage(pid: number): { cpuMs: number; mainMs: number; mib: number } {
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
  }
}

function activeOpens(): number {
  const [heads = '', values = ''] = readFileSync('/proc/net/snmp', 'latin1')
    .split('\n')
    .filter((line) => line.startsWith('Tcp:'))
  return Number(values.split(' ')[heads.split(' ').indexOf('ActiveOpens')])
}

interface Delays {
  readonly buckets: ReadonlyMap<number, number>
  readonly late: number
  readonly capped: number
  readonly skipped: number
}

async function delays(): Promise<Delays> {
  const text = await (await fetch(`http://127.0.0.1:${ports.admin}/metrics`)).text()
  const buckets = [...text.matchAll(/^mxsteer_probe_delay_seconds_bucket\{le="([^"]+)"\} (\d+)/gm)]
  const one = (name: string): number =>
    Number(new RegExp(`^mxsteer_probes_${name}_total (\\d+)`, 'm').exec(text)?.[1] ?? NaN)
  return {
    buckets: new Map(
      buckets.map(([, le, n]) => [le === '+Inf' ? Infinity : Number(le), Number(n)] as const),
    ),
    late: one('late'),
    capped: one('capped'),
    skipped: one('skipped'),
  }
}

function scheduleOf(before: Delays, after: Delays): string {
  const total = (after.buckets.get(Infinity) ?? 0) - (before.buckets.get(Infinity) ?? 0)
  const within = (share: number): number =>
    [...after.buckets].find(([le, n]) => n - (before.buckets.get(le) ?? 0) >= share * total)?.[0] ??
    NaN
  const count = (key: 'late' | 'capped' | 'skipped'): number => after[key] - before[key]
  return `${total} starts, half within ${within(0.5) * 1000} ms of due, 99 % within ${within(0.99) * 1000} ms, 99.9 % within ${within(0.999) * 1000} ms; late ${count('late')}, capped ${count('capped')}, rounds skipped ${count('skipped')}`
}

const version = (command: string, args: readonly string[]): string =>
  /\d+\.\d+[\d.]*/.exec(spawnSync(command, args, { encoding: 'utf8' }).stdout)?.[0] ?? 'unknown'

const machine = (): string =>
  `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'CPU'}, Linux ${release()}, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`

const sleep = (s: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, s * 1000))

if (process.env['PROBE_SCALE_INSIDE'] === undefined) {
  const command = `ip link set lo up && ulimit -n $(ulimit -Hn) && exec "$0" "$@"`
  const args = ['-rn', 'sh', '-c', command, process.execPath, ...process.argv.slice(1)]
  const env = { ...process.env, PROBE_SCALE_INSIDE: '1' }
  const { status } = spawnSync('unshare', args, { stdio: 'inherit', env })
  process.exitCode = status ?? 1
} else await main()
