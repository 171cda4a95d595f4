// The schedule on simulated time: spread, caps, no catch-up, one timer.

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Due,
  DueHeap,
  Scheduler,
  type ScheduledProbe,
} from '../../../src/probe/schedule/scheduler.ts'
import type { InFlightLimits } from '../../../src/probe/schedule/in-flight-limiter.ts'
import { hashFraction } from '../../../src/lib/hash.ts'
import { createVirtualTime, seededRandom, type VirtualTime } from '../../support/virtual-time.ts'
import { runs } from '../../support/runs.ts'

interface Start {
  readonly key: string
  readonly atMs: number
}

interface Setup {
  readonly count: number
  readonly lastsMs: number | ((i: number) => number)
  readonly destination?: (i: number) => string
  readonly undecided?: 'always' | 'at-first'
  readonly limits?: Partial<InFlightLimits>
}

interface Rig {
  readonly time: VirtualTime
  readonly scheduler: Scheduler
  readonly starts: Start[]
  readonly probes: ScheduledProbe[]
  readonly peaks: { total: number; destination: number }
  readonly maxTimers: () => number
}

function rig(setup: Setup): Rig {
  const time = createVirtualTime()
  const starts: Start[] = []
  const seen = new Set<number>()
  const peaks = { total: 0, destination: 0 }
  let flying = 0
  let timers = 0
  let maxTimers = 0
  const perDestination = new Map<string, number>()
  const scheduler = new Scheduler({
    clock: time.clock,
    random: seededRandom(7),
    timer(delayMs, callback) {
      maxTimers = Math.max(maxTimers, ++timers)
      let isOpen = true
      const close = (): void => {
        if (isOpen) timers--
        isOpen = false
      }
      const cancel = time.timer(delayMs, () => {
        close()
        callback()
      })
      return () => {
        close()
        cancel()
      }
    },
    limits: setup.limits ?? {},
  })
  const probes = Array.from({ length: setup.count }, (_, i): ScheduledProbe => {
    const lastsMs = typeof setup.lastsMs === 'number' ? setup.lastsMs : setup.lastsMs(i)
    const destination = setup.destination?.(i) ?? `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`
    return {
      key: `${destination}|25|${i}`,
      destination,
      intervalMs: 10_000,
      fastIntervalMs: 2000,
      isUndecided: () =>
        setup.undecided === 'always' || (setup.undecided === 'at-first' && !seen.has(i)),
      run(done) {
        seen.add(i)
        starts.push({ key: this.key, atMs: time.clock.monotonicMs() })
        const here = (perDestination.get(destination) ?? 0) + 1
        perDestination.set(destination, here)
        peaks.total = Math.max(peaks.total, ++flying)
        peaks.destination = Math.max(peaks.destination, here)
        time.timer(lastsMs, () => {
          flying--
          perDestination.set(destination, (perDestination.get(destination) ?? 0) - 1)
          done()
        })
      },
    }
  })
  scheduler.add(probes)
  return { time, scheduler, starts, probes, peaks, maxTimers: () => maxTimers }
}

function perSecond(starts: readonly Start[], fromMs: number, toMs: number): number[] {
  const counts = Array.from({ length: Math.floor((toMs - fromMs) / 1000) }, () => 0)
  for (const { atMs } of starts) {
    const second = Math.floor((atMs - fromMs) / 1000)
    if (second >= 0 && second < counts.length) counts[second] = (counts[second] as number) + 1
  }
  return counts
}

const intervalsOf = (starts: readonly Start[], key: string): number[] => {
  const times = starts.filter((start) => start.key === key).map((start) => start.atMs)
  return times.slice(1).map((at, i) => at - (times[i] as number))
}

