// What metrics are read from: everything that runs, at the moment somebody asks.

import type { CountedTarget } from './admin/answer-metrics.ts'
import type { MetricSources } from './admin/metrics.ts'
import type { WeightedTarget } from './admin/target-metrics.ts'
import type { AnsweringNeeds } from './answering-workers.ts'
import type { LoadedTarget } from './config/load-zones.ts'
import type { Settings } from './config/settings.ts'
import { systemClock } from './lib/clock.ts'
import type { Operator } from './operator.ts'
import type { Watch } from './probe/watch.ts'
import type { Endpoint } from './transport/endpoint.ts'
import { createDropCounter } from './transport/udp-drops.ts'
import type { Workers } from './transport/workers.ts'
import { version } from './version.ts'

export interface Reported extends AnsweringNeeds {
  readonly workers: Workers
  readonly watch: Watch
  readonly operator: Operator
}

export function metricSources(reported: Reported): MetricSources {
  const { settings, keeper, places, certificate, workers, watch, operator } = reported
  const drops = createDropCounter(udpEndpoints(settings))
  return {
    version,
    counters: workers.counters,
    states: () => watch.states(),
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
  }
}

/** Where queries come in over UDP. */
export const udpEndpoints = ({ listen, streams }: Settings): readonly Endpoint[] => [
  ...listen,
  ...(streams.proxy?.listen ?? []),
]

const countedTarget = ({ zone, target, pools }: LoadedTarget): CountedTarget & WeightedTarget => ({
  zone,
  name: target.name,
  index: target.index,
  weights: new Map(pools.map(({ pool, member }) => [pool, member.weight])),
})
