// Random contents in every key of the store at once, of every type, under two instances that go on voting: they agree
// on the next votes, and the store is usable again.

import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { endpointId } from '../../src/cluster/redis/schema.ts'
import { overrideKeysOf } from '../../src/health/overrides.ts'
import { allTogether, joinTestCluster, type TestMember } from '../support/cluster-member.ts'
import { startRedis } from '../support/redis.ts'
import { until } from '../support/wait.ts'

const prefix = 'mxsteer:{test}:v1:'
const keys = ['inst', 'id', 'ev', 'ov', 'fb', 'avn', 'hb:a', 'hb:c', 'v:a', 'v:b', 'ep:a', 'av:b']
const withinMs = 60_000

const word = fc.oneof(
  fc.stringMatching(/^[ -~]{1,40}$/),
  fc.constantFrom('a', 'c', 'U|1|ok', '9|9|ok|x', endpointId('k'), 'x'.repeat(300_000), '\u202e'),
)

/** Words of a command after the key, by the type that it makes. */
const content = fc.oneof(
  word.map((text) => ['SET', text]),
  fc.array(word, { minLength: 1, maxLength: 5 }).map((list) => ['RPUSH', ...list]),
  fc.array(word, { minLength: 1, maxLength: 5 }).map((list) => ['SADD', ...list]),
  word.map((text) => ['ZADD', '1e300', text]),
  fc.tuple(word, word).map((pair) => ['HSET', ...pair]),
  fc.tuple(word, word).map((pair) => ['XADD', '*', ...pair]),
)

const votesAre = (members: readonly TestMember[], state: 'U' | 'D'): boolean =>
  members.every(({ cluster }) => {
    const votes = cluster.votes('k').filter(({ instance }) => instance !== 'c')
    return votes.length === 2 && votes.every((one) => one.state === state)
  })

test('two instances agree after any contents', async () => {
  const redis = await startRedis()
  const members = ['a', 'b'].map((name) => joinTestCluster(name, { port: redis.port }))
  for (const { cluster } of members) {
    cluster.overrides.setKnownKeys(overrideKeysOf([{ zone: 'z', target: 't', pool: 'p' }]))
    cluster.publish({ slotKey: 'k', state: 'U', reason: 'ok' })
  }
  await allTogether(...members)
  let rounds = 0
  const contents = fc.array(fc.tuple(fc.constantFrom(...keys), content), {
    minLength: 6,
    maxLength: 24,
  })
  await fc.assert(
    fc.asyncProperty(contents, async (writes) => {
      for (const [key, [name = '', ...rest]] of writes) {
        if (name !== 'SET') await redis.command('DEL', prefix + key)
        // WRONGTYPE: an instance has written it again in between.
        await redis.command(name, prefix + key, ...rest)
      }
      const state = rounds++ % 2 ? 'U' : 'D'
      for (const { cluster } of members) cluster.publish({ slotKey: 'k', state, reason: 'ok' })
      await until(() => votesAre(members, state), { what: `both vote ${state}`, withinMs })
      const isWell = ({ cluster }: TestMember): boolean => !cluster.status().degraded
      await until(() => members.every(isWell), { what: 'both have the store', withinMs })
    }),
    { numRuns: 15, endOnFailure: true },
  )
  expect(rounds).toBe(15)
  await Promise.all(members.map(({ cluster }) => cluster.stop()))
  await redis.kill()
}, 600_000)
