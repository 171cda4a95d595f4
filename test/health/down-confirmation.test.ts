// Confirmation of a down, verdict by verdict.

import { expect, test } from 'vitest'
import {
  type DownConfirmation,
  countTowardsConfirmation,
  notDown,
  updateConfirmation,
} from '../../src/health/mass-failure-guard.ts'
import type { Verdict } from '../../src/health/verdict.ts'

const fall = 3

/** Judged down all along, with a group held unless `needsConfirmation` is false. */
const after = (verdicts: readonly Verdict[], needsConfirmation = true): DownConfirmation =>
  verdicts.reduce(
    (confirmation, verdict) =>
      updateConfirmation(countTowardsConfirmation(confirmation, verdict), {
        isDown: true,
        needsConfirmation,
        fall,
      }),
    updateConfirmation(notDown, { isDown: true, needsConfirmation: true, fall }),
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

test('a down is confirmed at once while no group is held, and a later hold does not undo it', () => {
  const confirmation = updateConfirmation(notDown, { isDown: true, needsConfirmation: false, fall })
  expect(confirmation.isConfirmed).toBe(true)
  expect(
    updateConfirmation(confirmation, { isDown: true, needsConfirmation: true, fall }).isConfirmed,
  ).toBe(true)
})

test('when the group is released, the failures seen count', () => {
  expect(after(['fail'], false).isConfirmed).toBe(true)
})

test('an address that is no longer judged down has nothing to confirm', () => {
  const confirmation = after(['fail', 'fail'])
  expect(
    updateConfirmation(confirmation, { isDown: false, needsConfirmation: true, fall }),
  ).toEqual(notDown)
})
