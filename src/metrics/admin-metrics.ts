// Metrics of the admin server: requests by what became of them, connections, and the time that they
// cost. No label has anything that a client sent.

import type { Registry } from '@prometheus-io/client'

import { registerSampled, valueRegistrar } from './sampled-metric.ts'

const requestResults = [
  'answered',
  'refused',
  'failed',
  'unavailable',
  'busy',
  'malformed',
] as const
const closedReasons = ['crowded', 'late'] as const

type AdminCounter =
  | (typeof requestResults)[number]
  | (typeof closedReasons)[number]
  | 'accepted'
  | 'open'
  | 'wrongTokens'
  | 'spentMs'
  | 'listenerRestarts'
  | 'explainRestarts'
  | 'streams'
  | 'streamsRefused'
  | 'streamsCut'

/** Counters of the admin server, all 0 where it is off. */
export interface AdminReport {
  read(counter: AdminCounter): number
}

export function registerAdminMetrics(registry: Registry, admin: AdminReport): void {
  const register = valueRegistrar(registry)
  registerSampled(registry, {
    kind: 'counter',
    name: 'mxsteer_admin_requests_total',
    help: 'Requests of the admin server by what became of them',
    labels: ['result'],
    sample: (emit) => requestResults.forEach((result) => emit({ result }, admin.read(result))),
  })
  register('counter', 'mxsteer_admin_accepted_total', 'Connections accepted', () =>
    admin.read('accepted'),
  )
  registerSampled(registry, {
    kind: 'counter',
    name: 'mxsteer_admin_closed_total',
    help: 'Connections of the admin server that a bound closed',
    labels: ['reason'],
    sample: (emit) => closedReasons.forEach((reason) => emit({ reason }, admin.read(reason))),
  })
  register('gauge', 'mxsteer_admin_connections', 'Connections open now', () => admin.read('open'))
  register(
    'counter',
    'mxsteer_admin_wrong_tokens_total',
    'Tokens presented that are not the admin token; those beyond 60 a minute are not counted',
    () => admin.read('wrongTokens'),
  )
  registerStreamMetrics(registry, admin)
  register(
    'counter',
    'mxsteer_admin_cpu_seconds_total',
    'CPU time that requests took, outside of the thread that takes them in',
    () => admin.read('spentMs') / 1000,
  )
  registerRestarts(registry, admin)
}

function registerRestarts(registry: Registry, admin: AdminReport): void {
  registerSampled(registry, {
    kind: 'counter',
    name: 'mxsteer_admin_restarts_total',
    help: 'Threads of the admin server started in place of one that ended',
    labels: ['thread'],
    sample(emit) {
      emit({ thread: 'listener' }, admin.read('listenerRestarts'))
      emit({ thread: 'explain' }, admin.read('explainRestarts'))
    },
  })
}

function registerStreamMetrics(registry: Registry, admin: AdminReport): void {
  const register = valueRegistrar(registry)
  register('gauge', 'mxsteer_admin_streams', 'Streams of events open now', () =>
    admin.read('streams'),
  )
  registerSampled(registry, {
    kind: 'counter',
    name: 'mxsteer_admin_streams_ended_total',
    help: 'Streams of events that a bound refused or cut, since too many are open or one is not read',
    labels: ['reason'],
    sample(emit) {
      emit({ reason: 'refused' }, admin.read('streamsRefused'))
      emit({ reason: 'unread' }, admin.read('streamsCut'))
    },
  })
}

/** What is recorded for the console. */
export interface RecordReadings {
  readonly events: { readonly size: number }
  readonly recorders: {
    readonly history: { readonly octets: number }
    readonly traffic: { readonly octets: number }
  }
}

export function registerRecordMetrics(
  registry: Registry,
  { events, recorders: { history, traffic } }: RecordReadings,
): void {
  valueRegistrar(registry)('gauge', 'mxsteer_events', 'Events kept of the log', () => events.size)
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_history_bytes',
    help: 'Octets of the history of probes and of traffic',
    labels: ['of'],
    sample(emit) {
      emit({ of: 'probes' }, history.octets)
      emit({ of: 'traffic' }, traffic.octets)
    },
  })
}
