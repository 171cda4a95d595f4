// Connects this instance to the others: over the Redis that all of them reach, or, with `state:
// memory`, to none.

import { createHash } from 'node:crypto'

import { joinCluster } from '../cluster/cluster.ts'
import { createRedisLink } from '../cluster/redis/redis-link.ts'
import { stateTimes } from '../cluster/redis/schema.ts'
import { createStandaloneVotes, createStandaloneOverrides } from '../cluster/standalone.ts'
import type { StateView } from '../cluster/state-view.ts'
import type {
  ClusterVotes,
  FeedbackStore,
  OverrideStore,
  TallyStore,
} from '../cluster/cluster-votes.ts'
import type { Settings } from '../settings/settings.ts'
import { logClusterEvent } from './event-sources.ts'
import type { Runtime } from './runtime.ts'

export interface ClusterLink {
  readonly votes: ClusterVotes
  readonly overrides: OverrideStore
  /** null: this instance shares with no others; so for `tallies` and `view`. */
  readonly feedback: FeedbackStore | null
  readonly tallies: TallyStore | null
  readonly view: (() => StateView) | null
  /**
   * Publishes a digest of the zones and of the settings that all instances should have in common.
   */
  publishConfig(zones: string): void
  stop(): Promise<void>
}

const connectMs = 2000
const maxRetryMs = 5000

/** Never fails: while the store is out of reach, the link works alone and tries again. */
export function openClusterLink(
  { state, instance, site }: Pick<Settings, 'state' | 'instance' | 'site'>,
  { log, clock, random, parts }: Runtime,
): ClusterLink {
  if (state === 'memory')
    return {
      votes: createStandaloneVotes(instance, site),
      overrides: createStandaloneOverrides(),
      feedback: null,
      tallies: null,
      view: null,
      publishConfig() {},
      stop: async () => {},
    }
  const { commandMs, blockMs } = stateTimes(state.heartbeatMs)
  const times = { connectMs, commandMs, blockMs, maxRetryMs }
  const cluster = parts.run('store', () => {
    const link = createRedisLink(state.address, instance, times, random)
    parts.onFailure('store', () => link.reset())
    return joinCluster({
      settings: state,
      instance,
      site,
      random,
      clock,
      link,
      onEvent: (event) => logClusterEvent(log, event),
    })
  })
  return {
    votes: cluster,
    overrides: cluster.overrides,
    feedback: cluster.feedback,
    tallies: cluster.tallies,
    view: () => cluster.stateView(),
    publishConfig: (zones) =>
      cluster.setConfigHash(configDigest(zones, [state.vantages, state.heartbeatMs])),
    stop: () => cluster.stop(),
  }
}

const configDigest = (zones: string, settings: readonly number[]): string =>
  createHash('sha256')
    .update(JSON.stringify([zones, ...settings]))
    .digest('base64url')
    .slice(0, 16)
