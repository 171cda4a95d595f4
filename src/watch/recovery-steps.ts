// Slow start, step by step, for all slots that recover: one timer, for the step that comes soonest.

import { slowStartStepMs } from '../health/slow-start.ts'
import type { Alarm } from '../lib/alarm.ts'
import type { WatchedSlot } from './watched-slot.ts'

const shortestStepMs = 50

export class RecoverySteps {
  readonly #recovering = new Set<WatchedSlot>()
  readonly #alarm: Alarm
  readonly #write: (slot: WatchedSlot) => void
  #calloff: (() => void) | null = null

  constructor(alarm: Alarm, write: (slot: WatchedSlot) => void) {
    this.#alarm = alarm
    this.#write = write
  }

  /** To be called when the slot has been written. */
  follow(slot: WatchedSlot): void {
    if (slot.isRecovering()) this.#recovering.add(slot)
    this.#plan()
  }

  drop(slot: WatchedSlot): void {
    this.#recovering.delete(slot)
  }

  stop(): void {
    this.#calloff?.()
  }

  #plan(): void {
    if (this.#calloff !== null || this.#recovering.size === 0) return
    let stepMs = Infinity
    for (const { profile } of this.#recovering) {
      stepMs = Math.min(stepMs, slowStartStepMs(profile.slowStartSeconds))
    }
    this.#calloff = this.#alarm(Math.max(shortestStepMs, stepMs), () => this.#step())
  }

  #step(): void {
    this.#calloff = null
    for (const slot of this.#recovering) {
      this.#write(slot)
      if (!slot.isRecovering()) this.#recovering.delete(slot)
    }
    this.#plan()
  }
}
