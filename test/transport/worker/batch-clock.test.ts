// The clock of a blocking worker stands still between ticks, and a tick reads the real clock.

import { expect, test } from 'vitest'
import { createBatchClock } from '../../../src/transport/worker/poll-loop.ts'

test('stands still between ticks', () => {
  let nowMs = 1000
  const clock = createBatchClock({ wallMs: () => nowMs, monotonicMs: () => nowMs + 5 })
  nowMs = 2000
  expect([clock.wallMs(), clock.monotonicMs()]).toEqual([1000, 1005])
  clock.tick()
  expect([clock.wallMs(), clock.monotonicMs()]).toEqual([2000, 2005])
})
