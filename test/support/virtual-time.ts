// Simulated time: a clock and a timer that move only on command. Everything runs synchronously.

import type { Clock, Timer } from '../../src/lib/clock.ts'

export interface VirtualTime {
  readonly clock: Clock
  readonly timer: Timer
  /** Runs everything due in the next `ms`, each at its time. */
  advance(ms: number): void
  /** The process sleeps: time passes, nothing runs until the next `advance`. */
  stall(ms: number): void
  pending(): number
}

interface Event {
  readonly atMs: number
  readonly callback: () => void
}

export function createVirtualTime(startMs: number = 1_000_000): VirtualTime {
  let nowMs = startMs
  const events: Event[] = []
  const insert = (event: Event): void => {
    let low = 0
    let high = events.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((events[middle] as Event).atMs <= event.atMs) low = middle + 1
      else high = middle
    }
    events.splice(low, 0, event)
  }
  return {
    clock: { monotonicMs: () => nowMs, wallMs: () => 1_700_000_000_000 + nowMs },
    timer(delayMs, callback) {
      const event = { atMs: nowMs + delayMs, callback }
      insert(event)
      return () => {
        const at = events.indexOf(event)
        if (at >= 0) events.splice(at, 1)
      }
    },
    advance(ms) {
      const untilMs = nowMs + ms
      for (let next = events[0]; next && next.atMs <= untilMs; next = events[0]) {
        events.shift()
        nowMs = Math.max(nowMs, next.atMs)
        next.callback()
      }
      nowMs = Math.max(nowMs, untilMs)
    },
    stall(ms) {
      nowMs += ms
    },
    pending: () => events.length,
  }
}

/** Numbers in [0, 1) that depend on the seed alone (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
