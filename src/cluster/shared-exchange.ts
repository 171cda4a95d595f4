// An exchange with other instances, and what it is made of.

import type { Clock } from '../lib/clock.ts'
import type { Exchange } from './exchange.ts'
import type { SharedEvent, StateSources } from './state-events.ts'
import type { StateSettings } from './redis/state-settings.ts'
import type { StoreLink } from './redis/store-link.ts'
import type { FeedbackExchange } from './feedback-exchange.ts'
import type { StoreOverrides } from './redis/store-overrides.ts'
import type { TallyExchange } from './tally-exchange.ts'

export interface RedisExchangeOptions {
  readonly settings: StateSettings
  readonly instance: string
  readonly site: string
  readonly link: StoreLink
  readonly clock: Clock
  readonly random: () => number
  readonly onEvent: (event: SharedEvent) => void
}

export interface SharedExchange extends Exchange, StateSources {
  readonly overrides: StoreOverrides
  readonly feedback: FeedbackExchange
  readonly tallies: TallyExchange
  /** Tells the others that we go, if that is possible at once. */
  stop(): Promise<void>
}
