// Instances with a secret over a real redis-server: how a fleet gets one and changes it without a gap, that an instance
// with another one is named, and that forged and replayed records change nothing.

import { afterEach, beforeEach, expect, test } from 'vitest'

import type { Override } from '../../src/health/overrides.ts'
import { endpointId } from '../../src/cluster/redis/schema.ts'
import {
  RecordSealer,
  splitSigned,
  type StateSecrets,
} from '../../src/cluster/redis/sealed-record.ts'
import { allTogether, joinTestCluster, type TestMember } from '../support/cluster-member.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { until } from '../support/wait.ts'

const heartbeatMs = 200
const octets = (text: string): Uint8Array => new TextEncoder().encode(text)
const old = octets('the-old-secret-of-the-fleet-0001')
const next = octets('the-new-secret-of-the-fleet-0002')
const prefix = 'mxsteer:{test}:v1:'
const overridesKey = `${prefix}ov`

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

type Seals = StateSecrets | undefined

function join(instance: string, seals?: Seals, everyMs = heartbeatMs): TestMember {
  const place = { port: redis.port, heartbeatMs: everyMs, ...(seals ? { seals } : {}) }
  const member = joinTestCluster(instance, place)
  for (const slotKey of ['k']) member.cluster.publish({ slotKey, state: 'U', reason: 'ok' })
  members.push(member)
  return member
}

async function restart(member: TestMember, seals?: Seals): Promise<TestMember> {
  await member.cluster.stop()
  members = members.filter((one) => one !== member)
  return join(member.instance, seals)
}

const waitFor = (what: string, look: () => boolean | Promise<boolean>): Promise<true> =>
  until(look, { what, withinMs: 60_000, everyMs: 10 })

const votesSeen = ({ cluster }: TestMember): string =>
  cluster
    .votes('k')
    .map(({ instance, state }) => `${instance}:${state}`)
    .sort()
    .join(' ')

const unauthentic = (...all: readonly TestMember[]): readonly unknown[] =>
  all.flatMap(({ events }) => events.filter(({ kind }) => kind === 'unauthentic'))

const require = (...secrets: readonly [Uint8Array, ...Uint8Array[]]): StateSecrets => ({
  secrets,
  mode: 'require',
})

const drain = (id: string, why = ''): Override => ({
  id,
  zone: 'z.test',
  target: 'mx1',
  pool: null,
  why,
  by: 'me',
  action: { kind: 'drain' },
  setMs: Date.now(),
  untilMs: Date.now() + 3_600_000,
})
const drainField = 'z.test mx1  state'

const drains = ({ cluster }: TestMember): string =>
  cluster.overrides
    .list()
    .map(({ id }) => id)
    .join()

const storedDrain = async (): Promise<string> => {
  const reply = await redis.command('HGET', overridesKey, drainField)
  return reply.split('\r\n')[1] ?? ''
}

/** What the other instance sees of a fleet of two whose instances are restarted one by one; the drain stays in force. */
async function rollOut(steps: readonly Seals[]): Promise<readonly TestMember[]> {
  let [a, b] = [join('a', steps[0]), join('b', steps[0])]
  const all = [a, b]
  await allTogether(a, b)
  a.cluster.overrides.set(drain('d1'))
  await waitFor('b obeys', () => drains(b) === 'd1')
  const gaps: string[] = []
  for (const seals of steps.slice(1)) {
    for (const which of ['a', 'b'] as const) {
      const stays = which === 'a' ? b : a
      const watching = setInterval(() => drains(stays) === 'd1' || gaps.push(drains(stays)), 5)
      const back = await restart(which === 'a' ? a : b, seals)
      all.push(back)
      if (which === 'a') a = back
      else b = back
      await allTogether(a, b)
      await waitFor('votes and the drain', () =>
        [a, b].every((one) => votesSeen(one) === 'a:U b:U' && drains(one) === 'd1'),
      )
      clearInterval(watching)
    }
  }
  expect(gaps).toEqual([])
  return all
}

test('a fleet gets a secret instance by instance: permit, then require', async () => {
  const permit: StateSecrets = { secrets: [old], mode: 'permit' }
  const all = await rollOut([undefined, permit, require(old)])
  // While one instance has the secret and the other has not, it is named; and when it has it, that this is over.
  const named = unauthentic(...all) as readonly { why: string; isIgnored: boolean }[]
  expect(named.length).toBeGreaterThan(0)
  expect(named.every(({ why, isIgnored }) => why === 'unsealed' && !isIgnored)).toBe(true)
  expect(unauthentic(...all.slice(-2))).toEqual([])
  const { value, seal, writer, epoch } = splitSigned(await storedDrain())
  const place = { key: overridesKey, field: drainField, writer: writer ?? '', epoch }
  expect(new RecordSealer([old]).verify(place, value, seal ?? '')).toBe('active')
})

test('a secret is changed without a gap: staged, active, retired', async () => {
  const all = await rollOut([require(old), require(old, next), require(next, old), require(next)])
  expect(unauthentic(...all)).toEqual([])
  const { value, seal, writer, epoch } = splitSigned(await storedDrain())
  const place = { key: overridesKey, field: drainField, writer: writer ?? '', epoch }
  expect(new RecordSealer([next]).verify(place, value, seal ?? '')).toBe('active')
})

