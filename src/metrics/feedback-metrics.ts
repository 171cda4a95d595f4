// What MTAs say of themselves, and whether what is to be kept is kept.

import type { Registry } from 'prom-client'

import type { FeedbackEffect } from '../health/feedback.ts'
import { isOut } from '../health/table.ts'
import type { AgentAnswer } from '../weights/agent-watch.ts'
import type { NamedTarget } from '../weights/feedback-book.ts'
import { registerSampled } from './sampled-metric.ts'

export interface FeedbackSources {
  readonly targets: () => readonly NamedTarget[]
  readonly effectOf: (of: NamedTarget) => FeedbackEffect
  readonly agentAnswers: () => Readonly<Record<AgentAnswer, number>>
}

export function registerFeedback(
  registry: Registry,
  { targets, effectOf, agentAnswers }: FeedbackSources,
): void {
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_target_feedback',
    help: 'Share of its weight that the target says it is worth; 0: it wants no mail',
    labels: ['zone', 'target'],
    sample: (emit) => {
      for (const { zone, target } of targets()) {
        const { factor, standing } = effectOf({ zone, target })
        emit({ zone, target }, isOut(standing) ? 0 : factor)
      }
    },
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

export type LastWrite = { readonly successful: boolean; readonly successAtSeconds: number } | null

/** `lastWrite` null: nothing is kept. */
export function registerStateFile(registry: Registry, lastWrite: () => LastWrite): void {
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
