// Local faults as the watch handles them, on simulated time: correlated failure, isolation, stalls, flapping.

import { describe, expect, test } from 'vitest'
import { SlotState } from '../../src/health/table.ts'
import type { WatchedAddress } from '../../src/probe/smtp/profile.ts'
import { slotKey } from '../../src/watch/slot-key.ts'
import type { ClusterVotes } from '../../src/cluster/cluster-votes.ts'
import { createStandaloneVotes } from '../../src/cluster/standalone.ts'
import { quickProfile } from '../support/probe-profile.ts'
import {
  addresses,
  atMs,
  poolOf,
  type Rig,
  rig,
  type Script,
  slotNumber,
  slotsOf,
} from './local-fault-rig.ts'

describe('correlated failure', () => {
  /** The first `dead` of 10 in a pool die at once, for `forMs`. */
  const outage = async (dead: number, forMs: number): Promise<Rig> => {
    const all = rig((address, nowMs) =>
      slotNumber(address) <= dead && nowMs >= atMs && nowMs < atMs + forMs ? ['dead', 20] : ['ok'],
    )
    // Forty more elsewhere, so that the pool alone is in trouble.
    all.watch.update(addresses(50), [poolOf(slotsOf(10)), poolOf(slotsOf(50).slice(10), 'q')])
    await all.run(atMs)
    return all
  }

  test('6 of 10 die: those beyond half wait for a second round, then leave', async () => {
    const { run, events, changes, state, watch } = await outage(6, Infinity)
    let inPool = 10
    for (let i = 0; i < 30 && events.length === 0; i++) await run(1000)
    expect(events).toEqual([{ kind: 'held', group: 'p.smtp.example.com', failing: 6, of: 10 }])
    const heldAtMs = changes.at(-1)?.atMs ?? 0
    const downBefore = changes.filter(({ to }) => to === 'down').length
    expect(watch.localFaults().heldGroups).toHaveLength(1)
    await run(90_000)
    inPool = slotsOf(10).filter((slot) => state(slot) !== SlotState.down).length
    expect(inPool).toBe(4)
    const downs = changes.filter(({ to }) => to === 'down')
    expect(downs.length).toBe(6)
    // Each that was not down yet has failed `fall` times more: fifteen seconds at least.
    const later = downs.slice(downBefore).filter((change) => change.afterMs >= 24_000)
    expect(later.length).toBe(6 - downBefore)
    expect(downs.at(-1)?.atMs).toBeLessThan(heldAtMs + 60_000)
  })

  test('is said to be over once, two minutes after it began', async () => {
    const { run, events, nowMs, watch } = await outage(6, Infinity)
    for (let i = 0; i < 30 && events.length === 0; i++) await run(1000)
    const begunMs = nowMs()
    for (let i = 0; i < 130 && events.length === 1; i++) await run(1000)
    expect(events.slice(1)).toEqual([
      { kind: 'released', group: 'p.smtp.example.com', seconds: 120 },
    ])
    expect(nowMs() - begunMs).toBeGreaterThan(118_000)
    expect(nowMs() - begunMs).toBeLessThanOrEqual(121_000)
    expect(watch.localFaults().heldGroups).toEqual([])
    await run(120_000)
    expect(events.length).toBe(2)
  })

  test('half a pool is nothing special', async () => {
    const { run, events, went } = await outage(5, Infinity)
    await run(60_000)
    expect(events).toEqual([])
    expect(went('down').length).toBe(5)
    for (const { afterMs } of went('down')) expect(afterMs).toBeLessThan(12_000)
  })

  test('a spell of 25 seconds for all costs the first ones, and no other', async () => {
    const { run, events, went, state } = await outage(50, 25_000)
    await run(25_000)
    expect(events.length).toBeGreaterThan(0)
    await run(120_000)
    expect(slotsOf(50).every((slot) => state(slot) === SlotState.up)).toBe(true)
    expect(went('down').length).toBeLessThan(15)
    const notHeld = 50
    expect(went('suspect').length).toBeGreaterThanOrEqual(notHeld - went('down').length)
  })

  test('those that are down already count with those that fail next', async () => {
    // With a fall of one each is down, and has failed again, before the next one begins.
    const quick = quickProfile({ intervalMs: 5000, fastIntervalMs: 5000, fall: 1 })
    const all = rig((address, nowMs) =>
      slotNumber(address) <= 6 && nowMs >= atMs + slotNumber(address) * 8000 ? ['dead'] : ['ok'],
    )
    const watched = addresses(50).map((each) => ({ ...each, profile: quick }))
    all.watch.update(watched, [poolOf(slotsOf(10))])
    await all.run(atMs + 60_000)
    expect(all.events).toEqual([{ kind: 'held', group: 'p.smtp.example.com', failing: 6, of: 10 }])
  })

  test('all dead for good is acted on', async () => {
    const { run, went, nowMs } = await outage(50, Infinity)
    await run(90_000)
    expect(went('down').length).toBe(50)
    expect(nowMs()).toBeLessThan(atMs + 91_000)
  })
})

