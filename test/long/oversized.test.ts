// Records of 100 MiB, or 16 MiB within a hash, set or stream, written by another client into every key that instances read: they are named and counted, hardly
// an octet of them is read, and instances go on sharing everything else. The store itself counts what it sends.

import { afterEach, beforeEach, expect, test } from 'vitest'

import type { ClusterEvent } from '../../src/cluster/cluster-votes.ts'
import { endpointId, formatHeartbeat } from '../../src/cluster/redis/schema.ts'
import { type Override, overrideKeysOf } from '../../src/health/overrides.ts'
import { allTogether, joinTestCluster, type TestMember } from '../support/cluster-member.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { until } from '../support/wait.ts'

const hugeOctets = 100 * 1024 * 1024
const largeOctets = 16 * 1024 * 1024
/** What both instances may read in a test: a small part of one of the records. */
const readLimitOctets = largeOctets / 4
const prefix = 'mxsteer:{test}:v1:'
const withinMs = 60_000
const target = { zone: 'z.test', target: 'mx1', pool: 'p' }

let redis: RedisServer
let a: TestMember
let b: TestMember

beforeEach(async () => {
  redis = await startRedis()
  a = joinTestCluster('a', { port: redis.port })
  b = joinTestCluster('b', { port: redis.port })
  for (const { cluster } of [a, b]) {
    cluster.overrides.setKnownKeys(overrideKeysOf([target]))
    cluster.feedback.setTargets([target])
    cluster.publish({ slotKey: 'k', state: '?', reason: 'ok' })
    cluster.tallies.attach({ current: () => new Map([['p', emptyTally]]), restore() {} })
  }
  await allTogether(a, b)
}, 600_000)
afterEach(async () => {
  await Promise.all([a, b].map(({ cluster }) => cluster.stop()))
  await redis.kill()
})

const emptyTally = [[], [], []] as const

/** A string of 100 MiB, which the store makes itself; it stands still meanwhile. */
const makeHuge = (key: string, octets = hugeOctets): Promise<string> =>
  redis.command('SETRANGE', key, String(octets - 1), 'x')

/** A command whose last argument has 16 MiB. */
async function callWithLarge(...words: readonly string[]): Promise<void> {
  await makeHuge('large', largeOctets)
  const list = words.map((_, i) => `ARGV[${i + 1}]`).join(',')
  const script = `redis.call(${list}, redis.call('GET', 'large')) redis.call('UNLINK', 'large')`
  expect(await redis.command('EVAL', script, '0', ...words)).toBe('$-1')
}

const sentOctets = async (): Promise<number> =>
  Number(/total_net_output_bytes:(\d+)/.exec(await redis.command('INFO', 'stats'))?.[1])

const named = ({ events }: TestMember): readonly string[] =>
  events.flatMap((event: ClusterEvent) =>
    event.kind === 'oversized-record'
      ? [`${event.key.slice(prefix.length)} ${event.field ?? ''}`.trimEnd()]
      : [],
  )

const isNamedByBoth = (record: string): Promise<true> =>
  until(() => [a, b].every((one) => named(one).includes(record)), {
    what: `both name ${record}`,
    withinMs,
  })

/** Votes of each reach the other, in both states, and neither is cut off. */
async function expectAgreement(): Promise<void> {
  for (const state of ['D', 'U'] as const) {
    for (const { cluster } of [a, b]) cluster.publish({ slotKey: 'k', state, reason: 'ok' })
    await until(
      () =>
        [a, b].every(({ cluster }) => {
          const votes = cluster.votes('k')
          return votes.length === 2 && votes.every((one) => one.state === state)
        }),
      { what: `both vote ${state}`, withinMs },
    )
  }
  const isWell = ({ cluster }: TestMember): boolean =>
    cluster.status().instances === 2 && !cluster.status().degraded
  await until(() => [a, b].every(isWell), { what: 'both are well', withinMs })
  for (const { cluster } of [a, b]) expect(cluster.stateView().oversized).toBeGreaterThan(0)
}

const drain: Override = {
  id: 'o1',
  ...target,
  pool: null,
  action: { kind: 'drain' },
  why: 'disk',
  by: 'me',
  setMs: Date.now(),
  untilMs: Date.now() + 3_600_000,
}

