// Whether the store is in reach. An instance is cut off from the start until the store has answered once, and again after
// `cutOffMs` without an answer. Only the latter is reported. After `holdMs` the last votes of the others are dropped.

import type { ClusterEvent } from './cluster-votes.ts'

/**
 * Error codes reported while the store is out of reach, at most. Redis words them, so a store that makes up a new one for
 * each answer must not fill the log.
 */
const maxReportedReasons = 8

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

interface ReasonTimes {
  readonly firstMs: number
  lastMs: number
}

/** Why the store is out of reach, as an error code, and for how long that is known. */
export interface ReachabilityReason {
  readonly why: string
  readonly forSeconds: number
}

/** Times are monotonic milliseconds. */
export class StoreReachability {
  isCutOff = true
  readonly #options: ReachabilityOptions
  #answeredAtMs: number
  /** Reasons reported since the instance was cut off, with their times; empty: nothing was. */
  readonly #reportedReasons = new Map<string, ReasonTimes>()
  #isHoldOver = false

  constructor(options: ReachabilityOptions) {
    this.#options = options
    this.#answeredAtMs = options.startMs
  }

  unansweredMs(nowMs: number): number {
    return nowMs - this.#answeredAtMs
  }

  /** Why the store is out of reach, the reason of the last failure first; empty while it is in reach. */
  reasons(nowMs: number): readonly ReachabilityReason[] {
    return [...this.#reportedReasons]
      .toSorted(([, a], [, b]) => b.lastMs - a.lastMs)
      .map(([why, { firstMs }]) => ({ why, forSeconds: (nowMs - firstMs) / 1000 }))
  }

  recordAnswer(nowMs: number): void {
    const unansweredMs = this.unansweredMs(nowMs)
    this.#answeredAtMs = nowMs
    if (!this.isCutOff) return
    const { onEvent, onChange } = this.#options
    this.isCutOff = false
    this.#isHoldOver = false
    if (this.#reportedReasons.size > 0)
      onEvent({ kind: 'recovered', afterMs: Math.round(unansweredMs) })
    this.#reportedReasons.clear()
    onChange()
  }

  /** `code` is that of the last error; null if it is not known yet. */
  recordFailure(nowMs: number, code: string | null): void {
    const { cutOffMs, holdMs, onHoldOver, onChange } = this.#options
    const unansweredMs = this.unansweredMs(nowMs)
    if (unansweredMs < cutOffMs) return
    const isFirst = this.#reportedReasons.size === 0
    // At the start the instance is cut off anyway, and the reason, a certificate for instance, may become known soon.
    const isAtStart = this.isCutOff && isFirst
    if (isAtStart && code === null && unansweredMs < unknownReasonPatience * cutOffMs) return
    this.isCutOff = true
    this.#report(code ?? 'AWAY', nowMs)
    if (isFirst) onChange()
    if (this.#isHoldOver || unansweredMs < holdMs) return
    this.#isHoldOver = true
    onHoldOver()
    onChange()
  }

  /** Reports each reason once: that the store refuses the password matters although it refused connections before. */
  #report(why: string, nowMs: number): void {
    const reasons = this.#reportedReasons
    const known = reasons.get(why)
    if (known) known.lastMs = nowMs
    if (known || reasons.size === maxReportedReasons) return
    reasons.set(why, { firstMs: nowMs, lastMs: nowMs })
    this.#options.onEvent({ kind: 'degraded', why })
  }
}
