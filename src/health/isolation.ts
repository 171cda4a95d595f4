// Self-isolation: this host is cut off, so every target seems dead. Canaries tell these apart: addresses unrelated to
// the targets, such as the next router, a resolver, or a host at another site.
//
//   canaries          targets: probes that ended in the last minute,      this host is
//                     counted from when no canary answered any more
//   some answer       anything                                            connected
//   none answers      one in ten passes, or more                          connected: the canaries are at fault
//   none answers      fewer                                               isolated
//   none answers      no probe ended                                      as before
//   none configured   anything                                            connected: the mass-failure guard steps in
//
// A canary is lost after two failures in a row. While isolated, failures of targets become the outcome `self` and change
// nothing. Passes still count, so that a wrong result of the canaries corrects itself within a minute.

/** Probes of targets that ended in one bucket of time. */
interface Tally {
  pass: number
  fail: number
}

const lostAfter = 2
const bucketMs = 30_000
const isolatedBelowPassShare = 0.1

/** Decides whether this host is isolated. Times are monotonic milliseconds. */
export class Isolation {
  /** Failures in a row, by index of the canary. */
  readonly #failures: number[]
  #recent: Tally = { pass: 0, fail: 0 }
  #older: Tally = { pass: 0, fail: 0 }
  #bucketFromMs = -Infinity
  #isIsolated = false

  constructor(canaries: number) {
    this.#failures = Array.from({ length: canaries }, () => 0)
  }

  /** Records the result of one round of the canary with this index. */
  recordCanary(index: number, isReached: boolean): void {
    const wereLost = this.#areAllLost()
    this.#failures[index] = isReached ? 0 : (this.#failures[index] ?? 0) + 1
    // Results from before the loss say nothing about the time after it.
    if (!wereLost && this.#areAllLost()) this.#resetTallies()
  }

  /** Records a probe of a target that ended with a verdict other than `unknown`. */
  recordTarget(isPass: boolean, nowMs: number): void {
    this.#rotateBuckets(nowMs)
    this.#recent[isPass ? 'pass' : 'fail']++
  }

  /** Whether this host is isolated, by the table above. */
  isIsolated(nowMs: number): boolean {
    this.#rotateBuckets(nowMs)
    const passed = this.#recent.pass + this.#older.pass
    const ended = passed + this.#recent.fail + this.#older.fail
    if (!this.#areAllLost()) this.#isIsolated = false
    else if (ended > 0) this.#isIsolated = passed < isolatedBelowPassShare * ended
    return this.#isIsolated
  }

  #areAllLost(): boolean {
    return this.#failures.length > 0 && this.#failures.every((count) => count >= lostAfter)
  }

  #rotateBuckets(nowMs: number): void {
    if (nowMs - this.#bucketFromMs < bucketMs) return
    const isNext = nowMs - this.#bucketFromMs < 2 * bucketMs
    this.#older = isNext ? this.#recent : { pass: 0, fail: 0 }
    this.#recent = { pass: 0, fail: 0 }
    this.#bucketFromMs = nowMs
  }

  #resetTallies(): void {
    this.#recent = { pass: 0, fail: 0 }
    this.#older = { pass: 0, fail: 0 }
  }
}
