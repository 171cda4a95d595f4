// What the composition root hands to every component of the control thread: the log, the clocks and
// randomness.

import type { Clock, Random } from '../lib/clock.ts'
import type { Log } from './log.ts'

export interface Runtime {
  readonly log: Log
  /** Lines that were not written since the reader of the log stood still. */
  readonly droppedLines: () => number
  readonly clock: Clock
  readonly random: Random
}
