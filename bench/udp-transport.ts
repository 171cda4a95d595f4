// CPU time a query of both UDP transports beside gdnsd, kernel included: node bench/udp-transport.ts
//
// The same zone, one thread for UDP each, dnsperf on loopback. CPU time is what the kernel charged to the server's
// process (/proc/PID/stat), so a busy machine disturbs it less than it does rates. Rounds are interleaved, and each is
// compared with gdnsd's of the same round. Needs Linux, and Debian's gdnsd and dnsperf. Takes about two minutes.

import { execFile, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { join } from 'node:path'

import { dig } from '../test/support/dig.ts'
import { freePort } from '../test/support/free-ports.ts'
import { type Launched, stopChild, temporaryFolder, watchChild } from '../test/support/server.ts'
import { mainFile } from '../test/support/server.ts'
import { until } from '../test/support/wait.ts'

const rounds = 9
const secondsARun = 2
/** As fast as 100 outstanding queries go, and a rate at which most queries come alone. */
const loads = [
  { name: 'at full rate', options: ['-q', '100'] },
  { name: 'at 20,000/s', options: ['-q', '100', '-Q', '20000'] },
] as const
const question = { name: 'mx1.bench.test', type: 'A' }

interface Contender {
  readonly name: string
  readonly port: number
  readonly child: Launched
}

interface Run {
  readonly microseconds: number
  readonly lost: number
}

async function main(): Promise<void> {
  const contenders: Contender[] = []
  try {
    contenders.push(await startGdnsd())
    for (const transport of ['mmsg', 'dgram']) contenders.push(await startOurs(transport))
    console.log(machine())
    for (const { name, options } of loads) {
      // The first round warms up compilers and caches.
      await playRound(contenders, options)
      const played: (readonly Run[])[] = []
      for (let i = 0; i < rounds; i++) played.push(await playRound(contenders, options))
      report(name, contenders, played)
    }
  } finally {
    await Promise.all(contenders.map(({ child }) => stopChild(child, 5000)))
  }
}

async function playRound(
  contenders: readonly Contender[],
  options: readonly string[],
): Promise<readonly Run[]> {
  const runs: Run[] = []
  for (const contender of contenders) runs.push(await play(contender, options))
  return runs
}

async function play({ port, child }: Contender, options: readonly string[]): Promise<Run> {
  const questions = join(temporaryFolder(), 'questions')
  writeFileSync(questions, `${question.name} ${question.type}\n`)
  const fixed = ['-s', '127.0.0.1', '-p', String(port), '-c', '10', '-l', String(secondsARun)]
  const before = cpuMicroseconds(child.pid)
  const printed = await run('dnsperf', [...fixed, '-d', questions, ...options])
  const microseconds = cpuMicroseconds(child.pid) - before
  const count = (what: string): number =>
    Number(new RegExp(`Queries ${what}: +(\\d+)`).exec(printed)?.[1])
  return { microseconds: microseconds / count('completed'), lost: count('lost') }
}

const run = (command: string, args: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    execFile(command, args, { timeout: (secondsARun + 15) * 1000 }, (error, stdout) => {
      if (error) reject(new Error(`${command}: ${error.message}`))
      else resolve(stdout)
    })
  })

/** Time in user and in kernel mode of all threads so far; the kernel tells hundredths of a second. */
function cpuMicroseconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // The command's name is in brackets and may hold spaces; the state that follows is the third field.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}

const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] as number
  return sorted.length % 2 ? upper : (upper + (sorted[middle - 1] as number)) / 2
}

function report(
  load: string,
  contenders: readonly Contender[],
  played: readonly (readonly Run[])[],
): void {
  console.log(`\n| ${load} | µs a query | ratio to gdnsd, median (least, most) | lost |`)
  console.log('|---|---|---|---|')
  for (const [i, { name }] of contenders.entries()) {
    const own = played.map((runs) => runs[i] as Run)
    const ratios = played.map(
      (runs) => (runs[i] as Run).microseconds / (runs[0] as Run).microseconds,
    )
    const spread = `${Math.min(...ratios).toFixed(2)}, ${Math.max(...ratios).toFixed(2)}`
    const lost = own.reduce((sum, one) => sum + one.lost, 0)
    const cost = median(own.map((one) => one.microseconds)).toFixed(2)
    console.log(`| ${name} | ${cost} | ${median(ratios).toFixed(2)} (${spread}) | ${lost} |`)
  }
}

function machine(): string {
  const [cpu] = cpus()
  const version = (name: string): string =>
    /\d+\.\d+(\.\d+)?/.exec(
      execFileSync('dpkg-query', ['-W', '-f', '${Version}', name]).toString(),
    )?.[0] ?? '?'
  return [
    `${cpu?.model}, ${cpus().length} cores, Linux ${release()}, Node ${process.version}`,
    `gdnsd ${version('gdnsd')}, dnsperf ${version('dnsperf')}`,
    `${rounds} rounds of ${secondsARun} s each`,
  ].join('; ')
}

async function startOurs(transport: string): Promise<Contender> {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'bench.yaml'), ourZone)
  const port = await freePort()
  const args = ['serve', '--zones', folder, '--listen', `127.0.0.1:${port}`, '--admin', 'off']
  const flags = ['--workers', '1', '--transport', transport, '--lameduck', '0s']
  const child = spawn(process.execPath, [mainFile, ...args, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return started({ name: `mxsteer ${transport}`, port, child: watchChild(child) })
}

async function startGdnsd(): Promise<Contender> {
  const folder = temporaryFolder()
  const port = await freePort()
  for (const name of ['zones', 'run', 'state']) mkdirSync(join(folder, name))
  writeFileSync(join(folder, 'config'), gdnsdConfiguration(folder, port))
  writeFileSync(join(folder, 'zones', 'bench.test'), gdnsdZone)
  const child = spawn('gdnsd', ['-c', folder, 'start'], { stdio: ['ignore', 'pipe', 'pipe'] })
  return started({ name: 'gdnsd', port, child: watchChild(child) })
}

async function started(contender: Contender): Promise<Contender> {
  const { name, port, child } = contender
  try {
    await until(
      () =>
        dig(port, question.name, question.type).then(
          ({ answer }) => answer.length > 0,
          () => false,
        ),
      {
        what: `${name} answers: ${child.stderr()}`,
        withinMs: 15_000,
        everyMs: 100,
      },
    )
  } catch (error) {
    await stopChild(child, 5000)
    throw error
  }
  return contender
}

const ourZone = `
zone: bench.test
ttl: 300
soa: { mname: ns1, rname: hostmaster.example.test. }
records:
  "@": { NS: [ns1] }
  ns1: { A: 192.0.2.53 }
  mx1: { A: 192.0.2.1 }
`
const gdnsdZone = `
$TTL 300
@ SOA ns1 hostmaster 1 7200 900 604800 30
@ NS ns1
ns1 A 192.0.2.53
mx1 A 192.0.2.1
`
const gdnsdConfiguration = (folder: string, port: number): string => `
options => {
  listen => 127.0.0.1:${port}
  udp_threads => 1
  tcp_threads => 1
  run_dir => "${folder}/run"
  state_dir => "${folder}/state"
}
`

await main()
