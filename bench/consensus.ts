// A large fleet on virtual time: npm run bench:consensus [INSTANCES [TARGETS]]
//
// What simulate-fleet.ts finds for 200 instances and 2,000 targets, or so many. Figures of one machine: see
// docs/operations/redis.md.

import { simulateFleet } from './simulate-fleet.ts'
import type { Traffic } from './fleet-store.ts'

const instances = Number(process.argv[2] ?? 200)
const targets = Number(process.argv[3] ?? 2000)
const plan = { instances, sites: 20, targets, dying: 0.05, vantages: 3, seed: 6 }

const startedMs = performance.now()
const figures = simulateFleet(plan)
const tookSeconds = (performance.now() - startedMs) / 1000

const seconds = (ms: number | null): string => (ms === null ? 'never' : `${ms / 1000} s`)
const rate = ({ commands, batches, octetsUp, octetsDown }: Traffic): string =>
  `${batches.toFixed()} batches, ${commands.toFixed()} commands, ${kilo(octetsUp)} kB up, ${kilo(octetsDown)} kB down a second; an instance ${(batches / instances).toFixed(1)} batches, ${kilo((octetsUp + octetsDown) / instances)} kB`
const kilo = (octets: number): string => (octets / 1000).toFixed(1)

process.stdout.write(
  [
    `${instances} instances at ${plan.sites} sites, ${targets} targets, ${plan.vantages} probe each; ${figures.virtualSeconds} s in ${tookSeconds.toFixed(1)} s`,
    `${plan.dying * 100} % of targets die: all agree after ${seconds(figures.agreedAfterDeathMs)}`,
    `half of the instances are back after a minute without store: all agree after ${seconds(figures.agreedAfterHealMs)}`,
    `judged down though never dead: ${figures.falseDowns}`,
    `calm: ${rate(figures.calm)}`,
    `busiest second: ${rate(figures.busiest)}`,
    `a judgement: ${figures.judgementUs.toFixed(2)} µs (${figures.judgements} of them)`,
    `assignment of probes, after an instance joined or left: ${figures.assignmentMs.toFixed(1)} ms`,
    '',
  ].join('\n'),
)
