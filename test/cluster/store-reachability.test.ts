// When an instance is cut off from its store, and what it reports of that.

import { expect, test } from 'vitest'

import type { ClusterEvent } from '../../src/cluster/cluster-votes.ts'
import { joinCluster } from '../../src/cluster/cluster.ts'
import { createOversizedRecords } from '../../src/cluster/redis/oversized-records.ts'
import { stateKeys, stateTimes } from '../../src/cluster/redis/schema.ts'
import { RedisHanded } from '../../src/cluster/shared-handed.ts'
import { RedisNames } from '../../src/cluster/shared-names.ts'
import { RedisSerials } from '../../src/cluster/shared-serials.ts'
import { StoreReachability } from '../../src/cluster/store-reachability.ts'
import { stubLink } from '../support/stub-link.ts'
import { until } from '../support/wait.ts'

const nowhere = {
  where: { kind: 'one', host: '127.0.0.1', port: 1 },
  username: null,
  password: null,
  database: 0,
  tls: null,
  sentinelUsername: null,
  sentinelPassword: null,
} as const

function watchStore() {
  const events: ClusterEvent[] = []
  let changes = 0
  const store = new StoreReachability({
    startMs: 0,
    cutOffMs: 1000,
    holdMs: 60_000,
    onEvent: (event) => void events.push(event),
    onHoldOver: () => {},
    onChange: () => void changes++,
  })
  return { store, events, changes: () => changes }
}

test('each reason is reported once, also one that comes later, and all end together', () => {
  const { store, events, changes } = watchStore()
  store.recordAnswer(100)
  store.recordFailure(900, 'ECONNREFUSED')
  expect([events, store.isCutOff]).toEqual([[], false])
  store.recordFailure(1200, 'ECONNREFUSED')
  store.recordFailure(1400, 'ECONNREFUSED')
  store.recordFailure(1600, 'WRONGPASS')
  store.recordFailure(1800, 'ECONNREFUSED')
  store.recordAnswer(2000)
  expect(events).toEqual([
    { kind: 'degraded', why: 'ECONNREFUSED' },
    { kind: 'degraded', why: 'WRONGPASS' },
    { kind: 'recovered', afterMs: 1900 },
  ])
  // In reach, out of it, in reach.
  expect(changes()).toBe(3)
  store.recordFailure(4000, 'WRONGPASS')
  expect(events.at(-1)).toEqual({ kind: 'degraded', why: 'WRONGPASS' })
})

test('a store that words a new reason each time reports eight of them', () => {
  const { store, events } = watchStore()
  store.recordAnswer(0)
  for (let i = 0; i < 100; i++) store.recordFailure(2000 + i, `CODE${i}`)
  expect(events).toHaveLength(8)
})

test('an unknown reason is waited for at the start, and reported as AWAY at last', () => {
  const { store, events } = watchStore()
  store.recordFailure(2000, null)
  expect(events).toEqual([])
  store.recordFailure(5000, null)
  expect(events).toEqual([{ kind: 'degraded', why: 'AWAY' }])
})

test.each([
  ['ECONNREFUSED', 2],
  [null, 5],
])('a member that starts without its store waits for the reason: %s', async (code, after) => {
  const { cutOffMs } = stateTimes(300)
  const link = { ...stubLink(() => null), isReady: () => false }
  let [nowMs, looks] = [0, 0]
  let known: string | null = null
  const clock = { wallMs: () => 1e12, monotonicMs: () => nowMs }
  const events: ClusterEvent[] = []
  const shared = { link: { ...link, lastErrorCode: () => (looks++, known) }, clock }
  const oversized = createOversizedRecords(clock, stateTimes(300), () => {})
  const settings = { address: nowhere, namespace: 'test', heartbeatMs: 300, vantages: 3 }
  const serials = { ...shared, keys: stateKeys('test'), times: stateTimes(300), secrets: null }
  const cluster = joinCluster({
    ...shared,
    settings: { ...settings, peerHoldMs: 60_000, seals: null },
    instance: 'a',
    site: 'x',
    random: () => 0.5,
    oversized,
    zoneParts: [
      new RedisSerials({ ...serials, oversized }),
      new RedisNames({ ...serials, oversized }),
      new RedisHanded({ ...serials, oversized }),
    ],
    onEvent: (event) => events.push(event),
  })
  const hasLooked = async (): Promise<void> => {
    const from = looks
    await until(() => looks > from + 2, { what: 'a look or more', withinMs: 60_000 })
  }
  nowMs = 2 * cutOffMs
  cluster.publish({ slotKey: 'k', state: 'U', reason: 'ok' })
  await hasLooked()
  expect(events).toEqual([])
  ;[known, nowMs] = [code, after * cutOffMs]
  await until(() => events.length > 0, { what: 'the reason', withinMs: 60_000 })
  expect(events).toEqual([{ kind: 'degraded', why: code ?? 'AWAY' }])
  await cluster.stop()
})