describe('ten thousand addresses, ten seconds', () => {
  test('starts are spread, from the first round on, with a single timer', () => {
    const { time, starts, peaks, scheduler, maxTimers } = rig({ count: 10_000, lastsMs: 300 })
    const begunMs = time.clock.monotonicMs()
    time.advance(60_000)
    const seconds = perSecond(starts, begunMs, begunMs + 60_000)
    expect(Math.max(...seconds)).toBeLessThan(2000)
    expect(Math.min(...seconds.slice(20))).toBeGreaterThan(500)
    const firsts = new Set(
      starts.filter((start) => start.atMs <= begunMs + 10_010).map((start) => start.key),
    )
    expect(firsts.size).toBe(10_000)
    expect(starts.length).toBeGreaterThan(55_000)
    expect(starts.length).toBeLessThan(70_000)
    expect(peaks.total).toBeLessThan(1000)
    expect(maxTimers()).toBe(1)
    expect(scheduler.counters()).toMatchObject({
      started: starts.length,
      late: 0,
      skipped: 0,
      stalls: 0,
    })
  })

  test('after a stall of 30 seconds no round is caught up', () => {
    const { time, starts, scheduler } = rig({ count: 10_000, lastsMs: 300 })
    time.advance(40_000)
    time.stall(30_000)
    const wokenMs = time.clock.monotonicMs()
    const before = starts.length
    time.advance(40_000)
    const seconds = perSecond(starts, wokenMs, wokenMs + 40_000)
    expect(Math.max(...seconds)).toBeLessThan(2000)
    expect(starts.length - before).toBeLessThan(42_000)
    expect(starts.length - before).toBeGreaterThan(36_000)
    expect(scheduler.counters().stalls).toBe(1)
    expect(scheduler.counters().skipped).toBeGreaterThan(9000)
  })

  test('a stall in the first round does not bunch it', () => {
    const { time, starts } = rig({ count: 10_000, lastsMs: 300, undecided: 'at-first' })
    time.advance(1000)
    time.stall(30_000)
    const wokenMs = time.clock.monotonicMs()
    time.advance(12_000)
    expect(Math.max(...perSecond(starts, wokenMs, wokenMs + 12_000))).toBeLessThan(2000)
    expect(new Set(starts.map((start) => start.key)).size).toBe(10_000)
  })

  test('mute targets fill the cap and no more; every one still has its turn', () => {
    const { time, starts, peaks, scheduler } = rig({
      count: 10_000,
      lastsMs: 15_000,
      destination: (i) => `10.${i >> 8}.${i & 255}.1`,
    })
    time.advance(100_000)
    expect(peaks.total).toBe(4000)
    expect(new Set(starts.map((start) => start.key)).size).toBe(10_000)
    expect(scheduler.counters()).toMatchObject({ capped: 0 })
    expect(scheduler.counters().late).toBeGreaterThan(0)
    expect(scheduler.counters().inFlight).toBeLessThanOrEqual(4000)
  })

  test('a mute network has twenty in flight; every one in it still has its turn', () => {
    // Forty networks, each of 250 addresses.
    const { time, starts, peaks, scheduler } = rig({
      count: 10_000,
      lastsMs: 15_000,
      destination: (i) => `10.0.${Math.floor(i / 250)}.${i % 250}`,
    })
    time.advance(400_000)
    expect(peaks.total).toBe(40 * 20)
    expect(new Set(starts.map((start) => start.key)).size).toBe(10_000)
    expect(scheduler.counters().capped).toBeGreaterThan(0)
  })
})

test('an instance has a phase of its own', () => {
  const phaseOf = (instance: string): number => {
    const { clock, timer } = createVirtualTime()
    const scheduler = new Scheduler({ clock, timer, random: () => 0.5, instance })
    const probe: ScheduledProbe = {
      key: 'a',
      destination: '192.0.2.1',
      intervalMs: 10_000,
      fastIntervalMs: 2000,
      isUndecided: () => false,
      run: () => {},
    }
    scheduler.add([probe])
    return scheduler.nextInMs(probe) ?? 0
  }
  expect(phaseOf('fra1')).toBe(phaseOf('fra1'))
  expect(Math.abs(phaseOf('fra1') - phaseOf('nyc1'))).toBeGreaterThan(1)
})

