// Damping against a naive reference that keeps the whole list of verdicts and reads the state off it.

import { deepStrictEqual } from 'node:assert/strict'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { DampingPolicy, DampingState } from '../../src/health/damping.ts'
import {
  advance,
  dampingPolicy,
  holdSeconds,
  isUndecided,
  initialDamping,
} from '../../src/health/damping.ts'
import { SlotState } from '../../src/health/table.ts'
import type { Verdict } from '../../src/health/verdict.ts'
import { runs } from '../support/runs.ts'

interface Seen {
  readonly verdict: Verdict
  readonly atMs: number
}

interface Read {
  readonly state: keyof typeof SlotState
  readonly holdMs: number
}

function holdOf(times: number, capMs: number, { flapBaseMs }: DampingPolicy): number {
  return times === 1 ? 0 : Math.min(capMs, flapBaseMs * 2 ** (times - 2))
}

function readOff(all: readonly Seen[], policy: DampingPolicy): Read {
  /** Verdicts since it last came up or went down. */
  let era: Seen[] = []
  let state: Read['state'] = 'unknown'
  let upAtMs = -Infinity
  let flaps = 0
  let flickers = 0
  let holdMs = 0
  for (const seen of all.filter(({ verdict }) => verdict !== 'unknown')) {
    era.push(seen)
    const isPass = seen.verdict === 'pass'
    const lastUnlike = era.findLastIndex(({ verdict }) => (verdict === 'pass') !== isPass)
    const row = era.slice(lastUnlike + 1)
    const count = (wanted: Verdict): number =>
      row.filter(({ verdict }) => verdict === wanted).length
    if (isPass && state !== 'up') {
      const needed = state === 'down' ? policy.rise : 1
      const lastsMs = seen.atMs - (row[0] as Seen).atMs
      if (state !== 'unknown' && (row.length < needed || lastsMs < holdMs)) continue
      state = 'up'
      upAtMs = seen.atMs
      era = []
    } else if (!isPass && state !== 'down') {
      if (state === 'up') {
        state = 'suspect'
        flickers = seen.atMs - upAtMs <= policy.flickerWindowMs ? flickers + 1 : 1
        holdMs = holdOf(flickers, policy.flickerCapMs, policy)
      }
      if (count('fail') < policy.fall && count('busy') < 2 * policy.fall) continue
      state = 'down'
      flaps = seen.atMs - upAtMs <= policy.flapWindowMs ? flaps + 1 : 1
      holdMs = Math.max(holdMs, holdOf(flaps, policy.flapCapMs, policy))
      era = []
    }
  }
  return { state, holdMs }
}

interface Model {
  readonly seen: Seen[]
  nowMs: number
}

interface Real {
  readonly policy: DampingPolicy
  state: DampingState
}

