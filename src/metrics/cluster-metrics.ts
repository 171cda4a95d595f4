// Metrics of the state that instances share; none where this one is alone. The only label that others choose is the
// name of an instance, of which there are at most 256.

import type { Registry } from 'prom-client'

import { registerSampled } from './sampled-metric.ts'

/** As share/ tells it. */
export interface ReportedShare {
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
  readonly rewrites: number
  readonly streamLagSeconds: number
  readonly unansweredSeconds: number
  readonly peers: readonly { readonly instance: string; readonly ageSeconds: number }[]
  readonly config: { readonly differs: boolean }
}

type One = (
  kind: 'counter' | 'gauge',
  name: string,
  help: string,
  value: (share: ReportedShare) => number,
) => void

export function registerSharedState(registry: Registry, view: () => ReportedShare): void {
  const one: One = (kind, name, help, value) =>
    registerSampled(registry, { kind, name, help, sample: (emit) => emit({}, value(view())) })
  registerReach(one)
  one('gauge', 'mxsteer_votes_disputed', 'Endpoints where live votes differ', (share) => {
    return share.votes.disputed
  })
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_votes',
    help: 'Votes of this instance, by what they say',
    labels: ['vote'],
    sample(emit) {
      const { up, down, unknown } = view().votes
      emit({ vote: 'up' }, up)
      emit({ vote: 'down' }, down)
      emit({ vote: 'unknown' }, unknown)
    },
  })
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_peer_heartbeat_age_seconds',
    help: 'Since the heartbeat of another instance last moved',
    labels: ['peer'],
    sample: (emit) =>
      view().peers.forEach(({ instance, ageSeconds }) => emit({ peer: instance }, ageSeconds)),
  })
}

function registerReach(one: One): void {
  one('gauge', 'mxsteer_state_degraded', '1: cut off from the other instances', (share) =>
    share.degraded ? 1 : 0,
  )
  one(
    'gauge',
    'mxsteer_state_fenced',
    '1: another process has the name of this instance',
    (share) => (share.fenced ? 1 : 0),
  )
  one(
    'gauge',
    'mxsteer_config_differs',
    '1: for too long instances have different zone files, or settings that are to be equal',
    (share) => (share.config.differs ? 1 : 0),
  )
  one('gauge', 'mxsteer_instances', 'Instances alive, this one included', (share) => {
    return share.instances
  })
  one('gauge', 'mxsteer_state_unanswered_seconds', 'Since the store last answered', (share) => {
    return share.unansweredSeconds
  })
  one('gauge', 'mxsteer_state_stream_lag_seconds', 'Age of hints not read yet', (share) => {
    return share.streamLagSeconds
  })
  one('counter', 'mxsteer_takeovers_total', 'Endpoints taken over from instances gone', (share) => {
    return share.takeovers
  })
  one('counter', 'mxsteer_state_rejected_total', 'What the store held and was no good', (share) => {
    return share.rejected
  })
  one('counter', 'mxsteer_state_rewrites_total', 'Times that all votes were written', (share) => {
    return share.rewrites
  })
}
