// The history of probes against a list of all of them.

import fc from 'fast-check'
import { expect, test } from 'vitest'

import { SlotState } from '../../src/health/table.ts'
import { historyWindows, ProbeHistory } from '../../src/history/probe-history.ts'

const startMs = 1_700_000_000_000

interface Seen {
  readonly agoMs: number
  readonly isGood: boolean
  readonly durationMs: number
  readonly state: SlotState
}

const seen: fc.Arbitrary<Seen[]> = fc.array(
  fc.record({
    agoMs: fc.nat(30 * 3_600_000),
    isGood: fc.boolean(),
    durationMs: fc.nat(100_000),
    state: fc.constantFrom(...Object.values(SlotState)),
  }),
  { maxLength: 300 },
)

test('each bucket has what was seen in it, whatever gaps there were', () => {
  fc.assert(
    fc.property(seen, (probes) => {
      const history = new ProbeHistory(10)
      history.update([{ slot: 1, key: 'a' }])
      for (const probe of probes.toSorted((a, b) => b.agoMs - a.agoMs))
        history.observe(1, probe, startMs - probe.agoMs)
      for (const window of ['1h', '24h'] as const) {
        const { buckets, bucketMs } = historyWindows[window]
        const series = history.read(1, window, startMs)
        const newest = Math.floor(startMs / bucketMs)
        const byBucket = Map.groupBy(probes, ({ agoMs }) =>
          Math.floor((startMs - agoMs) / bucketMs),
        )
        const of = (value: (within: readonly Seen[]) => number): (number | null)[] =>
          Array.from({ length: buckets }, (_, i) => {
            const within = byBucket.get(newest - buckets + 1 + i)
            return within ? value(within) : null
          })
        expect(series).toMatchObject({
          good: of((all) => all.filter(({ isGood }) => isGood).length),
          bad: of((all) => all.filter(({ isGood }) => !isGood).length),
          maxMs: of((all) => Math.min(65_535, Math.max(...all.map((one) => one.durationMs)))),
          worst: of((all) => Math.max(...all.map((one) => one.state))),
        })
      }
    }),
  )
})

test('the median of a minute is exact up to sixteen probes, and that of a quarter follows', () => {
  const history = new ProbeHistory(10)
  history.update([{ slot: 1, key: 'a' }])
  const atMs = Math.floor(startMs / 900_000) * 900_000
  const probe = (durationMs: number, ms: number): void =>
    history.observe(1, { isGood: true, durationMs, state: SlotState.up }, ms)
  for (const ms of [9, 1, 5, 7, 3]) probe(ms, atMs)
  expect(history.read(1, '1h', atMs)?.p50Ms.at(-1)).toBe(5)
  for (const [minute, ms] of [50, 60, 70].entries()) probe(ms, atMs + (minute + 1) * 60_000)
  expect(history.read(1, '24h', atMs + 180_000)?.p50Ms.at(-1)).toBe(50)
})

test('a state that others voted for shows, once there is a probe in the bucket', () => {
  const history = new ProbeHistory(10)
  history.update([{ slot: 1, key: 'a' }])
  history.observeState(1, SlotState.down, startMs)
  expect(history.read(1, '1h', startMs)?.worst.at(-1)).toBe(null)
  history.observe(1, { isGood: true, durationMs: 1, state: SlotState.up }, startMs)
  expect(history.read(1, '1h', startMs)?.worst.at(-1)).toBe(SlotState.down)
})

test('a slot of another address begins anew, one that stays goes on', () => {
  const history = new ProbeHistory(2)
  const probe = { isGood: true, durationMs: 1, state: SlotState.up }
  const last = (slot: number): number | null | undefined =>
    history.read(slot, '1h', startMs)?.good.at(-1)
  history.update([
    { slot: 1, key: 'a' },
    { slot: 2, key: 'b' },
  ])
  for (const slot of [0, 1, 2, 3]) history.observe(slot, probe, startMs)
  history.update([
    { slot: 1, key: 'a' },
    { slot: 2, key: 'c' },
  ])
  expect([last(0), last(1), last(2), last(3)]).toEqual([undefined, 1, null, undefined])
  expect(history.octets).toBeLessThan(2 * 1650)
})

test('above the limit nothing is kept, and 0 is off', () => {
  const history = new ProbeHistory(1)
  history.update([
    { slot: 1, key: 'a' },
    { slot: 2, key: 'b' },
  ])
  expect([history.isOff, history.octets]).toEqual([true, 0])
  history.update([{ slot: 1, key: 'a' }])
  expect(history.isOff).toBe(false)
  const none = new ProbeHistory(0)
  none.update([])
  expect(none.isOff).toBe(true)
})

test('a clock that goes back leaves no counts of a later time', () => {
  const history = new ProbeHistory(1)
  history.update([{ slot: 1, key: 'a' }])
  const probe = { isGood: true, durationMs: 1, state: SlotState.up }
  history.observe(1, probe, startMs)
  history.observe(1, probe, startMs - 3_600_000 * 5)
  const sum = (values: readonly (number | null)[] = []): number =>
    values.reduce((total: number, value) => total + (value ?? 0), 0)
  expect(sum(history.read(1, '24h', startMs - 3_600_000 * 5)?.good)).toBe(1)
})