test('what only other instances see waits for the mass-failure guard, and no longer', async () => {
  const own = createStandaloneVotes('a', 'fra')
  let foreign: string | null = null
  let notify: (key: string) => void = () => {}
  const exchange: ClusterVotes = {
    ...own,
    votes: (key) =>
      key === foreign
        ? ['nyc', 'sin', 'lon'].map((site) => ({ instance: site, site, state: 'D', reason: 'x' }))
        : own.votes(key),
    subscribe(listener) {
      notify = listener
      return () => {}
    },
  }
  const all = rig(
    (address, nowMs) => (slotNumber(address) <= 6 && nowMs >= atMs ? ['dead'] : ['ok']),
    [],
    3,
    exchange,
  )
  all.watch.update(addresses(50), [poolOf(slotsOf(10))])
  await all.run(atMs)
  for (let i = 0; i < 60 && all.events.length === 0; i++) await all.run(1000)
  foreign = slotKey(addresses(10)[9] as WatchedAddress)
  notify(foreign)
  expect(all.state(10)).toBe(SlotState.suspect)
  await all.run(100_000)
  expect(all.state(10)).toBe(SlotState.suspect)
  await all.run(35_000)
  expect(all.state(10)).toBe(SlotState.down)
})

test('groups that are released within a second share one round of judgements', async () => {
  const own = createStandaloneVotes()
  let judgements = 0
  const counted: ClusterVotes = {
    ...own,
    votes(key) {
      judgements++
      return own.votes(key)
    },
  }
  const all = rig((_, nowMs) => (nowMs >= atMs ? ['dead'] : ['ok']), [], 3, counted)
  const pools = slotsOf(40).map((pool) => poolOf([pool, pool + 40, pool + 80], `p${pool}`))
  all.watch.update(addresses(120), pools)
  await all.run(atMs)
  const released = (): number => all.events.filter(({ kind }) => kind === 'released').length
  for (let i = 0; i < 150 && released() === 0; i++) await all.run(1000)
  const before = judgements
  await all.run(20_000)
  expect(released()).toBe(41)
  // About 500 are of probes; a round for each of the groups would be 41 × 120 more.
  expect(judgements - before).toBeLessThan(3000)
  await all.watch.stop()
})

describe('isolation', () => {
  const canaries = [
    { address: '198.51.100.1', port: 53 },
    { address: '198.51.100.2', port: 179 },
  ]

  /** Cut off from 60 s on for `forMs`: everything times out, canaries too unless they are of the living. */
  const cutOff = async (forMs: number, living: readonly string[] = []): Promise<Rig> => {
    const all = rig((address, nowMs) => {
      const isCut = nowMs >= atMs && nowMs < atMs + forMs
      if (!isCut || living.includes(address)) return ['ok']
      return ['dead', address.startsWith('canary') ? 3000 : 5000, 'connect-timeout']
    }, canaries)
    all.watch.update(addresses(12), [poolOf(slotsOf(12))])
    await all.run(atMs)
    return all
  }

  test('ten minutes without network take nothing down, and are said once', async () => {
    const { run, events, went, watch, state } = await cutOff(600_000)
    await run(600_000)
    expect(went('down')).toEqual([])
    expect(watch.localFaults().isIsolated).toBe(true)
    expect(watch.localFaults().discarded.isolated).toBeGreaterThan(100)
    await run(60_000)
    expect(events.filter(({ kind }) => kind === 'isolated')).toEqual([
      { kind: 'isolated', isOver: false, canaries: 2 },
      { kind: 'isolated', isOver: true, canaries: 2 },
    ])
    expect(slotsOf(12).every((slot) => state(slot) === SlotState.up)).toBe(true)
  })

  test('one canary that answers: it is the targets', async () => {
    const { run, events, went } = await cutOff(600_000, ['canary 198.51.100.2'])
    await run(120_000)
    expect(events.filter(({ kind }) => kind === 'isolated')).toEqual([])
    expect(went('down').length).toBe(12)
  })

  test('targets that answer: it is the canaries', async () => {
    const living = slotsOf(12)
      .slice(2)
      .map((slot) => `192.0.${slot}.1`)
    const { run, events, went } = await cutOff(600_000, living)
    await run(180_000)
    expect(
      went('down')
        .map(({ target }) => target)
        .toSorted(),
    ).toEqual(['mx1', 'mx2'])
    const isolated = events.filter(({ kind }) => kind === 'isolated')
    expect(isolated.length % 2).toBe(0)
  })

  test('a canary that refuses is reached', async () => {
    const all = rig(
      (address) => (address.startsWith('canary') ? ['dead', 1, 'connect-refused'] : ['dead', 5000]),
      canaries,
    )
    all.watch.update(addresses(3), [])
    await all.run(120_000)
    expect(all.events.filter(({ kind }) => kind === 'isolated')).toEqual([])
    expect(all.went('down').length).toBe(3)
  })

  test('canaries are asked every five seconds, and not after the watch has stopped', async () => {
    const { watch, run, probed } = await cutOff(0)
    const asked = probed.get('canary 198.51.100.1') ?? 0
    expect(asked).toBeGreaterThan(9)
    expect(asked).toBeLessThan(15)
    await watch.stop()
    await run(20_000)
    expect(probed.get('canary 198.51.100.1')).toBe(asked)
  })
})

