// Metrics of targets: health and probes of their addresses, weights, feedback, and sender
// reputation.

import { Counter, Histogram, type Registry } from '@prometheus-io/client'
import type { FeedbackEffect } from '../health/feedback.ts'
import { latencyQuantiles } from '../health/latency-window.ts'
import type { Outcome } from '../health/outcome.ts'
import { isOut } from '../health/table.ts'
import { type FindingKind, findingKinds, redactedList } from '../reputation/findings.ts'
import type { ReputationState, ReputationWatch } from '../reputation/reputation-watch.ts'
import type { Transition, WatchedState } from '../watch/watched-state.ts'
import type { AgentPollResult } from '../weights/agent-watch.ts'
import type { NamedTarget } from '../weights/feedback-registry.ts'
import { emitEach, registerSampled } from './sampled-metric.ts'

export interface WeightedTarget {
  readonly zone: string
  readonly name: string
  /** Configured weights by name of the pool. */
  readonly weights: ReadonlyMap<string, number>
}

const addressGauges: readonly [name: string, help: string, value: (one: WatchedState) => number][] =
  [
    [
      'mxsteer_target_up',
      '0: down; 1: taken as up (up, suspect or not yet known)',
      (one) => (one.state === 'down' ? 0 : 1),
    ],
    [
      'mxsteer_target_suspect',
      '1: failing, not yet down',
      (one) => (one.state === 'suspect' ? 1 : 0),
    ],
    [
      'mxsteer_target_factor',
      'Share of the configured weight in force (slow start, shedding)',
      (one) => one.factor,
    ],
    [
      'mxsteer_target_held',
      '1: it passes, and is held down for its flapping alone',
      (one) => Number(one.isHeld),
    ],
    [
      'mxsteer_prober_blocked',
      '1: the target refuses our probes, and perhaps only ours',
      (one) => Number(one.alerts.includes('prober-blocked')),
    ],
    [
      'mxsteer_prober_blind',
      '1: for long no probe said anything of the target, for reasons of this host',
      (one) => Number(one.alerts.includes('prober-blind')),
    ],
    [
      'mxsteer_target_tls_trouble',
      '1: the last look at TLS found something to mend',
      (one) => Number(one.alerts.includes('tls')),
    ],
  ]

/**
 * Health of every probed address, and the configured weight of every target in each of its pools.
 */
export function registerTargetGauges(
  registry: Registry,
  states: () => readonly WatchedState[],
  targets: () => readonly WeightedTarget[],
): void {
  for (const [name, help, value] of addressGauges) {
    registerSampled(registry, {
      kind: 'gauge',
      name,
      help,
      labels: ['zone', 'target', 'address', 'probe'],
      sample: (emit) => emitEach(states(), (one) => emit(addressLabels(one), value(one))),
    })
  }
  registerAddressHistory(registry, states)
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_target_weight',
    help: 'Configured weight of a target in a pool',
    labels: ['zone', 'target', 'pool'],
    sample: (emit) =>
      emitEach(targets(), ({ zone, name, weights }) => {
        for (const [pool, weight] of weights) emit({ zone, target: name, pool }, weight)
      }),
  })
}

type Labels = Readonly<Record<string, string>>

const labelsOfStates = new WeakMap<WatchedState, Labels>()

/** The same object for all metrics of a state, of which the text is then made once. */
function addressLabels(one: WatchedState): Labels {
  const known = labelsOfStates.get(one)
  if (known !== undefined) return known
  const { zone, target, address, profile: probe } = one
  const labels = { zone, target, address, probe }
  labelsOfStates.set(one, labels)
  return labels
}

/** Counters and latencies of every probed address. */
function registerAddressHistory(registry: Registry, states: () => readonly WatchedState[]): void {
  registerSampled(registry, {
    kind: 'counter',
    name: 'mxsteer_target_downs_total',
    help: 'Times that the address went down since it is watched',
    labels: ['zone', 'target', 'address', 'probe'],
    sample: (emit) => emitEach(states(), (one) => emit(addressLabels(one), one.downs)),
  })
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_target_latency_seconds',
    help: 'Duration of its last successful probes, 128 at most',
    labels: ['zone', 'target', 'address', 'probe', 'quantile'],
    sample: (emit) =>
      emitEach(states(), (one) =>
        one.latency().ms.forEach((ms, i) => {
          const quantile = String(latencyQuantiles[i])
          emit({ ...addressLabels(one), quantile }, ms / 1000)
        }),
      ),
  })
}

export interface ProbeMetrics {
  observeProbe(outcome: Outcome): void
  countTransition(transition: Transition): void
}

/**
 * Metrics that are updated as each probe ends, with the client directly: probes are too few for
 * its cost to matter.
 */
