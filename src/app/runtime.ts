// What the composition root hands to every component of the control thread: the log, the clocks and
// randomness.

import type { Clock, Random } from '../lib/clock.ts'
import type { Log } from './log.ts'

export interface Runtime {
  readonly log: Log
  readonly clock: Clock
  readonly random: Random
}
