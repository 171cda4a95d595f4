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
//
// The same by address family, since the IPv6 uplink of a host can fail alone (a black hole: no router answers either):
//
//   canaries of the family   the family is
//   some                     as above, by its canaries and its targets alone
//   none                     connected: silence counts as dead
//
// There is no rule without canaries of the family, since a site that died looks the same from here, and it looks so to
// every instance: none would vote. A dead site that stays in the answers costs more than IPv6 that is left out while IPv4
// is answered: a member counts as its best address does.

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

  /** Whether no canary answers any more; false without any. */
  get areAllLost(): boolean {
    return this.#failures.length > 0 && this.#failures.every((count) => count >= lostAfter)
  }

  /** Records the result of one round of the canary with this index. */
  recordCanary(index: number, isReached: boolean): void {
    const wereLost = this.areAllLost
    this.#failures[index] = isReached ? 0 : (this.#failures[index] ?? 0) + 1
    // Results from before the loss say nothing about the time after it.
    if (!wereLost && this.areAllLost) this.#resetTallies()
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
    if (!this.areAllLost) this.#isIsolated = false
    else if (ended > 0) this.#isIsolated = passed < isolatedBelowPassShare * ended
    return this.#isIsolated
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

export type Family = 4 | 6

const families: readonly Family[] = [4, 6]

/** The address family of an address in text. */
export const familyOf = (address: string): Family => (address.includes(':') ? 6 : 4)

/** What a probe says of the path to its address; `none`: the host answered, and was silent later. */
export type PathEvidence = 'answered' | 'silent' | 'none'

/** A family that begins to be isolated, or is no longer. */
export interface FamilyChange {
  readonly family: Family
  readonly isOver: boolean
  /** Number of canaries of the family. */
  readonly canaries: number
}

/** Decides which address families of this host are isolated, by the second table above. Times are monotonic milliseconds. */
export class FamilyIsolation {
  /** Family of each canary and its index within the family, by the index among all. */
  readonly #places: readonly { readonly family: Family; readonly index: number }[]
  readonly #paths: Readonly<Record<Family, FamilyPath>>

  /** `canaries`: their addresses. */
  constructor(canaries: readonly string[]) {
    const counts: Record<Family, number> = { 4: 0, 6: 0 }
    this.#places = canaries.map((address) => {
      const family = familyOf(address)
      return { family, index: counts[family]++ }
    })
    this.#paths = { 4: new FamilyPath(counts[4]), 6: new FamilyPath(counts[6]) }
  }

  /** Records the result of one round of the canary with this index, which took from `startedMs` to `endedMs`. */
  recordCanary(index: number, isReached: boolean, startedMs: number, endedMs: number): void {
    const place = this.#places[index]
    if (!place) return
    const { family } = place
    this.#paths[family].recordCanary(place.index, isReached, startedMs)
    if (isReached) this.#otherOf(family).recordOtherAnswer(endedMs)
  }

  /** Records a probe of a target that ended now. */
  recordTarget(address: string, evidence: PathEvidence, nowMs: number): void {
    if (evidence === 'none') return
    const family = familyOf(address)
    const isAnswer = evidence === 'answered'
    this.#paths[family].isolation.recordTarget(isAnswer, nowMs)
    if (isAnswer) this.#otherOf(family).recordOtherAnswer(nowMs)
  }

  /** Whether a silence of an address of this family is no verdict on it. */
  isIsolated(family: Family, nowMs: number): boolean {
    return this.#paths[family].isolation.isIsolated(nowMs)
  }

  /** The families that have been reported as isolated. */
  isolated(): readonly Family[] {
    return families.filter((family) => this.#paths[family].isReported)
  }

  /**
   * Returns the changes since the last call. A family is reported only where the other one answers meanwhile, so that
   * the beginning and the end of the isolation of the whole host are not reported by family as well.
   */
  takeChanges(nowMs: number): readonly FamilyChange[] {
    return families.flatMap((family) => {
      const path = this.#paths[family]
      const isIsolated = path.isolation.isIsolated(nowMs)
      const next = isIsolated && (path.isReported || path.isOtherAlive)
      if (next === path.isReported) return noChanges
      path.isReported = next
      return [{ family, isOver: !next, canaries: path.canaries }]
    })
  }

  #otherOf(family: Family): FamilyPath {
    return this.#paths[family === 4 ? 6 : 4]
  }
}

const noChanges: readonly FamilyChange[] = []

/** What is known of one family. */
class FamilyPath {
  readonly canaries: number
  readonly isolation: Isolation
  isReported = false
  /** Of the answers of the other family since this was last compared, the first; null: none, or some canary answers. */
  #otherAnsweredMs: number | null = null
  #isOtherAlive = false

  constructor(canaries: number) {
    this.canaries = canaries
    this.isolation = new Isolation(canaries)
  }

  /**
   * Whether the other family answers while the canaries of this one do not: by the last round of a canary, which failed
   * although it began after such an answer. One that began before it says nothing: all may have come back meanwhile.
   */
  get isOtherAlive(): boolean {
    return this.#isOtherAlive
  }

  recordCanary(index: number, isReached: boolean, startedMs: number): void {
    this.isolation.recordCanary(index, isReached)
    this.#isOtherAlive =
      !isReached && this.#otherAnsweredMs !== null && startedMs >= this.#otherAnsweredMs
    if (isReached || this.#isOtherAlive) this.#otherAnsweredMs = null
  }

  recordOtherAnswer(nowMs: number): void {
    if (this.isolation.areAllLost) this.#otherAnsweredMs ??= nowMs
  }
}
