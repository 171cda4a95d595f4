// Buckets of traffic against a list of all samples.

import fc from 'fast-check'
import { expect, test } from 'vitest'

import {
  collectTotals,
  TrafficHistory,
  type TrafficTotals,
  trafficWindows,
} from '../../src/history/traffic-history.ts'

const startMs = 1_700_000_000_000

const totalsOf = (mx: number): TrafficTotals => collectTotals((add) => add('types', 'MX', mx))

test('each bucket has what came in it, and those before the start are gaps', () => {
  const gains = fc.array(
    fc.record({ count: fc.nat(1000), steps: fc.integer({ min: 1, max: 40 }) }),
    {
      maxLength: 200,
    },
  )
  fc.assert(
    fc.property(gains, (samples) => {
      const history = new TrafficHistory(startMs)
      let [nowMs, total] = [startMs, 0]
      const seen: { atMs: number; count: number }[] = []
      history.sample(totalsOf(0), nowMs)
      for (const { count, steps } of samples) {
        nowMs += steps * 10_000
        total += count
        seen.push({ atMs: nowMs, count })
        history.sample(totalsOf(total), nowMs)
      }
      for (const window of ['1h', '24h'] as const) {
        const { buckets, bucketMs } = trafficWindows[window]
        const read = history.read(window, nowMs)
        const column = read.groups.types['MX'] ?? Array.from({ length: buckets }, () => null)
        const byBucket = Map.groupBy(seen, ({ atMs }) => Math.ceil(atMs / bucketMs) - 1)
        const sums = Array.from({ length: buckets }, (_, i) => {
          const within = byBucket.get(read.startMs / bucketMs + i) ?? []
          return within.reduce((all, one) => all + one.count, 0)
        })
        // A bucket from before the start is a gap, and one in which nothing came may be.
        expect(column.map((count) => count ?? 0)).toEqual(sums)
        const starts = sums.map((_, i) => read.startMs + (i + 1) * bucketMs)
        expect(starts.filter((endMs, i) => endMs <= startMs && column[i] !== null)).toEqual([])
      }
    }),
  )
})

test('what has no series of its own is other, or not counted', () => {
  const totals = collectTotals((add) => {
    add('types', 'MX', 1)
    add('types', 'TYPE65280', 2)
    add('types', 'CAA', 3)
    add('reasons', 'own-name', 4)
  })
  expect([totals.get('types MX'), totals.get('types other')]).toEqual([1, 5])
  expect([...totals.values()].reduce((sum, one) => sum + one, 0)).toBe(6)
})

test('the rate of now is of the last ten to twenty seconds', () => {
  const history = new TrafficHistory(startMs)
  const rate = (total: number, atMs: number): readonly [number, number] => {
    const gained = history.gained(totalsOf(total), atMs)
    return [gained.of('types', 'MX'), gained.overMs]
  }
  expect(rate(5, startMs)).toEqual([5, 0])
  history.sample(totalsOf(10), startMs)
  expect(rate(14, startMs + 2000)).toEqual([4, 2000])
  history.sample(totalsOf(30), startMs + 10_000)
  history.sample(totalsOf(70), startMs + 20_000)
  expect(rate(90, startMs + 22_000)).toEqual([60, 12_000])
})

test('its memory is some 100 kB', () => {
  expect(new TrafficHistory(startMs).octets).toBeLessThan(120_000)
})

test('a clock that goes back leaves nothing of a later time', () => {
  const history = new TrafficHistory(startMs)
  history.sample(totalsOf(0), startMs)
  history.sample(totalsOf(10), startMs + 10_000)
  history.sample(totalsOf(15), startMs - 86_400_000 * 2)
  const { groups } = history.read('1h', startMs - 86_400_000 * 2 + 10_000)
  expect(groups.types['MX']?.filter((count) => count !== null && count > 0)).toEqual([5])
})
