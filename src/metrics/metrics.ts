// The Prometheus registry with all metrics of the server. No label holds anything that a DNS client
// sent, since the number of names that can be queried is unbounded.

import { Registry, collectDefaultMetrics } from '@prometheus-io/client'

import type { Counters } from '../answer/counters.ts'
import type { MeasuredPool } from '../weights/pool-availability.ts'
import type { WatchedState } from '../watch/watched-state.ts'
import {
  type AdminReport,
  type RecordReadings,
  registerAdminMetrics,
  registerRecordMetrics,
} from './admin-metrics.ts'
import { type CountedTarget, registerAnswerMetrics } from './answer-metrics.ts'
import {
  type ReputationSource,
  registerReputationMetrics,
  type FeedbackSources,
  type StateFileWrite,
  registerFeedbackMetrics,
  registerStateFileMetrics,
  type ProbeMetrics,
  type WeightedTarget,
  createProbeMetrics,
  registerTargetGauges,
} from './target-metrics.ts'
import { registerAvailabilityMetrics } from './availability-metrics.ts'
import { type OverrideReadings, registerOverrideMetrics } from './override-metrics.ts'
import { registerDnssecMetrics, type SigningSource } from './dnssec-metrics.ts'
import { type DatabaseStatus, registerGeoipMetrics } from './geoip-metrics.ts'
import type { PoolShares } from './pool-shares.ts'
import { emitEach, metricPieces, registerSampled, valueRegistrar } from './sampled-metric.ts'
import { type ClusterReport, registerClusterMetrics } from './cluster-metrics.ts'
import {
  type ScheduleMetrics,
  type ScheduleSources,
  LoopDelayHistogram,
  createScheduleMetrics,
  replaceLoopDelayMetrics,
} from './schedule-metrics.ts'

export interface MetricSources {
  readonly version: string
  readonly counters: readonly Counters[]
  readonly states: () => readonly WatchedState[]
  readonly targets: () => readonly (CountedTarget & WeightedTarget)[]
  readonly zones: () => readonly { readonly name: string; readonly serial: number }[]
  /** How many sets have left each zone and are still answered. */
  readonly departed: () => readonly { readonly zone: string; readonly sets: number }[]
  /** Sets of names that do not fit into the store. */
  readonly unsharedNames: () => number
  readonly lastReload: () => { readonly successful: boolean; readonly successAtSeconds: number }
  /** How long the last load of the zone files took. */
  readonly reloadMs: () => number
  /** The most heap of the thread of the last load; 0: it had none. */
  readonly reloadHeapOctets: () => number
  readonly reloads: () => { readonly success: number; readonly failure: number }
  readonly workersAlive: () => number
  readonly workerRestarts: () => number
  readonly udpKernelDrops: () => number
  /** Failures of the parts of the control thread since the start. */
  readonly partFailures: () => ReadonlyMap<string, number>
  readonly droppedLogLines: () => number
  /** null: DNS over TLS is off. */
  readonly certificate: CertificateSource | null
  readonly databases: () => readonly DatabaseStatus[]
  readonly wallMs: () => number
  readonly overrides: OverrideReadings
  readonly shares: Pick<PoolShares, 'read'>
  /** null: this instance shares no state. */
  readonly cluster: (() => ClusterReport) | null
  readonly reputation: ReputationSource
  readonly probing: ScheduleSources
  readonly feedback: FeedbackSources
  readonly availability: () => readonly MeasuredPool[]
  readonly stateWrite: () => StateFileWrite
  readonly admin: AdminReport
  readonly signing: SigningSource
  readonly names: NameSource
  readonly records: RecordReadings
}

/** Names around targets, and what caches may hold of them. */
interface NameSource {
  readonly excluded: () => number
  readonly handed: () => Readonly<Record<'policies' | 'tlsa' | 'exchanges', readonly unknown[]>>
  /** What was handed out and does not fit into the store. */
  readonly unshared: () => number
}

interface CertificateSource {
  readonly lastReload: MetricSources['lastReload']
  readonly expiresAtSeconds: () => number
}

