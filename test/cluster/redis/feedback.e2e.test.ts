// Feedback of MTAs and counts of probes, over a real redis-server between instances of one process.

import { afterEach, beforeEach, expect, test } from 'vitest'

import type { Feedback } from '../../../src/health/feedback.ts'
import { type SavedAvailability, savedHandshakesIn } from '../../../src/health/availability.ts'
import { formatFeedback } from '../../../src/cluster/redis/feedback.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import {
  type FeedbackRegistry,
  createFeedbackRegistry,
} from '../../../src/weights/feedback-registry.ts'
import { type TestMember, allTogether, joinTestCluster } from '../../support/cluster-member.ts'
import { type RedisServer, startRedis } from '../../support/redis.ts'
import { until } from '../../support/wait.ts'

const prefix = 'mxsteer:{test}:v1:'
const mx1 = { zone: 'z.test', target: 'mx1' }
let redis: RedisServer
let members: FeedbackMember[]

interface FeedbackMember extends TestMember {
  readonly registry: FeedbackRegistry
}

beforeEach(async () => {
  redis = await startRedis()
  members = []
})
afterEach(async () => {
  for (const { registry } of members) registry.stop()
  await Promise.all(members.map(({ cluster }) => cluster.stop()))
  await redis.kill()
})

function join(instance: string): FeedbackMember {
  const member = joinTestCluster(instance, { port: redis.port })
  const registry = createFeedbackRegistry(
    systemClock,
    undefined,
    undefined,
    member.cluster.feedback,
  )
  registry.retain([mx1, { ...mx1, target: 'mx2' }])
  const joined = { ...member, registry }
  members.push(joined)
  return joined
}

const joinAll = async (...names: readonly string[]): Promise<FeedbackMember[]> => {
  const all = names.map(join)
  await allTogether(...all)
  return all
}

const waitFor = (what: string, look: () => boolean): Promise<true> =>
  until(look, { what, withinMs: 60_000, everyMs: 5 })

const factorsOf = ({ registry }: FeedbackMember): string =>
  registry
    .reports(mx1)
    .map(({ writer, factor }) => `${writer}:${factor}`)
    .sort()
    .join(' ')

const share = (value: number) => ({ kind: 'share', share: value }) as const

test('a load reported to one instance is known to all with its expiry, and expires on all', async () => {
  const [a, b, c] = (await joinAll('a', 'b', 'c')) as [
    FeedbackMember,
    FeedbackMember,
    FeedbackMember,
  ]
  let changes = 0
  b.registry.onChange(() => changes++)
  const { untilMs } = a.registry.report(mx1, 'load-token', share(0.5), 4000)
  await waitFor('all have it', () =>
    [b, c].every((one) => one.registry.effectOf(mx1).factor === 0.5),
  )
  expect(b.registry.reports(mx1)[0]?.untilMs).toBe(untilMs)
  expect(changes).toBe(1)
  await waitFor('it is over', () =>
    [a, b, c].every((one) => one.registry.effectOf(mx1).factor === 1),
  )
  expect(Date.now()).toBeGreaterThanOrEqual(untilMs)
})

test('the last report of a writer counts wherever it arrives; reports of two writers stand side by side', async () => {
  const [a, b] = (await joinAll('a', 'b')) as [FeedbackMember, FeedbackMember]
  a.registry.report(mx1, 'load-token', share(0.5), 60_000)
  await waitFor('b has it', () => factorsOf(b) === 'load-token:0.5')
  b.registry.report(mx1, 'load-token', share(0.75), 60_000)
  b.registry.report(mx1, 'admin', share(0.9), 60_000)
  await waitFor('a has it', () => factorsOf(a) === 'admin:0.9 load-token:0.75')
  // Each withdraws only its own, at any instance.
  expect(a.registry.withdraw(mx1, 'admin')).toBe(true)
  await waitFor('b has that', () => factorsOf(b) === 'load-token:0.75')
  expect(await redis.command('HLEN', `${prefix}fb`)).toBe(':1')
})

test('an instance that joins gets earlier reports; those on targets in no zone are not kept', async () => {
  const [a] = (await joinAll('a')) as [FeedbackMember]
  a.registry.report(mx1, 'load-token', share(0.5), 60_000)
  a.cluster.feedback.write({ ...mx1, target: 'mx9', writer: 'agent' }, feedbackNow(0.2))
  await until(async () => (await redis.command('HLEN', `${prefix}fb`)) === ':2', {
    what: 'both are in the store',
    withinMs: 60_000,
  })
  const late = join('late')
  await waitFor('late has it', () => factorsOf(late) === 'load-token:0.5')
  expect(late.registry.reports({ ...mx1, target: 'mx9' })).toEqual([])
  late.registry.retain([mx1, { ...mx1, target: 'mx9' }])
  expect(late.registry.reports({ ...mx1, target: 'mx9' })).toHaveLength(1)
})

test('an agent that repeats itself costs the store nothing', async () => {
  const [a, b] = (await joinAll('a', 'b')) as [FeedbackMember, FeedbackMember]
  const report = { kind: 'agent', share: 0.5, mode: null, isDown: null, reason: '' } as const
  a.registry.report(mx1, 'agent', report, 60_000)
  await waitFor('b has it', () => factorsOf(b) === 'agent:0.5')
  const before = await redis.command('HGET', `${prefix}fb`, 'z.test mx1 agent')
  for (let i = 0; i < 20; i++) b.registry.report(mx1, 'agent', report, 60_000)
  a.registry.report(mx1, 'agent', { ...report, mode: 'drain' }, 60_000)
  await waitFor('b has the drain', () => b.registry.effectOf(mx1).standing !== 0)
  // What a line does not mention stays, whichever instance read the last one.
  b.registry.report(mx1, 'agent', { ...report, share: 0.25 }, 60_000)
  await waitFor('a has it', () => factorsOf(a) === 'agent:0.25')
  expect(a.registry.effectOf(mx1).standing).not.toBe(0)
  expect(before).toContain('"factor":0.5')
})

