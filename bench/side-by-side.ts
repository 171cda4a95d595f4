// Side by side with what an operator would run instead:
//   npm run bench -- [--rows static,mx] [--rounds 5] [--seconds 3] [--servers gdnsd,mmsg]
//
// Each work is played on all servers in turns, round after round. What counts is CPU time a query, kernel included, and
// its ratio to gdnsd's of the same round (where signatures are asked for: to our own without them): others may use the machine. Server and dnsperf have a core each, where there
// are two. Needs Linux, and what bench/debian.sh installs; what is missing is skipped, with a line.

import { writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { temporaryFolder } from '../test/support/server.ts'
import { type Contender, type Starter, stop } from './contenders.ts'
import {
  startDns2,
  startGdnsd,
  startKnot,
  startOurs,
  startPowerDns,
  startSigned,
} from './contenders.ts'
import { type Flooded, floodedBy } from './flood.ts'
import { type Latencies, halfOfPeak, latenciesOf } from './latency.ts'
import { type Run, packageVersion, play } from './measure.ts'
import { type Played, reportFlood, reportLatencies, reportWork } from './report.ts'
import { reportStart } from './start.ts'
import type { Questions } from './questions.ts'
import { reportSigning } from './signing.ts'
import { signedWorks } from './signed-work.ts'
import { type Work, works } from './work.ts'

/** gdnsd first: the others are compared with it. */
const starters: readonly (readonly [name: string, start: Starter])[] = [
  ['gdnsd', startGdnsd],
  ['mmsg', startOurs('mmsg')],
  ['dgram', startOurs('dgram')],
  ['knot', startKnot('Knot')],
  ['pdns', startPowerDns('PowerDNS')],
  ['dns2', startDns2],
]

/** Of works that ask for signatures; the first has none, and is what the others are compared with. */
const signers: typeof starters = [
  ['plain', startOurs('mmsg')],
  ['signed', startSigned],
  ['knot-signed', startKnot('Knot signed')],
  ['onlinesign', startKnot('Knot onlinesign')],
  ['pdns-live', startPowerDns('PowerDNS live')],
]

const { values } = parseArgs({
  options: {
    /** By comma; all of them, if not given. */
    rows: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    /** Servers, by comma. */
    servers: { type: 'string', default: [...starters, ...signers].map(([name]) => name).join(',') },
    /** Queries a second; as fast as it goes, if not given. */
    rate: { type: 'string' },
    /** The whole of it, in minutes. */
    limit: { type: 'string', default: '60' },
  },
})
const rounds = Number(values.rounds)
const seconds = Number(values.seconds)

/** Disturbances a second. */
const perSecond = { flips: 10, reloads: 2 } as const

/** Rows that are no work of their own. */
const otherRows = ['latency', 'flood', 'flood-0x20', 'start', 'signing'] as const

/** What floods ask. */
const floodedWorks = { flood: 'static', 'flood-0x20': 'static-0x20' } as const

async function main(): Promise<void> {
  const known = [...works, ...signedWorks].map((make) => [make, make().name] as const)
  const all = [...known.map(([, name]) => name), ...otherRows]
  const wanted = values.rows?.split(',') ?? all
  const unknown = wanted.filter((name) => !all.includes(name))
  if (unknown.length > 0) {
    console.error(`no such row: ${unknown.join(', ')}; there are ${all.join(' ')}`)
    process.exit(2)
  }
  const limit = setTimeout(
    () => {
      console.error(`not done within ${values.limit} minutes`)
      process.exit(1)
    },
    Number(values.limit) * 60_000,
  )
  console.log(machine())
  for (const [make, name] of known) if (wanted.includes(name)) await compare(make())
  if (wanted.includes('latency')) await compareLatencies((works[0] as () => Work)())
  for (const [row, floodedWork] of Object.entries(floodedWorks))
    if (wanted.includes(row)) await compareInFlood(row, floodedWork)
  if (wanted.includes('start')) await reportStart(rounds)
  if (wanted.includes('signing')) reportSigning()
  clearTimeout(limit)
}

async function startAll(work: Work): Promise<Contender[]> {
  const contenders: Contender[] = []
  for (const [name, start] of work.isSigned ? signers : starters) {
    if (!values.servers.split(',').includes(name)) continue
    const started = await start(work)
    if (started.kind === 'started') {
      contenders.push(started.contender)
      if (work.isOneDead) started.contender.disturb?.()
    } else if (!/steers nothing|not asked/.test(started.why)) console.log(`skipped: ${started.why}`)
  }
  return contenders
}

async function compare(work: Work): Promise<void> {
  const contenders = await startAll(work)
  try {
    const options = [...writeQuestions(work.questions), ...loadOptions(work)]
    const played: (readonly Played[])[] = []
    // The first round warms up compilers and caches, and is not counted.
    for (let round = 0; round <= rounds; round++) {
      const runs: Played[] = []
      for (const one of contenders) {
        const calm = work.disturbance && (await playOne(one, null, options))
        runs.push({ run: await playOne(one, work.disturbance, options), calm })
      }
      if (round > 0) played.push(runs)
    }
    reportWork(work, contenders, played)
  } finally {
    await Promise.all(contenders.map(stop))
  }
}

async function compareLatencies(work: Work): Promise<void> {
  const contenders = await startAll(work)
  try {
    const options = [...writeQuestions(work.questions), ...loadOptions(work)]
    const rate = await halfOfPeak(contenders, options)
    const measured: (readonly Latencies[])[] = []
    for (let round = 0; round <= rounds; round++) {
      const latencies: Latencies[] = []
      for (const one of contenders)
        latencies.push(await latenciesOf(one, { rate, seconds, options }))
      if (round > 0) measured.push(latencies)
    }
    reportLatencies(rate, contenders, measured)
  } finally {
    await Promise.all(contenders.map(stop))
  }
}

async function compareInFlood(row: string, workName: string): Promise<void> {
  const make = works.find((one) => one().name === workName) as () => Work
  const work = make()
  const contenders = await startAll(work)
  try {
    const options = [...writeQuestions(work.questions), ...work.options]
    const measured: (readonly Flooded[])[] = []
    for (let round = 0; round <= rounds; round++) {
      const flooded: Flooded[] = []
      for (const one of contenders) flooded.push(await floodedBy(one, { seconds, options }))
      if (round > 0) measured.push(flooded)
    }
    reportFlood(`${row}: ${work.title}`, contenders, measured)
  } finally {
    await Promise.all(contenders.map(stop))
  }
}

async function playOne(
  { port, child, disturb }: Contender,
  disturbance: Work['disturbance'],
  options: readonly string[],
): Promise<Run> {
  const timer =
    disturbance && disturb ? setInterval(disturb, 1000 / perSecond[disturbance]) : undefined
  try {
    return await play({ port, pid: child.pid, seconds, options })
  } finally {
    clearInterval(timer)
  }
}

function writeQuestions(questions: Questions): string[] {
  const file = join(temporaryFolder(), 'questions')
  if (questions.kind === 'text') {
    writeFileSync(file, `${questions.lines.join('\n')}\n`)
    return ['-d', file]
  }
  writeFileSync(file, Buffer.concat(questions.messages))
  return ['-B', '-d', file]
}

const loadOptions = ({ options }: Work): string[] => [
  '-c',
  '10',
  '-q',
  '100',
  ...options,
  ...(values.rate === undefined ? [] : ['-Q', values.rate]),
]

function machine(): string {
  const [cpu] = cpus()
  const versions = ['gdnsd', 'knot', 'pdns-server', 'dnsperf'].map(
    (name) => `${name} ${packageVersion(name) ?? '(missing)'}`,
  )
  return [
    `${cpu?.model}, ${cpus().length} cores, Linux ${release()}, Node ${process.version}`,
    versions.join(', '),
    `${rounds} rounds of ${seconds} s each`,
  ].join('; ')
}

await main()
// Children that hang must not keep it.
process.exit(0)
