// Two and more instances over a real redis-server, with intervals a tenth of the usual ones.

import { afterEach, beforeEach, expect, test } from 'vitest'

import type { Vote, ClusterEvent } from '../../src/cluster/cluster-votes.ts'
import type { Cluster } from '../../src/cluster/cluster.ts'
import { endpointId } from '../../src/cluster/redis/schema.ts'
import { type MemberSettings, joinTestCluster } from '../support/cluster-member.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { pause, until } from '../support/wait.ts'

interface Member {
  readonly cluster: Cluster
  readonly events: readonly ClusterEvent[]
  readonly foreign: string[]
  assignmentChanges: number
}

const heartbeatMs = 300
/** Where a heartbeat that is late would count: five of them may be missed on a busy machine too. */
const slowHeartbeatMs = 600
const withinMs = 30_000
let redis: RedisServer
let members: Member[]

beforeEach(async () => {
  redis = await startRedis()
  members = []
})
afterEach(async () => {
  await Promise.all(members.map(({ cluster }) => cluster.stop()))
  await redis.kill()
})

function join(instance: string, place: Omit<MemberSettings, 'port'> = {}): Member {
  const { cluster, events } = joinTestCluster(instance, {
    port: redis.port,
    heartbeatMs,
    ...place,
  })
  const member: Member = { cluster, events, foreign: [], assignmentChanges: 0 }
  cluster.subscribe((slotKey) => member.foreign.push(slotKey))
  cluster.subscribeAssignments(() => member.assignmentChanges++)
  members.push(member)
  return member
}

const vote = (slotKey: string, state: Vote['state'], reason = 'ok'): Vote => ({
  slotKey,
  state,
  reason,
})

const votesOn = ({ cluster }: Member, slotKey: string): string =>
  cluster
    .votes(slotKey)
    .map(({ instance, state }) => `${instance}:${state}`)
    .sort()
    .join(' ')

const waitFor = (what: string, look: () => boolean): Promise<true> =>
  until(look, { what, withinMs, everyMs: 5 })

const together = (...all: readonly Member[]): Promise<true> =>
  waitFor('every instance sees all others', () =>
    all.every(({ cluster }) => {
      const { instances, degraded } = cluster.status()
      return instances === all.length && !degraded
    }),
  )

const joinAll = async (...names: readonly string[]): Promise<Member[]> => {
  const all = names.map((name) => join(name))
  await together(...all)
  return all
}

test('every instance knows the votes of all with their reasons, and that they were withdrawn', async () => {
  const [a, b] = (await joinAll('a', 'b')) as [Member, Member]
  for (const { cluster } of [a, b]) cluster.publish(vote('k', '?'))
  a.cluster.publish(vote('k', 'D', 'connect-refused'))
  await waitFor('b has the vote of a', () => votesOn(b, 'k') === 'a:D b:?')
  expect(b.cluster.votes('k')).toContainEqual({
    instance: 'a',
    site: 'a',
    state: 'D',
    reason: 'connect-refused',
  })
  expect(b.foreign).toEqual(['k'])
  b.cluster.publish(vote('k', 'U'))
  await waitFor('a has the vote of b', () => votesOn(a, 'k') === 'a:D b:U')
  a.cluster.withdraw('k')
  await waitFor('b has no vote of a any more', () => votesOn(b, 'k') === 'b:U')
  expect(a.cluster.votes('k')).toEqual([])
  expect(a.events).toContainEqual({ kind: 'peer-joined', peer: 'b', site: 'b' })
})

test('a vote does not wait for a heartbeat', async () => {
  const [a, b] = ['a', 'b'].map((name) => join(name, { heartbeatMs: 3000 })) as [Member, Member]
  await together(a, b)
  b.cluster.publish(vote('k', '?'))
  const tookMs: number[] = []
  for (let i = 0; i < 20; i++) {
    const state = i % 2 ? 'U' : 'D'
    const startMs = performance.now()
    a.cluster.publish(vote('k', state))
    await waitFor(`b has ${state}`, () => votesOn(b, 'k') === `a:${state} b:?`)
    tookMs.push(performance.now() - startMs)
  }
  tookMs.sort((x, y) => x - y)
  console.info(
    `vote to vote: median ${tookMs[10]?.toFixed()} ms, worst ${tookMs[19]?.toFixed()} ms`,
  )
  expect(tookMs[10]).toBeLessThan(3000)
})