test('regular rounds keep to ± 10 % of the grid and do not drift', () => {
  const { time, starts, probes } = rig({ count: 50, lastsMs: 200 })
  time.advance(600_000)
  for (const { key } of probes) {
    const rounds = intervalsOf(starts, key).slice(1)
    expect(rounds.length).toBeGreaterThan(56)
    expect(Math.min(...rounds)).toBeGreaterThan(7999)
    expect(Math.max(...rounds)).toBeLessThan(12_001)
    const mean = rounds.reduce((sum, each) => sum + each, 0) / rounds.length
    expect(Math.abs(mean - 10_000)).toBeLessThan(50)
    expect(new Set(rounds).size).toBeGreaterThan(20)
  }
})

test('a few targets are all probed within a second', () => {
  const { time, starts } = rig({ count: 3, lastsMs: 10 })
  time.advance(1000)
  expect(starts.length).toBe(3)
})

test('undecided: the fast interval, from the end of the last probe', () => {
  const { time, starts, probes } = rig({ count: 5, lastsMs: 500, undecided: 'always' })
  time.advance(60_000)
  for (const { key } of probes) {
    for (const each of intervalsOf(starts, key)) {
      expect(each).toBeGreaterThan(500 + 1799)
      expect(each).toBeLessThan(500 + 2201)
    }
  }
})

test('a probe that outlasts its round skips, and never overlaps itself', () => {
  const { time, starts, probes, scheduler, peaks } = rig({ count: 1, lastsMs: 12_000 })
  time.advance(200_000)
  for (const each of intervalsOf(starts, probes[0]?.key ?? ''))
    expect(each).toBeGreaterThanOrEqual(12_000)
  expect(peaks.total).toBe(1)
  expect(scheduler.counters().skipped).toBeGreaterThan(5)
})

test('four in flight to one destination, and the rest in turn', () => {
  const { time, starts, peaks, probes } = rig({
    count: 40,
    lastsMs: 400,
    destination: () => '192.0.2.1',
  })
  time.advance(60_000)
  expect(peaks.destination).toBe(4)
  for (const { key } of probes)
    expect(starts.filter((start) => start.key === key).length).toBeGreaterThan(4)
})

test('a job that waits for a destination starts when the one before it ends', () => {
  // One at a time to .1, and a quick probe of .2 whose missed round shows the stall. The probe of .1 ends
  // right after the stall, so its follower is put off to a later round; then the follower leaves.
  const { time, scheduler, probes, starts } = rig({
    count: 4,
    lastsMs: (i) => (i < 3 ? 5000 : 100),
    destination: (i) => (i < 3 ? '192.0.2.1' : '192.0.2.2'),
    limits: { perHost: 1 },
  })
  time.advance(4900)
  const started = new Set(starts.map((start) => start.key))
  const waiting = probes.filter((probe) => !started.has(probe.key))
  expect(waiting.length).toBe(2)
  time.stall(30_000)
  time.advance(1)
  expect(scheduler.counters().stalls).toBe(1)
  const [follower, ...more] = waiting.filter((probe) => scheduler.nextInMs(probe) !== null)
  expect(more).toEqual([])
  const last = waiting.find((probe) => probe !== follower)
  scheduler.remove(follower as ScheduledProbe)
  scheduler.remove(probes.find((probe) => started.has(probe.key)) as ScheduledProbe)
  time.advance(1000)
  const now = new Set(starts.map((start) => start.key))
  expect(now.has(follower?.key ?? '')).toBe(false)
  expect(now.has(last?.key ?? '')).toBe(true)
})

