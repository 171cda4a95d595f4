// Connects this instance to the others: over the Redis that all of them reach, or, with `state:
// memory`, to none.

import { createHash } from 'node:crypto'

import type { joinCluster } from '../cluster/cluster.ts'
import {
  createOversizedRecords,
  type OversizedRecords,
} from '../cluster/redis/oversized-records.ts'
import type { StoreLink } from '../cluster/link/redis-link.ts'
import { stateKeys, stateTimes } from '../cluster/redis/schema.ts'
import type { RedisHanded } from '../cluster/shared-handed.ts'
import type { RedisNames } from '../cluster/shared-names.ts'
import type { RedisSerials } from '../cluster/shared-serials.ts'
import { createStandaloneVotes, createStandaloneOverrides } from '../cluster/standalone.ts'
import type { StateView } from '../cluster/state-view.ts'
import type {
  ClusterVotes,
  FeedbackStore,
  OverrideStore,
  OwnReports,
  ReportingInstance,
  TallyStore,
} from '../cluster/cluster-votes.ts'
import type { HandedItem, SharedHanded } from '../coherence/shared-handed.ts'
import type { NameMemory, SharedNames } from '../departed/name-memory.ts'
import type { ZoneSerials } from '../lib/zone-serials.ts'
import type { Settings } from '../settings/settings.ts'
import { logClusterEvent } from './event-sources.ts'
import type { Runtime } from './runtime.ts'

export interface ClusterLink {
  readonly votes: ClusterVotes
  readonly overrides: OverrideStore
  /** Starts to report of this instance to the others. */
  reportOwn(own: Omit<OwnReports, 'isShared'>): void
  /** The other instances with what they reported, those that went within the last day included. */
  reporting(): readonly ReportingInstance[]
  /** null: this instance shares with no others; so for `tallies` and `view`. */
  readonly feedback: FeedbackStore | null
  readonly tallies: TallyStore | null
  readonly view: (() => StateView) | null
  /**
   * Publishes a digest of the zones, their keys and the settings that all instances should have in common.
   */
  publishConfig(zones: string, keys: string): void
  /** Publishes the serials that this instance serves. */
  publishSerials(own: ZoneSerials): void
  /** Calls back when other instances have greater serials for what this one serves. */
  onSerialsBehind(call: () => void): void
  /** Publishes what caches may lead to of the zones of this instance. */
  publishNames(own: NameMemory): void
  /** Sets of names that do not fit into the store. */
  unsharedNames(): number
  /** When names were last read from the store, milliseconds since 1970; Infinity: this instance shares with no others. */
  namesReadMs(): number
  /** Calls back when other instances keep names that this one does not. */
  onForeignNames(call: () => void): void
  /** Publishes what was handed out of the names of this instance's zones. */
  publishHanded(own: ReadonlyMap<string, readonly HandedItem[]>): void
  /** Things that were handed out that do not fit into the store. */
  unsharedHanded(): number
  /** Calls back with what other instances have handed out later than this one knew. */
  onForeignHanded(call: (shared: SharedHanded) => void): void
  stop(): Promise<void>
  /** As `stop`, but leaves what the store has of this instance to the process that has taken over. */
  cede(): void
}

const connectMs = 2000
const connectPollMs = 10
const maxRetryMs = 5000

/** The connection to the store, of which serials are read before this instance takes part. */
export interface StoreConnection {
  readonly link: StoreLink
  readonly serials: RedisSerials
  readonly names: RedisNames
  readonly handed: RedisHanded
  readonly oversized: OversizedRecords
  readonly join: typeof joinCluster
  /**
   * The serials in the store. Waits until it is known whether the store can be reached, 2 s at most;
   * resolves to what was read last where it cannot.
   */
  readSerials(): Promise<ZoneSerials>
  /** What caches may lead to, by all instances; waits as `readSerials` does. */
  readNames(): Promise<SharedNames>
  /** What was handed out, by all instances; waits as `readSerials` does. */
  readHanded(): Promise<SharedHanded>
  close(): void
}

/** The client of Redis, and what is said over it: an instance that stands alone loads neither. */
const storeCode = () =>
  Promise.all([
    import('../cluster/link/redis-link.ts'),
    import('../cluster/cluster.ts'),
    import('../cluster/shared-serials.ts'),
    import('../cluster/shared-names.ts'),
    import('../cluster/shared-handed.ts'),
  ])

