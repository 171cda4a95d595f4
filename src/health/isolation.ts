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
//   canaries of the family   targets of the family                          the family is
//   some                     as above                                       as above
//   none                     one answered last                              connected
//   none                     since one answered, three addresses or more    isolated, if the other family answers: it
//                            at two networks or more fell silent, each of   answered after the first of them fell silent,
//                            which had answered before                      and a probe of this one that began later did not
//   none                     fewer, or all at one network                   connected: a site went down
//
// A network is a /48 of IPv6 and a /16 of IPv4: a site seldom has two, and what is at two is not lost by one fault of a
// site. Without canaries the first answer of the family ends it. Where all targets of a family die at two sites at
// once, and canaries do not say so, they stay as they were: instances at other sites vote on them, this one does not.

import { parseAddress } from '../lib/ip.ts'

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

export type Family = 4 | 6

const families: readonly Family[] = [4, 6]

/** The address family of an address in text. */
export const familyOf = (address: string): Family => (address.includes(':') ? 6 : 4)

/** What a probe says of the path to its address; `none`: the host answered, and was silent later. */
export type PathEvidence = 'answered' | 'silent' | 'none'

/** One probe of a watched address as it ended. Times are monotonic milliseconds. */
export interface PathProbe {
  /** Its slot in the health table: of two ports of an address one can be silent always. */
  readonly slot: number
  readonly address: string
  readonly evidence: PathEvidence
  readonly startedMs: number
  readonly endedMs: number
}

/** A family that begins to be isolated, or is no longer. */
export interface FamilyChange {
  readonly family: Family
  readonly isOver: boolean
  /** Number of canaries of the family. */
  readonly canaries: number
}

/** Decides which address families of this host are isolated, by the second table above. */
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

  /** Records the result of one round of the canary with this index. */
  recordCanary(index: number, isReached: boolean, startedMs: number, endedMs: number): void {
    const place = this.#places[index]
    if (!place) return
    const path = this.#paths[place.family]
    path.isolation.recordCanary(place.index, isReached)
    if (!isReached) return path.recordSilence(startedMs, endedMs)
    path.recordAnswer()
    this.#otherOf(place.family).recordOtherAnswer(endedMs)
  }

  /** Records a probe of a target. */
  recordTarget(probe: PathProbe): void {
    const family = familyOf(probe.address)
    const path = this.#paths[family]
    if (probe.evidence === 'none') return
    const isAnswer = probe.evidence === 'answered'
    path.isolation.recordTarget(isAnswer, probe.endedMs)
    if (!isAnswer) return path.recordSilentTarget(probe)
    path.recordAnsweringTarget(probe.slot)
    this.#otherOf(family).recordOtherAnswer(probe.endedMs)
  }

  /** Forgets a slot that is not probed here any more. */
  forget(slot: number): void {
    for (const family of families) this.#paths[family].forget(slot)
  }

  /** Whether a silence of an address of this family is no verdict on it. */
  isIsolated(family: Family, nowMs: number): boolean {
    return this.#paths[family].isIsolated(nowMs)
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
      const isIsolated = path.isIsolated(nowMs)
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

const minSilentAddresses = 3
const minSilentNetworks = 2

/** What is known of one family. */
class FamilyPath {
  readonly canaries: number
  readonly isolation: Isolation
  isReported = false
  /** Slots whose last probe with evidence was answered. */
  readonly #answering = new Set<number>()
  /** Slots that fell silent since the family last answered; each had answered before. Bounded by the watched slots. */
  readonly #fellSilent = new Map<number, { readonly address: string; readonly network: string }>()
  /** Whether these are enough of addresses and networks; null: to be counted anew. */
  #isWide: boolean | null = false
  /** When the first probe since the last answer of the family ended in silence; null if none did. */
  #silentSinceMs: number | null = null
  /** When the other family first answered after that; null if it did not. */
  #otherAnsweredMs: number | null = null
  #isOtherAlive = false

  constructor(canaries: number) {
    this.canaries = canaries
    this.isolation = new Isolation(canaries)
  }

  /** Whether the other family has answered while this one was silent: a probe of this one that began later was not. */
  get isOtherAlive(): boolean {
    return this.#isOtherAlive
  }

  recordAnswer(): void {
    this.#fellSilent.clear()
    this.#isWide = false
    this.#silentSinceMs = null
    this.#otherAnsweredMs = null
    this.#isOtherAlive = false
  }

  recordAnsweringTarget(slot: number): void {
    this.recordAnswer()
    this.#answering.add(slot)
  }

  recordSilence(startedMs: number, endedMs: number): void {
    this.#silentSinceMs ??= endedMs
    if (this.#otherAnsweredMs !== null && startedMs >= this.#otherAnsweredMs)
      this.#isOtherAlive = true
  }

  recordSilentTarget({ slot, address, startedMs, endedMs }: PathProbe): void {
    this.recordSilence(startedMs, endedMs)
    if (!this.#answering.delete(slot)) return
    this.#fellSilent.set(slot, { address, network: networkOf(address) })
    this.#isWide ||= null
  }

  recordOtherAnswer(nowMs: number): void {
    if (this.#silentSinceMs !== null) this.#otherAnsweredMs ??= nowMs
  }

  forget(slot: number): void {
    this.#answering.delete(slot)
    if (this.#fellSilent.delete(slot)) this.#isWide = null
  }

  isIsolated(nowMs: number): boolean {
    if (this.canaries > 0) return this.isolation.isIsolated(nowMs)
    if (!this.#isOtherAlive) return false
    this.#isWide ??= this.#countWide()
    return this.#isWide
  }

  #countWide(): boolean {
    const silent = [...this.#fellSilent.values()]
    const addresses = new Set(silent.map(({ address }) => address))
    const networks = new Set(silent.map(({ network }) => network))
    return addresses.size >= minSilentAddresses && networks.size >= minSilentNetworks
  }
}

/** The octets of the /16 or /48 of an address. */
function networkOf(address: string): string {
  const octets = parseAddress(address)?.octets ?? []
  return octets.slice(0, octets.length === 4 ? 2 : 6).join('.')
}
