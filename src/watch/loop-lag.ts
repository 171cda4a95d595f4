// Whether this process stood still: a busy host, a debugger, a suspended machine. A timer that should ring every half
// second says so by ringing late. What happened meanwhile looks like silence of the targets, and after it like
// their impatience with us; neither says anything of them.

import type { Clock } from '../lib/clock.ts'
import type { Alarm } from '../lib/alarm.ts'

const everyMs = 500
/** Less than the shortest of our deadlines and of any MTA's patience. */
const stallMs = 1000

export class LoopLag {
  readonly #clock: Clock
  readonly #alarm: Alarm
  #dueMs: number
  #stalledFromMs = -Infinity
  #stalledUntilMs = -Infinity
  #stalls = 0
  #calloff: () => void = () => {}

  constructor(clock: Clock, alarm: Alarm) {
    this.#clock = clock
    this.#alarm = alarm
    this.#dueMs = clock.monotonicMs() + everyMs
    this.#wait()
  }

  /** Whether the process stood still for a while between `fromMs` and now. */
  stalledSince(fromMs: number): boolean {
    const nowMs = this.#clock.monotonicMs()
    // What was read from a socket may be handled before the timer rings.
    this.#look(nowMs)
    return this.#stalledUntilMs >= fromMs && this.#stalledFromMs <= nowMs
  }

  /** Times that it stood still for a second or longer. */
  stalls(): number {
    return this.#stalls
  }

  stop(): void {
    this.#calloff()
  }

  #wait(): void {
    this.#calloff = this.#alarm(everyMs, () => {
      const nowMs = this.#clock.monotonicMs()
      this.#look(nowMs)
      this.#dueMs = nowMs + everyMs
      this.#wait()
    })
  }

  #look(nowMs: number): void {
    if (nowMs - this.#dueMs < stallMs) return
    this.#stalledFromMs = this.#dueMs
    this.#stalledUntilMs = nowMs
    this.#dueMs = nowMs
    this.#stalls++
  }
}
