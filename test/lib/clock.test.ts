import { expect, it } from 'vitest'

import { endsWithin, isoTime, type Timer } from '../../src/lib/clock.ts'

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
