// Stores that let no read wait: a proxy before them refuses XREAD with BLOCK, or closes the connection on it. The stream of
// hints is polled then, which is told once, and again when reads may wait.

import { type Socket, connect, createServer } from 'node:net'

import { afterEach, expect, test } from 'vitest'

import type { ClusterEvent } from '../../src/cluster/cluster-votes.ts'
import { allTogether, joinTestCluster, type TestMember } from '../support/cluster-member.ts'
import { createCommandReader } from '../support/fake-store.ts'
import { freePort } from '../support/free-ports.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { until } from '../support/wait.ts'

type Manner = 'passes' | 'refuses' | 'closes'

interface Relay {
  readonly port: number
  manner: Manner
  /** Reads that were to block, whatever became of them. */
  blocking: number
  /** Reads of the stream that were not. */
  plain: number
}

const ended: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ended.splice(0).toReversed()) await end()
})

/** Passes everything but reads that are to block: each of these comes alone over its connection. */
async function startRelay(storePort: number, manner: Manner): Promise<Relay> {
  const relay = { port: await freePort(), manner, blocking: 0, plain: 0 }
  const open = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect({ host: '127.0.0.1', port: storePort })
    const read = createCommandReader()
    for (const socket of [near, far]) {
      open.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => [near, far].forEach((one) => one.destroy()))
    }
    far.on('data', (octets) => near.write(octets))
    near.on('data', (octets: Buffer) => {
      const reads = read(octets).filter(([name]) => name === 'xread')
      const isBlocking = reads.some((words) => words.includes('BLOCK'))
      if (isBlocking) relay.blocking++
      else relay.plain += reads.length
      if (!isBlocking || relay.manner === 'passes') far.write(octets)
      else if (relay.manner === 'refuses') near.write("-ERR unsupported command 'xread'\r\n")
      else near.destroy()
    })
  })
  await new Promise<void>((resolve) => server.listen(relay.port, '127.0.0.1', resolve))
  ended.push(() => {
    for (const socket of open) socket.destroy()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  })
  return relay
}

async function startStore(): Promise<RedisServer> {
  const redis = await startRedis()
  ended.push(() => redis.kill())
  return redis
}

function join(name: string, port: number, heartbeatMs: number): TestMember {
  const member = joinTestCluster(name, { port, heartbeatMs })
  ended.push(() => member.cluster.stop())
  return member
}

const ofPolling = ({ events }: TestMember): readonly ClusterEvent[] =>
  events.filter(({ kind }) => kind === 'polling' || kind === 'blocking')

const slotKey = 'smtp 192.0.2.1 25'

const vote = ({ cluster }: TestMember, state: 'U' | 'D'): void =>
  cluster.publish({ slotKey, state, reason: 'test' })

test('refused: the stream is polled, and a vote is known long before all votes are read', async () => {
  const redis = await startStore()
  const relay = await startRelay(redis.port, 'refuses')
  // All votes are read every 300 s, and a wait here ends before that.
  const members = [join('a', relay.port, 30_000), join('b', relay.port, 30_000)] as const
  const [a, b] = members
  for (const member of members) vote(member, 'U')
  await allTogether(...members)
  await until(() => b.cluster.votes(slotKey).length === 2, { what: 'both votes', withinMs: 40_000 })
  await until(() => members.every((one) => ofPolling(one).length === 1), {
    what: 'polling of both',
    withinMs: 40_000,
  })
  expect(ofPolling(b)).toEqual([{ kind: 'polling', why: 'ERR', everyMs: 5000 }])
  expect(b.cluster.stateView().polling).toBe('ERR')
  vote(a, 'D')
  await until(() => b.cluster.votes(slotKey).some(({ state }) => state === 'D'), {
    what: 'the vote of the other, by a hint that was polled',
    withinMs: 40_000,
  })
  expect(relay.blocking).toBe(2)
  expect(relay.plain).toBeGreaterThan(0)
}, 300_000)

test.each([
  ['refuses', 'ERR'],
  ['closes', 'CLOSED'],
] as const)(
  '%s: polled, tried again, and over when reads may wait',
  async (manner, why) => {
    const redis = await startStore()
    const relay = await startRelay(redis.port, manner)
    const member = join('a', relay.port, 300)
    vote(member, 'U')
    const kinds = (): readonly string[] => ofPolling(member).map(({ kind }) => kind)
    await until(() => kinds().length > 0, { what: 'polling', withinMs: 60_000 })
    expect(ofPolling(member)).toEqual([{ kind: 'polling', why, everyMs: 100 }])
    const triedBefore = relay.blocking
    await until(() => relay.blocking > triedBefore, { what: 'tried again', withinMs: 60_000 })
    expect(kinds()).toEqual(['polling'])
    relay.manner = 'passes'
    await until(() => kinds().length > 1, { what: 'reads may wait again', withinMs: 60_000 })
    expect(kinds()).toEqual(['polling', 'blocking'])
    expect(member.cluster.stateView()).toMatchObject({ polling: null, degraded: false })
    expect(member.events.filter(({ kind }) => kind === 'degraded')).toEqual([])
  },
  300_000,
)