export function createProbeMetrics(registry: Registry): ProbeMetrics {
  const seconds = new Histogram({
    name: 'mxsteer_probe_seconds',
    help: 'Duration of probes by outcome',
    labelNames: ['kind'],
    buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20],
    registers: [registry],
  })
  const outcomes = new Counter({
    name: 'mxsteer_probe_outcomes_total',
    help: 'Finished probes by outcome; equals the count of mxsteer_probe_seconds',
    labelNames: ['kind'],
    registers: [registry],
  })
  const transitions = new Counter({
    name: 'mxsteer_target_transitions_total',
    help: 'Changes of state of target addresses',
    labelNames: ['to'],
    registers: [registry],
  })
  return {
    observeProbe({ kind, durationMs }) {
      seconds.observe({ kind }, durationMs / 1000)
      outcomes.inc({ kind })
    },
    countTransition: ({ to }) => transitions.inc({ to }),
  }
}

// Feedback of MTAs on themselves.

export interface FeedbackSources {
  readonly targets: () => readonly NamedTarget[]
  readonly effectOf: (of: NamedTarget) => FeedbackEffect
  /** Agent checks since start, by result. */
  readonly agentAnswers: () => Readonly<Record<AgentPollResult, number>>
}

export function registerFeedbackMetrics(
  registry: Registry,
  { targets, effectOf, agentAnswers }: FeedbackSources,
): void {
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_target_feedback',
    help: 'Share of its weight that the target reports for itself; 0: no mail',
    labels: ['zone', 'target'],
    sample: (emit) =>
      emitEach(targets(), ({ zone, target }) => {
        const { factor, standing } = effectOf({ zone, target })
        emit({ zone, target }, isOut(standing) ? 0 : factor)
      }),
  })
  registerSampled(registry, {
    kind: 'counter',
    name: 'mxsteer_agent_checks_total',
    help: 'Agents asked, by what came of it',
    labels: ['answer'],
    sample: (emit) => {
      for (const [answer, count] of Object.entries(agentAnswers())) emit({ answer }, count)
    },
  })
}

export type StateFileWrite = {
  readonly successful: boolean
  readonly successAtSeconds: number
} | null

/** `lastWrite` returns null if this instance keeps no state file. */
export function registerStateFileMetrics(
  registry: Registry,
  lastWrite: () => StateFileWrite,
): void {
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_state_last_write_successful',
    help: '0: a restart would forget what changed since',
    sample: (emit) => emit({}, lastWrite()?.successful === false ? 0 : 1),
  })
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_state_last_write_success_timestamp_seconds',
    help: 'When the state file was last written; 0: never',
    sample: (emit) => emit({}, lastWrite()?.successAtSeconds ?? 0),
  })
}

// Sender reputation: findings about greeting and reverse DNS, DNS lists, and the queries to the
// resolver.

export type ReputationSource = Pick<ReputationWatch, 'states' | 'lists' | 'counters'>

export function registerReputationMetrics(registry: Registry, source: ReputationSource): void {
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_identity_finding',
    help: '1: there is something to mend about what the target looks like from outside',
    labels: ['zone', 'pool', 'target', 'address', 'finding'],
    sample: (emit) =>
      emitEach(source.states(), (state) => {
        const { zone, pool, target, address } = state.watched
        for (const finding of checkedFindings(state))
          emit({ zone, pool, target, address, finding }, findingValue(state, finding))
      }),
  })
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_dnsbl_usable',
    help: '0: the list fails its test points and is not believed',
    labels: ['list', 'family'],
    sample: (emit) => {
      for (const { list, family, problem } of source.lists())
        emit({ list: redactedList(list), family: String(family) }, problem === null ? 1 : 0)
    },
  })
  registerSampled(registry, {
    kind: 'counter',
    name: 'mxsteer_resolver_questions_total',
    help: 'Questions to the resolver by what came of them',
    labels: ['result'],
    sample: (emit) => {
      const counters = source.counters()
      if (counters === null) return
      emit({ result: 'answered' }, counters.answered)
      emit({ result: 'failed' }, counters.failed)
      emit({ result: 'cached' }, counters.fromCache)
    },
  })
}

/** Kinds of findings that the profile of this address checks; the others have no sample at all. */
const checkedFindings = ({ watched: { profile } }: ReputationState): readonly FindingKind[] =>
  findingKinds.filter((kind) => {
    if (kind === 'listed') return profile.lists.length > 0
    return kind.startsWith('ptr') ? profile.ptr : profile.greeting
  })

const findingValue = ({ findings }: ReputationState, kind: FindingKind): number =>
  findings.some((finding) => finding.kind === kind) ? 1 : 0
