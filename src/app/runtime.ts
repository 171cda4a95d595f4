// What the composition root hands to every component of the control thread: the log, the clocks,
// randomness, and the guard of its parts.

import type { SigningTime } from '../dnssec/signing-clock.ts'
import type { EventRing } from '../history/event-ring.ts'
import type { Clock, Random } from '../lib/clock.ts'
import type { Log } from './log.ts'
import type { PartGuard } from './part-guard.ts'

export interface Runtime {
  readonly log: Log
  /** Lines that were not written since the reader of the log stood still. */
  readonly droppedLines: () => number
  readonly clock: Clock
  /** The time that signatures and keys go by. */
  readonly signingTime: SigningTime
  readonly random: Random
  readonly parts: PartGuard
  /** Takes every event of `log`. */
  readonly events: EventRing
}
