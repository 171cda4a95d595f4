// The damping state of an address in a form that outlives the process, with the time of its last probe.
//
//   age             restored as
//   up to 5 min     it was: up, suspect, or down until `rise` passes
//   older           unknown: eligible, after everything that is known to be up
//
// Five minutes is also how long a peer's vote counts without the peer. Saved times are wall-clock milliseconds, since the
// monotonic clock starts anew with the process; a time in the future counts as its distance from now.

import { type DampingState, initialDamping } from './damping.ts'
import { SlotState } from './table.ts'

export const savedStates = ['up', 'suspect', 'down'] as const

/** Stored as JSON in the state file: field names are part of its format. */
export interface SavedDamping {
  readonly state: (typeof savedStates)[number]
  /** Reason of the last outcome. */
  readonly reason: string
  readonly sinceMs: number
  /** When the address was last probed. */
  readonly seenMs: number
  readonly upSinceMs: number | null
  readonly flaps: number
  readonly flickers: number
  readonly holdMs: number
}

/** The same moment on both clocks. */
export interface TwoClocks {
  readonly wallMs: number
  readonly monotonicMs: number
}

/** Maximum age at which a saved state is restored. */
export const freshForMs = 300_000

const isFresh = ({ seenMs }: Pick<SavedDamping, 'seenMs'>, wallMs: number): boolean =>
  Math.abs(wallMs - seenMs) <= freshForMs

/** The form to store; null while the state is unknown. `seenMs` is monotonic. */
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

/** The restored damping state; null if it is too old. */
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
