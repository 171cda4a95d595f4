// Verdicts from before the start, on simulated time: what the table says from the first moment on.

import { beforeEach, describe, expect, test } from 'vitest'

import { type SavedDamping, freshForMs } from '../../src/health/saved-damping.ts'
import { SlotState, createHealthTable } from '../../src/health/table.ts'
import type { Outcome, OutcomeKind } from '../../src/health/outcome.ts'
import type { WatchedAddress } from '../../src/probe/smtp/profile.ts'
import { slotKey } from '../../src/watch/slot-key.ts'
import { createEndpointWatch } from '../../src/watch/endpoint-watch.ts'
import { createStandaloneVotes } from '../../src/cluster/standalone.ts'
import { quickProfile } from '../support/probe-profile.ts'
import { type VirtualTime, createVirtualTime, seededRandom } from '../support/virtual-time.ts'

const profile = quickProfile({ intervalMs: 10_000, fastIntervalMs: 2000, fall: 3, rise: 2 })
const address = (slot: number): WatchedAddress => ({
  slot,
  zone: 'z',
  target: `mx${slot}`,
  address: `192.0.2.${slot}`,
  family: 4,
  profile,
})
const addresses = [1, 2, 3].map(address)

let time: VirtualTime
let says: Map<string, OutcomeKind | null>
let transitions: string[]
beforeEach(() => {
  time = createVirtualTime()
  says = new Map()
  transitions = []
})

const outcome = (kind: OutcomeKind): Outcome => ({
  kind,
  reason: kind,
  code: null,
  durationMs: 20,
  dialogue: [],
})

function start(restored: ReadonlyMap<string, SavedDamping> = new Map()) {
  const table = createHealthTable(16)
  const watch = createEndpointWatch({
    table,
    restored,
    cluster: createStandaloneVotes(),
    clock: time.clock,
    timer: time.timer,
    random: seededRandom(5),
    onTransition: ({ target, from, to }) => transitions.push(`${target} ${from}>${to}`),
    async probe({ address: probed, signal }) {
      const kind = says.get(probed) === undefined ? 'ok' : says.get(probed)
      if (kind) return outcome(kind)
      await new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve()))
      return outcome('self')
    },
  })
  watch.update(addresses)
  return { table, watch, states: () => [1, 2, 3].map((slot) => table.state(slot)) }
}

const run = async (ms: number): Promise<void> => {
  for (let passed = 0; passed < ms; passed += 50) {
    time.advance(50)
    for (let i = 0; i < 8; i++) await Promise.resolve()
  }
}

const { unknown, up, down } = SlotState

/** One target is down, two are up; then the process ends. */
async function live(): Promise<ReadonlyMap<string, SavedDamping>> {
  says.set('192.0.2.2', 'dead')
  const { watch, states } = start()
  await run(30_000)
  expect(states()).toEqual([up, down, up])
  const saved = watch.savedVerdicts()
  await watch.stop()
  transitions = []
  return saved
}

describe('fresh', () => {
  test('they are as they were, before anything is probed; down comes back by `rise`', async () => {
    const saved = await live()
    expect([...saved.keys()].sort()).toEqual(addresses.map(slotKey).sort())
    says.set('192.0.2.2', 'ok')
    const { states, watch } = start(saved)
    expect([states(), transitions]).toEqual([[up, down, up], []])
    expect(watch.firstRoundDone()).toBe(false)
    expect(watch.states().map(({ reason }) => reason)).toEqual(['ok', 'dead', 'ok'])
    await run(20_000)
    expect([states(), transitions]).toEqual([[up, up, up], ['mx2 down>up']])
    await watch.stop()
  })

  test('times go on: since when, and how old it is by now', async () => {
    const saved = await live()
    const before = saved.get(slotKey(address(2)))
    time.advance(60_000)
    says.set('192.0.2.2', null)
    const { watch } = start(saved)
    const [, restored] = watch.states()
    expect(restored?.sinceMs).toBe(before?.sinceMs)
    // Not probed since: a second restart must not make it younger.
    expect(watch.savedVerdicts().get(slotKey(address(2)))).toEqual(before)
    await watch.stop()
  })

  test('an address without a restored state comes after one that was up', async () => {
    const saved = new Map(await live())
    saved.delete(slotKey(address(3)))
    says.set('192.0.2.3', null)
    const { states, watch } = start(saved)
    expect(states()).toEqual([up, down, unknown])
    await watch.stop()
  })
})

describe('nothing known', () => {
  test.each([
    ['too old', freshForMs + 60_000],
    ['from the future', -freshForMs - 60_000],
  ])('%s: unknown', async (_, agoMs) => {
    const saved = await live()
    const moved = new Map(
      [...saved].map(([key, one]) => [key, { ...one, seenMs: one.seenMs - agoMs }]),
    )
    const { states, watch } = start(moved)
    expect(states()).toEqual([unknown, unknown, unknown])
    await watch.stop()
  })

  test('all are equal until the first round is done, then each is what it is', async () => {
    says.set('192.0.2.3', null)
    const { states, watch } = start()
    await run(15_000)
    expect(watch.states().map(({ state }) => state)).toEqual(['up', 'up', 'unknown'])
    expect(states()).toEqual([unknown, unknown, unknown])
    await run(20_000)
    expect(states()).toEqual([up, up, unknown])
    await watch.stop()
  })
})

test('latency and downs are counted', async () => {
  const { watch } = start()
  await run(60_000)
  says.set('192.0.2.1', 'dead')
  await run(60_000)
  const [one, two] = watch.states()
  expect(one).toMatchObject({ downs: 1, state: 'down' })
  expect(two?.downs).toBe(0)
  expect(two?.latency().ms).toEqual([20, 20, 20])
  expect(two?.latency().count).toBeGreaterThan(8)
  await watch.stop()
})
