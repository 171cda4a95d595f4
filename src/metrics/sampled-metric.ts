// Metrics whose samples are read at scrape time from state that is kept elsewhere, and the text of all metrics.
//
// The client would write the text of thousands of targets in one piece. The text is the same as its own, in pieces
// between which other work of the thread can be done.

import { Counter, Gauge, type Registry } from '@prometheus-io/client'

/**
 * Adds `value` to the sample with these labels; all samples of a metric have them in the same order. The object is not to
 * change afterwards.
 */
export type Emit = (labels: Readonly<Record<string, string>>, value: number) => void

/** Places at which sampling can be interrupted. */
export type Steps = Iterable<undefined>

interface SampledMetric {
  readonly kind: 'counter' | 'gauge'
  readonly name: string
  readonly help: string
  readonly labels?: readonly string[]
  /** Called at each scrape, to emit every sample; those with the same labels add up. */
  readonly sample: (emit: Emit) => Steps | void
}

/** What is registered with the client as a counter or gauge, and written here. */
const sampledMetrics = new WeakMap<object, SampledMetric>()

export function registerSampled(registry: Registry, sampled: SampledMetric): void {
  const { kind, name, help, labels, sample } = sampled
  const configuration = { name, help, labelNames: [...(labels ?? [])], registers: [registry] }
  const metric: Counter<string> | Gauge<string> =
    kind === 'counter'
      ? new Counter({ ...configuration, collect: fill })
      : new Gauge({ ...configuration, collect: fill })
  sampledMetrics.set(metric, sampled)
  function fill(): void {
    metric.reset()
    // A reset metric without labels holds a zero sample; one with labels holds none.
    const steps = sample((set, value) => metric.inc(set, value))
    for (const _ of steps ?? []);
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

/** Calls `emit` for each item, with a place to be interrupted after it. */
export function* emitEach<Item>(
  items: Iterable<Item>,
  emitOne: (item: Item) => void,
): Generator<undefined> {
  for (const item of items) {
    emitOne(item)
    yield undefined
  }
}

/** The text of all metrics of the registry as `registry.metrics()` writes it, in pieces of a line or so. */
export function* metricPieces(registry: Registry): Generator<string | Promise<string>> {
  let separator = ''
  for (const metric of registry.getMetricsAsArray()) {
    yield separator
    separator = '\n\n'
    const sampled = sampledMetrics.get(metric)
    if (sampled === undefined) yield registry.getSingleMetricAsString(metric.name)
    else yield* sampledPieces(sampled)
  }
  yield '\n'
}

function* sampledPieces({ kind, name, help, labels, sample }: SampledMetric): Generator<string> {
  const sums = new Map<string, number>()
  if (labels === undefined) sums.set('', 0)
  const steps = sample((set, value) => {
    const text = labelsText(set)
    sums.set(text, (sums.get(text) ?? 0) + value)
  })
  for (const _ of steps ?? []) yield ''
  yield `# HELP ${name} ${withoutBreaks(help)}\n# TYPE ${name} ${kind}`
  for (const [text, value] of sums) yield `\n${name}${text} ${valueText(value)}`
}

/** Texts of labels that several metrics have in common. */
const knownTexts = new WeakMap<object, string>()

function labelsText(labels: Readonly<Record<string, string>>): string {
  const known = knownTexts.get(labels)
  if (known !== undefined) return known
  let text = ''
  for (const name in labels)
    text += `${text === '' ? '{' : ','}${name}="${labelText(labels[name] as string)}"`
  if (text !== '') text += '}'
  knownTexts.set(labels, text)
  return text
}

const labelText = (value: string): string =>
  /[\\\n"]/.test(value) ? withoutBreaks(value).replaceAll('"', '\\"') : value

const withoutBreaks = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')

function valueText(value: number): string {
  if (Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}
