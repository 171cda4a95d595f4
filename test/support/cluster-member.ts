// A cluster member over a real store: one of several instances in a test's own process, with short times.

import { systemClock } from '../../src/lib/clock.ts'
import type { ZoneSerials } from '../../src/lib/zone-serials.ts'
import { joinCluster, type Cluster } from '../../src/cluster/cluster.ts'
import { createOversizedRecords } from '../../src/cluster/redis/oversized-records.ts'
import { createRedisLink } from '../../src/cluster/link/redis-link.ts'
import type { ClusterEvent } from '../../src/cluster/cluster-votes.ts'
import { stateKeys, stateTimes } from '../../src/cluster/redis/schema.ts'
import type { StateSecrets } from '../../src/cluster/redis/sealed-record.ts'
import { RedisHanded } from '../../src/cluster/shared-handed.ts'
import { RedisNames } from '../../src/cluster/shared-names.ts'
import { RedisSerials } from '../../src/cluster/shared-serials.ts'
import { until } from './wait.ts'

export interface TestMember {
  readonly instance: string
  readonly cluster: Cluster
  readonly serials: RedisSerials
  publishSerials(own: ZoneSerials): void
  readonly events: readonly ClusterEvent[]
}

export interface MemberSettings {
  readonly port: number
  readonly heartbeatMs?: number
  readonly vantages?: number
  readonly site?: string
  readonly namespace?: string
  readonly peerHoldMs?: number
  readonly seals?: StateSecrets
}

export function joinTestCluster(instance: string, { port, ...place }: MemberSettings): TestMember {
  const { heartbeatMs = 300, vantages = 3, site = instance } = place
  const { namespace = 'test', peerHoldMs = 60_000, seals = null } = place
  const address = {
    where: { kind: 'one' as const, host: '127.0.0.1', port },
    username: null,
    password: null,
    database: 0,
    tls: null,
    sentinelUsername: null,
    sentinelPassword: null,
  }
  const { commandMs, blockMs } = stateTimes(heartbeatMs)
  const times = { connectMs: 500, commandMs, blockMs, maxRetryMs: 500 }
  const events: ClusterEvent[] = []
  const link = createRedisLink(
    address,
    { name: instance, key: stateKeys(namespace).storeId },
    times,
    Math.random,
  )
  const oversized = createOversizedRecords(systemClock, stateTimes(heartbeatMs), (record) =>
    events.push({ kind: 'oversized-record', ...record }),
  )
  const shared = {
    link,
    keys: stateKeys(namespace),
    times: stateTimes(heartbeatMs),
    oversized,
    secrets: seals,
  }
  const serials = new RedisSerials(shared)
  const names = new RedisNames({ ...shared, clock: systemClock })
  const handed = new RedisHanded({ ...shared, clock: systemClock })
  const cluster = joinCluster({
    settings: { address, namespace, heartbeatMs, vantages, peerHoldMs, seals },
    instance,
    site,
    link,
    zoneParts: [serials, names, handed],
    oversized,
    clock: systemClock,
    random: Math.random,
    onEvent: (event) => events.push(event),
  })
  const publishSerials = (own: ZoneSerials): void => {
    serials.publish(own)
    cluster.syncSoon()
  }
  return { instance, cluster, serials, publishSerials, events }
}

export const allTogether = (...all: readonly TestMember[]): Promise<true> =>
  until(() => all.every(({ cluster }) => cluster.status().instances === all.length), {
    what: 'all see all',
    withinMs: 60_000,
    everyMs: 5,
  })
