// Standing still, on simulated time.

import { expect, test } from 'vitest'
import { LoopLag } from '../../src/watch/local-fault.ts'
import { createVirtualTime } from '../support/virtual-time.ts'

const start = () => {
  const time = createVirtualTime()
  const lag = new LoopLag(time.clock, time.timer)
  return { time, lag, now: () => time.clock.monotonicMs() }
}

test('a process that runs is not stalled', () => {
  const { time, lag, now } = start()
  const fromMs = now()
  time.advance(60_000)
  expect([lag.stalledSince(fromMs), lag.stalls()]).toEqual([false, 0])
})

test('a stall counts for probes begun before its end, and for none after', () => {
  const { time, lag, now } = start()
  time.advance(10_000)
  const beforeMs = now()
  time.stall(3000)
  const duringMs = now() - 1000
  time.advance(1)
  const afterMs = now()
  time.advance(5000)
  expect(lag.stalls()).toBe(1)
  expect([beforeMs, duringMs, afterMs].map((ms) => lag.stalledSince(ms))).toEqual([
    true,
    true,
    false,
  ])
})

test('it is seen before the timer fires, and counted once', () => {
  const { time, lag, now } = start()
  time.advance(10_100)
  const beforeMs = now()
  time.stall(3000)
  expect(lag.stalledSince(beforeMs)).toBe(true)
  time.advance(10_000)
  expect(lag.stalls()).toBe(1)
})

test('half a second late is no stall', () => {
  const { time, lag, now } = start()
  const fromMs = now()
  for (let i = 0; i < 20; i++) {
    time.stall(900)
    time.advance(1)
  }
  expect([lag.stalledSince(fromMs), lag.stalls()]).toEqual([false, 0])
})

test('stopped: no timer is left', () => {
  const { time, lag } = start()
  lag.stop()
  expect(time.pending()).toBe(0)
})

test('each timer tells how late it was, a stall that was seen before included', () => {
  const time = createVirtualTime()
  const lates: number[] = []
  const lag = new LoopLag(time.clock, time.timer, (lateMs) => lates.push(lateMs))
  time.advance(1000)
  expect(lates).toEqual([0, 0])
  time.advance(100)
  time.stall(3000)
  lag.stalledSince(0)
  time.advance(1)
  expect(lates).toEqual([0, 0, 2600])
})
