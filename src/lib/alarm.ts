// One-shot timers as an argument, so that schedules run on simulated time in tests.

/** Calls `ring` once after `delayMs`; the returned function calls that off. */
export type Alarm = (delayMs: number, ring: () => void) => () => void

export const systemAlarm: Alarm = (delayMs, ring) => {
  const timer = setTimeout(ring, Math.max(0, Math.ceil(delayMs)))
  return () => clearTimeout(timer)
}
