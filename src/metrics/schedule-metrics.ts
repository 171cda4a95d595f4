// Metrics of the probe schedule: delays, limits that hold probes back, and failures that were put
// down to this host; and how late the event loop is, on which that schedule runs.

import { createHistogram } from 'node:perf_hooks'

import { Histogram, type Registry } from '@prometheus-io/client'

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

// Delay of the event loop, under the names of @prometheus-io/client, whose own samples are made by a timer of libuv that fires a
// hundred times a second: in a server that nobody asks, two thirds of all CPU. Ours come from the timer of half a second
// that detects stalls (watch/local-fault.ts): one of half a second is always seen, one of 50 ms once in ten times. A
// sample is how late that timer was, where its own is the time between two of them.

interface LoopDelay {
  readonly min: number
  readonly max: number
  readonly mean: number
  readonly stddev: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
}

const noDelay: LoopDelay = { min: 0, max: 0, mean: 0, stddev: 0, p50: 0, p90: 0, p99: 0 }

const loopDelayTexts: Readonly<Record<keyof LoopDelay, string>> = {
  min: 'The minimum recorded event loop delay.',
  max: 'The maximum recorded event loop delay.',
  mean: 'The mean of the recorded event loop delays.',
  stddev: 'The standard deviation of the recorded event loop delays.',
  p50: 'The 50th percentile of the recorded event loop delays.',
  p90: 'The 90th percentile of the recorded event loop delays.',
  p99: 'The 99th percentile of the recorded event loop delays.',
}

const nsOfMs = 1e6
const secondsOfNs = 1e-9

export class LoopDelayHistogram {
  readonly #histogram = createHistogram()
  #last = noDelay

  record(lateMs: number): void {
    // A histogram takes no 0.
    this.#histogram.record(Math.max(1, Math.round(lateMs * nsOfMs)))
  }

  /** The delays in seconds since the last call; those of the last call if none was recorded since. */
  take(): LoopDelay {
    const histogram = this.#histogram
    if (histogram.count === 0) return this.#last
    this.#last = {
      min: histogram.min * secondsOfNs,
      max: histogram.max * secondsOfNs,
      mean: histogram.mean * secondsOfNs,
      stddev: histogram.stddev * secondsOfNs,
      p50: histogram.percentile(50) * secondsOfNs,
      p90: histogram.percentile(90) * secondsOfNs,
      p99: histogram.percentile(99) * secondsOfNs,
    }
    histogram.reset()
    return this.#last
  }
}

/** Takes the place of the client's metrics of these names. `read` is called for each of them. */
export function replaceLoopDelayMetrics(registry: Registry, read: () => LoopDelay): void {
  const register = valueRegistrar(registry)
  for (const [key, text] of Object.entries(loopDelayTexts)) {
    const name = `nodejs_eventloop_lag_${key}_seconds`
    registry.removeSingleMetric(name)
    register('gauge', name, text, () => read()[key as keyof LoopDelay])
  }
}