test('a heartbeat of another instance', async () => {
  const before = await sentOctets()
  await makeHuge(`${prefix}hb:c`)
  // A name without a valid heartbeat is removed from the set by the first instance that sees it.
  const addName = async (): Promise<boolean> =>
    (await redis.command('SADD', `${prefix}inst`, 'c')) === ''
  await until(async () => [a, b].every((one) => named(one).includes('hb:c')) || addName(), {
    what: 'both name it',
    withinMs,
  })
  await expectAgreement()
  expect(a.events.filter(({ kind }) => kind === 'oversized-record')).toEqual([
    { kind: 'oversized-record', key: `${prefix}hb:c`, field: null, octets: hugeOctets },
  ])
  expect((await sentOctets()) - before).toBeLessThan(readLimitOctets)
})

test('the own heartbeat, the id and the epoch are written anew', async () => {
  const before = await sentOctets()
  for (const key of ['hb:a', 'ep:a', 'id']) await makeHuge(prefix + key)
  for (const key of ['hb:a', 'ep:a', 'id'])
    await until(async () => (await redis.command('STRLEN', prefix + key)).length < 5, {
      what: `${key} is small again`,
      withinMs,
    })
  a.cluster.publish({ slotKey: 'k', state: 'D', reason: 'ok' })
  await until(() => b.cluster.votes('k').some(({ state }) => state === 'D'), {
    what: 'b has the vote of a',
    withinMs,
  })
  expect((await sentOctets()) - before).toBeLessThan(readLimitOctets)
})

test('a heartbeat of our name that a later process seems to have written, and that stands still', async () => {
  const forged = formatHeartbeat({
    epoch: 1e9,
    sequence: 1,
    state: 'ok',
    site: 'x',
    config: null,
  })
  await redis.command('SET', `${prefix}hb:a`, forged)
  await until(() => a.events.some(({ kind }) => kind === 'fenced'), { what: 'fenced', withinMs })
  // In case that its own was written over it at that moment.
  await redis.command('SET', `${prefix}hb:a`, forged)
  await until(() => a.events.some(({ kind }) => kind === 'unfenced'), { what: 'free', withinMs })
  await until(async () => !(await redis.command('GET', `${prefix}hb:a`)).includes(forged), {
    what: 'it is written anew',
    withinMs,
  })
  await until(() => b.cluster.status().instances === 2, { what: 'b sees a', withinMs })
  expect(a.cluster.stateView().fenced).toBe(false)
})

test.each([
  [3, 0],
  [40, 0],
  [40, 20_000],
])(
  'one vote of an instance on %i endpoints, beside %i fields: the others count',
  async (count, more) => {
    const slotKeys = Array.from({ length: count }, (_, i) => `more${i}`)
    for (const { cluster } of [a, b])
      for (const slotKey of slotKeys) cluster.publish({ slotKey, state: '?', reason: 'ok' })
    const before = await sentOctets()
    const heartbeat = { epoch: 7, state: 'ok', site: 'c', config: null } as const
    await redis.command('HSET', `${prefix}v:c`, endpointId('more1'), 'D|7|timeout')
    const beside = Array.from({ length: more }, (_, i) => [`x${i}`, ''])
    if (more > 0) await redis.command('HSET', `${prefix}v:c`, ...beside.flat())
    await callWithLarge('HSET', `${prefix}v:c`, endpointId('more2'))
    let sequence = 0
    const beat = async (): Promise<void> => {
      const text = formatHeartbeat({ ...heartbeat, sequence: ++sequence })
      await redis.command('SET', `${prefix}hb:c`, text, 'PX', '1500')
      await redis.command('SADD', `${prefix}inst`, 'c')
    }
    const sees = ({ cluster }: TestMember): boolean =>
      cluster.votes('more1').some(({ instance, state }) => instance === 'c' && state === 'D')
    await until(async () => [a, b].every(sees) || (await beat()), {
      what: 'the other vote of c counts',
      withinMs,
    })
    await isNamedByBoth(`v:c ${endpointId('more2')}`)
    expect(a.cluster.votes('more2').some(({ instance }) => instance === 'c')).toBe(false)
    await expectAgreement()
    expect((await sentOctets()) - before).toBeLessThan(readLimitOctets)
  },
)

test('a vote in the own hash: all own votes are written anew', async () => {
  a.cluster.publish({ slotKey: 'k', state: 'U', reason: 'ok' })
  const before = await sentOctets()
  await callWithLarge('HSET', `${prefix}v:a`, 'another')
  await until(async () => (await redis.command('HLEN', `${prefix}v:a`)) === ':1', {
    what: 'it is gone',
    withinMs,
  })
  expect((await sentOctets()) - before).toBeLessThan(readLimitOctets)
})

