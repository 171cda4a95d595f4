// What instances share, put together: an exchange that keeps to itself, or one over a store that all of them reach.

import { createHash } from 'node:crypto'

import type { Settings } from '../settings/settings.ts'
import { systemClock } from '../lib/clock.ts'
import { logCluster } from './component-events.ts'
import type { Log } from './log.ts'
import type {
  Exchange,
  FeedbackExchange,
  OverrideExchange,
  TallyExchange,
} from '../cluster/vote-exchange.ts'
import { createMemoryOverrides, createMemoryExchange } from '../cluster/standalone.ts'
import { createRedisExchange } from '../cluster/cluster.ts'
import { createRedisLink } from '../cluster/redis/redis-link.ts'
import type { StateView } from '../cluster/state-view.ts'
import { stateTimes } from '../cluster/redis/schema.ts'

export interface SharedState {
  readonly exchange: Exchange
  readonly overrides: OverrideExchange
  /** null: this instance is alone; so below. */
  readonly feedback: FeedbackExchange | null
  readonly tallies: TallyExchange | null
  readonly view: (() => StateView) | null
  /** What the zones say; with the settings that are to be equal too, it is compared with what others have. */
  configure(content: string): void
  stop(): Promise<void>
}

const connectMs = 2000
const longestRetryMs = 5000

export function openSharedState(
  { state, instance, site }: Pick<Settings, 'state' | 'instance' | 'site'>,
  log: Log,
  random: () => number,
): SharedState {
  if (state === 'memory')
    return {
      exchange: createMemoryExchange(instance, site),
      overrides: createMemoryOverrides(),
      feedback: null,
      tallies: null,
      view: null,
      configure() {},
      stop: async () => {},
    }
  const { commandMs, blockMs } = stateTimes(state.heartbeatMs)
  const times = { connectMs, commandMs, blockMs, longestRetryMs }
  const exchange = createRedisExchange({
    settings: state,
    instance,
    site,
    random,
    clock: systemClock,
    link: createRedisLink(state.address, instance, times, random),
    onEvent: (event) => logCluster(log, event),
  })
  return {
    exchange,
    overrides: exchange.overrides,
    feedback: exchange.feedback,
    tallies: exchange.tallies,
    view: () => exchange.stateView(),
    configure: (content) =>
      exchange.configure(configOf(content, [state.vantages, state.heartbeatMs])),
    stop: () => exchange.stop(),
  }
}

const configOf = (content: string, settings: readonly number[]): string =>
  createHash('sha256')
    .update(JSON.stringify([content, ...settings]))
    .digest('base64url')
    .slice(0, 16)
