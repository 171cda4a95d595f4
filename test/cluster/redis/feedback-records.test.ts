// Records of feedback and of probe counts: what is written is read back, and nothing else is accepted.

import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import type { Feedback } from '../../../src/health/feedback.ts'
import { type SharedFeedback } from '../../../src/cluster/cluster-votes.ts'
import {
  formatFeedback,
  keyOfFeedback,
  parseFeedback,
} from '../../../src/cluster/redis/feedback.ts'
import { parseTally } from '../../../src/cluster/redis/tallies.ts'

const nowMs = Date.parse('2026-11-21T00:00:00Z')
const feedbackWith = (over: Partial<Feedback> = {}): Feedback => ({
  factor: 0.5,
  standing: 1,
  isDown: false,
  reason: 'queue',
  load: null,
  isShedding: true,
  reportedMs: nowMs,
  untilMs: nowMs + 60_000,
  ...over,
})
const sharedWith = (over: Partial<Feedback> = {}): SharedFeedback => ({
  zone: 'smtp.example.test',
  target: 'mx1',
  writer: 'agent',
  feedback: feedbackWith(over),
})

test('feedback is read as it was written, whatever its numbers', () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true })
  const life = fc.integer({ min: 0, max: 86_400_000 })
  fc.assert(
    fc.property(
      share,
      life,
      fc.constantFrom(0, 1, 2),
      fc.boolean(),
      (factor, lifeMs, at, isDown) => {
        const standing = at as Feedback['standing']
        const shared = sharedWith({ factor: factor + 0, standing, isDown, untilMs: nowMs + lifeMs })
        const read = parseFeedback(formatFeedback(shared))
        // JSON has no −0.
        expect(read).toEqual({
          ...shared,
          feedback: { ...shared.feedback, factor: factor === 0 ? 0 : factor },
        })
        expect(read && keyOfFeedback(read)).toBe('smtp.example.test mx1 agent')
      },
    ),
  )
})

test('any reason of an agent can be read back, without characters that act on a terminal', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (reason) => {
      const read = parseFeedback(formatFeedback(sharedWith({ reason })))
      expect(read?.feedback.reason).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u)
      expect(read?.feedback.reason.length).toBeLessThanOrEqual(200)
    }),
  )
})

const written = JSON.parse(formatFeedback(sharedWith())) as Record<string, unknown>
test.each<[string, unknown]>([
  ['no text', 7],
  ['no JSON', '{'],
  ['a list', '[]'],
  ['too long', JSON.stringify({ ...written, reason: 'x'.repeat(3000) })],
  ...Object.keys(written).map((key): [string, unknown] => {
    const { [key]: _, ...rest } = written
    return [`without ${key}`, JSON.stringify(rest)]
  }),
  ...(
    [
      ['more', 1],
      ['zone', 'a b'],
      ['target', ''],
      ['writer', 'operator'],
      ['factor', 1.1],
      ['factor', -0.1],
      ['factor', '1'],
      ['standing', 3],
      ['standing', 'drained'],
      ['isDown', 1],
      ['reason', 'a\u0007'],
      ['load', -1],
      ['load', 'x'],
      ['toldMs', -1],
      ['untilMs', nowMs - 1],
      ['untilMs', nowMs + 3 * 86_400_000],
    ] as const
  ).map(([key, value]): [string, unknown] => [
    `${key} ${JSON.stringify(value)}`,
    JSON.stringify({ ...written, [key]: value }),
  ]),
])('%s is not a record of feedback', (_, value) => expect(parseFeedback(value)).toBeNull())

test('counts: three windows of buckets within bounds, and nothing else', () => {
  const good = [[[29_000_000, 5, 10]], [[1_900_000, 0, 3]], []]
  expect(parseTally(JSON.stringify(good))).toEqual(good)
  const bads: readonly unknown[] = [
    [],
    [[], []],
    [[], [], [], []],
    [[[1, 2]], [], []],
    [[[1, 3, 2]], [], []],
    [[[1, -1, 2]], [], []],
    [[[1.5, 1, 2]], [], []],
    [[[1, 1, 1e13]], [], []],
    [Array.from({ length: 61 }, (_, i) => [i, 1, 1]), [], []],
    { 0: [] },
    null,
  ]
  for (const bad of bads) expect(parseTally(JSON.stringify(bad))).toBeNull()
  for (const bad of ['', '{', 7, `[[],[],[]]${' '.repeat(20_000)}`])
    expect(parseTally(bad)).toBeNull()
})
