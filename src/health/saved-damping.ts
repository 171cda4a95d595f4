// A verdict that outlives the process: what damping had come to, and when it was seen last.
//
//   age          taken as
//   up to 5 min  it was: up, suspect, or down until `rise` passes say otherwise
//   older        unknown: eligible, after everything that is known up
//
// Five minutes is what a peer's vote is worth without the peer, too. Saved times are of the wall clock, since the
// other one begins anew; what was seen in the future is as good as old.

import { type DampingState, initialDamping } from './damping.ts'
import { SlotState } from './table.ts'

export const savedStates = ['up', 'suspect', 'down'] as const

export interface SavedDamping {
  readonly state: (typeof savedStates)[number]
  /** Of the last outcome. */
  readonly reason: string
  readonly sinceMs: number
  readonly seenMs: number
  readonly upSinceMs: number | null
  readonly flaps: number
  readonly flickers: number
  readonly holdMs: number
}

export interface TwoClocks {
  readonly wallMs: number
  readonly monotonicMs: number
}

export const freshForMs = 300_000

const isFresh = ({ seenMs }: Pick<SavedDamping, 'seenMs'>, wallMs: number): boolean =>
  Math.abs(wallMs - seenMs) <= freshForMs

/** null: nothing worth keeping. `seenMs`: on the monotonic clock. */
export function saveDamping(
  damping: DampingState,
  seen: { readonly seenMs: number; readonly reason: string },
  { wallMs, monotonicMs }: TwoClocks,
): SavedDamping | null {
  const { state, sinceMs, upSinceMs, flaps, flickers, holdMs } = damping
  if (state === SlotState.unknown) return null
  const toWall = (ms: number): number => Math.round(ms + wallMs - monotonicMs)
  return {
    state: names[state],
    reason: seen.reason,
    sinceMs: toWall(sinceMs),
    seenMs: toWall(seen.seenMs),
    upSinceMs: upSinceMs === null ? null : toWall(upSinceMs),
    flaps,
    flickers,
    holdMs,
  }
}

/** null: it is too old. */
export function restoreDamping(
  saved: SavedDamping,
  { wallMs, monotonicMs }: TwoClocks,
): DampingState | null {
  if (!isFresh(saved, wallMs)) return null
  const toMonotonic = (ms: number): number => Math.min(monotonicMs, ms - wallMs + monotonicMs)
  const { state, sinceMs, upSinceMs, flaps, flickers, holdMs } = saved
  return {
    ...initialDamping(toMonotonic(sinceMs)),
    state: SlotState[state],
    upSinceMs: upSinceMs === null ? null : toMonotonic(upSinceMs),
    flaps,
    flickers,
    holdMs,
  }
}

const names = {
  [SlotState.up]: 'up',
  [SlotState.suspect]: 'suspect',
  [SlotState.down]: 'down',
} as const
