// How probing itself goes: whether it keeps its times, what holds it back, and when it doubts itself.

import { Histogram, type Registry } from 'prom-client'

import type { SchedulerCounters } from '../probe/schedule/scheduler.ts'
import type { LocalFaultState } from '../watch/local-fault.ts'
import { registerSampled } from './sampled-metric.ts'

export interface ScheduleSources {
  readonly schedule: () => SchedulerCounters
  readonly doubt: () => LocalFaultState
}

export interface ScheduleMetrics {
  /** A probe started so long after it was due. */
  observeStart(lateMs: number): void
}

export function createScheduleMetrics(
  registry: Registry,
  { schedule, doubt }: ScheduleSources,
): ScheduleMetrics {
  const one = (kind: 'counter' | 'gauge', name: string, help: string, value: () => number): void =>
    registerSampled(registry, { kind, name, help, sample: (emit) => emit({}, value()) })
  one('gauge', 'mxsteer_probes_in_flight', 'Dialogues at this moment', () => schedule().inFlight)
  one(
    'counter',
    'mxsteer_probes_late_total',
    'Probes that started more than a second after they were due',
    () => schedule().late,
  )
  one(
    'counter',
    'mxsteer_probes_capped_total',
    'Probes held back by the cap of their host or network',
    () => schedule().capped,
  )
  one('counter', 'mxsteer_probes_skipped_total', 'Rounds left out', () => schedule().skipped)
  one(
    'counter',
    'mxsteer_process_stalls_total',
    'Times that the control thread stood still for a second or longer',
    () => doubt().stalls,
  )
  registerDoubts(registry, doubt)
  const delays = new Histogram({
    name: 'mxsteer_probe_delay_seconds',
    help: 'How long after they were due probes started',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
    registers: [registry],
  })
  return { observeStart: (lateMs) => delays.observe(Math.max(0, lateMs) / 1000) }
}

function registerDoubts(registry: Registry, doubt: () => LocalFaultState): void {
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_prober_isolated',
    help: '1: no canary answers and hardly any target does: failures are taken for our own',
    sample: (emit) => emit({}, Number(doubt().isIsolated)),
  })
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_failure_brakes',
    help: 'Pools, and all targets as one, whose failures wait for a second round',
    sample: (emit) => emit({}, doubt().massFailures),
  })
  registerSampled(registry, {
    kind: 'counter',
    name: 'mxsteer_probes_discarded_total',
    help: 'Failures that were taken for our own, and moved nothing',
    labels: ['reason'],
    sample: (emit) => {
      for (const [reason, count] of Object.entries(doubt().discarded)) emit({ reason }, count)
    },
  })
}