class See implements fc.Command<Model, Real> {
  readonly #verdict: Verdict
  readonly #afterMs: number
  constructor(verdict: Verdict, afterMs: number) {
    this.#verdict = verdict
    this.#afterMs = afterMs
  }
  check(): boolean {
    return true
  }
  run(model: Model, real: Real): void {
    model.nowMs += this.#afterMs
    model.seen.push({ verdict: this.#verdict, atMs: model.nowMs })
    const before = real.state
    real.state = advance(before, this.#verdict, real.policy, model.nowMs)
    const read = readOff(model.seen, real.policy)
    const sinceMs = real.state.state === before.state ? before.sinceMs : model.nowMs
    const { state, holdMs } = read
    deepStrictEqual(
      { ...real.state, state: real.state.state, sinceMs: real.state.sinceMs },
      { ...real.state, state: SlotState[state], holdMs, sinceMs },
    )
  }
  toString(): string {
    return `${this.#verdict} after ${this.#afterMs}`
  }
}

const policies = fc.record({
  fall: fc.integer({ min: 1, max: 5 }),
  rise: fc.integer({ min: 1, max: 4 }),
  intervalMs: fc.constantFrom(1000, 10_000),
  fastIntervalMs: fc.constantFrom(200, 1000),
  flapWindowMs: fc.constantFrom(10_000, 600_000),
  flapBaseMs: fc.constantFrom(0, 5000),
  flapCapMs: fc.constantFrom(20_000, 1_800_000),
  flickerWindowMs: fc.constantFrom(5000, 200_000),
  flickerCapMs: fc.constantFrom(10_000, 240_000),
})

const verdicts = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom<Verdict>('pass', 'fail') },
  { weight: 2, arbitrary: fc.constantFrom<Verdict>('busy', 'unknown') },
)
const afterMs = fc.oneof(fc.constantFrom(200, 1000, 10_000), fc.integer({ min: 0, max: 30_000 }))
const see = fc.tuple(verdicts, afterMs).map(([verdict, after]) => new See(verdict, after))

test('damping does what the list of verdicts says', () => {
  const property = fc.property(
    policies,
    fc.commands([see], { maxCommands: 120, size: 'max' }),
    (policy, commands) => {
      const setup = (): { model: Model; real: Real } => ({
        model: { seen: [], nowMs: 0 },
        real: { policy, state: initialDamping(0) },
      })
      fc.modelRun(setup, commands)
    },
  )
  const run = fc.check(property, { numRuns: runs(1000) })
  expect(fc.defaultReportMessage(run)).toBeUndefined()
})

const histories = fc.array(fc.tuple(verdicts, afterMs), { maxLength: 60 })

test('unknown moves nothing but its own count', () => {
  fc.assert(
    fc.property(policies, histories, (policy, history) => {
      let atMs = 0
      let state = initialDamping(0)
      for (const [verdict, after] of history)
        state = advance(state, verdict, policy, (atMs += after))
      const { unknowns, ...rest } = advance(state, 'unknown', policy, atMs + 1)
      const { unknowns: before, ...restBefore } = state
      expect(rest).toEqual(restBefore)
      expect(unknowns).toBe(before + 1)
    }),
  )
})

/** Feeds one verdict at the pace that the scheduler would, until down becomes not down or the reverse. */
function timeToFlip(
  start: DampingState,
  verdict: Verdict,
  policy: DampingPolicy,
  nowMs: number,
): number {
  const wasDown = start.state === SlotState.down
  let state = start
  let atMs = nowMs
  while ((state.state === SlotState.down) === wasDown) {
    atMs += isUndecided(state, policy) ? policy.fastIntervalMs : policy.intervalMs
    state = advance(state, verdict, policy, atMs)
  }
  return (atMs - nowMs) / 1000
}

test('holdSeconds is the soonest flip: exact without a hold, never too long with one', () => {
  fc.assert(
    fc.property(policies, histories, (policy, history) => {
      let atMs = 0
      let state = initialDamping(0)
      for (const [verdict, after] of history)
        state = advance(state, verdict, policy, (atMs += after))
      const held = holdSeconds(state, policy, atMs)
      expect(held).toBeGreaterThan(0)
      const moves: Verdict[] = state.state === SlotState.down ? ['pass'] : ['fail', 'busy']
      const flip = Math.min(...moves.map((move) => timeToFlip(state, move, policy, atMs)))
      expect(flip).toBeGreaterThanOrEqual(held - 1e-9)
      const isExact = state.state !== SlotState.down || state.holdMs === 0
      expect(isExact ? flip : held).toBeCloseTo(held, 9)
    }),
    { numRuns: runs(1000) },
  )
})

const generator = (seed: number): (() => number) => {
  let bits = seed
  return () => {
    bits = (Math.imul(bits, 1_664_525) + 1_013_904_223) >>> 0
    return bits / 2 ** 32
  }
}

const seeds = Array.from({ length: 500 }, (_, i) => i * 7919 + 1)

/** Half an hour of probes at the pace that the scheduler would; how often its state changed, and how long it was up. */
function halfAnHour(
  seed: number,
  verdictAt: (atMs: number, random: () => number) => Verdict,
): { changes: number; upShare: number } {
  const policy = dampingPolicy({ fall: 3, rise: 2, intervalMs: 20_000, fastIntervalMs: 5000 })
  const random = generator(seed)
  const jitter = (): number => 0.9 + 0.2 * random()
  let state = advance(initialDamping(0), 'pass', policy, 0)
  let changes = 0
  let upMs = 0
  for (let atMs = 0; atMs < 1_800_000;) {
    const next =
      atMs + jitter() * (isUndecided(state, policy) ? policy.fastIntervalMs : policy.intervalMs)
    if (state.state === SlotState.up) upMs += next - atMs
    const after = advance(state, verdictAt(next, random), policy, next)
    if (after.state !== state.state) changes++
    state = after
    atMs = next
  }
  return { changes, upShare: upMs / 1_800_000 }
}

const meanUpShare = (loss: number): number => {
  const shares = seeds.map(
    (seed) => halfAnHour(seed, (_, random) => (random() < loss ? 'fail' : 'pass')).upShare,
  )
  return shares.reduce((sum, share) => sum + share, 0) / seeds.length
}

test('a lost probe now and then costs next to nothing, half of them cost nearly all', () => {
  expect(meanUpShare(0.01)).toBeGreaterThan(0.99)
  expect(meanUpShare(0.05)).toBeGreaterThan(0.85)
  expect(meanUpShare(0.5)).toBeLessThan(0.1)
})

test('a period of ten seconds, half of them bad, is reported four times in half an hour, seldom more than six', () => {
  const counts = seeds
    .map((seed) => halfAnHour(seed, (atMs) => (atMs % 10_000 < 5000 ? 'pass' : 'fail')).changes)
    .toSorted((a, b) => a - b)
  expect(counts[Math.floor(0.8 * counts.length)]).toBeLessThanOrEqual(4)
  expect(counts[Math.floor(0.97 * counts.length)]).toBeLessThanOrEqual(6)
})
