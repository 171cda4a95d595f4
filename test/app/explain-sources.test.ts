// The probe results that an explanation shows.

import { expect, test } from 'vitest'
import { probesBySlot } from '../../src/app/explain-sources.ts'

test('probes have the reason that /targets shows, and held targets a reason of their own', () => {
  const notes = probesBySlot([
    { slot: 1, sinceMs: 1000, isHeld: false, reason: 'connect-refused' },
    { slot: 2, sinceMs: 2000, isHeld: true, reason: 'ok' },
  ])
  const since = '1970-01-01T00:00:01.000Z'
  expect(notes.get(1)).toEqual({ reason: 'connect-refused', since })
  expect(notes.get(2)?.reason).toBe('held-for-flapping')
  expect(notes.has(3)).toBe(false)
})