export interface Metrics extends ProbeMetrics, ScheduleMetrics {
  readonly registry: Registry
  /** The text of all metrics in the format of Prometheus. Other work may be done between two pieces. */
  pieces(): Iterable<string | Promise<string>>
  /** Records how late a timer was. */
  observeLoopDelay(lateMs: number): void
}

export function createMetrics(from: MetricSources): Metrics {
  const registry = new Registry()
  const reads = new ScrapeReads()
  const sources = readOnce(from, reads)
  const loopDelay = registerNodeMetrics(registry, reads)
  registerAnswerMetrics(registry, sources.counters, sources.targets)
  registerTargetGauges(registry, sources.states, sources.targets)
  registerReloadMetrics(registry, sources)
  registerServerMetrics(registry, sources)
  registerSampled(registry, {
    kind: 'counter',
    name: 'mxsteer_part_failures_total',
    help: 'Exceptions that a part of the control thread did not catch',
    labels: ['part'],
    sample: (emit) => sources.partFailures().forEach((count, part) => emit({ part }, count)),
  })
  if (sources.certificate !== null) registerCertificateMetrics(registry, sources.certificate)
  registerZoneMetrics(registry, sources)
  if (sources.cluster !== null) registerClusterMetrics(registry, sources.cluster)
  registerOverrideMetrics(registry, sources.overrides, sources.shares)
  registerReputationMetrics(registry, sources.reputation)
  registerGeoipMetrics(registry, sources.databases, sources.wallMs)
  registerFeedbackMetrics(registry, sources.feedback)
  registerAvailabilityMetrics(registry, sources.availability)
  registerStateFileMetrics(registry, sources.stateWrite)
  registerNameMetrics(registry, sources.names)
  registerAdminMetrics(registry, sources.admin)
  registerRecordMetrics(registry, sources.records)
  registerDnssecMetrics(registry, sources.signing, sources.counters)
  return {
    registry,
    pieces: () => reads.during(metricPieces(registry)),
    observeLoopDelay: (lateMs) => loopDelay.record(lateMs),
    ...createProbeMetrics(registry),
    ...createScheduleMetrics(registry, sources.probing),
  }
}

/** In place of the client's ten milliseconds; see replaceLoopDelayMetrics. */
const longestTimerMs = 2 ** 31 - 1
/** In place of a tenth of a second, which was a third of what an idle control thread did. */
const utilizationEveryMs = 1000

/** Metrics of this process that the client of Prometheus knows. Returns what the delay of the event loop has to be recorded in. */
function registerNodeMetrics(registry: Registry, reads: ScrapeReads): LoopDelayHistogram {
  collectDefaultMetrics({
    register: registry,
    eventLoopMonitoringPrecision: longestTimerMs,
    eventLoopUtilizationTimeout: utilizationEveryMs,
  })
  const loopDelay = new LoopDelayHistogram()
  replaceLoopDelayMetrics(
    registry,
    reads.once(() => loopDelay.take()),
  )
  return loopDelay
}

/** What several metrics are sampled from, read once a scrape: they agree, and it is computed once. */
class ScrapeReads {
  /** null: no scrape is under way, and nothing is kept. */
  #kept: Map<unknown, unknown> | null = null

