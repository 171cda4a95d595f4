// R5: a primary, two replicas, three Sentinels. The primary dies, or is stopped, again and again in an order by chance
// (the same for the same seed). The new one is used soon, all instances see the same votes, and no answer notices.

import { afterAll, beforeAll, expect, test } from 'vitest'

import { seededRandom } from '../../src/lib/random.ts'
import type { RedisServer } from '../support/redis.ts'
import { type WatchedStore, startWatchedStore } from '../support/sentinels.ts'
import { until } from '../support/wait.ts'
import { type Fleet, startFleet } from './fleet.ts'
import { allAreBack, mustHaveAnswered, prefix, transitions, votesSeen } from './instance-state.ts'

const seed = Number(process.env['SEED'] ?? 6)
const failovers = 10

let store: WatchedStore
let fleet: Fleet

beforeAll(async () => {
  store = await startWatchedStore(3, 500)
  const primary = await store.primary()
  fleet = await startFleet(3, { network: '127.0.5', store: { primary, url: store.url } })
})
afterAll(async () => {
  await fleet?.stop()
  await store?.stop()
})

/** Ways to lose a primary, and to give it back. */
const ways = {
  killed: { lose: (node) => node.kill(), giveBack: (node) => node.restart() },
  stopped: {
    lose: async (node) => node.signal('SIGSTOP'),
    giveBack: async (node) => node.signal('SIGCONT'),
  },
} satisfies Record<string, Record<'lose' | 'giveBack', (node: RedisServer) => Promise<void>>>

/** When all instances have heartbeats there, with all its votes. */
const isUsed = async (node: RedisServer): Promise<boolean> => {
  const counts = await Promise.all(
    fleet.instances.flatMap(({ name }) => [
      node.command('EXISTS', `${prefix}hb:${name}`),
      node.command('HLEN', `${prefix}v:${name}`),
    ]),
  )
  return counts.join() === fleet.instances.flatMap(() => [':1', ':3']).join()
}

test(`${failovers} failovers, killed or stopped`, { timeout: 400_000 }, async () => {
  const random = seededRandom(seed)
  const before = await transitions(fleet)
  const usedMs: number[] = []
  const alikeMs: number[] = []
  for (let round = 0; round < failovers; round++) {
    const how = random() < 0.5 ? 'killed' : 'stopped'
    const old = await store.settled(60_000)
    const sinceMs = performance.now()
    await ways[how].lose(old)
    const next = await until(
      async () => {
        const now = await store.primary()
        return now !== old && (await isUsed(now)) ? now : null
      },
      { what: `failover ${round}, seed ${seed}, ${how}: the new primary in use`, withinMs: 60_000 },
    )
    usedMs.push(performance.now() - sinceMs)
    await until(async () => new Set(await Promise.all(fleet.instances.map(votesSeen))).size === 1, {
      what: `failover ${round}, seed ${seed}, ${how}: the same votes`,
      withinMs: 60_000,
    })
    await allAreBack(fleet)
    alikeMs.push(performance.now() - sinceMs)
    expect(next).not.toBe(old)
    await ways[how].giveBack(old)
  }
  const inOrder = [usedMs, alikeMs].map((list) => list.map((ms) => ms.toFixed()).join(', '))
  console.info(`failovers: in use after ${inOrder[0]} ms, votes alike after ${inOrder[1]} ms`)
  expect(Math.max(...usedMs)).toBeLessThan(30_000)
  expect(Math.max(...alikeMs)).toBeLessThan(60_000)
  const [votes] = await Promise.all(fleet.instances.map(votesSeen))
  expect(votes?.match(/=up/g)).toHaveLength(9)
  expect(await transitions(fleet)).toEqual(before)
  mustHaveAnswered(fleet)
})
