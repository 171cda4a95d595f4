// Metrics of the state that instances share; none if this instance shares nothing. The only label
// whose value comes from other instances is the name of an instance, of which at most 256 are kept.

import type { Registry } from '@prometheus-io/client'

import { registerSampled, valueRegistrar } from './sampled-metric.ts'

/** A snapshot of the cluster as this instance sees it; `cluster/` fills it in. */
export interface ClusterReport {
  readonly degraded: boolean
  readonly fenced: boolean
  readonly instances: number
  readonly votes: {
    readonly up: number
    readonly down: number
    readonly unknown: number
    readonly disputed: number
  }
  readonly takeovers: number
  readonly rejected: number
  readonly oversized: number
  readonly seals: {
    readonly counts: readonly {
      readonly record: string
      readonly why: string
      readonly count: number
    }[]
    readonly unauthentic: readonly unknown[]
  }
  readonly unreported: number
  readonly rewrites: number
  readonly linkFaults: Readonly<Record<string, number>>
  readonly redirections: Readonly<Record<string, number>>
  readonly polling: string | null
  readonly streamLagSeconds: number
  readonly unansweredSeconds: number
  readonly peers: readonly { readonly instance: string; readonly ageSeconds: number }[]
  readonly config: { readonly differs: boolean }
}

interface ClusterValue {
  readonly kind: 'counter' | 'gauge'
  readonly name: string
  readonly help: string
  readonly value: (report: ClusterReport) => number
}

const values: readonly ClusterValue[] = [
  {
    kind: 'gauge',
    name: 'mxsteer_state_degraded',
    help: '1: cut off from the other instances',
    value: ({ degraded }) => (degraded ? 1 : 0),
  },
  {
    kind: 'gauge',
    name: 'mxsteer_state_fenced',
    help: '1: another process has the name of this instance',
    value: ({ fenced }) => (fenced ? 1 : 0),
  },
  {
    kind: 'gauge',
    name: 'mxsteer_config_differs',
    help: '1: for too long instances have different zone files, keys of signed zones, or settings that are to be equal',
    value: ({ config }) => (config.differs ? 1 : 0),
  },
  {
    kind: 'gauge',
    name: 'mxsteer_instances',
    help: 'Instances alive, this one included',
    value: ({ instances }) => instances,
  },
  {
    kind: 'gauge',
    name: 'mxsteer_state_unanswered_seconds',
    help: 'Since the store last answered',
    value: ({ unansweredSeconds }) => unansweredSeconds,
  },
  {
    kind: 'gauge',
    name: 'mxsteer_state_polling',
    help: '1: the store lets no read wait for hints, they are polled for',
    value: ({ polling }) => (polling === null ? 0 : 1),
  },
  {
    kind: 'gauge',
    name: 'mxsteer_state_stream_lag_seconds',
    help: 'Age of hints not read yet',
    value: ({ streamLagSeconds }) => streamLagSeconds,
  },
  {
    kind: 'gauge',
    name: 'mxsteer_state_unreported',
    help: 'Zones served and targets taken out that this instance has no room to report to the others',
    value: ({ unreported }) => unreported,
  },
  {
    kind: 'counter',
    name: 'mxsteer_takeovers_total',
    help: 'Endpoints taken over from instances gone',
    value: ({ takeovers }) => takeovers,
  },
  {
    kind: 'counter',
    name: 'mxsteer_state_rejected_total',
    help: 'What the store held and was no good',
    value: ({ rejected }) => rejected,
  },
  {
    kind: 'counter',
    name: 'mxsteer_state_oversized_total',
    help: 'Records of the store that were too large to be read',
    value: ({ oversized }) => oversized,
  },
  {
    kind: 'counter',
    name: 'mxsteer_state_rewrites_total',
    help: 'Times that all votes were written',
    value: ({ rewrites }) => rewrites,
  },
  {
    kind: 'gauge',
    name: 'mxsteer_state_unauthentic_peers',
    help: 'Names whose records in the store are not authentic',
    value: ({ seals }) => seals.unauthentic.length,
  },
  {
    kind: 'gauge',
    name: 'mxsteer_votes_disputed',
    help: 'Endpoints where live votes differ',
    value: ({ votes }) => votes.disputed,
  },
]

export function registerClusterMetrics(registry: Registry, read: () => ClusterReport): void {
  const register = valueRegistrar(registry)
  for (const { kind, name, help, value } of values) register(kind, name, help, () => value(read()))
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_votes',
    help: 'Votes of this instance, by what they say',
    labels: ['vote'],
    sample(emit) {
      const { up, down, unknown } = read().votes
      emit({ vote: 'up' }, up)
      emit({ vote: 'down' }, down)
      emit({ vote: 'unknown' }, unknown)
    },
  })
  registerLinkCounters(registry, read)
  registerSampled(registry, {
    kind: 'counter',
    name: 'mxsteer_state_unauthentic_total',
    help: 'Records in the store that were not authentic',
    labels: ['record', 'why'],
    sample: (emit) =>
      read().seals.counts.forEach(({ record, why, count }) => emit({ record, why }, count)),
  })
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_peer_heartbeat_age_seconds',
    help: 'Since the heartbeat of another instance last moved',
    labels: ['peer'],
    sample: (emit) =>
      read().peers.forEach(({ instance, ageSeconds }) => emit({ peer: instance }, ageSeconds)),
  })
}

function registerLinkCounters(registry: Registry, read: () => ClusterReport): void {
  registerSampled(registry, {
    kind: 'counter',
    name: 'mxsteer_state_protocol_errors_total',
    help: 'Connections to the store that were cut off for what it had sent',
    labels: ['why'],
    sample: (emit) =>
      Object.entries(read().linkFaults).forEach(([why, count]) => emit({ why }, count)),
  })
  registerSampled(registry, {
    kind: 'counter',
    name: 'mxsteer_state_redirections_total',
    help: 'Times that a node of a cluster sent us to another one',
    labels: ['kind'],
    sample: (emit) =>
      Object.entries(read().redirections).forEach(([kind, count]) => emit({ kind }, count)),
  })
}
