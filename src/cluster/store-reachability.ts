// Whether the store is in reach. An instance is cut off from the start until the store has answered once, and again after
// `cutOffMs` without an answer. Only the latter is reported. After `holdMs` the last votes of the others are dropped.

import type { ClusterEvent } from './cluster-votes.ts'

/** At the start, wait for this many times `cutOffMs` for an error code to report. */
const unknownReasonPatience = 5

interface ReachabilityOptions {
  readonly startMs: number
  readonly cutOffMs: number
  readonly holdMs: number
  readonly onEvent: (event: ClusterEvent) => void
  /** Called when the votes of the others are to be dropped. */
  readonly onHoldOver: () => void
  /** Called when `isCutOff` has changed, or the hold is over. */
  readonly onChange: () => void
}

/** Times are monotonic milliseconds. */
export class StoreReachability {
  isCutOff = true
  readonly #options: ReachabilityOptions
  #answeredAtMs: number
  #isReported = false
  #isHoldOver = false

  constructor(options: ReachabilityOptions) {
    this.#options = options
    this.#answeredAtMs = options.startMs
  }

  unansweredMs(nowMs: number): number {
    return nowMs - this.#answeredAtMs
  }

  recordAnswer(nowMs: number): void {
    const unansweredMs = this.unansweredMs(nowMs)
    this.#answeredAtMs = nowMs
    if (!this.isCutOff) return
    const { onEvent, onChange } = this.#options
    this.isCutOff = false
    this.#isHoldOver = false
    if (this.#isReported) onEvent({ kind: 'recovered', afterMs: Math.round(unansweredMs) })
    this.#isReported = false
    onChange()
  }

  /** `code` is that of the last error; null if it is not known yet. */
  recordFailure(nowMs: number, code: string | null): void {
    const { cutOffMs, holdMs, onEvent, onHoldOver, onChange } = this.#options
    const unansweredMs = this.unansweredMs(nowMs)
    if (unansweredMs < cutOffMs) return
    // At the start the instance is cut off anyway, and the reason, a certificate for instance, may become known soon.
    if (this.isCutOff && code === null && unansweredMs < unknownReasonPatience * cutOffMs) return
    if (!this.#isReported) {
      this.#isReported = true
      this.isCutOff = true
      onEvent({ kind: 'degraded', why: code ?? 'AWAY' })
      onChange()
    }
    if (this.#isHoldOver || unansweredMs < holdMs) return
    this.#isHoldOver = true
    onHoldOver()
    onChange()
  }
}
