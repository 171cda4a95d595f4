// Whether the health that answers go by is still kept: a control thread in trouble leaves answers as they are, and
// someone who looks at one should see it (extended-error.ts), the more so since the metrics are that thread's.
//
// The control thread beats; a worker notes when it last saw a new beat, by its own clock, since two threads' clocks
// have no common start. Who was not asked for a while learns it one question later.

import type { AnswerContext } from './context.ts'

/** Thirty beats missed. */
export const staleAfterMs = 30_000

export interface Staleness {
  beats: number
  seenMs: number
}

export const createStaleness = (): Staleness => ({ beats: 0, seenMs: 0 })

export function isStale(staleness: Staleness, { health, clock }: AnswerContext): boolean {
  const beats = health.beats()
  // Nobody beats where a test or a tool holds the table.
  if (beats === 0) return false
  const nowMs = clock.monotonicMs()
  if (beats === staleness.beats) return nowMs - staleness.seenMs > staleAfterMs
  staleness.beats = beats
  staleness.seenMs = nowMs
  return false
}
