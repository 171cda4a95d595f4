// What an explanation says of probes.

import { expect, test } from 'vitest'
import { probesBySlot } from '../../src/app/explain-sources.ts'

test('the reason that /targets gives, and that a target is held', () => {
  const noteOf = probesBySlot([
    { slot: 1, sinceMs: 0, isHeld: false, reason: 'connect-refused' },
    { slot: 2, sinceMs: 1000, isHeld: true, reason: 'ok' },
  ])
  const since = '1970-01-01T00:00:00.000Z'
  expect(noteOf(1)).toEqual({ reason: 'connect-refused', since })
  expect(noteOf(2)?.reason).toBe('held-for-flapping')
  expect(noteOf(3)).toBe(null)
})
