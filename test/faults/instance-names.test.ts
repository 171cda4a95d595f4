// Names of instances that are long gone, in the set that tells where to look for heartbeats: whoever wrote them, two
// new instances see each other at once, and the names go away.

import { afterEach, beforeEach, expect, test } from 'vitest'

import { formatHeartbeat } from '../../src/cluster/redis/schema.ts'
import { allTogether, joinTestCluster, type TestMember } from '../support/cluster-member.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { until } from '../support/wait.ts'

const prefix = 'mxsteer:{test}:v1:'
const names = `${prefix}inst`
const withinMs = 60_000

let redis: RedisServer
let members: TestMember[]

beforeEach(async () => {
  redis = await startRedis()
  members = []
})
afterEach(async () => {
  await Promise.all(members.map(({ cluster }) => cluster.stop()))
  await redis.kill()
})

function join(instance: string, heartbeatMs = 300): TestMember {
  const member = joinTestCluster(instance, { port: redis.port, heartbeatMs })
  members.push(member)
  return member
}

/** Adds as many names of containers as given. */
const addNames = (count: number): Promise<string> =>
  redis.command(
    'EVAL',
    `for i = 1, ARGV[1] do redis.call('SADD', KEYS[1], 'mxsteer-7d9f' .. i) end return 'done'`,
    '1',
    names,
    String(count),
  )

const isAlone = (count: number): Promise<true> =>
  until(async () => (await redis.command('SCARD', names)) === `:${count}`, {
    what: `${count} names are left`,
    withinMs,
  })

/** Sequence of the heartbeat of an instance: how many it has written. */
const heartbeatsOf = async (instance: string): Promise<number> =>
  Number(/\|(\d+)\|/.exec(await redis.command('GET', `${prefix}hb:${instance}`))?.[1] ?? 0)

test.each([500, 3000, 100_000])(
  'with %i names of others two new instances see each other within two heartbeats',
  async (count) => {
    await addNames(count)
    const [a, b] = [join('a', 1000), join('b', 1000)]
    await allTogether(a, b)
    const written = await Promise.all(['a', 'b'].map(heartbeatsOf))
    // The first one is written at the start; another one may be, by a machine that is busy.
    for (const heartbeats of written) expect(heartbeats).toBeLessThanOrEqual(8)
    await isAlone(2)
  },
  600_000,
)

test('names of instances that crash are removed, those that are alive stay', async () => {
  const [a, b] = [join('a'), join('b')]
  await allTogether(a, b)
  for (let round = 0; round < 3; round++) {
    await addNames(200)
    await isAlone(2)
  }
  expect(await redis.command('SISMEMBER', names, 'a')).toBe(':1')
  expect(await redis.command('SISMEMBER', names, 'b')).toBe(':1')
  expect([a, b].flatMap(({ events }) => events.filter(({ kind }) => kind === 'peer-gone'))).toEqual(
    [],
  )
})

test('an instance that stops takes its name along', async () => {
  const [a, b] = [join('a'), join('b')]
  await allTogether(a, b)
  await b.cluster.stop()
  expect(await redis.command('SISMEMBER', names, 'b')).toBe(':0')
  await until(() => a.cluster.status().instances === 1, { what: 'a is alone', withinMs })
})

test('an instance of an older version, which adds its name with every heartbeat, is seen', async () => {
  await addNames(3000)
  const [a, b] = [join('a'), join('b')]
  const heartbeat = { epoch: 3, state: 'ok', site: 'c', config: null } as const
  let sequence = 0
  await until(
    async () => {
      const text = formatHeartbeat({ ...heartbeat, sequence: ++sequence })
      await redis.command('SET', `${prefix}hb:old`, text, 'PX', '1500')
      await redis.command('SADD', names, 'old')
      return [a, b].every(({ cluster }) => cluster.status().instances === 3)
    },
    { what: 'both see it', withinMs, everyMs: 100 },
  )
  expect(
    a.cluster
      .stateView()
      .peers.map(({ instance }) => instance)
      .sort(),
  ).toEqual(['b', 'old'])
})

test('300 heartbeats that somebody made permanent leave room for those of instances', async () => {
  const script = `for i = 1, 300 do redis.call('SADD', KEYS[1], 'p' .. i)
    redis.call('SET', ARGV[1] .. 'p' .. i, '1|1|ok|x') end return 'done'`
  await redis.command('EVAL', script, '1', names, `${prefix}hb:`)
  const [a, b] = [join('a'), join('b')]
  await allTogether(a, b)
  await isAlone(2)
  expect(a.cluster.stateView().peers.map(({ instance }) => instance)).toEqual(['b'])
})