test('a hint: the stream is begun anew', async () => {
  await callWithLarge('XADD', `${prefix}ev`, '*', 'i', 'b', 't')
  // A read of the stream that waits when the entry comes gets it at once: what one reply may have is for the link.
  await until(
    async () => Number((await redis.command('MEMORY', 'USAGE', `${prefix}ev`)).slice(1)) < 1e6,
    { what: 'the stream is small again', withinMs },
  )
  await until(() => [a, b].some((one) => named(one).includes('ev')), { what: 'named', withinMs })
  const before = await sentOctets()
  for (const state of ['D', 'U'] as const) {
    a.cluster.publish({ slotKey: 'k', state, reason: 'ok' })
    await until(() => b.cluster.votes('k').some((one) => one.state === state), {
      what: `b has ${state}`,
      withinMs,
    })
  }
  expect((await sentOctets()) - before).toBeLessThan(readLimitOctets)
})

test('a name of an instance: the set is begun anew', async () => {
  const before = await sentOctets()
  await callWithLarge('SADD', `${prefix}inst`)
  await until(async () => (await redis.command('SCARD', `${prefix}inst`)) === ':2', {
    what: 'both names are there, and no other',
    withinMs,
  })
  await until(() => [a, b].some((one) => named(one).includes('inst')), { what: 'named', withinMs })
  expect((await sentOctets()) - before).toBeLessThan(readLimitOctets)
})

test('overrides: those of known targets are set, read and removed all the same', async () => {
  const before = await sentOctets()
  await callWithLarge('HSET', `${prefix}ov`, 'z.test mx9  state')
  await callWithLarge('HSET', `${prefix}ov`, 'z.test mx1  weight')
  await isNamedByBoth('ov')
  await isNamedByBoth('ov z.test mx1  weight')
  expect(a.cluster.overrides.set(drain)).toEqual({ kind: 'set', replaced: null })
  await until(() => b.cluster.overrides.list().length === 1, { what: 'b has the drain', withinMs })
  expect(b.cluster.overrides.list()).toEqual([drain])
  expect(b.cluster.overrides.remove('o1')).toEqual(drain)
  await until(() => a.cluster.overrides.list().length === 0, { what: 'a has it no more', withinMs })
  await expectAgreement()
  expect((await sentOctets()) - before).toBeLessThan(readLimitOctets)
})

test('feedback: reports on known targets arrive all the same', async () => {
  const before = await sentOctets()
  await callWithLarge('HSET', `${prefix}fb`, 'z.test mx9 agent')
  const reportedMs = Date.now()
  const feedback = { factor: 0.5, standing: 0 as const, isDown: false, reason: '', load: null }
  a.cluster.feedback.write(
    { zone: 'z.test', target: 'mx1', writer: 'agent' },
    { ...feedback, isShedding: false, reportedMs, untilMs: reportedMs + 3_600_000 },
  )
  await until(() => b.cluster.feedback.list().length === 1, { what: 'b has it', withinMs })
  await isNamedByBoth('fb')
  await expectAgreement()
  expect((await sentOctets()) - before).toBeLessThan(readLimitOctets)
})

/** Serials of zones that one of the instances serves, and what makes their hash too large. */
const serialsOf = (
  serial: number,
  digest: string,
): ReadonlyMap<string, { serial: number; digest: string }> =>
  new Map(['one.test', 'two.test'].map((zone) => [zone, { serial, digest: digest.repeat(16) }]))

test.each<[string, ...string[]]>([
  ['another zone of 16 MiB', 'gone.test'],
  ['a zone that is served, of 16 MiB', 'one.test', 'se one.test'],
  ['100,000 other zones', ''],
])('serials with %s: those of zones that are served are shared', async (_, large, ...alsoNamed) => {
  const before = await sentOctets()
  if (large === '')
    await redis.command(
      'EVAL',
      "for i = 1, 100000 do redis.call('HSET', KEYS[1], 'z' .. i, '1|aaaaaaaaaaaaaaaa') end",
      '1',
      `${prefix}se`,
    )
  else await callWithLarge('HSET', `${prefix}se`, large)
  const behind: string[] = []
  for (const { instance, serials } of [a, b]) serials.onNews(() => behind.push(instance))
  a.publishSerials(serialsOf(7, 'a'))
  b.publishSerials(serialsOf(5, 'a'))
  // The first instance that serves the zone replaces it.
  for (const record of ['se', ...alsoNamed])
    await until(() => [a, b].some((one) => named(one).includes(record)), { what: record, withinMs })
  await until(() => behind.includes('b'), { what: 'b is behind', withinMs })
  expect(behind).toEqual(['b'])
  expect(await b.serials.read()).toEqual(serialsOf(7, 'a'))
  expect((await sentOctets()) - before).toBeLessThan(readLimitOctets)
})