test('an instance that leaves announces it, one that dies is missed: its probes are taken over', async () => {
  const keys = Array.from({ length: 30 }, (_, i) => `k${i}`)
  const [a, b, c] = ['a', 'b', 'c'].map((name) => join(name, { vantages: 1 })) as [
    Member,
    Member,
    Member,
  ]
  for (const key of keys) for (const { cluster } of [a, b, c]) cluster.publish(vote(key, '?'))
  await together(a, b, c)
  const ours = ({ cluster }: Member): string[] => keys.filter((key) => cluster.isProbedHere(key))
  expect([...ours(a), ...ours(b), ...ours(c)].sort()).toEqual([...keys].sort())
  for (const key of ours(c)) c.cluster.publish(vote(key, 'D'))
  const ofC = ours(c)
  await waitFor('a has all votes of c', () => ofC.every((key) => votesOn(a, key).includes('c:D')))
  await c.cluster.stop()
  await waitFor('both miss c', () =>
    ofC.every((key) => a.cluster.isProbedHere(key) !== b.cluster.isProbedHere(key)),
  )
  expect(a.events).toContainEqual({ kind: 'peer-gone', peer: 'c', isStopped: false })
  for (const key of ofC) expect(votesOn(a, key)).toBe('a:?')
  const takeovers = [a, b].map(({ cluster }) => cluster.stateView().takeovers)
  expect((takeovers[0] ?? 0) + (takeovers[1] ?? 0)).toBe(ofC.length)
})

test('a dead store: cut off at once, every endpoint is probed here, votes of others count for the hold time', async () => {
  const place = { vantages: 1, peerHoldMs: 6000, heartbeatMs: slowHeartbeatMs }
  const a = join('a', place)
  const b = join('b', place)
  await together(a, b)
  const keys = Array.from({ length: 20 }, (_, i) => `k${i}`)
  for (const key of keys) for (const { cluster } of [a, b]) cluster.publish(vote(key, '?'))
  const ofB = keys.filter((key) => b.cluster.isProbedHere(key))
  expect(ofB.length).toBeGreaterThan(0)
  for (const key of ofB) b.cluster.publish(vote(key, 'D'))
  await waitFor('a has the vote of b', () => ofB.every((key) => votesOn(a, key).includes('b:D')))
  await redis.kill()
  await waitFor('a is cut off', () => a.cluster.status().degraded)
  expect(keys.every((key) => a.cluster.isProbedHere(key))).toBe(true)
  expect(votesOn(a, ofB[0] as string)).toContain('b:D')
  await waitFor('the hold is over', () => ofB.every((key) => !votesOn(a, key).includes('b:D')))
  expect(a.events).toContainEqual({ kind: 'degraded', why: 'ECONNREFUSED' })
  await redis.restart()
  await waitFor('both are back', () => [a, b].every((one) => !one.cluster.status().degraded))
  await waitFor('b wrote its votes anew', () => ofB.every((key) => votesOn(a, key).includes('b:D')))
  expect(a.events.at(-1)?.kind).not.toBe('peer-gone')
  expect(a.events.some(({ kind }) => kind === 'recovered')).toBe(true)
})

test('a store that lost its data: no instance is taken for dead, everything is written again', async () => {
  const [a, b] = (await joinAll('a', 'b')) as [Member, Member]
  for (const { cluster } of [a, b]) cluster.publish(vote('k', 'U'))
  await waitFor(
    'both have both votes',
    () => votesOn(a, 'k') === 'a:U b:U' && votesOn(b, 'k') === 'a:U b:U',
  )
  const override = {
    id: 'x1',
    zone: 'z.test',
    target: 'mx1',
    pool: null,
    why: '',
    by: 'me',
    action: { kind: 'drain' as const },
    setMs: Date.now(),
    untilMs: Date.now() + 3_600_000,
  }
  a.cluster.overrides.set(override)
  await waitFor('b has the drain', () => b.cluster.overrides.list().length === 1)
  let least = 'a:U b:U'
  const watching = setInterval(() => {
    for (const one of [a, b]) if (votesOn(one, 'k') !== 'a:U b:U') least = votesOn(one, 'k')
  }, 5)
  await redis.command('FLUSHALL')
  await waitFor('both saw it', () =>
    [a, b].every((one) => one.events.some(({ kind }) => kind === 'emptied')),
  )
  await until(async () => (await redis.command('HLEN', 'mxsteer:{test}:v1:v:b')) === ':1', {
    what: 'b wrote its votes anew',
    withinMs,
  })
  await until(async () => (await redis.command('HLEN', 'mxsteer:{test}:v1:ov')) === ':1', {
    what: 'the override is put back',
    withinMs,
  })
  clearInterval(watching)
  expect(least).toBe('a:U b:U')
  expect([...a.events, ...b.events].filter(({ kind }) => kind === 'peer-gone')).toEqual([])
  expect(b.cluster.overrides.list()).toEqual([override])
})