  once<Value>(read: () => Value): () => Value {
    return () => {
      if (this.#kept?.has(read)) return this.#kept.get(read) as Value
      const value = read()
      this.#kept?.set(read, value)
      return value
    }
  }

  *during<Piece>(pieces: Iterable<Piece>): Generator<Piece> {
    const kept = new Map()
    this.#kept = kept
    try {
      yield* pieces
    } finally {
      // Another scrape may have begun meanwhile, for a listener that was started again.
      if (this.#kept === kept) this.#kept = null
    }
  }
}

const readOnce = (sources: MetricSources, reads: ScrapeReads): MetricSources => ({
  ...sources,
  states: reads.once(sources.states),
  targets: reads.once(sources.targets),
  cluster: sources.cluster && reads.once(sources.cluster),
  overrides: {
    ...sources.overrides,
    watch: {
      states: reads.once(() => sources.overrides.watch.states()),
      overrides: reads.once(() => sources.overrides.watch.overrides()),
    },
  },
  shares: { read: reads.once(() => sources.shares.read()) },
  reputation: {
    states: reads.once(() => sources.reputation.states()),
    lists: () => sources.reputation.lists(),
    counters: () => sources.reputation.counters(),
  },
  availability: reads.once(sources.availability),
  signing: {
    clock: () => sources.signing.clock(),
    zones: reads.once(() => sources.signing.zones()),
    nowMs: () => sources.signing.nowMs(),
    parents: () => sources.signing.parents(),
  },
})

function registerReloadMetrics(registry: Registry, sources: MetricSources): void {
  const register = valueRegistrar(registry)
  register(
    'gauge',
    'mxsteer_config_last_reload_successful',
    '0: what is on disk is not what is served',
    () => (sources.lastReload().successful ? 1 : 0),
  )
  register(
    'gauge',
    'mxsteer_config_last_reload_success_timestamp_seconds',
    'When zones were last taken over',
    () => sources.lastReload().successAtSeconds,
  )
  register(
    'gauge',
    'mxsteer_config_last_reload_duration_seconds',
    'How long the last load of the zone files took, whether it succeeded or not',
    () => sources.reloadMs() / 1000,
  )
  register(
    'gauge',
    'mxsteer_config_last_reload_heap_bytes',
    'Most heap that the thread of the last load was seen to take; 0: it had none',
    sources.reloadHeapOctets,
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
}

function registerServerMetrics(registry: Registry, sources: MetricSources): void {
  const register = valueRegistrar(registry)
  register('gauge', 'mxsteer_workers_alive', 'Answering workers that serve', sources.workersAlive)
  register(
    'counter',
    'mxsteer_worker_restarts_total',
    'Answering workers started again',
    sources.workerRestarts,
  )
  register(
    'counter',
    'mxsteer_log_dropped_lines_total',
    'Lines of the log that were dropped since standard output was not read',
    sources.droppedLogLines,
  )
  register(
    'counter',
    'mxsteer_udp_kernel_drops_total',
    'Queries over UDP that the kernel dropped since the receive buffers were full (Linux)',
    sources.udpKernelDrops,
  )
}

/** The zones in force and the build that serves them. */
function registerZoneMetrics(
  registry: Registry,
  { zones, departed, unsharedNames, version }: MetricSources,
): void {
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_zone_serial',
    help: 'SOA serial in force',
    labels: ['zone'],
    sample: (emit) => emitEach(zones(), ({ name, serial }) => emit({ zone: name }, serial)),
  })
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_departed_sets',
    help: 'Record sets that have left the zone file and are still answered, of at most 4096',
    labels: ['zone'],
    sample: (emit) => emitEach(departed(), ({ zone, sets }) => emit({ zone }, sets)),
  })
  valueRegistrar(registry)(
    'gauge',
    'mxsteer_departed_unshared_sets',
    'Record sets that do not fit into the store',
    unsharedNames,
  )
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
  const register = valueRegistrar(registry)
  register(
    'gauge',
    'mxsteer_tls_certificate_expiry_timestamp_seconds',
    'When the certificate in force expires',
    expiresAtSeconds,
  )
  register(
    'gauge',
    'mxsteer_tls_last_reload_successful',
    '0: the certificate on disk is not the one in force',
    () => (lastReload().successful ? 1 : 0),
  )
  register(
    'gauge',
    'mxsteer_tls_last_reload_success_timestamp_seconds',
    'When the certificate was last read as a whole pair',
    () => lastReload().successAtSeconds,
  )
}

function registerNameMetrics(registry: Registry, names: NameSource): void {
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_names_excluded',
    help: 'Names around targets that exclude them: senders that go by these do not deliver there',
    sample: (emit) => emit({}, names.excluded()),
  })
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_names_remembered',
    help: 'What was handed out and caches may hold: policies of MTA-STS, sets of TLSA, exchanges',
    labels: ['kind'],
    sample(emit) {
      for (const [kind, all] of Object.entries(names.handed())) emit({ kind }, all.length)
    },
  })
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_names_unshared',
    help: 'What was handed out and does not fit into the store',
    sample: (emit) => emit({}, names.unshared()),
  })
}
