// What metrics are read from: everything that runs, at the moment somebody asks.

import type { StatusSources } from '../admin/views/status-view.ts'
import { systemClock } from '../lib/clock.ts'
import type { CountedTarget } from '../metrics/answer-metrics.ts'
import type { MetricSources } from '../metrics/metrics.ts'
import type { WeightedTarget } from '../metrics/target-metrics.ts'
import type { WatchedAddress } from '../probe/smtp/profile.ts'
import type { IdentityWatch } from '../reputation/reputation-watch.ts'
import type { Settings } from '../settings/settings.ts'
import { createDropCounter } from '../transport/udp/udp-drops.ts'
import type { Workers } from '../transport/worker/workers.ts'
import { slotKey } from '../watch/slot-key.ts'
import type { Watch } from '../watch/endpoint-watch.ts'
import type { LoadedTarget } from '../zonefile/load-zones.ts'
import type { ZoneKeeper } from '../zonefile/zone-keeper.ts'
import type { AnsweringNeeds } from './worker-pool.ts'
import type { SharedState } from './cluster-link.ts'
import type { Operator } from './control-plane.ts'
import type { KeptState } from './persistent-state.ts'
import { udpEndpoints } from './listeners.ts'
import { version } from './version.ts'

interface Reported extends AnsweringNeeds {
  readonly workers: Workers
  readonly watch: Watch
  readonly operator: Operator
  readonly identity: IdentityWatch
  readonly state: KeptState
  readonly shared: SharedState
}

export function metricSources(reported: Reported): MetricSources {
  const { settings, keeper, places, certificate, workers, watch, operator } = reported
  const { identity, state, shared } = reported
  const drops = createDropCounter(udpEndpoints(settings))
  return {
    version,
    counters: workers.counters,
    states: () => watch.states(),
    probing: { schedule: () => watch.counters(), doubt: () => watch.doubt() },
    targets: () => keeper.current().targets.map(countedTarget),
    zones: () => keeper.current().zones,
    workersAlive: () => workers.alive(),
    workerRestarts: () => workers.restarts(),
    lastReload: () => keeper.lastReload(),
    reloads: () => keeper.reloads(),
    certificate: certificate && {
      lastReload: () => certificate.lastReload(),
      expiresAtSeconds: () => certificate.current()?.expiresAtSeconds ?? 0,
    },
    udpKernelDrops: () => drops.read(),
    databases: () => places.states(),
    wallMs: () => systemClock.wallMs(),
    overrides: operator.overrides,
    shares: operator.shares,
    identity,
    feedback: operator.feedback,
    availability: () => state.availability.pools(),
    stateWrite: () => state.lastWrite(),
    shared: shared.view,
  }
}

const countedTarget = ({ zone, target, pools }: LoadedTarget): CountedTarget & WeightedTarget => ({
  zone,
  name: target.name,
  index: target.index,
  weights: new Map(pools.map(({ pool, member }) => [pool, member.weight])),
})

// What `/status` tells beyond health and overrides: who this instance is, whom it shares with, and how all of them vote.

interface StatusNeeds {
  readonly settings: Settings
  readonly keeper: ZoneKeeper
  readonly shared: SharedState
  readonly startedMs: number
}

export function statusSources({ settings, keeper, shared, startedMs }: StatusNeeds): StatusSources {
  let watched: readonly WatchedAddress[] = []
  let keys: ReadonlyMap<number, string> = new Map()
  return {
    version,
    instance: settings.instance,
    site: settings.site,
    uptimeSeconds: () => (systemClock.monotonicMs() - startedMs) / 1000,
    sharing() {
      const { kind, degraded } = shared.exchange.status()
      const view = shared.view?.()
      const { fenced = false, unansweredSeconds = 0, peers = [], config = null } = view ?? {}
      return { kind, degraded, fenced, unansweredSeconds, peers, config }
    },
    votesOn(slot) {
      const current = keeper.current().watched
      if (current !== watched) keys = new Map(current.map((one) => [one.slot, slotKey(one)]))
      watched = current
      const key = keys.get(slot)
      return key === undefined ? [] : shared.exchange.votes(key)
    },
  }
}
