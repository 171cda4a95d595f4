// Whether the store is in reach, and since when it is not.

import type { ClusterEvent } from './cluster-votes.ts'

const whyPatience = 5

export class StoreReachability {
  isCutOff = true
  readonly #options: ReachOptions
  #answeredAtMs: number
  #isToldOf = false
  #isHoldOver = false

  constructor(options: ReachOptions) {
    this.#options = options
    this.#answeredAtMs = options.startMs
  }

  unansweredMs(nowMs: number): number {
    return nowMs - this.#answeredAtMs
  }

  recordAnswer(nowMs: number): void {
    const awayMs = this.unansweredMs(nowMs)
    this.#answeredAtMs = nowMs
    if (!this.isCutOff) return
    const { onEvent, onChange } = this.#options
    this.isCutOff = false
    this.#isHoldOver = false
    if (this.#isToldOf) onEvent({ kind: 'recovered', afterMs: Math.round(awayMs) })
    this.#isToldOf = false
    onChange()
  }

  /** `why`: one word; null: it is not known yet. */
  recordFailure(nowMs: number, why: string | null): void {
    const { cutOffMs, holdMs, onEvent, onHoldOver, onChange } = this.#options
    const awayMs = this.unansweredMs(nowMs)
    if (awayMs < cutOffMs) return
    // From the start we are cut off anyway: what keeps us out, a certificate say, may show in a moment.
    if (this.isCutOff && why === null && awayMs < whyPatience * cutOffMs) return
    if (!this.#isToldOf) {
      this.#isToldOf = true
      this.isCutOff = true
      onEvent({ kind: 'degraded', why: why ?? 'AWAY' })
      onChange()
    }
    if (this.#isHoldOver || awayMs < holdMs) return
    this.#isHoldOver = true
    onHoldOver()
    onChange()
  }
}

// Whether the store is in reach. Cut off we are from the start, until it has answered once, and when it has not
// answered for long enough; only the latter is told. After the hold the votes of the others are dropped.

interface ReachOptions {
  readonly startMs: number
  readonly cutOffMs: number
  readonly holdMs: number
  readonly onEvent: (event: ClusterEvent) => void
  readonly onHoldOver: () => void
  /** Whether we are cut off has changed, or the hold is over. */
  readonly onChange: () => void
}