describe('stalls', () => {
  /** What is in flight when the process sleeps for 20 s ends badly right after it. */
  const stalled = async (reason: string): Promise<Rig> => {
    const all = rig((_, nowMs) =>
      nowMs > atMs - 14_000 && nowMs < atMs ? ['mute', 15_000, reason] : ['ok'],
    )
    all.watch.update(addresses(20), [])
    await all.run(atMs)
    all.time.stall(20_000)
    await all.run(20_000)
    return all
  }

  test('what fails after the process stood still says nothing', async () => {
    const { watch, went } = await stalled('banner-timeout')
    expect(watch.localFaults().stalls).toBe(1)
    expect(watch.localFaults().discarded.stalled).toBeGreaterThan(4)
    expect(went('suspect')).toEqual([])
  })

  test('a refused connection is no matter of time', async () => {
    const { went } = await stalled('connect-refused')
    expect(went('suspect').length).toBeGreaterThan(4)
  })
})

describe('flapping', () => {
  /** Five seconds well, five seconds dead. */
  const flapping =
    (which: (address: string) => boolean): Script =>
    (address, nowMs) =>
      which(address) && nowMs % 10_000 >= 5000 ? ['dead'] : ['ok']

  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'a period of ten seconds seldom causes a transition in half an hour (seed %i)',
    async (seed) => {
      const { watch, run, changes } = rig(
        flapping((address) => slotNumber(address) === 1),
        [],
        seed,
      )
      watch.update(addresses(3), [poolOf(slotsOf(3))])
      await run(60_000)
      await run(1_800_000)
      const transitions = changes.filter(
        ({ target, from }) => target === 'mx1' && from !== 'unknown',
      )
      expect(transitions.length).toBeGreaterThan(0)
      expect(transitions.length).toBeLessThanOrEqual(4)
    },
  )

  test('held down while it passes; its pool gets it back as a suspect when it needs it', async () => {
    // Dead for 40 s of each 200 s, and from here on well for good.
    const wellMs = 1_040_000
    const { watch, run, state, nowMs } = rig((address, now) => {
      if (slotNumber(address) !== 1)
        return now > wellMs + 60_000 && now < wellMs + 110_000 ? ['dead'] : ['ok']
      return now > atMs && now < wellMs && now % 200_000 < 40_000 ? ['dead'] : ['ok']
    })
    watch.update(addresses(3), [poolOf([1, 2, 3])])
    await run(wellMs + 50_000)
    expect(state(1)).toBe(SlotState.down)
    expect(watch.states()[0]).toMatchObject({ isHeld: true, lastOutcome: { kind: 'ok' } })
    await run(50_000)
    expect([2, 3].map(state)).toEqual([SlotState.down, SlotState.down])
    expect(state(1)).toBe(SlotState.suspect)
    await run(50_000)
    expect([2, 3].map(state)).toEqual([SlotState.up, SlotState.up])
    expect(state(1)).toBe(SlotState.down)
    await run(200_000)
    expect(state(1)).toBe(SlotState.up)
    expect(nowMs()).toBeLessThan(wellMs + 360_000)
  })

  test('a drained member helps a pool as little as one that is down', async () => {
    const wellMs = 1_040_000
    const { watch, run, state, drain } = rig((address, now) => {
      const isFlapping = slotNumber(address) === 1 && now > atMs && now < wellMs
      return isFlapping && now % 200_000 < 40_000 ? ['dead'] : ['ok']
    })
    watch.update(addresses(2), [poolOf([1, 2])])
    await run(wellMs + 50_000)
    expect(watch.states()[0]).toMatchObject({ isHeld: true })
    expect([1, 2].map(state)).toEqual([SlotState.down, SlotState.up])
    drain(2)
    await run(25_000)
    expect(state(1)).toBe(SlotState.suspect)
  })
})
