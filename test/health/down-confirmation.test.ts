// The second round, verdict by verdict.

import { expect, test } from 'vitest'
import {
  type DownConfirmation,
  countTowardsConfirmation,
  unconfirmed,
  updateConfirmation,
} from '../../src/health/mass-failure-guard.ts'
import type { Verdict } from '../../src/health/verdict.ts'

const fall = 3

/** Judged down all along; braked until told otherwise. */
const after = (verdicts: readonly Verdict[], isBraked = true): DownConfirmation =>
  verdicts.reduce(
    (round, verdict) =>
      updateConfirmation(countTowardsConfirmation(round, verdict), {
        isDown: true,
        isBraked,
        fall,
      }),
    updateConfirmation(unconfirmed, { isDown: true, isBraked: true, fall }),
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
  const round = updateConfirmation(unconfirmed, { isDown: true, isBraked: false, fall })
  expect(round.isConfirmed).toBe(true)
  expect(updateConfirmation(round, { isDown: true, isBraked: true, fall }).isConfirmed).toBe(true)
})

test('when the brake lets go, what was seen counts', () => {
  expect(after(['fail'], false).isConfirmed).toBe(true)
})

test('who is no longer judged down is in no doubt', () => {
  const round = after(['fail', 'fail'])
  expect(updateConfirmation(round, { isDown: false, isBraked: true, fall })).toEqual(unconfirmed)
})
