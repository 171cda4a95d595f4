// Self-isolation: this host is cut off, and everything seems dead from here. Canaries say so: addresses that have
// nothing to do with the targets, such as the next router, a resolver, another site.
//
//   canaries          targets, by what ended in the last minute and since no canary answered   we are
//   some answer       anything                                                                 connected
//   none answers      one in ten passes, or more                                               connected: the canaries are at fault
//   none answers      fewer                                                                    isolated
//   none answers      nothing ended                                                            as before
//   none configured   anything                                                                 connected: the brake doubts instead
//
// A canary is lost after two failures in a row. While isolated, failures of targets are `self`: they move nothing.
// What passes still counts, so a lie of the canaries ends by itself within a minute.

interface Tally {
  pass: number
  fail: number
}

const lostAfter = 2
const bucketMs = 30_000
const fewPass = 0.1

export class Isolation {
  /** Failures in a row, by canary. */
  readonly #failures: number[]
  #recent: Tally = { pass: 0, fail: 0 }
  #older: Tally = { pass: 0, fail: 0 }
  #bucketFromMs = -Infinity
  #isIsolated = false

  constructor(canaries: number) {
    this.#failures = Array.from({ length: canaries }, () => 0)
  }

  recordCanary(index: number, isReached: boolean): void {
    const wereLost = this.#areLost()
    this.#failures[index] = isReached ? 0 : (this.#failures[index] ?? 0) + 1
    // What targets said before is of another time.
    if (!wereLost && this.#areLost()) this.#forget()
  }

  /** A probe of a target ended, with a verdict. */
  recordTarget(isPass: boolean, nowMs: number): void {
    this.#turn(nowMs)
    this.#recent[isPass ? 'pass' : 'fail']++
  }

  isIsolated(nowMs: number): boolean {
    this.#turn(nowMs)
    const passed = this.#recent.pass + this.#older.pass
    const ended = passed + this.#recent.fail + this.#older.fail
    if (!this.#areLost()) this.#isIsolated = false
    else if (ended > 0) this.#isIsolated = passed < fewPass * ended
    return this.#isIsolated
  }

  #areLost(): boolean {
    return this.#failures.length > 0 && this.#failures.every((count) => count >= lostAfter)
  }

  #turn(nowMs: number): void {
    if (nowMs - this.#bucketFromMs < bucketMs) return
    const isNext = nowMs - this.#bucketFromMs < 2 * bucketMs
    this.#older = isNext ? this.#recent : { pass: 0, fail: 0 }
    this.#recent = { pass: 0, fail: 0 }
    this.#bucketFromMs = nowMs
  }

  #forget(): void {
    this.#recent = { pass: 0, fail: 0 }
    this.#older = { pass: 0, fail: 0 }
  }
}
