// Watches what members look like from outside, at a slow cadence with jitter: names in greetings, reverse mapping, DNS
// lists. What it finds is told and shown, and takes nobody out; a believed listing may shift weight (listing.ts).

import { type Clock, type Random, type Timer, systemTimer } from '../lib/clock.ts'
import type { Outcome } from '../health/outcome.ts'
import { Scheduler } from '../probe/schedule/scheduler.ts'
import type { StubCounters, StubResolver } from '../resolver/stub-resolver.ts'
import { type DnsLists, type ListState, createDnsLists } from './dns-list.ts'
import { greetingOf, type Finding, type WatchedIdentity, identityKey } from './findings.ts'
import { ratePool } from './listing.ts'
import { type FindingChange, IdentityJob, type IdentityView } from './reputation-check.ts'

export interface IdentityWatch {
  /** Replaces the set; what is known of those that stay as they were is kept. */
  watch(identities: readonly WatchedIdentity[]): void
  /** A probe of the served address has ended. */
  hear(probed: ProbedAddress, outcome: Outcome): void
  /** What the reputation of a member makes of its weight: 1, or less. */
  shareOf(member: MemberName): number
  /** Calls back when some share is another. */
  onChange(listener: () => void): void
  states(): readonly IdentityState[]
  lists(): readonly ListState[]
  /** null: no resolver is set. */
  counters(): StubCounters | null
  stop(): void
}

interface ProbedAddress {
  readonly zone: string
  readonly target: string
  readonly address: string
}

interface MemberName {
  readonly zone: string
  readonly pool: string
  readonly target: string
}

export interface IdentityState extends IdentityView {
  readonly watched: WatchedIdentity
  readonly findings: readonly Finding[]
  /** How long ago the last look was; null: not yet. */
  readonly ageMs: number | null
}

interface IdentityEvent extends FindingChange {
  readonly watched: WatchedIdentity
}

interface MassListing {
  readonly zone: string
  readonly pool: string
  readonly isRaised: boolean
}

export interface IdentityWatchOptions {
  /** null: greetings alone are looked at. */
  readonly resolver: StubResolver | null
  readonly clock: Clock
  readonly random: Random
  /** Instances look at times of their own. */
  readonly instance?: string
  readonly onFinding: (event: IdentityEvent) => void
  readonly onList: (state: ListState) => void
  readonly onMass: (event: MassListing) => void
  /** Somebody asks for what only a resolver knows, and there is none; once for each such set. */
  readonly onBlind: () => void
  readonly timer?: Timer
}

export const createIdentityWatch = (options: IdentityWatchOptions): IdentityWatch =>
  new Watch(options)

/** Jobs in flight; each asks a handful of questions. */
const inFlightLimit = 64

class Watch implements IdentityWatch {
  readonly #options: IdentityWatchOptions
  readonly #scheduler: Scheduler
  readonly #lists: DnsLists | null
  #jobs = new Map<string, IdentityJob>()
  /** By zone, target and address: a target may be in several pools. */
  #heard: ReadonlyMap<string, readonly IdentityJob[]> = new Map()
  #shares = new Map<string, number>()
  readonly #listeners: (() => void)[] = []
  readonly #mass = new Map<string, Omit<MassListing, 'isRaised'>>()