test('a place in a network goes to the next in line when the first finds its host full', () => {
  const time = createVirtualTime()
  const started: string[] = []
  const scheduler = new Scheduler({
    ...time,
    random: () => 0.5,
    limits: { perHost: 1, perNetwork: 2 },
  })
  // In order of due time: two that hold the network for a while, two of one host, one of another.
  const roles = [
    { host: 3, lastsMs: 3000 },
    { host: 4, lastsMs: 4000 },
    { host: 1, lastsMs: 1_000_000 },
    { host: 1, lastsMs: 1 },
    { host: 2, lastsMs: 1 },
  ]
  const keys = roles
    .map((_, i) => `k${i}`)
    .toSorted((a, b) => hashFraction(`|${a}`) - hashFraction(`|${b}`))
  scheduler.add(
    roles.map(({ host, lastsMs }, i) => ({
      key: keys[i] as string,
      destination: `192.0.2.${host}`,
      intervalMs: 10_000_000,
      fastIntervalMs: 2000,
      isUndecided: () => false,
      run(done) {
        started.push(`${i}`)
        time.timer(lastsMs, done)
      },
    })),
  )
  time.advance(3500)
  expect(started).toEqual(['0', '1', '2'])
  time.advance(6500)
  expect(started).toEqual(['0', '1', '2', '4'])
})

test('a reload keeps the phase of those that stay', () => {
  const { time, scheduler, probes, starts } = rig({ count: 20, lastsMs: 100 })
  time.advance(35_000)
  const kept = probes[3] as ScheduledProbe
  const next = scheduler.nextInMs(kept)
  for (const probe of probes) if (probe !== kept) scheduler.remove(probe)
  expect(scheduler.nextInMs(kept)).toBe(next)
  expect(scheduler.nextInMs(probes[0] as ScheduledProbe)).toBeNull()
  const before = starts.length
  time.advance(next ?? 0)
  expect(starts.slice(before).map((start) => start.key)).toEqual([kept.key])
})

test('stopped: nothing starts and no timer is left', () => {
  const { time, scheduler, starts } = rig({ count: 20, lastsMs: 100 })
  time.advance(500)
  scheduler.stop()
  const before = starts.length
  time.advance(60_000)
  expect(starts.length).toBe(before)
  expect(time.pending()).toBe(0)
  expect(scheduler.counters().inFlight).toBe(0)
})

test('a timer that fires a little early is set again', () => {
  const time = createVirtualTime()
  const started: number[] = []
  const scheduler = new Scheduler({
    clock: time.clock,
    random: () => 0.5,
    timer: (delayMs, callback) => time.timer(delayMs > 1 ? delayMs - 0.7 : delayMs, callback),
  })
  scheduler.add([
    {
      key: 'a',
      destination: 'a',
      intervalMs: 1000,
      fastIntervalMs: 200,
      isUndecided: () => false,
      run: (done) => {
        started.push(time.clock.monotonicMs())
        done()
      },
    },
  ])
  time.advance(10_000)
  expect(started.length).toBeGreaterThan(8)
})

test('the heap gives what a sorted list gives, whatever is added and removed', () => {
  interface Item extends Due {
    readonly id: number
  }
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('add' as const),
        dueMs: fc.integer({ min: 0, max: 50 }),
      }),
    },
    fc.record({ do: fc.constant('remove' as const), which: fc.nat({ max: 30 }) }),
    fc.record({ do: fc.constant('pop' as const) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
      const heap = new DueHeap<Item>()
      const list: Item[] = []
      let id = 0
      const drop = (item: Item | undefined): void => {
        if (!item) return
        heap.remove(item)
        list.splice(list.indexOf(item), 1)
      }
      for (const each of steps) {
        if (each.do === 'add') {
          const item = { id: id++, dueMs: each.dueMs, heapIndex: -1 }
          heap.add(item)
          list.push(item)
        } else drop(each.do === 'pop' ? heap.peek() : list[each.which])
        expect(heap.size).toBe(list.length)
      }
      const given: number[] = []
      for (let item = heap.peek(); item; item = heap.peek()) {
        given.push(item.dueMs)
        heap.remove(item)
      }
      expect(given).toEqual(list.map((item) => item.dueMs).toSorted((a, b) => a - b))
    }),
    { numRuns: runs(500) },
  )
})