test('a report while the store is out of reach, and a store that lost its data', async () => {
  const [a, b] = (await joinAll('a', 'b')) as [FeedbackMember, FeedbackMember]
  a.registry.report(mx1, 'admin', share(0.5), 60_000)
  await waitFor('b has it', () => factorsOf(b) === 'admin:0.5')
  redis.signal('SIGSTOP')
  await waitFor('cut off', () => a.cluster.status().degraded && b.cluster.status().degraded)
  a.registry.report(mx1, 'load-token', share(0.25), 60_000)
  a.registry.withdraw(mx1, 'admin')
  expect(factorsOf(a)).toBe('load-token:0.25')
  redis.signal('SIGCONT')
  await waitFor('b has both', () => factorsOf(b) === 'load-token:0.25')
  await redis.command('FLUSHALL')
  await until(async () => (await redis.command('HLEN', `${prefix}fb`)) === ':1', {
    what: 'it is put back',
    withinMs: 60_000,
  })
  expect([factorsOf(a), factorsOf(b)]).toEqual(['load-token:0.25', 'load-token:0.25'])
})

test('garbage is counted and ignored; what has long expired is removed', async () => {
  const [a] = (await joinAll('a')) as [FeedbackMember]
  const rejected = a.cluster.stateView().rejected
  const line = JSON.parse(
    formatFeedback({ ...mx1, writer: 'admin', feedback: feedbackNow(0.5) }),
  ) as Record<string, unknown>
  const over = { ...line, toldMs: Date.now() - 200_000, untilMs: Date.now() - 100_000 }
  const fields: Readonly<Record<string, unknown>> = {
    'z.test mx1 admin': { ...line, factor: 7 },
    'z.test mx1 agent': { ...line, writer: 'agent', standing: 3 },
    'z.test mx1 load-token': line,
    'z.test mx2 admin': { ...line, target: 'mx2', more: 1 },
    x: 'x',
    'z.test mx2 agent': { ...over, target: 'mx2', writer: 'agent' },
  }
  for (const [field, value] of Object.entries(fields))
    await redis.command('HSET', `${prefix}fb`, field, JSON.stringify(value))
  await redis.command('XADD', `${prefix}ev`, '*', 'i', 'ghost', 't', 'fb')
  await until(
    async () => (await redis.command('HEXISTS', `${prefix}fb`, 'z.test mx2 agent')) === ':0',
    { what: 'what is over is gone', withinMs: 60_000 },
  )
  expect(a.cluster.stateView().rejected).toBeGreaterThanOrEqual(rejected + 5)
  expect(factorsOf(a)).toBe('')
  await redis.command('DEL', `${prefix}fb`)
  await redis.command('LPUSH', `${prefix}fb`, 'garbage')
  a.registry.report(mx1, 'admin', share(0.5), 60_000)
  await until(async () => (await redis.command('TYPE', `${prefix}fb`)) === '+hash', {
    what: 'another type in its place is replaced',
    withinMs: 60_000,
  })
})

test('counts of probes: each instance shares its own, all know the sum, a restart counts nothing twice', async () => {
  const hour = Math.floor(Date.now() / 60_000)
  const counted = (good: number, total: number): SavedAvailability => [
    [[hour, good, total]],
    [],
    [],
  ]
  const [a, b] = (await joinAll('a', 'b')) as [FeedbackMember, FeedbackMember]
  const restored: string[] = []
  const follow = ({ cluster, instance }: FeedbackMember, own: SavedAvailability): void =>
    cluster.tallies.attach({
      current: () => new Map([['z.test main', own]]),
      restore: (pool, saved) => restored.push(`${instance} ${pool} ${sumOf([saved])}`),
    })
  const sumOf = (all: readonly SavedAvailability[]): string =>
    all
      .map((one) => savedHandshakesIn(one, '1h', Date.now()))
      .map(({ good, total }) => `${good}/${total}`)
      .sort()
      .join(' ')
  const others = ({ cluster }: FeedbackMember): string =>
    sumOf(cluster.tallies.ofOthers('z.test main'))
  follow(a, counted(5, 10))
  follow(b, counted(20, 20))
  await waitFor('both know', () => others(a) === '20/20' && others(b) === '5/10')
  expect(restored).toEqual([])
  await a.cluster.stop()
  const again = join('a')
  follow(again, counted(1, 1))
  await waitFor('it has what it counted before', () => restored.length > 0)
  expect(restored).toEqual(['a z.test main 5/10'])
  await redis.command('HSET', `${prefix}av:b`, 'x', 'y')
  await waitFor('b knows of the new ones, in place of the old', () => others(b) === '1/1')
})

function feedbackNow(factor: number): Feedback {
  const reportedMs = Date.now()
  const quiet = { standing: 0, isDown: false, reason: '', load: null, isShedding: false } as const
  return { ...quiet, factor, reportedMs, untilMs: reportedMs + 60_000 }
}
