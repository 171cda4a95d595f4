// Metrics of the probe schedule: delays, limits that hold probes back, and failures that were put
// down to this host.

import { Histogram, type Registry } from 'prom-client'

import type { SchedulerCounters } from '../probe/schedule/scheduler.ts'
import type { LocalFaultState } from '../watch/local-fault.ts'
import { registerSampled, valueRegistrar } from './sampled-metric.ts'

export interface ScheduleSources {
  readonly schedule: () => SchedulerCounters
  readonly localFaults: () => LocalFaultState
}

export interface ScheduleMetrics {
  /** Counts the delay between the due time and the start of a probe. */
  observeStart(lateMs: number): void
}

export function createScheduleMetrics(
  registry: Registry,
  { schedule, localFaults }: ScheduleSources,
): ScheduleMetrics {
  const register = valueRegistrar(registry)
  register(
    'gauge',
    'mxsteer_probes_in_flight',
    'Dialogues at this moment',
    () => schedule().inFlight,
  )
  register(
    'counter',
    'mxsteer_probes_late_total',
    'Probes that started more than a second after they were due',
    () => schedule().late,
  )
  register(
    'counter',
    'mxsteer_probes_capped_total',
    'Probes held back by the cap of their host or network',
    () => schedule().capped,
  )
  register('counter', 'mxsteer_probes_skipped_total', 'Rounds left out', () => schedule().skipped)
  register(
    'counter',
    'mxsteer_process_stalls_total',
    'Times that the control thread stood still for a second or longer',
    () => localFaults().stalls,
  )
  registerLocalFaultMetrics(registry, localFaults)
  const delays = new Histogram({
    name: 'mxsteer_probe_delay_seconds',
    help: 'How long after they were due probes started',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
    registers: [registry],
  })
  return { observeStart: (lateMs) => delays.observe(Math.max(0, lateMs) / 1000) }
}

function registerLocalFaultMetrics(registry: Registry, localFaults: () => LocalFaultState): void {
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_prober_isolated',
    help: '1: no canary answers and hardly any target does: failures are taken for our own',
    sample: (emit) => emit({}, Number(localFaults().isIsolated)),
  })
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_prober_family_isolated',
    help: '1: this host is cut off in one address family while the other answers',
    labels: ['family'],
    sample: (emit) => {
      const { isolatedFamilies } = localFaults()
      for (const family of [4, 6] as const)
        emit({ family: String(family) }, Number(isolatedFamilies.includes(family)))
    },
  })
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_failure_brakes',
    help: 'Pools, and all targets as one, whose failures wait for a second round',
    sample: (emit) => emit({}, localFaults().heldGroups.length),
  })
  registerSampled(registry, {
    kind: 'counter',
    name: 'mxsteer_probes_discarded_total',
    help: 'Failures that were taken for our own, and moved nothing',
    labels: ['reason'],
    sample: (emit) => {
      for (const [reason, count] of Object.entries(localFaults().discarded)) emit({ reason }, count)
    },
  })
}
