// The checks of one address of one member: what was observed, the findings, and when to check again.

import type { ScheduledProbe } from '../probe/schedule/scheduler.ts'
import type { DnsLists, ListResult } from './dns-list.ts'
import {
  type Finding,
  findingKey,
  findingsOf,
  type Greeting,
  type CheckedAddress,
  checkedAddressKey,
  type Reverse,
  checkReverse,
} from './findings.ts'
import { type Listing, nextListing } from './listing.ts'
import type { StubResolver } from '../resolver/stub-resolver.ts'

export interface FindingChange {
  readonly finding: Finding
  readonly isRaised: boolean
}

/** Clients of the sources that a reputation check queries. */
export interface LookupClients {
  readonly resolver: StubResolver
  readonly lists: DnsLists
}

/** Minimum interval of checks while a listing is not believed yet. */
const shortestFastMs = 1000

export class ReputationCheck implements ScheduledProbe {
  readonly watched: CheckedAddress
  readonly key: string
  readonly destination: string
  readonly intervalMs: number
  readonly fastIntervalMs: number
  readonly #run: (job: ReputationCheck) => Promise<void>
  #greeting: Greeting | null = null
  #reverse: Reverse | null = null
  #listings: ReadonlyMap<string, Listing> = new Map()
  #findings: readonly Finding[] = []
  #checkedAtMs: number | null = null
  #hasJudgedGreeting = false

  constructor(watched: CheckedAddress, look: (job: ReputationCheck) => Promise<void>) {
    const { intervalMs, holdMs } = watched.profile
    this.watched = watched
    this.key = checkedAddressKey(watched)
    this.destination = watched.address
    this.intervalMs = intervalMs
    this.fastIntervalMs = Math.min(intervalMs, Math.max(shortestFastMs, holdMs / 3))
    this.#run = look
  }

  /** Whether a listing is not believed yet: checks then follow each other at the fast interval. */
  isUndecided(): boolean {
    return [...this.#listings.values()].some(({ isBelieved }) => !isBelieved)
  }

  run(done: () => void): void {
    void this.#run(this).finally(done)
  }

  /** Takes the names of the last probe. They are judged at once the first time, later with every check. */
  observeGreeting(greeting: Greeting): readonly FindingChange[] {
    this.#greeting = greeting
    if (this.#hasJudgedGreeting) return []
    this.#hasJudgedGreeting = true
    return this.#judge()
  }

  async check(
    { resolver, lists }: LookupClients,
    now: () => number,
  ): Promise<readonly FindingChange[]> {
    const { profile, address } = this.watched
    const [reverse, ...results] = await Promise.all([
      profile.ptr ? checkReverse(resolver, address) : null,
      ...profile.lists.map((list) => lists.query(list, address)),
    ])
    // A failed lookup does not replace an earlier result.
    if (reverse?.kind !== 'unknown' || this.#reverse === null) this.#reverse = reverse
    this.#listings = this.#nextListings(results, now())
    this.#checkedAtMs = now()
    return this.#judge()
  }

  /** Checks the greeting alone, where there is no resolver. */
  checkGreeting(nowMs: number): readonly FindingChange[] {
    this.#checkedAtMs = nowMs
    return this.#judge()
  }

  /** Whether enough lists have a believed listing. */
  isListed(): boolean {
    const believed = [...this.#listings.values()].filter(({ isBelieved }) => isBelieved)
    return believed.length > 0 && believed.length >= this.watched.profile.agree
  }

  findings(): readonly Finding[] {
    return this.#findings
  }

  view(): ReputationView {
    return {
      greeting: this.#greeting,
      reverse: this.#reverse,
      listings: this.#listings,
      checkedAtMs: this.#checkedAtMs,
    }
  }

  #nextListings(results: readonly ListResult[], nowMs: number): ReadonlyMap<string, Listing> {
    const { lists, holdMs } = this.watched.profile
    const next = new Map<string, Listing>()
    for (const [i, list] of lists.entries()) {
      const result = results[i] ?? { kind: 'unknown', why: 'not-asked' }
      const listing = nextListing(this.#listings.get(list) ?? null, { result, nowMs, holdMs })
      if (listing) next.set(list, listing)
    }
    return next
  }

  #judge(): readonly FindingChange[] {
    const before = this.#findings
    const seen = { greeting: this.#greeting, reverse: this.#reverse, listings: this.#listings }
    this.#findings = findingsOf(this.watched, seen)
    const raised = this.#findings.filter((one) => !isIn(before, one))
    const lowered = before.filter((one) => !isIn(this.#findings, one))
    return [
      ...raised.map((finding) => ({ finding, isRaised: true })),
      ...lowered.map((finding) => ({ finding, isRaised: false })),
    ]
  }
}

const isIn = (list: readonly Finding[], one: Finding): boolean =>
  list.some((other) => findingKey(other) === findingKey(one))

export interface ReputationView {
  readonly greeting: Greeting | null
  readonly reverse: Reverse | null
  /** By name of the list, those not believed yet included. */
  readonly listings: ReadonlyMap<string, Listing>
  /** When it was last checked (monotonic); null before the first time. */
  readonly checkedAtMs: number | null
}
