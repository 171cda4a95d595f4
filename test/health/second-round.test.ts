// The second round, verdict by verdict.

import { expect, test } from 'vitest'
import {
  type SecondRound,
  countSecondRound,
  noSecondRound,
  weighSecondRound,
} from '../../src/health/brake.ts'
import type { Verdict } from '../../src/health/verdict.ts'

const fall = 3

/** Judged down all along; braked until told otherwise. */
const after = (verdicts: readonly Verdict[], isBraked = true): SecondRound =>
  verdicts.reduce(
    (round, verdict) =>
      weighSecondRound(countSecondRound(round, verdict), { isDown: true, isBraked, fall }),
    weighSecondRound(noSecondRound, { isDown: true, isBraked: true, fall }),
  )

test.each<[Verdict[], boolean]>([
  [[], false],
  [['fail', 'fail'], false],
  [['fail', 'fail', 'fail'], true],
  [['fail', 'busy', 'fail'], true],
  [['fail', 'fail', 'pass', 'fail', 'fail'], false],
  [['fail', 'fail', 'unknown', 'fail'], true],
  [['fail', 'fail', 'fail', 'pass'], true],
])('%j', (verdicts, isConfirmed) => {
  expect(after(verdicts).isConfirmed).toBe(isConfirmed)
})

test('whoever is judged down without a brake is confirmed at once, and a later brake does not undo it', () => {
  const round = weighSecondRound(noSecondRound, { isDown: true, isBraked: false, fall })
  expect(round.isConfirmed).toBe(true)
  expect(weighSecondRound(round, { isDown: true, isBraked: true, fall }).isConfirmed).toBe(true)
})

test('when the brake lets go, what was seen counts', () => {
  expect(after(['fail'], false).isConfirmed).toBe(true)
})

test('who is no longer judged down is in no doubt', () => {
  const round = after(['fail', 'fail'])
  expect(weighSecondRound(round, { isDown: false, isBraked: true, fall })).toEqual(noSecondRound)
})
