// The delay of the event loop, as dashboards for Node read it.

import { collectDefaultMetrics, Registry } from '@prometheus-io/client'
import { expect, test } from 'vitest'

import { LoopDelayHistogram, replaceLoopDelayMetrics } from '../../src/metrics/schedule-metrics.ts'

const names = ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'].map(
  (one) => `nodejs_eventloop_lag_${one}_seconds`,
)

async function valuesOf(registry: Registry): Promise<ReadonlyMap<string, number>> {
  const metrics = await registry.getMetricsAsJSON()
  return new Map(metrics.map(({ name, values }) => [name, values[0]?.value ?? NaN]))
}

test('the metrics have the names and texts that the client gives them, and each is there once', async () => {
  const [usual, ours] = [new Registry(), new Registry()]
  for (const register of [usual, ours]) collectDefaultMetrics({ register })
  replaceLoopDelayMetrics(ours, () => new LoopDelayHistogram().take())
  const helps = (registry: Registry): readonly string[] =>
    registry
      .getMetricsAsArray()
      .map(({ name, help }) => `${name}: ${help}`)
      .toSorted()
  expect(helps(ours)).toEqual(helps(usual))
  expect([...(await valuesOf(ours)).keys()]).toEqual(expect.arrayContaining(names))
})

test('they are what was recorded since the last read, and stay until something is', () => {
  const histogram = new LoopDelayHistogram()
  expect(histogram.take()).toMatchObject({ min: 0, max: 0, mean: 0, p99: 0 })
  for (const lateMs of [0, 1, 1, 1, 200]) histogram.record(lateMs)
  const first = histogram.take()
  expect(first.max).toBeCloseTo(0.2, 3)
  expect(first.p50).toBeCloseTo(0.001, 5)
  expect(first.mean).toBeCloseTo(0.0406, 3)
  expect(first.min).toBeLessThan(0.000_01)
  expect(histogram.take()).toEqual(first)
  histogram.record(3)
  expect(histogram.take().max).toBeCloseTo(0.003, 5)
})
