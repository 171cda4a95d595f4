// What a watch is given: the table that it keeps, clock and chance, the other instances, and who is to be told.

import type { HealthWriter } from '../health/table.ts'
import type { Clock, Random } from '../lib/clock.ts'
import type { Exchange } from '../cluster/exchange.ts'
import type { Alarm } from '../lib/alarm.ts'
import type { Canary } from './canaries.ts'
import type { FlightLimits } from '../probe/schedule/flight-caps.ts'
import type { VerdictsByKey } from './kept-verdicts.ts'
import type { Outcome } from '../health/outcome.ts'
import type { WatchedAddress } from '../probe/smtp/profile.ts'
import type { DoubtEvent } from './self-doubt.ts'
import type { ProbeRequest } from '../probe/smtp/smtp-probe.ts'
import type { TargetAlarm } from './target-alarms.ts'
import type { Transition } from './watched-state.ts'

export interface WatchOptions {
  readonly table: HealthWriter
  readonly clock: Clock
  readonly random: Random
  readonly exchange: Exchange
  /** What was known before the start. */
  readonly restored?: VerdictsByKey
  readonly onTransition: (transition: Transition) => void
  readonly onAlarm?: (alarm: TargetAlarm) => void
  readonly onOutcome?: (watched: WatchedAddress, outcome: Outcome) => void
  readonly onDoubt?: (event: DoubtEvent) => void
  /** Told of each start of a probe, how long after it was due. */
  readonly onStart?: (lateMs: number) => void
  /** What tells us that we are cut off ourselves. */
  readonly canaries?: readonly Canary[]
  readonly limits?: Partial<FlightLimits>
  /** Instances probe at times of their own. */
  readonly instance?: string
  /** Another prober than smtp-probe.ts by itself. */
  readonly probe?: (request: ProbeRequest, clock: Clock) => Promise<Outcome>
  /** For tests: simulated time. */
  readonly alarm?: Alarm
}
