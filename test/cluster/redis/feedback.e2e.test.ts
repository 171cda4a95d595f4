// What MTAs say of themselves, and what probes count, over a real redis-server between instances of one process.

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
let members: Heard[]

interface Heard extends TestMember {
  readonly book: FeedbackRegistry
}

beforeEach(async () => {
  redis = await startRedis()
  members = []
})
afterEach(async () => {
  for (const { book } of members) book.stop()
  await Promise.all(members.map(({ cluster }) => cluster.stop()))
  await redis.kill()
})

function join(instance: string): Heard {
  const member = joinTestCluster(instance, { port: redis.port })
  const book = createFeedbackRegistry(systemClock, undefined, undefined, member.cluster.feedback)
  book.retain([mx1, { ...mx1, target: 'mx2' }])
  const heard = { ...member, book }
  members.push(heard)
  return heard
}

const joinAll = async (...names: readonly string[]): Promise<Heard[]> => {
  const all = names.map(join)
  await allTogether(...all)
  return all
}

const waitFor = (what: string, look: () => boolean): Promise<true> =>
  until(look, { what, withinMs: 60_000, everyMs: 5 })

const siteReports = ({ book }: Heard): string =>
  book
    .reports(mx1)
    .map(({ writer, factor }) => `${writer}:${factor}`)
    .sort()
    .join(' ')

const share = (value: number) => ({ kind: 'share', share: value }) as const

test('a load told to one is heard by all, with its end, and ends on all', async () => {
  const [a, b, c] = (await joinAll('a', 'b', 'c')) as [Heard, Heard, Heard]
  let changes = 0
  b.book.onChange(() => changes++)
  const { untilMs } = a.book.report(mx1, 'load-token', share(0.5), 4000)
  await waitFor('all hear', () => [b, c].every((one) => one.book.effectOf(mx1).factor === 0.5))
  expect(b.book.reports(mx1)[0]?.untilMs).toBe(untilMs)
  expect(changes).toBe(1)
  await waitFor('it is over', () => [a, b, c].every((one) => one.book.effectOf(mx1).factor === 1))
  expect(Date.now()).toBeGreaterThanOrEqual(untilMs)
})

test('the last word of a writer counts wherever it is told; words of two writers stand beside each other', async () => {
  const [a, b] = (await joinAll('a', 'b')) as [Heard, Heard]
  a.book.report(mx1, 'load-token', share(0.5), 60_000)
  await waitFor('b hears', () => siteReports(b) === 'load-token:0.5')
  b.book.report(mx1, 'load-token', share(0.75), 60_000)
  b.book.report(mx1, 'admin', share(0.9), 60_000)
  await waitFor('a hears', () => siteReports(a) === 'admin:0.9 load-token:0.75')
  // Each takes back its own alone, anywhere.
  expect(a.book.withdraw(mx1, 'admin')).toBe(true)
  await waitFor('b hears that', () => siteReports(b) === 'load-token:0.75')
  expect(await redis.command('HLEN', `${prefix}fb`)).toBe(':1')
})

test('who joins hears what was told before; of targets that no zone has nothing is kept', async () => {
  const [a] = (await joinAll('a')) as [Heard]
  a.book.report(mx1, 'load-token', share(0.5), 60_000)
  a.cluster.feedback.write({ ...mx1, target: 'mx9', writer: 'agent' }, toldNow(0.2))
  await until(async () => (await redis.command('HLEN', `${prefix}fb`)) === ':2', {
    what: 'both are in the store',
    withinMs: 60_000,
  })
  const late = join('late')
  await waitFor('late hears', () => siteReports(late) === 'load-token:0.5')
  expect(late.book.reports({ ...mx1, target: 'mx9' })).toEqual([])
  late.book.retain([mx1, { ...mx1, target: 'mx9' }])
  expect(late.book.reports({ ...mx1, target: 'mx9' })).toHaveLength(1)
})

test('an agent that goes on saying the same costs the store nothing', async () => {
  const [a, b] = (await joinAll('a', 'b')) as [Heard, Heard]
  const word = { kind: 'agent', share: 0.5, mode: null, isDown: null, reason: '' } as const
  a.book.report(mx1, 'agent', word, 60_000)
  await waitFor('b hears', () => siteReports(b) === 'agent:0.5')
  const before = await redis.command('HGET', `${prefix}fb`, 'z.test mx1 agent')
  for (let i = 0; i < 20; i++) b.book.report(mx1, 'agent', word, 60_000)
  a.book.report(mx1, 'agent', { ...word, mode: 'drain' }, 60_000)
  await waitFor('b hears of the drain', () => b.book.effectOf(mx1).standing !== 0)
  // What a line does not speak of stays, whoever asked before.
  b.book.report(mx1, 'agent', { ...word, share: 0.25 }, 60_000)
  await waitFor('a hears', () => siteReports(a) === 'agent:0.25')
  expect(a.book.effectOf(mx1).standing).not.toBe(0)
  expect(before).toContain('"factor":0.5')
})

test('told while the store was away, and a store that lost its memory', async () => {
  const [a, b] = (await joinAll('a', 'b')) as [Heard, Heard]
  a.book.report(mx1, 'admin', share(0.5), 60_000)
  await waitFor('b hears', () => siteReports(b) === 'admin:0.5')
  redis.signal('SIGSTOP')
  await waitFor('cut off', () => a.cluster.status().degraded && b.cluster.status().degraded)
  a.book.report(mx1, 'load-token', share(0.25), 60_000)
  a.book.withdraw(mx1, 'admin')
  expect(siteReports(a)).toBe('load-token:0.25')
  redis.signal('SIGCONT')
  await waitFor('b hears both', () => siteReports(b) === 'load-token:0.25')
  await redis.command('FLUSHALL')
  await until(async () => (await redis.command('HLEN', `${prefix}fb`)) === ':1', {
    what: 'it is put back',
    withinMs: 60_000,
  })
  expect([siteReports(a), siteReports(b)]).toEqual(['load-token:0.25', 'load-token:0.25'])
})

test('garbage is counted and heard by nobody; what is long over is taken out', async () => {
  const [a] = (await joinAll('a')) as [Heard]
  const rejected = a.cluster.stateView().rejected
  const line = JSON.parse(
    formatFeedback({ ...mx1, writer: 'admin', feedback: toldNow(0.5) }),
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
  expect(siteReports(a)).toBe('')
  await redis.command('DEL', `${prefix}fb`)
  await redis.command('LPUSH', `${prefix}fb`, 'garbage')
  a.book.report(mx1, 'admin', share(0.5), 60_000)
  await until(async () => (await redis.command('TYPE', `${prefix}fb`)) === '+hash', {
    what: 'another type in its place is replaced',
    withinMs: 60_000,
  })
})

test('counts of probes: each instance tells its own, all know the sum, a boot counts nothing twice', async () => {
  const hour = Math.floor(Date.now() / 60_000)
  const counted = (good: number, total: number): SavedAvailability => [
    [[hour, good, total]],
    [],
    [],
  ]
  const [a, b] = (await joinAll('a', 'b')) as [Heard, Heard]
  const restored: string[] = []
  const follow = ({ cluster, instance }: Heard, own: SavedAvailability): void =>
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
  const others = ({ cluster }: Heard): string => sumOf(cluster.tallies.ofOthers('z.test main'))
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

function toldNow(factor: number): Feedback {
  const reportedMs = Date.now()
  const quiet = { standing: 0, isDown: false, reason: '', load: null, isShedding: false } as const
  return { ...quiet, factor, reportedMs, untilMs: reportedMs + 60_000 }
}
