// `npm run test:soak -- --minutes 60 --seed 1`: faults of the store, of files, of MTAs and floods, several at once, over
// two instances and a Redis, while clients ask all the time. Prints a line a minute and at the end what was wrong.
// Exit code 1: an answer was wrong or missing, or the memory of a server still grew in the last half.

import { parseArgs } from 'node:util'

import { type Fleet, startFleet, targets } from '../faults/fleet.ts'
import { seededRandom } from '../../src/lib/random.ts'
import { pause } from '../support/wait.ts'
import { type SoakClient, startSoakClient } from './client.ts'
import { type Fault, faultsOf } from './faults.ts'

const atOnce = 3
const sampleMs = 5000
const mebi = 1 << 20

/** Growth over the last half that counts as flat, as a share of the mean. */
const flatWithin = 0.05

interface Sample {
  readonly atMs: number
  readonly octets: readonly number[]
}

const { values } = parseArgs({
  options: { minutes: { type: 'string' }, seed: { type: 'string' } },
})
const minutes = Number(values.minutes ?? 60)
const seed = Number(values.seed ?? 1)

async function soak(durationMs: number, seedOfRun: number): Promise<number> {
  const random = seededRandom(seedOfRun)
  const fleet = await startFleet(2)
  await Promise.all(fleet.instances.map(({ watch }) => watch.pause()))
  const addressOf = (target: string): string =>
    `127.0.3.${1 + (targets as readonly string[]).indexOf(target)}`
  const clients = fleet.instances.map(({ server }) => startSoakClient(server.port, addressOf))
  const injected = new Map<string, number>()
  const samples: Sample[] = []
  const endMs = performance.now() + durationMs
  const isOver = (): boolean => performance.now() >= endMs
  const sampling = sampleMemory(fleet, samples, isOver, () => printLine(clients, samples))
  const busy = new Set<string>()
  await Promise.all(
    Array.from({ length: atOnce }, () =>
      injectUntil(isOver, faultsOf(fleet, random), busy, random, injected),
    ),
  )
  await sampling
  await Promise.all(clients.map((client) => client.stop()))
  const code = report(clients, samples, injected)
  await fleet.stop()
  return code
}

/** The part of the world that a fault touches: two faults of one part do not overlap. */
const partOf = ({ name }: Fault): string => name.split(':', 1).join()

async function injectUntil(
  isOver: () => boolean,
  faults: readonly Fault[],
  busy: Set<string>,
  random: () => number,
  injected: Map<string, number>,
): Promise<void> {
  while (!isOver()) {
    const free = faults.filter((fault) => !busy.has(partOf(fault)))
    const fault = free[Math.floor(random() * free.length)]
    if (fault === undefined) {
      await pause(100)
      continue
    }
    busy.add(partOf(fault))
    injected.set(fault.name, (injected.get(fault.name) ?? 0) + 1)
    const takeBack = await fault.inject()
    await pause(fault.lastsMs)
    await takeBack()
    busy.delete(partOf(fault))
    await pause(500 + random() * 2000)
  }
}

async function sampleMemory(
  { instances }: Fleet,
  samples: Sample[],
  isOver: () => boolean,
  onMinute: () => void,
): Promise<void> {
  const startMs = performance.now()
  for (let i = 1; !isOver(); i++) {
    await pause(sampleMs)
    const octets = instances.map(({ server }) => server.rssOctets())
    samples.push({ atMs: performance.now() - startMs, octets })
    if (i % 12 === 0) onMinute()
  }
}

const sum = (of: readonly SoakClient[], count: (one: SoakClient) => number): number =>
  of.reduce((total, one) => total + count(one), 0)

function printLine(clients: readonly SoakClient[], samples: readonly Sample[]): void {
  const last = samples.at(-1) as Sample
  const wrong = sum(clients, (one) => one.wrong().size)
  console.info(
    [
      `${Math.round(last.atMs / 60_000)} min`,
      `${sum(clients, (one) => one.answers())} answers`,
      `${wrong} kinds wrong`,
      `${sum(clients, (one) => one.missing())} missing`,
      `RSS ${last.octets.map((one) => Math.round(one / mebi)).join(' ')} MiB`,
    ].join(', '),
  )
}

/** Octets an hour by least squares over the last half, and the mean of that half. */
function growthOf(samples: readonly Sample[], server: number): { perHour: number; mean: number } {
  const half = samples.slice(samples.length >> 1)
  const mean = (of: (one: Sample) => number): number =>
    half.reduce((total, one) => total + of(one), 0) / half.length
  const hours = (one: Sample): number => one.atMs / 3_600_000
  const octets = (one: Sample): number => one.octets[server] ?? 0
  const [meanHours, meanOctets] = [mean(hours), mean(octets)]
  const covariance = mean((one) => (hours(one) - meanHours) * (octets(one) - meanOctets))
  const variance = mean((one) => (hours(one) - meanHours) ** 2)
  return { perHour: variance === 0 ? 0 : covariance / variance, mean: meanOctets }
}

function report(
  clients: readonly SoakClient[],
  samples: readonly Sample[],
  injected: ReadonlyMap<string, number>,
): number {
  for (const [name, times] of [...injected].sort(([a], [b]) => a.localeCompare(b)))
    console.info(`${times} × ${name}`)
  for (const client of clients)
    for (const [what, times] of client.wrong()) console.info(`WRONG ${times} × ${what}`)
  const missing = sum(clients, (one) => one.missing())
  const answers = sum(clients, (one) => one.answers())
  const lost = sum(clients, (one) => one.lostTries())
  const lastHours =
    ((samples.at(-1)?.atMs ?? 0) - (samples[samples.length >> 1]?.atMs ?? 0)) / 3.6e6
  const growths = clients.map((_, i) => growthOf(samples, i))
  const isFlat = growths.every(({ perHour, mean }) => perHour * lastHours <= flatWithin * mean)
  for (const [i, { perHour, mean }] of growths.entries())
    console.info(
      `RSS of server ${i + 1} in the last half: mean ${(mean / mebi).toFixed(1)} MiB, ${((perHour * lastHours) / mebi).toFixed(1)} MiB more at its end`,
    )
  const wrong = sum(clients, (one) => [...one.wrong().values()].reduce((a, b) => a + b, 0))
  console.info(
    `${answers} answers: ${wrong} wrong, ${missing} missing (${lost} tries lost), memory ${isFlat ? 'flat' : 'grew'}`,
  )
  return wrong === 0 && missing === 0 && isFlat ? 0 : 1
}

process.exit(await soak(minutes * 60_000, seed))
