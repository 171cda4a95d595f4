// What instances share, put together: an exchange that keeps to itself, or one over a store that all of them reach.

import { createHash } from 'node:crypto'

import type { Settings } from '../settings/settings.ts'
import { systemClock } from '../lib/clock.ts'
import { logCluster } from './component-events.ts'
import type { Log } from './log.ts'
import type {
  ClusterVotes,
  FeedbackStore,
  OverrideStore,
  TallyStore,
} from '../cluster/cluster-votes.ts'
import { createStandaloneOverrides, createStandaloneVotes } from '../cluster/standalone.ts'
import { joinCluster } from '../cluster/cluster.ts'
import { createRedisLink } from '../cluster/redis/redis-link.ts'
import type { StateView } from '../cluster/state-view.ts'
import { stateTimes } from '../cluster/redis/schema.ts'

export interface SharedState {
  readonly exchange: ClusterVotes
  readonly overrides: OverrideStore
  /** null: this instance is alone; so below. */
  readonly feedback: FeedbackStore | null
  readonly tallies: TallyStore | null
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
      exchange: createStandaloneVotes(instance, site),
      overrides: createStandaloneOverrides(),
      feedback: null,
      tallies: null,
      view: null,
      configure() {},
      stop: async () => {},
    }
  const { commandMs, blockMs } = stateTimes(state.heartbeatMs)
  const times = { connectMs, commandMs, blockMs, longestRetryMs }
  const exchange = joinCluster({
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
      exchange.setConfigHash(configOf(content, [state.vantages, state.heartbeatMs])),
    stop: () => exchange.stop(),
  }
}

const configOf = (content: string, settings: readonly number[]): string =>
  createHash('sha256')
    .update(JSON.stringify([content, ...settings]))
    .digest('base64url')
    .slice(0, 16)
