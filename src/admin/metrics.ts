// Prometheus metrics, put together. No label ever holds what a client sent: names asked for are unbounded.

import { Registry, collectDefaultMetrics } from 'prom-client'

import type { Counters } from '../answer/counters.ts'
import type { WatchedState } from '../probe/watched-state.ts'
import { type CountedTarget, registerAnswerMetrics } from './answer-metrics.ts'
import { registerSampled } from './sampled-metric.ts'
import {
  type ProbeMetrics,
  type WeightedTarget,
  createProbeMetrics,
  registerTargetGauges,
} from './target-metrics.ts'

export interface MetricSources {
  readonly version: string
  readonly counters: readonly Counters[]
  readonly states: () => readonly WatchedState[]
  readonly targets: () => readonly (CountedTarget & WeightedTarget)[]
  readonly zones: () => readonly { readonly name: string; readonly serial: number }[]
  readonly lastReload: () => { readonly successful: boolean; readonly successAtSeconds: number }
  readonly workersAlive: () => number
  readonly workerRestarts: () => number
}

export interface Metrics extends ProbeMetrics {
  readonly registry: Registry
}

export function createMetrics(sources: MetricSources): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  registerAnswerMetrics(registry, sources.counters, sources.targets)
  registerTargetGauges(registry, sources.states, sources.targets)
  registerServerMetrics(registry, sources)
  return { registry, ...createProbeMetrics(registry) }
}

function registerServerMetrics(registry: Registry, sources: MetricSources): void {
  const one = (kind: 'counter' | 'gauge', name: string, help: string, value: () => number): void =>
    registerSampled(registry, { kind, name, help, sample: (emit) => emit({}, value()) })
  one(
    'gauge',
    'mxsteer_config_last_reload_successful',
    '0: what is on disk is not what is served',
    () => (sources.lastReload().successful ? 1 : 0),
  )
  one(
    'gauge',
    'mxsteer_config_last_reload_success_timestamp_seconds',
    'When zones were last taken over',
    () => sources.lastReload().successAtSeconds,
  )
  one('gauge', 'mxsteer_workers_alive', 'Answering workers that serve', sources.workersAlive)
  one(
    'counter',
    'mxsteer_worker_restarts_total',
    'Answering workers started again',
    sources.workerRestarts,
  )
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_zone_serial',
    help: 'SOA serial in force',
    labels: ['zone'],
    sample: (emit) => sources.zones().forEach(({ name, serial }) => emit({ zone: name }, serial)),
  })
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_build_info',
    help: 'Always 1',
    labels: ['version', 'node'],
    sample: (emit) => emit({ version: sources.version, node: process.version }, 1),
  })
}
