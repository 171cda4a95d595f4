// Time and chance as arguments: the pure core never reads them itself, so every decision can be replayed.

export interface Clock {
  /** Milliseconds since the epoch; may jump. For display, dates in zone files and certificates only. */
  wallMs(): number
  /** Milliseconds from an arbitrary start; never goes back. For every interval and deadline. */
  monotonicMs(): number
}

/** A number in [0, 1). */
export type Random = () => number

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
}

/** `2026-12-01`, of UTC. */
export const isoDay = (wallMs: number): string => new Date(wallMs).toISOString().slice(0, 10)

// One-shot timers as an argument, so that schedules run on simulated time in tests.

/** Calls `ring` once after `delayMs`; the returned function calls that off. */
export type Alarm = (delayMs: number, ring: () => void) => () => void

export const systemAlarm: Alarm = (delayMs, ring) => {
  const timer = setTimeout(ring, Math.max(0, Math.ceil(delayMs)))
  return () => clearTimeout(timer)
}

/** 0 and null: none. */
export const isoTime = (wallMs: number | null): string | null =>
  wallMs ? new Date(wallMs).toISOString() : null
