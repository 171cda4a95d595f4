// The store is a Redis Cluster: six processes, of which one has our slot. Its primary is killed, its slot moves to another
// node while it is written, key by key and with a stop halfway, and all nodes are gone for a while. Each time the instances
// agree again, and the clients that ask all the time get nothing but right answers: a target that is drained or dead is
// never handed out again because state was lost.

import { afterAll, beforeAll, expect, test } from 'vitest'

import { runCommand } from '../support/server.ts'
import type { RedisServer } from '../support/redis.ts'
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster.ts'
import { until } from '../support/wait.ts'
import { type Fleet, type Instance, eachInstance, startFleet } from './fleet.ts'
import {
  degraded,
  leavesAllAnswers,
  mustHaveAnswered,
  prefix,
  votesSeen,
} from './instance-state.ts'

let cluster: RedisCluster
let fleet: Fleet
/** When the last answer named mx1, which is drained, or mx2, which is dead, as soon as none does any more. */
let goneSinceMs = Infinity

beforeAll(async () => {
  cluster = await startRedisCluster()
  const primary = await cluster.settled()
  // One node is named; all others are learned from it.
  const url = cluster.url([primary])
  fleet = await startFleet(2, { network: '127.0.12', store: { primary, url } })
}, 300_000)
afterAll(async () => {
  await fleet?.stop()
  await cluster?.stop()
})

/** In reach of the store and of the other, with one drain and the same votes. */
const agree = (what: string): Promise<true> =>
  eachInstance(fleet, what, async (one) => {
    const isReached = (await degraded(one)) === 0
    const isWhole = (await one.server.metric('mxsteer_instances')) === 2
    return isReached && isWhole && (await hasDrain(one)) && (await areVotesAlike())
  })

const hasDrain = async ({ server }: Instance): Promise<boolean> =>
  (await server.http('/overrides')).body.includes('"drain"')

const areVotesAlike = async (): Promise<boolean> =>
  new Set(await Promise.all(fleet.instances.map(votesSeen))).size === 1

/** No client was answered wrongly, and none got a target that must not be handed out. */
function mustBeRight(): void {
  mustHaveAnswered(fleet)
  for (const { name, watch } of fleet.instances)
    for (const target of ['mx1', 'mx2'])
      if (watch.lastNamedAtMs(target) > goneSinceMs)
        throw new Error(`${name} handed out ${target} again`)
}

/** Whether the node has the heartbeats and votes of both instances. */
async function isUsed(node: RedisServer): Promise<boolean> {
  const beats = await node.command('EXISTS', `${prefix}hb:i1`, `${prefix}hb:i2`)
  const votes = await Promise.all(
    ['i1', 'i2'].map((name) => node.command('HLEN', `${prefix}v:${name}`)),
  )
  return beats === ':2' && votes.every((count) => count === ':3')
}

const redirections = async (kind: 'moved' | 'ask'): Promise<readonly number[]> =>
  Promise.all(
    fleet.instances.map(
      async ({ server }) =>
        (await server.metric(`mxsteer_state_redirections_total{kind="${kind}"}`)) ?? NaN,
    ),
  )

test('votes and overrides are shared: a target is drained, another one dies', async () => {
  const [first] = fleet.instances
  const admin = ['--admin', `127.0.0.1:${first?.server.adminPort}`]
  const drained = await runCommand('drain', 'mx1', '--for', '2h', '--why', 'disk', ...admin)
  expect(drained).toMatchObject({ code: 0 })
  await fleet.mtas.mx2.die()
  await leavesAllAnswers(fleet, 'mx1')
  await leavesAllAnswers(fleet, 'mx2')
  await agree('has the drain')
  goneSinceMs = performance.now()
  const owner = await cluster.settled()
  expect(await isUsed(owner)).toBe(true)
  const keys = await cluster.keysAt(owner)
  expect(keys.length).toBeGreaterThan(5)
  expect(keys.every((key) => key.startsWith(prefix))).toBe(true)
})

test('the primary of the slot is killed: its replica takes over, and is used', async () => {
  const old = await cluster.settled()
  const sinceMs = performance.now()
  await old.kill()
  const next = await until(
    async () => {
      const now = await cluster.owner()
      return now !== null && now !== old && (await isUsed(now)) ? now : null
    },
    { what: 'its replica in use', withinMs: 60_000 },
  )
  await agree('agrees again')
  console.info(`primary killed: healed after ${(performance.now() - sinceMs).toFixed()} ms`)
  expect(next).not.toBe(old)
  mustBeRight()
  await old.restart()
  await cluster.settled()
  mustBeRight()
}, 300_000)

