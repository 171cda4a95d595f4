// The text of metrics, in pieces, against the text that the client makes of the same registry.

import fc from 'fast-check'
import { Counter, Histogram, Registry } from '@prometheus-io/client'
import { expect, test } from 'vitest'

import {
  emitEach,
  metricPieces,
  registerSampled,
  valueRegistrar,
} from '../../src/metrics/sampled-metric.ts'

async function textOf(registry: Registry): Promise<string> {
  let text = ''
  for (const piece of metricPieces(registry))
    text += typeof piece === 'string' ? piece : await piece
  return text
}

const label = fc.oneof(
  fc.string(),
  fc.constantFrom('"', '\\', '\n', '\\n', 'a"b\\c\nd', '', 'é€😀', '1'),
)
const sample = fc.record({
  zone: label,
  target: label,
  value: fc.oneof(
    fc.double({ noNaN: true, min: 0 }),
    fc.constantFrom(0, 1e21, 1e-7, 0.1, Infinity),
  ),
})

test('equals what the client writes, whatever the labels and values are', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(sample), fc.array(sample), async (some, others) => {
      const registry = new Registry()
      registerSampled(registry, {
        kind: 'gauge',
        name: 'some',
        help: 'Of "two\\three"\nlines',
        labels: ['zone', 'target'],
        sample: (emit) =>
          emitEach(some, ({ zone, target, value }) => emit({ zone, target }, value)),
      })
      new Counter({ name: 'direct', help: 'x', labelNames: ['a'], registers: [registry] }).inc({
        a: 'b"',
      })
      registerSampled(registry, {
        kind: 'counter',
        name: 'others_total',
        help: 'x',
        labels: ['target'],
        sample: (emit) =>
          others.forEach(({ target, value }) =>
            emit({ target }, Number.isFinite(value) ? value : 1),
          ),
      })
      new Histogram({ name: 'seconds', help: 'x', registers: [registry] }).observe(1)
      valueRegistrar(registry)('gauge', 'one', 'x', () => some.length)
      registerSampled(registry, { kind: 'gauge', name: 'none', help: 'x', sample: () => {} })
      expect(await textOf(registry)).toBe(await registry.metrics())
    }),
    { numRuns: 200 },
  )
})

test('no registered metric', async () => {
  expect(await textOf(new Registry())).toBe(await new Registry().metrics())
})

test('the samples of a metric can be interrupted between any two', () => {
  const registry = new Registry()
  const emitted: number[] = []
  registerSampled(registry, {
    kind: 'gauge',
    name: 'some',
    help: 'x',
    labels: ['i'],
    sample: (emit) =>
      emitEach([1, 2, 3], (i) => {
        emitted.push(i)
        emit({ i: String(i) }, i)
      }),
  })
  const counts: number[] = []
  for (const _ of metricPieces(registry)) counts.push(emitted.length)
  expect(counts.slice(0, 5)).toEqual([0, 1, 2, 3, 3])
})
