// When an instance is cut off from its store, and what it reports of that.

import { expect, test } from 'vitest'

import type { ClusterEvent } from '../../src/cluster/cluster-votes.ts'
import { StoreReachability } from '../../src/cluster/store-reachability.ts'

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
