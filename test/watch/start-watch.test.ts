// Whether probes still start, on simulated time, over the scheduler itself: what makes it stop, and what only looks so.

import { describe, expect, onTestFinished, test, vi } from 'vitest'

import { Scheduler, type ScheduledProbe } from '../../src/probe/schedule/scheduler.ts'
import { StartWatch } from '../../src/watch/start-watch.ts'
import { createVirtualTime, seededRandom } from '../support/virtual-time.ts'

const intervalMs = 30_000

/** Three probes of a second each; the faults can be switched on and off. */
function arrange({ count = 3, total = 100 }: { count?: number; total?: number } = {}) {
  const time = createVirtualTime()
  const faults = { losesTimers: false, neverEnds: false, countingThrows: false }
  const runs: string[] = []
  const scheduler = new Scheduler({
    clock: time.clock,
    random: seededRandom(1),
    limits: { total },
    timer: (delayMs, callback) => (faults.losesTimers ? () => {} : time.timer(delayMs, callback)),
    onStart: () => {
      if (faults.countingThrows) throw new Error('not counted')
    },
  })
  const probes = Array.from({ length: count }, (_, i): ScheduledProbe => ({
    key: `192.0.2.${i}|25`,
    destination: `192.0.2.${i}`,
    intervalMs,
    fastIntervalMs: 5000,
    isUndecided: () => false,
    run(done) {
      runs.push(`192.0.2.${i}`)
      if (!faults.neverEnds) time.timer(1000, done)
    },
  }))
  scheduler.add(probes)
  const events: string[] = []
  const watch = new StartWatch({
    source: scheduler,
    clock: time.clock,
    onEvent: ({ kind }) => events.push(kind),
  })
  const pass = (seconds: number): void => {
    for (let i = 0; i < seconds; i++) {
      time.advance(1000)
      watch.look()
    }
  }
  return { time, faults, runs, scheduler, probes, watch, events, pass }
}

test('a lost timer is set anew after three intervals', () => {
  const { faults, scheduler, watch, events, pass } = arrange()
  pass(60)
  faults.losesTimers = true
  pass(60)
  faults.losesTimers = false
  const before = scheduler.startedCount()
  pass(20)
  expect(events).toEqual([])
  pass(80)
  expect(events).toEqual(['restarted'])
  expect(watch.isStalled()).toBe(false)
  expect(scheduler.startedCount()).toBeGreaterThan(before)
})

test('timers that stay lost: it stalls after six intervals, and resumes once they are there', () => {
  const { faults, watch, events, pass } = arrange()
  pass(60)
  faults.losesTimers = true
  pass(7 * 30 + 30)
  expect(events).toEqual(['restarted', 'stalled'])
  expect(watch.isStalled()).toBe(true)
  faults.losesTimers = false
  pass(4 * 30)
  expect(events).toEqual(['restarted', 'stalled', 'resumed'])
  expect(watch.isStalled()).toBe(false)
})

test('nothing is left to start: it resumes, and stalls no more', () => {
  const { faults, scheduler, probes, watch, events, pass } = arrange()
  pass(60)
  faults.losesTimers = true
  pass(7 * 30 + 30)
  expect(watch.isStalled()).toBe(true)
  for (const probe of probes.slice(1)) scheduler.remove(probe)
  pass(10)
  expect(events).toEqual(['restarted', 'stalled'])
  for (const probe of probes.slice(0, 1)) scheduler.remove(probe)
  pass(1)
  expect(events).toEqual(['restarted', 'stalled', 'resumed'])
  expect(watch.isStalled()).toBe(false)
  pass(3600)
  expect(events).toHaveLength(3)
})

test('what a restart only plans has not started', () => {
  const time = createVirtualTime()
  const events: string[] = []
  let plannedUntilMs = 0
  const watch = new StartWatch({
    source: {
      nextStart: () => (time.clock.monotonicMs() < plannedUntilMs ? 'planned' : 'overdue'),
      startedCount: () => 0,
      longestIntervalMs: () => intervalMs,
      restart: () => void (plannedUntilMs = time.clock.monotonicMs() + 5000),
    },
    clock: time.clock,
    onEvent: ({ kind }) => events.push(kind),
  })
  for (let i = 0; i < 6 * 30 + 30; i++) {
    time.advance(1000)
    watch.look()
  }
  expect(events).toEqual(['restarted', 'stalled'])
})

test('a probe runs although whoever counts its start throws each time, which is raised', () => {
  const raised: (() => void)[] = []
  vi.stubGlobal('queueMicrotask', (raise: () => void) => void raised.push(raise))
  onTestFinished(() => void vi.unstubAllGlobals())
  const { faults, runs, scheduler, pass } = arrange()
  faults.countingThrows = true
  pass(300)
  expect(runs.length).toBeGreaterThanOrEqual(25)
  expect(scheduler.startedCount()).toBe(runs.length)
  expect(raised).toHaveLength(runs.length)
  expect(raised[0]).toThrow('not counted')
})

describe('is well', () => {
  test('with nothing to probe', () => {
    const { events, pass } = arrange({ count: 0 })
    pass(3600)
    expect(events).toEqual([])
  })

  test('when another instance probes everything', () => {
    const { scheduler, probes, events, pass } = arrange()
    pass(60)
    for (const probe of probes) scheduler.remove(probe)
    pass(3600)
    expect(events).toEqual([])
  })

  test('while all wait for one in flight', () => {
    const { faults, events, pass } = arrange({ total: 1 })
    faults.neverEnds = true
    pass(3600)
    expect(events).toEqual([])
  })

  test('after the process was stopped for an hour, and while its loop lags', () => {
    const { time, events, watch, pass } = arrange()
    pass(60)
    time.stall(3_600_000)
    watch.look()
    for (let i = 0; i < 300; i++) {
      time.stall(5000)
      watch.look()
      time.advance(0)
      watch.look()
    }
    expect(events).toEqual([])
  })
})
