// Overrides and feedback of targets that no zone of an instance has, in any number and size: a drain of a target that
// there is can be set, reaches the others and can be removed, and what is unknown comes into force with its zone.

import { afterEach, beforeEach, expect, test } from 'vitest'

import { formatFeedback, keyOfFeedback } from '../../src/cluster/redis/feedback.ts'
import { formatOverride } from '../../src/cluster/redis/overrides.ts'
import { keyOfOverride, type Override, overrideKeysOf } from '../../src/health/overrides.ts'
import { allTogether, joinTestCluster, type TestMember } from '../support/cluster-member.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { until } from '../support/wait.ts'

const prefix = 'mxsteer:{test}:v1:'
const withinMs = 60_000
const mx1 = { zone: 'z.test', target: 'mx1', pool: 'p' }
const newcomer = { zone: 'new.test', target: 'mx1', pool: 'p' }

let redis: RedisServer
let a: TestMember
let b: TestMember

beforeEach(async () => {
  redis = await startRedis()
  a = joinTestCluster('a', { port: redis.port })
  b = joinTestCluster('b', { port: redis.port })
  for (const { cluster } of [a, b]) {
    cluster.overrides.setKnownKeys(overrideKeysOf([mx1]))
    cluster.feedback.setTargets([mx1])
  }
  await allTogether(a, b)
})
afterEach(async () => {
  await Promise.all([a, b].map(({ cluster }) => cluster.stop()))
  await redis.kill()
})

const drain = (changes: Partial<Override> = {}): Override => ({
  id: 'o1',
  zone: mx1.zone,
  target: mx1.target,
  pool: null,
  action: { kind: 'drain' },
  why: 'disk',
  by: 'me',
  setMs: Date.now(),
  untilMs: Date.now() + 3_600_000,
  ...changes,
})

const put = async (list: readonly Override[], why = ''): Promise<void> => {
  for (let at = 0; at < list.length; at += 1000) {
    const part = list.slice(at, at + 1000)
    const fields = part.flatMap((one) => [
      keyOfOverride(one),
      formatOverride({ ...one, why: one.why + why }),
    ])
    await redis.command('HSET', `${prefix}ov`, ...fields)
  }
}

const strangers = (count: number, changes: Partial<Override>): readonly Override[] =>
  Array.from({ length: count }, (_, i) =>
    drain({ id: `s${i}`, zone: 'gone.test', target: `t${i}`, setMs: 1, ...changes }),
  )

const targetsOf = ({ cluster }: TestMember): readonly string[] =>
  cluster.overrides.list().map(({ zone, target }) => `${target}.${zone}`)

const isTakenOver = (count: number): Promise<true> =>
  until(() => [a, b].every((one) => targetsOf(one).length >= count), {
    what: `${count} overrides are known`,
    withinMs,
  })

test.each<[count: number, what: string, changes: Partial<Override>, why: string]>([
  [1000, 'targets', {}, ''],
  [1000, 'targets, without an end', { action: { kind: 'disable' }, untilMs: null }, ''],
  [3000, 'targets', {}, ''],
  [20_000, 'targets', {}, ''],
  [6000, 'long records', { zone: `${'z'.repeat(250)}.test` }, 'x'.repeat(190)],
])(
  '%i overrides of unknown %s refuse nobody',
  async (count, _what, changes, why) => {
    await put(strangers(count, changes), why)
    const isMet = ({ cluster }: TestMember): boolean =>
      cluster.overrides.list().length >= 1000 || cluster.stateView().oversized > 0
    await until(() => [a, b].every(isMet), { what: 'both have met them', withinMs })
    expect(a.cluster.overrides.set(drain())).toEqual({ kind: 'set', replaced: null })
    await until(() => targetsOf(b).includes('mx1.z.test'), { what: 'b drains it', withinMs })
    expect(targetsOf(a).length).toBeLessThanOrEqual(1001)
    expect(b.cluster.overrides.remove('o1')).not.toBeNull()
    await until(() => !targetsOf(a).includes('mx1.z.test'), { what: 'a has it no more', withinMs })
    expect(a.cluster.status()).toEqual({ kind: 'redis', degraded: false, instances: 2 })
  },
  600_000,
)

test('pools that a target is not in count as unknown', async () => {
  const pools = Array.from({ length: 1000 }, (_, i) => drain({ id: `s${i}`, pool: `q${i}` }))
  await put(pools)
  await isTakenOver(1000)
  expect(a.cluster.overrides.set(drain()).kind).toBe('set')
})

test('an override set by an instance with a newer zone file is kept, and in force once the zone is here', async () => {
  await put(strangers(500, {}))
  b.cluster.overrides.setKnownKeys(overrideKeysOf([mx1, newcomer]))
  b.cluster.overrides.set(drain({ id: 'n1', ...newcomer, pool: null }))
  await until(() => targetsOf(a).includes('mx1.new.test'), { what: 'a keeps it', withinMs })
  a.cluster.overrides.setKnownKeys(overrideKeysOf([mx1, newcomer]))
  expect(targetsOf(a)).toContain('mx1.new.test')
})

test('those that have expired are removed from the store, also beyond what is kept', async () => {
  await put(strangers(1500, { untilMs: Date.now() - 1000 }))
  await until(
    async () => {
      for (const { cluster } of [a, b]) cluster.overrides.expire(Date.now())
      return (await redis.command('HLEN', `${prefix}ov`)) === ':0'
    },
    { what: 'none is left', withinMs },
  )
  expect(a.cluster.overrides.list()).toEqual([])
})

test('12,000 reports on unknown targets leave room for one on a known target', async () => {
  const reportedMs = Date.now()
  const feedback = { factor: 0.5, standing: 0, isDown: false, reason: '', load: null } as const
  const times = { isShedding: false, reportedMs, untilMs: reportedMs + 3_600_000 }
  const report = { ...feedback, ...times }
  for (let at = 0; at < 12; at++) {
    const fields = Array.from({ length: 1000 }, (_, i) => {
      const id = { zone: 'gone.test', target: `t${at}-${i}`, writer: 'agent' as const }
      return [keyOfFeedback(id), formatFeedback({ ...id, feedback: report })]
    })
    await redis.command('HSET', `${prefix}fb`, ...fields.flat())
  }
  await redis.command('XADD', `${prefix}ev`, '*', 'i', 'x', 't', 'fb')
  await until(() => a.cluster.feedback.list().length === 1000, {
    what: 'as many as kept',
    withinMs,
  })
  a.cluster.feedback.write({ zone: 'z.test', target: 'mx1', writer: 'agent' }, report)
  await until(() => b.cluster.feedback.list().some(({ zone }) => zone === 'z.test'), {
    what: 'b has the report',
    withinMs,
  })
  expect(b.cluster.feedback.list().length).toBeLessThanOrEqual(1001)
})