test('an instance with another secret is named by each of the others, and names them', async () => {
  const [a, b] = [join('a', require(old)), join('b', require(old))]
  await allTogether(a, b)
  const c = join('c', require(next))
  const named = (peer: string) => ({
    kind: 'unauthentic',
    peer,
    record: 'heartbeat',
    why: 'unverified',
    isIgnored: true,
  })
  await waitFor('all are named', () => unauthentic(a, b, c).length >= 4)
  for (const one of [a, b]) expect(unauthentic(one)).toEqual([named('c')])
  expect(unauthentic(c)).toEqual(expect.arrayContaining([named('a'), named('b')]))
  expect(a.cluster.status().instances).toBe(2)
  expect(c.cluster.status().instances).toBe(1)
  await restart(c, require(old))
  await waitFor('that is over', () =>
    [a, b].every(({ events }) =>
      events.some((event) => event.kind === 'authentic' && event.peer === 'c'),
    ),
  )
  expect(a.cluster.stateView().seals.unauthentic).toEqual([])
})

test('a forged override is not obeyed, and what it was written over is written again', async () => {
  const [a, b] = [join('a', require(old)), join('b', require(old))]
  await allTogether(a, b)
  a.cluster.overrides.set(drain('d1'))
  await waitFor('b obeys', () => drains(b) === 'd1')
  const forged = JSON.stringify({ ...drain('d2', 'forged'), from: 'a' })
  const other = { ...drain('d3', 'forged'), target: 'mx2' }
  const sealed = await storedDrain()
  const texts = [forged, `${forged}${sealed.slice(sealed.lastIndexOf('}') + 1)}`, 'garbage']
  for (const text of texts) {
    await redis.command('HSET', overridesKey, drainField, text)
    await redis.command('HSET', overridesKey, 'z.test mx2  state', JSON.stringify(other))
    await waitFor('the drain is in the store again', async () =>
      (await storedDrain()).startsWith('{"id":"d1"'),
    )
    for (const one of [a, b]) expect(drains(one)).toBe('d1')
  }
  // Whichever of the two reads it first mends it, before the other has seen it.
  const named = unauthentic(a, b) as readonly { readonly record: string }[]
  expect(new Set(named.map(({ record }) => record))).toEqual(new Set(['override']))
})

test('an override that was removed and is put there again does not last', async () => {
  const [a, b] = [join('a', require(old)), join('b', require(old))]
  await allTogether(a, b)
  a.cluster.overrides.set(drain('d1'))
  await waitFor('b obeys', () => drains(b) === 'd1')
  const recorded = await until(storedDrain, { what: 'the record', withinMs: 60_000 })
  b.cluster.overrides.remove('d1')
  await waitFor('a obeys', () => drains(a) === '')
  await waitFor('it is gone', async () => (await storedDrain()) === '')
  await redis.command('HSET', overridesKey, drainField, recorded)
  await waitFor('b reports it', () => unauthentic(b).length > 0)
  await waitFor('it is gone again', async () => (await storedDrain()) === '')
  await waitFor('a does not obey', () => drains(a) === '')
  expect(drains(b)).toBe('')
})

test('forged votes, heartbeats and epochs under the names of others move nothing', async () => {
  // Who overwrites the heartbeats of an instance for longer than it may be silent removes it, as who deletes them does:
  // on a busy machine that what follows takes seconds.
  const [a, b] = [join('a', require(old), 3000), join('b', require(old), 3000)]
  await allTogether(a, b)
  await waitFor('votes', () => [a, b].every((one) => votesSeen(one) === 'a:U b:U'))
  const endpoint = endpointId('k')
  const recorded = (await redis.command('GET', `${prefix}hb:b`)).split('\r\n')[1] ?? ''
  const epoch = recorded.split('|')[0] ?? ''
  const seen = new Set<string>()
  const watching = setInterval(() => seen.add(votesSeen(a)), 5)
  const before = a.cluster.stateView().seals.counts.reduce((sum, { count }) => sum + count, 0)
  for (let i = 0; i < 30; i++) {
    await redis.command('HSET', `${prefix}v:b`, endpoint, `D|${epoch}|timeout`)
    await redis.command('SET', `${prefix}hb:b`, `999999999999|${i}|draining|x`, 'PX', '1000')
    await redis.command('SET', `${prefix}hb:a`, `999999999999|${i}|ok|x`, 'PX', '1000')
    await redis.command('SET', `${prefix}ep:a`, '999999999998')
    await redis.command('XADD', `${prefix}ev`, '*', 'i', 'b', 't', endpoint)
  }
  await waitFor('a has read some of them', () => {
    const { counts } = a.cluster.stateView().seals
    return counts.reduce((sum, { count }) => sum + count, 0) >= before + 3
  })
  clearInterval(watching)
  expect([...seen]).toEqual(['a:U b:U'])
  expect(a.cluster.stateView().fenced).toBe(false)
  expect(a.events.some(({ kind }) => kind === 'peer-gone')).toBe(false)
})