  constructor(options: IdentityWatchOptions) {
    const { clock, random, resolver, onList, timer = systemTimer, instance = '' } = options
    this.#options = options
    this.#scheduler = new Scheduler({
      clock,
      random,
      timer,
      instance,
      limits: { total: inFlightLimit },
    })
    this.#lists = resolver && createDnsLists({ resolver, clock, onChange: onList })
  }

  watch(identities: readonly WatchedIdentity[]): void {
    const next = new Map<string, IdentityJob>()
    const added: IdentityJob[] = []
    for (const watched of identities) {
      const kept = this.#jobs.get(identityKey(watched))
      if (kept && isSame(kept.watched, watched)) next.set(kept.key, kept)
      else {
        const job = new IdentityJob(watched, (one) => this.#look(one))
        next.set(job.key, job)
        added.push(job)
      }
    }
    for (const job of this.#jobs.values())
      if (next.get(job.key) !== job) this.#scheduler.remove(job)
    this.#jobs = next
    this.#heard = Map.groupBy(next.values(), ({ watched }) => heardKey(watched))
    this.#scheduler.add(added)
    if (this.#options.resolver === null && identities.some(asksResolver)) this.#options.onBlind()
    this.#rate()
  }

  hear(probed: ProbedAddress, { dialogue }: Outcome): void {
    const jobs = this.#heard.get(heardKey(probed))
    if (!jobs) return
    const greeting = greetingOf(dialogue)
    if (greeting) for (const job of jobs) this.#tell(job, job.hear(greeting))
  }

  shareOf(member: MemberName): number {
    return this.#shares.get(memberKey(member)) ?? 1
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  states(): readonly IdentityState[] {
    const nowMs = this.#options.clock.monotonicMs()
    return [...this.#jobs.values()].map((job) => {
      const view = job.view()
      return {
        ...view,
        watched: job.watched,
        findings: job.findings(),
        ageMs: view.lookedAtMs === null ? null : nowMs - view.lookedAtMs,
      }
    })
  }

  lists(): readonly ListState[] {
    return this.#lists?.states() ?? []
  }

  counters(): StubCounters | null {
    return this.#options.resolver?.counters() ?? null
  }

  stop(): void {
    this.#scheduler.stop()
    this.#jobs = new Map()
    this.#heard = new Map()
  }

  async #look(job: IdentityJob): Promise<void> {
    const { resolver, clock } = this.#options
    const now = (): number => clock.monotonicMs()
    const changes =
      resolver && this.#lists
        ? await job.look({ resolver, lists: this.#lists }, now)
        : job.lookAtGreeting(now())
    // Replaced or stopped meanwhile.
    if (this.#jobs.get(job.key) !== job) return
    this.#tell(job, changes)
    this.#rate()
  }

  #tell({ watched }: IdentityJob, changes: readonly FindingChange[]): void {
    for (const change of changes) this.#options.onFinding({ watched, ...change })
  }

  /** Every pool anew: looks are rare, and one listing may free the others of the pool. */
  #rate(): void {
    const { onMass } = this.#options
    const before = this.#shares
    const shares = new Map<string, number>()
    const pools = Map.groupBy(this.#jobs.values(), ({ watched: { zone, pool } }) =>
      poolKey(zone, pool),
    )
    for (const [key, jobs] of pools) {
      const [first] = jobs
      if (!first) continue
      const { zone, pool } = first.watched
      const rating = ratePool(ratedMembers(jobs))
      for (const [target, share] of rating.shares)
        shares.set(memberKey({ zone, pool, target }), share)
      if (rating.isMass === this.#mass.has(key)) continue
      if (rating.isMass) this.#mass.set(key, { zone, pool })
      else this.#mass.delete(key)
      onMass({ zone, pool, isRaised: rating.isMass })
    }
    for (const key of this.#mass.keys()) if (!pools.has(key)) this.#mass.delete(key)
    this.#shares = shares
    if (!isSameMap(before, shares)) for (const listener of this.#listeners) listener()
  }
}

/** Addresses of a target together: it is listed if one of them is. */
function ratedMembers(jobs: readonly IdentityJob[]): Parameters<typeof ratePool>[0] {
  const byTarget = Map.groupBy(jobs, ({ watched }) => watched.target)
  return [...byTarget].map(([target, ofTarget]) => ({
    target,
    weight: ofTarget[0]?.watched.weight ?? 0,
    isListed: ofTarget.some((job) => job.isListed()),
    listedShare: ofTarget[0]?.watched.profile.listedShare ?? 1,
  }))
}

const asksResolver = ({ profile }: WatchedIdentity): boolean =>
  profile.ptr || profile.lists.length > 0

const poolKey = (zone: string, pool: string): string => `${zone} ${pool}`
const memberKey = ({ zone, pool, target }: MemberName): string => `${zone} ${pool} ${target}`
const heardKey = ({ zone, target, address }: ProbedAddress): string =>
  `${zone} ${target} ${address}`

const isSame = (one: WatchedIdentity, other: WatchedIdentity): boolean =>
  JSON.stringify(one) === JSON.stringify(other)

const isSameMap = (one: ReadonlyMap<string, number>, other: ReadonlyMap<string, number>): boolean =>
  one.size === other.size && [...one].every(([key, value]) => other.get(key) === value)
