// A clock that stands still while a batch of queries is answered: a read of the real one costs as much as a good part
// of an answer, and nothing that an answer is made of changes within a batch.

import type { Clock } from '../../lib/clock.ts'

export interface BatchClock extends Clock {
  /** Reads the real clock. */
  tick(): void
}

export function createBatchClock(clock: Clock): BatchClock {
  let wallMs = clock.wallMs()
  let monotonicMs = clock.monotonicMs()
  return {
    wallMs: () => wallMs,
    monotonicMs: () => monotonicMs,
    tick() {
      wallMs = clock.wallMs()
      monotonicMs = clock.monotonicMs()
    },
  }
}