test('a clock of the store that jumps: whatever expires at one moment, no instance is taken for dead', async () => {
  // Many pairs, so that it happens at any moment between two heartbeats and between two snapshots.
  const namespaces = Array.from({ length: 12 }, (_, i) => `n${i}`)
  for (const name of ['a', 'b'])
    for (const namespace of namespaces) {
      join(name, { namespace, heartbeatMs: slowHeartbeatMs })
      await pause(8)
    }
  await waitFor('all meet', () => members.every(({ cluster }) => cluster.status().instances === 2))
  for (const { cluster } of members) cluster.publish(vote('k', 'U'))
  const allHaveTheVotes = (): boolean => members.every((one) => votesOn(one, 'k') === 'a:U b:U')
  await waitFor('all have the votes', allHaveTheVotes)
  const keys = namespaces.flatMap((namespace) =>
    ['hb:a', 'hb:b', 'v:a', 'v:b'].map((key) => `mxsteer:{${namespace}}:v1:${key}`),
  )
  for (let jump = 0; jump < 3; jump++) {
    await redis.command('DEL', ...keys)
    // Missing records are kept for five heartbeats; by then they have been written again.
    await pause(6 * slowHeartbeatMs)
    expect(allHaveTheVotes()).toBe(true)
  }
  expect(
    members.flatMap(({ events }) => events).filter(({ kind }) => kind === 'peer-gone'),
  ).toEqual([])
}, 600_000)

test('wrong types, garbage and unknown names: counted, replaced, and without further effect', async () => {
  const [a, b] = (await joinAll('a', 'b')) as [Member, Member]
  for (const { cluster } of [a, b]) cluster.publish(vote('k', 'U'))
  await waitFor(
    'both have both votes',
    () => votesOn(a, 'k') === 'a:U b:U' && votesOn(b, 'k') === 'a:U b:U',
  )
  const prefix = 'mxsteer:{test}:v1:'
  for (const key of ['inst', 'ev', 'ov', 'hb:a', 'v:a', 'ep:a']) {
    await redis.command('DEL', prefix + key)
    await redis.command('LPUSH', prefix + key, 'garbage')
  }
  await redis.command('HSET', `${prefix}v:b`, endpointId('k'), 'D|1|\u202e<script>')
  for (let i = 0; i < 100; i++) await redis.command('XADD', `${prefix}ev2`, '*', 'i', 'x', 't', 'y')
  await redis.command('SET', `${prefix}hb:c`, '99|x|ok|fra')
  await redis.command('SET', `${prefix}hb:d`, `1|1|ok|${'x'.repeat(100_000)}`)
  await until(
    async () => {
      await redis.command('SADD', `${prefix}inst`, 'c', 'd', 'e e', 'x'.repeat(1000))
      return a.cluster.stateView().rejected > 5
    },
    { what: 'garbage is counted', withinMs },
  )
  a.cluster.publish(vote('k', 'D'))
  await waitFor('b has the vote of a again', () => votesOn(b, 'k') === 'a:D b:U')
  for (const type of ['inst set', 'ev stream', 'ov none', 'hb:a string', 'v:a hash']) {
    const [key, expected] = type.split(' ') as [string, string]
    await until(async () => (await redis.command('TYPE', prefix + key)) === `+${expected}`, {
      what: type,
      withinMs,
    })
  }
  expect(a.cluster.status().instances).toBe(2)
})