/** null: this instance shares with no others. */
export async function connectStore(
  { state, instance }: Pick<Settings, 'state' | 'instance'>,
  { log, clock, random, parts }: Runtime,
): Promise<StoreConnection | null> {
  if (state === 'memory') return null
  const [{ createRedisLink }, cluster, { RedisSerials }, { RedisNames }, { RedisHanded }] =
    await storeCode()
  const times = stateTimes(state.heartbeatMs)
  const { commandMs, blockMs } = times
  const linkTimes = { connectMs, commandMs, blockMs, maxRetryMs }
  const keys = stateKeys(state.namespace)
  const client = { name: instance, key: keys.storeId }
  const link = parts.run('store', () => createRedisLink(state.address, client, linkTimes, random))
  parts.onFailure('store', () => link.reset())
  const oversized = createOversizedRecords(clock, times, (record) =>
    logClusterEvent(log, { kind: 'oversized-record', ...record }),
  )
  const shared = { link, keys, times, oversized, secrets: state.seals }
  const serials = new RedisSerials(shared)
  const names = new RedisNames({ ...shared, clock })
  const handed = new RedisHanded({ ...shared, clock })
  const isKnown = async (): Promise<void> => {
    const untilMs = clock.monotonicMs() + connectMs
    while (!link.isReady() && link.lastErrorCode() === null && clock.monotonicMs() < untilMs)
      await new Promise((resolve) => setTimeout(resolve, connectPollMs))
  }
  return {
    link,
    oversized,
    serials,
    names,
    handed,
    join: cluster.joinCluster,
    readSerials: () => isKnown().then(() => serials.read()),
    readNames: () => isKnown().then(() => names.read()),
    readHanded: () => isKnown().then(() => handed.read()),
    close: () => link.close(),
  }
}

/** Never fails: while the store is out of reach, the link works alone and tries again. */
export function openClusterLink(
  { state, instance, site }: Pick<Settings, 'state' | 'instance' | 'site'>,
  { log, clock, random, parts }: Runtime,
  store: StoreConnection | null,
): ClusterLink {
  if (state === 'memory' || store === null) return standaloneLink(instance, site)
  const { link, serials, names, handed, oversized, join } = store
  const cluster = parts.run('store', () =>
    join({
      settings: state,
      instance,
      site,
      random,
      clock,
      link,
      zoneParts: [serials, names, handed],
      oversized,
      onEvent: (event) => logClusterEvent(log, event),
    }),
  )
  return {
    votes: cluster,
    overrides: cluster.overrides,
    feedback: cluster.feedback,
    tallies: cluster.tallies,
    view: () => cluster.stateView(),
    reportOwn: (own) => cluster.reports.attach({ ...own, isShared: isSharedBy(serials) }),
    reporting: () => cluster.reports.instances(),
    publishConfig(zones, keys) {
      const settings = [state.vantages, state.heartbeatMs]
      cluster.setConfigHash(configDigest(zones, keys === '' ? settings : [...settings, keys]))
    },
    ...zoneSharing(store, () => cluster.syncSoon()),
    stop: () => cluster.stop(),
    cede: () => cluster.cede(),
  }
}

const isSharedBy =
  (serials: RedisSerials): OwnReports['isShared'] =>
  (zone, digest) =>
    serials.stored().get(zone)?.digest === digest

type ZoneSharing = Pick<
  ClusterLink,
  | 'publishSerials'
  | 'onSerialsBehind'
  | 'publishNames'
  | 'unsharedNames'
  | 'namesReadMs'
  | 'onForeignNames'
  | 'publishHanded'
  | 'unsharedHanded'
  | 'onForeignHanded'
>

function zoneSharing(
  { serials, names, handed }: StoreConnection,
  syncSoon: () => void,
): ZoneSharing {
  const publishing =
    <Own>(part: { publish(own: Own): void }) =>
    (own: Own): void => {
      part.publish(own)
      syncSoon()
    }
  return {
    publishSerials: publishing(serials),
    onSerialsBehind: (call) => serials.onNews(call),
    publishNames: publishing(names),
    unsharedNames: () => names.unshared,
    namesReadMs: () => names.readMs(),
    onForeignNames: (call) => names.onNews(call),
    publishHanded: publishing(handed),
    unsharedHanded: () => handed.unshared,
    onForeignHanded: (call) => handed.onNews(() => call(handed.stored())),
  }
}

const standaloneLink = (instance: string, site: string): ClusterLink => ({
  votes: createStandaloneVotes(instance, site),
  overrides: createStandaloneOverrides(),
  reportOwn() {},
  reporting: () => [],
  feedback: null,
  tallies: null,
  view: null,
  publishConfig() {},
  publishSerials() {},
  onSerialsBehind() {},
  publishNames() {},
  unsharedNames: () => 0,
  namesReadMs: () => Infinity,
  onForeignNames() {},
  publishHanded() {},
  unsharedHanded: () => 0,
  onForeignHanded() {},
  stop: async () => {},
  cede() {},
})

const configDigest = (zones: string, settings: readonly (number | string)[]): string =>
  createHash('sha256')
    .update(JSON.stringify([zones, ...settings]))
    .digest('base64url')
    .slice(0, 16)
