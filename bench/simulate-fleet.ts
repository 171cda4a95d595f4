// A fleet in one process, on virtual time, through deaths and a partition: does it agree, how soon, and what does that
// cost the store and the CPU.
//
//   minute 0     everything is up, all instances join
//   minute 2     a share of the targets dies
//   minute 4     half of the instances lose the store for a minute; meanwhile the dead come back, and others die
//   minute 5     the store is in reach again

import { dampingPolicy } from '../src/health/damping.ts'
import { seededRandom } from '../src/lib/random.ts'
import { stateKeys, stateTimes } from '../src/cluster/redis/schema.ts'
import { FleetInstance, type World, makeTargets } from './fleet-instance.ts'
import { FleetStore, type Traffic } from './fleet-store.ts'

export interface FleetPlan {
  readonly instances: number
  readonly sites: number
  readonly targets: number
  /** Share of them that dies at once. */
  readonly dying: number
  readonly vantages: number
  readonly seed: number
}

export interface FleetFigures {
  /** Until all judge all targets as they are; null: not within two minutes. */
  readonly agreedAfterDeathMs: number | null
  readonly agreedAfterHealMs: number | null
  /** Pairs of instance and target that was never dead, judged down at some second. */
  readonly falseDowns: number
  /** Commands, batches and octets a second, of all instances. */
  readonly calm: Traffic
  readonly busiest: Traffic
  /** One judgement of one target. */
  readonly judgementUs: number
  readonly judgements: number
  /** Which instance probes what, computed anew after one joined or left. */
  readonly assignmentMs: number
  readonly virtualSeconds: number
}

const stepMs = 100
const minuteMs = 60_000

export function simulateFleet(plan: FleetPlan): FleetFigures {
  const random = seededRandom(plan.seed)
  const targets = makeTargets(plan.targets)
  const dying = Math.max(1, Math.round(plan.dying * plan.targets))
  const isDead = targets.map(() => false)
  const wasDead = targets.map(() => false)
  const keys = stateKeys('default')
  const times = stateTimes(3000)
  const store = new FleetStore(keys)
  const spent = { judgingMs: 0, judged: 0, assigningMs: 0, assignments: 0 }
  const world: World = {
    store,
    keys,
    times,
    policy: dampingPolicy({ fall: 3, rise: 2, intervalMs: 20_000, fastIntervalMs: 5000 }),
    targets,
    indexOf: new Map(targets.map(({ endpoint }, i) => [endpoint, i])),
    vantages: plan.vantages,
    random,
    passes: (target) => !isDead[target],
    assigned: new Map(),
    spent,
  }
  const fleet = Array.from(
    { length: plan.instances },
    (_, i) => new FleetInstance(world, { instance: `ns${i}`, site: `site${i % plan.sites}` }, 0),
  )
  const kill = (from: number): void => {
    for (let i = from; i < from + dying; i++) wasDead[i] = isDead[i] = true
  }
  const happenings = new Map<number, () => void>([
    [2 * minuteMs, () => kill(0)],
    [4 * minuteMs, () => fleet.forEach((one, i) => (one.isReachable = i % 2 === 1))],
    [
      4 * minuteMs + 10_000,
      () => {
        isDead.fill(false)
        kill(dying)
      },
    ],
    [5 * minuteMs, () => fleet.forEach((one) => (one.isReachable = true))],
  ])
  const agrees = (): boolean =>
    fleet.every((one) => isDead.every((dead, i) => one.judgement(i) === (dead ? 'down' : 'up')))
  const falsely = new Set<number>()
  const noteFalseDowns = (): void =>
    fleet.forEach((one, n) =>
      wasDead.forEach((dead, i) => {
        if (!dead && one.judgement(i) === 'down') falsely.add(n * plan.targets + i)
      }),
    )
  const agreedMs: (number | null)[] = [null, null]
  const seconds: Traffic[] = []
  const endMs = 7 * minuteMs
  let hintsRead = 0
  for (let nowMs = 0; nowMs < endMs; nowMs += stepMs) {
    happenings.get(nowMs)?.()
    for (const one of fleet) one.step(nowMs)
    const news = store.hints.length - hintsRead
    hintsRead = store.hints.length
    if (news > 0 || nowMs % times.blockMs === 0)
      store.listen(fleet.filter(({ isReachable }) => isReachable).length, news)
    if (nowMs % 1000 !== 0) continue
    seconds.push({ ...store.traffic })
    noteFalseDowns()
    const [which, sinceMs] = nowMs < 4 * minuteMs ? [0, 2 * minuteMs] : [1, 5 * minuteMs]
    if (nowMs > sinceMs && agreedMs[which] === null && agrees()) agreedMs[which] = nowMs - sinceMs
  }
  const perSecond = seconds.slice(1).map((now, i) => difference(now, seconds[i] as Traffic))
  return {
    agreedAfterDeathMs: agreedMs[0] ?? null,
    agreedAfterHealMs: agreedMs[1] ?? null,
    falseDowns: falsely.size,
    calm: mean(perSecond.slice(60, 119)),
    busiest: perSecond.slice(60).reduce((a, b) => (weight(b) > weight(a) ? b : a)),
    judgementUs: (spent.judgingMs * 1000) / spent.judged,
    judgements: spent.judged,
    assignmentMs: spent.assigningMs / spent.assignments,
    virtualSeconds: endMs / 1000,
  }
}

const weight = ({ octetsUp, octetsDown }: Traffic): number => octetsUp + octetsDown

const difference = (a: Traffic, b: Traffic): Traffic => ({
  commands: a.commands - b.commands,
  batches: a.batches - b.batches,
  octetsUp: a.octetsUp - b.octetsUp,
  octetsDown: a.octetsDown - b.octetsDown,
})

const mean = (list: readonly Traffic[]): Traffic => {
  const of = (pick: (one: Traffic) => number): number =>
    list.reduce((sum, one) => sum + pick(one), 0) / list.length
  return {
    commands: of(({ commands }) => commands),
    batches: of(({ batches }) => batches),
    octetsUp: of(({ octetsUp }) => octetsUp),
    octetsDown: of(({ octetsDown }) => octetsDown),
  }
}
