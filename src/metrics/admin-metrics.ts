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
