// Time and randomness as arguments: the pure core never reads them itself, so every decision can be replayed.

export interface Clock {
  /** Milliseconds since 1970; may jump. Only for display, and for the dates of zone files and certificates. */
  wallMs(): number
  /** Milliseconds since an arbitrary moment; never decreases. For every interval and deadline. */
  monotonicMs(): number
}

/** Returns a number in [0, 1). */
export type Random = () => number

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
}

/** The date in UTC as `2026-12-01`. */
export const isoDay = (wallMs: number): string => new Date(wallMs).toISOString().slice(0, 10)

/**
 * Starts a one-shot timer: calls `callback` once after `delayMs`. Returns the function that cancels it, a no-op once it
 * has fired. An argument like the clock, so that schedules run on simulated time in tests.
 */
export type Timer = (delayMs: number, callback: () => void) => () => void

export const systemTimer: Timer = (delayMs, callback) => {
  const timer = setTimeout(callback, Math.max(0, Math.ceil(delayMs)))
  return () => clearTimeout(timer)
}

/** Milliseconds until the next multiple of `everyMs` that is at least half of it away. */
export const untilAlignedMs = (nowMs: number, everyMs: number): number =>
  (Math.floor(nowMs / everyMs + 0.5) + 1) * everyMs - nowMs

/**
 * Calls `callback` at multiples of `everyMs` of the monotonic clock, so that what is looked at now and then shares wake-ups
 * of its thread. Keeps no process alive. Returns the function that ends it.
 */
export function alignedInterval(everyMs: number, callback: () => void): () => void {
  let timer: NodeJS.Timeout
  const arm = (): void => {
    const delayMs = Math.ceil(untilAlignedMs(systemClock.monotonicMs(), everyMs))
    timer = setTimeout(fire, delayMs).unref()
  }
  const fire = (): void => {
    // First, since a callback may throw.
    arm()
    callback()
  }
  arm()
  return () => clearTimeout(timer)
}

/** Whether `work` ends within `ms`, however it ends. */
export function endsWithin(work: Promise<unknown>, ms: number, timer: Timer): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = timer(ms, () => resolve(false))
    const end = (): void => {
      cancel()
      resolve(true)
    }
    work.then(end, end)
  })
}

/** The latest instant that a Date can be, in the year 275760. */
const maxWallMs = 8.64e15

/**
 * The instant in ISO 8601 with milliseconds, in UTC; null for null, for 0, which stands for "never", and for what is no
 * instant: times come from files of others too.
 */
export const isoTime = (wallMs: number | null): string | null =>
  wallMs && Math.abs(wallMs) <= maxWallMs ? new Date(wallMs).toISOString() : null
