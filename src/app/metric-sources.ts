// What metrics are read from: everything that runs, at the moment somebody asks.

import type { CountedTarget } from '../metrics/answer-metrics.ts'
import type { MetricSources } from '../metrics/metrics.ts'
import type { WeightedTarget } from '../metrics/target-metrics.ts'
import type { AnsweringNeeds } from './answering-workers.ts'
import type { LoadedTarget } from '../zonefile/load-zones.ts'
import type { IdentityWatch } from '../reputation/watch.ts'
import type { KeptState } from './kept-state.ts'
import { systemClock } from '../lib/clock.ts'
import type { Operator } from './control.ts'
import type { Watch } from '../watch/watch.ts'
import type { SharedState } from './cluster-link.ts'
import { udpEndpoints } from './start-report.ts'
import { createDropCounter } from '../transport/udp/udp-drops.ts'
import type { Workers } from '../transport/worker/workers.ts'
import { version } from './version.ts'

export interface Reported extends AnsweringNeeds {
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