test('the slot moves to another node, one key after the other', async () => {
  const from = await cluster.settled()
  const to = await otherPrimary(from)
  const before = { moved: await redirections('moved'), ask: await redirections('ask') }
  await setSlot(to, 'IMPORTING', await cluster.idOf(from))
  await setSlot(from, 'MIGRATING', await cluster.idOf(to))
  // What is not there yet is made at the node that takes the slot.
  const keys = await cluster.keysAt(from)
  const half = keys.slice(0, keys.length / 2)
  await migrate(from, to, half)
  const asked = await until(
    async () => {
      const now = await redirections('ask')
      return now.every((count, i) => count > (before.ask[i] ?? 0) + 20) ? now : null
    },
    { what: 'each instance asks the node that takes the slot', withinMs: 60_000 },
  )
  // Half of the keys here, half there: nothing is lost, for as long as it takes.
  await agree('agrees with the slot on two nodes')
  expect(await commandCalls(to, 'asking')).toBeGreaterThan(20)
  await drainAnother()
  mustBeRight()
  await until(
    async () => {
      const rest = await cluster.keysAt(from)
      await migrate(from, to, rest)
      return rest.length === 0
    },
    { what: 'no key is left', withinMs: 60_000 },
  )
  for (const node of [to, from]) await setSlot(node, 'NODE', await cluster.idOf(to))
  const sinceMs = performance.now()
  await until(async () => (await isUsed(to)) && (await areMoved(before.moved)), {
    what: 'the new owner in use, by a redirection',
    withinMs: 60_000,
  })
  await agree('agrees at the new owner')
  console.info(
    `slot moved: ${asked.join(', ')} commands redirected by ASK; healed ${(performance.now() - sinceMs).toFixed()} ms after MOVED`,
  )
  mustBeRight()
}, 300_000)

const areMoved = async (before: readonly number[]): Promise<boolean> =>
  (await redirections('moved')).every((count, i) => count > (before[i] ?? 0))

/** An override that is made while its key is on the way to another node. */
async function drainAnother(): Promise<void> {
  const [, second] = fleet.instances
  const admin = ['--admin', `127.0.0.1:${second?.server.adminPort}`]
  const set = await runCommand('drain', 'mx2', '--for', '2h', '--why', 'gone', ...admin)
  expect(set).toMatchObject({ code: 0 })
  await eachInstance(fleet, 'has both drains', async ({ server }) => {
    return (await server.http('/overrides')).body.split('"drain"').length === 3
  })
}

async function otherPrimary(owner: RedisServer): Promise<RedisServer> {
  const roles = await Promise.all(cluster.nodes.map((node) => node.command('ROLE')))
  const other = cluster.nodes.find((node, i) => node !== owner && roles[i]?.includes('master'))
  if (other === undefined) throw new Error('no other primary')
  return other
}

async function setSlot(node: RedisServer, ...words: readonly string[]): Promise<void> {
  expect(await node.command('CLUSTER', 'SETSLOT', String(cluster.slot), ...words)).toBe('+OK')
}

async function migrate(from: RedisServer, to: RedisServer, keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    const said = await from.command('MIGRATE', '127.0.0.1', `${to.port}`, key, '0', '5000')
    // It may have expired meanwhile.
    expect(said).toMatch(/^\+(OK|NOKEY)$/)
  }
}

async function commandCalls(node: RedisServer, name: string): Promise<number> {
  const said = await node.command('INFO', 'commandstats')
  return Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(said)?.[1] ?? 0)
}

test('all nodes are gone, and come back with nothing', async () => {
  await cluster.settled()
  await Promise.all(cluster.nodes.map((node) => node.kill()))
  await eachInstance(fleet, 'is cut off', async (one) => (await degraded(one)) === 1)
  mustBeRight()
  await Promise.all(cluster.nodes.map((node) => node.restart()))
  const sinceMs = performance.now()
  expect(await agree('agrees again')).toBe(true)
  console.info(`all nodes back: healed after ${(performance.now() - sinceMs).toFixed()} ms`)
  mustBeRight()
}, 300_000)

test('a slot without a primary and without a replica: its reason is told in a word', async () => {
  const owner = await cluster.settled()
  const views = await Promise.all(
    cluster.nodes.map(async (node) => ({ node, said: await node.command('ROLE') })),
  )
  const replicas = views.filter(({ said }) => said.includes(`\r\n:${owner.port}\r\n`))
  const lost = [owner, ...replicas.map(({ node }) => node)]
  expect(lost).toHaveLength(2)
  const logged = fleet.instances.map(({ server }) => server.logs().length)
  await Promise.all(lost.map((node) => node.kill()))
  await until(
    () =>
      fleet.instances.every(({ server }, i) =>
        server
          .logs()
          .slice(logged[i])
          .some(({ event, why }) => event === 'state.degraded' && why === 'CLUSTERDOWN'),
      ),
    { what: 'CLUSTERDOWN in the log of each', withinMs: 60_000 },
  )
  mustBeRight()
  await Promise.all(lost.map((node) => node.restart()))
  await agree('agrees again')
  mustBeRight()
}, 300_000)
