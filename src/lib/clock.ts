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
