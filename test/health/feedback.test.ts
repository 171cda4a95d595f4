import { describe, expect, test } from 'vitest'

import {
  type AgentReply,
  type Feedback,
  type FeedbackReport,
  feedbackEffect,
  applyReport,
  withFeedback,
} from '../../src/health/feedback.ts'
import { Standing } from '../../src/health/table.ts'

const at = (nowMs: number, forMs = 60_000) => ({ nowMs, untilMs: nowMs + forMs })
const load = (value: number, low = 0.5, high = 1): FeedbackReport => ({
  kind: 'load',
  load: value,
  low,
  high,
})
const agent = (word: Partial<AgentReply>): FeedbackReport => ({
  kind: 'agent',
  share: null,
  mode: null,
  isDown: null,
  reason: '',
  ...word,
})

describe('load', () => {
  test.each([
    [0, 1],
    [0.5, 1],
    [0.62, 1],
    [0.75, 0.55],
    [0.9, 0.3],
    [1, 0.1],
    [50, 0.1],
  ])('a first load of %f gives a factor of %f', (reported, factor) => {
    expect(applyReport(null, load(reported), at(0)).factor).toBe(factor)
  })

  test('is followed with a time constant of half a minute', () => {
    const calm = applyReport(null, load(0), at(0))
    const soon = applyReport(calm, load(1), at(30_000))
    expect(soon.load).toBeCloseTo(1 - Math.exp(-1), 12)
    expect(soon.factor).toBe(0.75)
    expect(applyReport(soon, load(1), at(330_000)).factor).toBe(0.1)
  })

  test('sheds from a quarter of the way on, until it is below the low mark', () => {
    const follow = (before: Feedback | null, value: number, ms: number): Feedback =>
      applyReport(before, load(value), at(ms))
    const below = follow(null, 0.6, 0)
    expect(below).toMatchObject({ factor: 1, isShedding: false })
    const above = follow(below, 0.7, 1e6)
    expect(above).toMatchObject({ factor: 0.65, isShedding: true })
    const back = follow(above, 0.6, 2e6)
    expect(back).toMatchObject({ factor: 0.8, isShedding: true })
    expect(follow(back, 0.49, 3e6)).toMatchObject({ factor: 1, isShedding: false })
  })

  test('a clock that goes back moves nothing, and breaks nothing', () => {
    const first = applyReport(null, load(0.9), at(1000))
    expect(applyReport(first, load(0), at(0)).load).toBe(0.9)
  })
})

describe('agents', () => {
  const hear = (...words: readonly Partial<AgentReply>[]): Feedback =>
    words.reduce<Feedback | null>(
      (before, word) => applyReport(before, agent(word), at(0)),
      null,
    ) as Feedback
  const effect = (...words: readonly Partial<AgentReply>[]) => feedbackEffect([hear(...words)], 0)

  test('what is not said stands as it was', () => {
    expect(effect({ share: 0.75 }, { mode: 'drain' })).toEqual({
      factor: 0.75,
      standing: Standing.drained,
    })
    expect(effect({ share: 0.75 }, { mode: 'drain' }, { mode: 'ready' }).standing).toBe(
      Standing.normal,
    )
    expect(effect({ isDown: true }, { share: 1 }).factor).toBe(0)
    expect(effect({ isDown: true }, { isDown: false }).factor).toBe(1)
  })

  test('0 % drains, until another share; drain and maint until ready', () => {
    expect(effect({ share: 0 })).toEqual({ factor: 1, standing: Standing.drained })
    expect(effect({ share: 0 }, { share: 0.5 })).toEqual({ factor: 0.5, standing: Standing.normal })
    expect(effect({ mode: 'drain' }, { share: 0 }, { share: 1 }).standing).toBe(Standing.drained)
    expect(effect({ mode: 'maint' }, { isDown: false }).standing).toBe(Standing.disabled)
  })

  test('down keeps its reason until it is up', () => {
    expect(hear({ isDown: true, reason: 'full' }, { share: 1 }).reason).toBe('full')
    expect(hear({ isDown: true, reason: 'full' }, { isDown: false }).reason).toBe('')
  })
})

describe('together', () => {
  test('factors multiply, the strictest standing holds, what has ended does not count', () => {
    const half = applyReport(null, { kind: 'share', share: 0.5 }, at(0, 10_000))
    const drained = applyReport(null, agent({ mode: 'drain' }), at(0, 20_000))
    expect(feedbackEffect([half, half, drained], 0)).toEqual({
      factor: 0.25,
      standing: Standing.drained,
    })
    expect(feedbackEffect([half, drained], 10_000)).toEqual({
      factor: 1,
      standing: Standing.drained,
    })
    expect(feedbackEffect([half, drained], 20_000)).toEqual({
      factor: 1,
      standing: Standing.normal,
    })
  })

  test('operators go before', () => {
    const none = { share: 1, endMs: Infinity }
    const reported = { factor: 0.5, standing: Standing.drained }
    const under = (standing: Standing) => withFeedback({ ...none, standing }, reported)
    expect(under(Standing.normal)).toMatchObject({ standing: Standing.drained, feedback: 0.5 })
    expect(under(Standing.disabled)).toMatchObject({ standing: Standing.disabled, feedback: 0.5 })
    expect(under(Standing.forced)).toMatchObject({ standing: Standing.forced, feedback: 1 })
  })
})
