// Prometheus metrics, put together. No label ever holds what a client sent: names asked for are unbounded.

import { Registry, collectDefaultMetrics } from 'prom-client'

import type { Counters } from '../answer/counters.ts'
import type { MeasuredPool } from '../weights/pool-availability.ts'
import type { WatchedState } from '../watch/watched-state.ts'
import { type CountedTarget, registerAnswerMetrics } from './answer-metrics.ts'
import {
  type IdentitySource,
  registerIdentityMetrics,
  type FeedbackSources,
  type LastWrite,
  registerFeedback,
  registerStateFile,
  type ProbeMetrics,
  type WeightedTarget,
  createProbeMetrics,
  registerTargetGauges,
} from './target-metrics.ts'
import { registerAvailability } from './availability-metrics.ts'
import { registerOverrideMetrics, type OverrideSources } from './override-metrics.ts'
import { type ReportedDatabase, registerPlaceMetrics } from './place-metrics.ts'
import type { PoolShares } from './pool-shares.ts'
import { registerSampled } from './sampled-metric.ts'
import { type ReportedShare, registerSharedState } from './cluster-metrics.ts'
import {
  type ScheduleMetrics,
  type ScheduleSources,
  createScheduleMetrics,
} from './schedule-metrics.ts'

export interface MetricSources {
  readonly version: string
  readonly counters: readonly Counters[]
  readonly states: () => readonly WatchedState[]
  readonly targets: () => readonly (CountedTarget & WeightedTarget)[]
  readonly zones: () => readonly { readonly name: string; readonly serial: number }[]
  readonly lastReload: () => { readonly successful: boolean; readonly successAtSeconds: number }
  readonly reloads: () => { readonly success: number; readonly failure: number }
  readonly workersAlive: () => number
  readonly workerRestarts: () => number
  readonly udpKernelDrops: () => number
  /** null: no DNS over TLS. */
  readonly certificate: CertificateSource | null
  readonly databases: () => readonly ReportedDatabase[]
  readonly wallMs: () => number
  readonly overrides: OverrideSources
  readonly shares: PoolShares
  /** null: this instance is alone. */
  readonly shared: (() => ReportedShare) | null
  readonly identity: IdentitySource
  readonly probing: ScheduleSources
  readonly feedback: FeedbackSources
  readonly availability: () => readonly MeasuredPool[]
  readonly stateWrite: () => LastWrite
}

interface CertificateSource {
  readonly lastReload: MetricSources['lastReload']
  readonly expiresAtSeconds: () => number
}

export interface Metrics extends ProbeMetrics, ScheduleMetrics {
  readonly registry: Registry
}

export function createMetrics(sources: MetricSources): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  registerAnswerMetrics(registry, sources.counters, sources.targets)
  registerTargetGauges(registry, sources.states, sources.targets)
  registerServerMetrics(registry, sources)
  if (sources.certificate !== null) registerCertificateMetrics(registry, sources.certificate)
  registerServed(registry, sources)
  if (sources.shared !== null) registerSharedState(registry, sources.shared)
  registerOverrideMetrics(registry, sources.overrides, sources.shares)
  registerIdentityMetrics(registry, sources.identity)
  registerPlaceMetrics(registry, sources.databases, sources.wallMs)
  registerFeedback(registry, sources.feedback)
  registerAvailability(registry, sources.availability)
  registerStateFile(registry, sources.stateWrite)
  return {
    registry,
    ...createProbeMetrics(registry),
    ...createScheduleMetrics(registry, sources.probing),
  }
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
  registerSampled(registry, {
    kind: 'counter',
    name: 'mxsteer_config_reloads_total',
    help: 'Completed loads of the zone files, the one at start included',
    labels: ['result'],
    sample(emit) {
      const { success, failure } = sources.reloads()
      emit({ result: 'success' }, success)
      emit({ result: 'failure' }, failure)
    },
  })
  one('gauge', 'mxsteer_workers_alive', 'Answering workers that serve', sources.workersAlive)
  one(
    'counter',
    'mxsteer_worker_restarts_total',
    'Answering workers started again',
    sources.workerRestarts,
  )
  one(
    'counter',
    'mxsteer_udp_kernel_drops_total',
    'Queries over UDP that the kernel dropped since the receive buffers were full (Linux)',
    sources.udpKernelDrops,
  )
}

/** What is served, and by what. */
function registerServed(registry: Registry, { zones, version }: MetricSources): void {
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_zone_serial',
    help: 'SOA serial in force',
    labels: ['zone'],
    sample: (emit) => zones().forEach(({ name, serial }) => emit({ zone: name }, serial)),
  })
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_build_info',
    help: 'Always 1',
    labels: ['version', 'node'],
    sample: (emit) => emit({ version, node: process.version }, 1),
  })
}

function registerCertificateMetrics(
  registry: Registry,
  { lastReload, expiresAtSeconds }: CertificateSource,
): void {
  const gauge = (name: string, help: string, value: () => number): void =>
    registerSampled(registry, { kind: 'gauge', name, help, sample: (emit) => emit({}, value()) })
  gauge(
    'mxsteer_tls_certificate_expiry_timestamp_seconds',
    'When the certificate in force expires',
    expiresAtSeconds,
  )
  gauge(
    'mxsteer_tls_last_reload_successful',
    '0: the certificate on disk is not the one in force',
    () => (lastReload().successful ? 1 : 0),
  )
  gauge(
    'mxsteer_tls_last_reload_success_timestamp_seconds',
    'When the certificate was last read as a whole pair',
    () => lastReload().successAtSeconds,
  )
}
