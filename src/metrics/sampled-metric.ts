// A metric whose samples are made when somebody scrapes, out of counters kept elsewhere.

import { Counter, Gauge, type Registry } from 'prom-client'

export type Emit = (labels: Record<string, string>, value: number) => void

interface SampledMetric {
  readonly kind: 'counter' | 'gauge'
  readonly name: string
  readonly help: string
  readonly labels?: readonly string[]
  /** Emits each sample; samples with the same labels add up. */
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
