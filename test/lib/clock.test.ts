import { expect, it, vi } from 'vitest'

import {
  alignedInterval,
  endsWithin,
  isoTime,
  type Timer,
  untilAlignedMs,
} from '../../src/lib/clock.ts'

it.each([
  [0, null],
  [null, null],
  [Number.NaN, null],
  [Infinity, null],
  [8.64e15 + 1, null],
  [-8.64e15, '-271821-04-20T00:00:00.000Z'],
  [1, '1970-01-01T00:00:00.001Z'],
])('isoTime is total: %s', (wallMs, text) => expect(isoTime(wallMs)).toBe(text))

it('endsWithin tells what ended, however, from what did not', async () => {
  const cancelled: number[] = []
  const fired: number[] = []
  /** Fires those of 1 ms at once, others never. */
  const timer: Timer = (delayMs, callback) => {
    if (delayMs === 1) callback()
    fired.push(delayMs)
    return () => cancelled.push(delayMs)
  }
  expect(await endsWithin(new Promise(() => {}), 1, timer)).toBe(false)
  expect(await endsWithin(Promise.resolve(), 2, timer)).toBe(true)
  expect(await endsWithin(Promise.reject(new Error('ended')), 3, timer)).toBe(true)
  expect([fired, cancelled]).toEqual([
    [1, 2, 3],
    [2, 3],
  ])
})

it.each([
  [0, 500],
  [0.4, 499.6],
  [249, 251],
  [250, 750],
  [499.9, 500.1],
  [500, 500],
  [10_400, 600],
])('at %s the next multiple of 500 that is not near is %s away', (nowMs, awayMs) =>
  expect(untilAlignedMs(nowMs, 500)).toBeCloseTo(awayMs, 6),
)

it('aligned intervals begun at different times share their instants, and outlast a callback that throws', () => {
  vi.useFakeTimers({ now: 0 })
  try {
    const startMs = performance.now()
    const calls: [string, number][] = []
    const note = (name: string): void => void calls.push([name, performance.now()])
    const ends = [alignedInterval(500, () => note('half'))]
    vi.advanceTimersByTime(130)
    ends.push(alignedInterval(1000, () => note('whole')))
    ends.push(
      alignedInterval(1000, () => {
        throw new Error('as a bug would')
      }),
    )
    for (let i = 0; i < 3000; i++)
      try {
        vi.advanceTimersByTime(1)
      } catch {
        // Vitest throws what a timer threw.
      }
    const halves = calls.filter(([name]) => name === 'half').map(([, atMs]) => atMs)
    const wholes = calls.filter(([name]) => name === 'whole').map(([, atMs]) => atMs)
    expect(halves.length).toBeGreaterThanOrEqual(5)
    expect(wholes.length).toBeGreaterThanOrEqual(2)
    expect(halves).toEqual(expect.arrayContaining(wholes))
    for (const end of ends) end()
    const count = calls.length
    vi.advanceTimersByTime(5000)
    expect(calls).toHaveLength(count)
    expect(startMs).toBeLessThan(halves[0] as number)
  } finally {
    vi.useRealTimers()
  }
})
