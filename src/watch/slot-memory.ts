// What is remembered of a probed endpoint beside its verdict: for people, and for after a restart.

import { type LatencyWindow, addLatency, createLatencyWindow } from '../health/latency-window.ts'
import type { Verdict } from '../health/verdict.ts'

export class SlotMemory {
  /** Of passes. */
  readonly latency: LatencyWindow = createLatencyWindow()
  /** Times it went down since it is watched. */
  downs: number = 0
  /** When it told anything of itself last, if need be before this process began. */
  seenAtMs: number = 0
  /** Reason of its last outcome before the start; null: nothing was known then. */
  restored: string | null = null

  observe(verdict: Verdict, durationMs: number, nowMs: number): void {
    if (verdict === 'unknown') return
    this.seenAtMs = nowMs
    if (verdict === 'pass') addLatency(this.latency, durationMs)
  }

  restore(reason: string, seenAtMs: number): void {
    this.restored = reason
    this.seenAtMs = seenAtMs
  }
}
