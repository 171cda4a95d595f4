// Metrics whose samples are read at scrape time from state that is kept elsewhere.

import { Counter, Gauge, type Registry } from 'prom-client'

/** Adds `value` to the sample with these labels. */
export type Emit = (labels: Record<string, string>, value: number) => void

interface SampledMetric {
  readonly kind: 'counter' | 'gauge'
  readonly name: string
  readonly help: string
  readonly labels?: readonly string[]
  /** Called at each scrape, to emit every sample; those with the same labels add up. */
  readonly sample: (emit: Emit) => void
}

export function registerSampled(
  registry: Registry,
  { kind, name, help, labels, sample }: SampledMetric,
): void {
  const configuration = { name, help, labelNames: [...(labels ?? [])], registers: [registry] }
  const metric: Counter | Gauge =
    kind === 'counter'
      ? new Counter({ ...configuration, collect: fill })
      : new Gauge({ ...configuration, collect: fill })
  function fill(): void {
    metric.reset()
    // A reset metric without labels holds a zero sample; one with labels holds none.
    sample((set, value) => metric.inc(set, value))
  }
}

type RegisterValue = (
  kind: 'counter' | 'gauge',
  name: string,
  help: string,
  value: () => number,
) => void

/** Registers metrics without labels, each of which is one value. */
export const valueRegistrar =
  (registry: Registry): RegisterValue =>
  (kind, name, help, value) =>
    registerSampled(registry, { kind, name, help, sample: (emit) => emit({}, value()) })