test('a forged hint and a forged epoch change nothing', async () => {
  const [a, b] = (await joinAll('a', 'b')) as [Member, Member]
  for (const { cluster } of [a, b]) cluster.publish(vote('k', 'U'))
  a.cluster.publish(vote('k2', '?'))
  await waitFor('both have both votes', () => votesOn(a, 'k') === 'a:U b:U')
  const prefix = 'mxsteer:{test}:v1:'
  // Votes of another boot, and of one that has no heartbeat.
  await redis.command('HSET', `${prefix}v:b`, endpointId('k'), 'D|77|connect-refused')
  await redis.command('HSET', `${prefix}v:ghost`, endpointId('k'), 'D|1|connect-refused')
  await redis.command('XADD', `${prefix}ev`, '*', 'i', 'b', 't', endpointId('k'))
  await redis.command('XADD', `${prefix}ev`, '*', 'i', 'ghost', 't', endpointId('k'))
  // Hints are read in their order: once a true one that came later has been followed, so have the forged ones.
  b.cluster.publish(vote('k2', 'U'))
  await waitFor('a has the vote on k2', () => votesOn(a, 'k2') === 'a:? b:U')
  expect(votesOn(a, 'k')).toBe('a:U b:U')
  b.cluster.publish(vote('k', 'D'))
  await waitFor('what b says itself counts', () => votesOn(a, 'k') === 'a:U b:D')
  expect(a.cluster.status().instances).toBe(2)
})

test('a heartbeat that was made permanent does not keep an instance alive', async () => {
  const a = join('a')
  await redis.command('SADD', 'mxsteer:{test}:v1:inst', 'zombie')
  await redis.command('SET', 'mxsteer:{test}:v1:hb:zombie', '1|1|ok|fra')
  await waitFor('it is seen', () => a.cluster.status().instances === 2)
  await waitFor('it is seen through', () => a.cluster.status().instances === 1)
  expect(a.events.at(-1)).toEqual({ kind: 'peer-gone', peer: 'zombie', isStopped: false })
})

test('two processes of one name: the later one writes, the earlier one does not until the later is gone', async () => {
  const first = join('a')
  await waitFor('it is there', () => !first.cluster.status().degraded)
  const second = join('a')
  await waitFor('the first is fenced', () => first.cluster.stateView().fenced)
  expect(second.cluster.stateView().fenced).toBe(false)
  await second.cluster.stop()
  await waitFor('the first has its name back', () => !first.cluster.stateView().fenced)
})

test('an instance with a local fault has no vote, and goes on probing', async () => {
  const [a, b] = (await joinAll('a', 'b')) as [Member, Member]
  for (const { cluster } of [a, b]) cluster.publish(vote('k', 'D'))
  await waitFor('both have both votes', () => votesOn(b, 'k') === 'a:D b:D')
  a.cluster.reportLocalFault(true)
  await waitFor('b counts a no more', () => votesOn(b, 'k') === 'b:D')
  expect(a.cluster.isProbedHere('k')).toBe(true)
  a.cluster.reportLocalFault(false)
  await waitFor('and again', () => votesOn(b, 'k') === 'a:D b:D')
})

test('instances of different namespaces do not see each other', async () => {
  const a = join('a', { namespace: 'one' })
  const b = join('b', { namespace: 'two' })
  await waitFor('both are there', () => [a, b].every((one) => !one.cluster.status().degraded))
  const c = join('c', { namespace: 'two' })
  await together(b, c)
  expect(a.cluster.status().instances).toBe(1)
})

test('an override removed by another instance, and one set while the store was out of reach', async () => {
  const [a, b] = (await joinAll('a', 'b')) as [Member, Member]
  const override = (id: string, target: string) => ({
    id,
    zone: 'z.test',
    target,
    pool: null,
    why: '',
    by: 'me',
    action: { kind: 'disable' as const },
    setMs: Date.now(),
    untilMs: null,
  })
  a.cluster.overrides.set(override('1', 'mx1'))
  a.cluster.overrides.set(override('2', 'mx2'))
  await waitFor('b has both', () => b.cluster.overrides.list().length === 2)
  expect(b.cluster.overrides.remove('1')?.target).toBe('mx1')
  await waitFor('a has one', () => a.cluster.overrides.list().length === 1)
  redis.signal('SIGSTOP')
  await waitFor('cut off', () => a.cluster.status().degraded)
  a.cluster.overrides.remove('2')
  a.cluster.overrides.set(override('3', 'mx3'))
  expect(a.cluster.overrides.list().map(({ id }) => id)).toEqual(['3'])
  redis.signal('SIGCONT')
  await waitFor(
    'b has the new one alone',
    () =>
      b.cluster.overrides
        .list()
        .map(({ id }) => id)
        .join() === '3',
  )
})
