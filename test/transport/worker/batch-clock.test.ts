// The clock of a blocking worker stands still between ticks, and a tick reads the real clock.

import { expect, test } from 'vitest'
import { SigningClock } from '../../../src/dnssec/signing-clock.ts'
import { createBatchClock } from '../../../src/transport/worker/poll-loop.ts'

test('stands still between ticks', () => {
  let nowMs = 1000
  const signing = new SigningClock({ wallMs: nowMs, monotonicMs: nowMs + 5 })
  const clock = createBatchClock({ wallMs: () => nowMs, monotonicMs: () => nowMs + 5 }, signing)
  nowMs = 2000
  expect([clock.wallMs(), clock.monotonicMs(), clock.signingMs()]).toEqual([1000, 1005, 1000])
  clock.tick()
  expect([clock.wallMs(), clock.monotonicMs(), clock.signingMs()]).toEqual([2000, 2005, 2000])
})
