// Watches the reputation of members' addresses, at long intervals with jitter: names in greetings, reverse mapping, DNS
// lists. Findings are logged and shown and take no member out; a believed listing may reduce a weight (listing.ts).

import { type Clock, type Random, type Timer, systemTimer } from '../lib/clock.ts'
import type { Outcome } from '../health/outcome.ts'
import { Scheduler } from '../probe/schedule/scheduler.ts'
import type { ResolverCounters, StubResolver } from '../resolver/stub-resolver.ts'
import { type DnsLists, type ListState, createDnsLists } from './dns-list.ts'
import { greetingOf, type Finding, type CheckedAddress, checkedAddressKey } from './findings.ts'
import { ratePool } from './listing.ts'
import { type FindingChange, ReputationCheck, type ReputationView } from './reputation-check.ts'

export interface ReputationWatch {
  /** Replaces the addresses; the state of those that stay unchanged is kept. */
  update(identities: readonly CheckedAddress[]): void
  /** Takes the outcome of a probe of a served address, for the names in its dialogue. */
  observeProbe(probed: ProbedAddress, outcome: Outcome): void
  /** Share of its weight that a member keeps: 1 or less. */
  shareOf(member: MemberName): number
  /** Adds a listener, called after any share has changed. */
  onChange(listener: () => void): void
  states(): readonly ReputationState[]
  lists(): readonly ListState[]
  /** null if no resolver is configured. */
  counters(): ResolverCounters | null
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

export interface ReputationState extends ReputationView {
  readonly watched: CheckedAddress
  readonly findings: readonly Finding[]
  /** Milliseconds since the last check; null before the first. */
  readonly ageMs: number | null
}

interface ReputationEvent extends FindingChange {
  readonly watched: CheckedAddress
}

interface MassListing {
  readonly zone: string
  readonly pool: string
  readonly isRaised: boolean
}

export interface ReputationWatchOptions {
  /** null checks greetings alone. */
  readonly resolver: StubResolver | null
  readonly clock: Clock
  readonly random: Random
  /** Name of this instance: instances check at different times. */
  readonly instance?: string
  readonly onFinding: (event: ReputationEvent) => void
  readonly onList: (state: ListState) => void
  readonly onMass: (event: MassListing) => void
  /** Called at each update with a check that needs a resolver while none is configured. */
  readonly onNoResolver: () => void
  readonly timer?: Timer
}

export const createReputationWatch = (options: ReputationWatchOptions): ReputationWatch =>
  new ScheduledReputationWatch(options)

/** Maximum number of checks in flight; each sends a few queries. */
const inFlightLimit = 64

class ScheduledReputationWatch implements ReputationWatch {
  readonly #options: ReputationWatchOptions
  readonly #scheduler: Scheduler
  readonly #lists: DnsLists | null
  #checks = new Map<string, ReputationCheck>()
  /** Checks by zone, target and address: a target may be in several pools. */
  #byAddress: ReadonlyMap<string, readonly ReputationCheck[]> = new Map()
  #shares = new Map<string, number>()
  readonly #listeners: (() => void)[] = []
  readonly #mass = new Map<string, Omit<MassListing, 'isRaised'>>()

  constructor(options: ReputationWatchOptions) {
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

  update(identities: readonly CheckedAddress[]): void {
    const next = new Map<string, ReputationCheck>()
    const added: ReputationCheck[] = []
    for (const watched of identities) {
      const kept = this.#checks.get(checkedAddressKey(watched))
      if (kept && isSame(kept.watched, watched)) next.set(kept.key, kept)
      else {
        const job = new ReputationCheck(watched, (one) => this.#check(one))
        next.set(job.key, job)
        added.push(job)
      }
    }
    for (const job of this.#checks.values())
      if (next.get(job.key) !== job) this.#scheduler.remove(job)
    this.#checks = next
    this.#byAddress = Map.groupBy(next.values(), ({ watched }) => addressKey(watched))
    this.#scheduler.add(added)
    if (this.#options.resolver === null && identities.some(needsResolver))
      this.#options.onNoResolver()
    this.#rate()
  }

  observeProbe(probed: ProbedAddress, { dialogue }: Outcome): void {
    if (this.#byAddress.size === 0) return
    const jobs = this.#byAddress.get(addressKey(probed))
    if (!jobs) return
    const greeting = greetingOf(dialogue)
    if (greeting) for (const job of jobs) this.#report(job, job.observeGreeting(greeting))
  }

  shareOf(member: MemberName): number {
    return this.#shares.get(memberKey(member)) ?? 1
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  states(): readonly ReputationState[] {
    const nowMs = this.#options.clock.monotonicMs()
    return [...this.#checks.values()].map((job) => {
      const view = job.view()
      return {
        ...view,
        watched: job.watched,
        findings: job.findings(),
        ageMs: view.checkedAtMs === null ? null : nowMs - view.checkedAtMs,
      }
    })
  }

  lists(): readonly ListState[] {
    return this.#lists?.states() ?? []
  }

  counters(): ResolverCounters | null {
    return this.#options.resolver?.counters() ?? null
  }

  stop(): void {
    this.#scheduler.stop()
    this.#checks = new Map()
    this.#byAddress = new Map()
  }

  async #check(job: ReputationCheck): Promise<void> {
    const { resolver, clock } = this.#options
    const now = (): number => clock.monotonicMs()
    const changes =
      resolver && this.#lists
        ? await job.check({ resolver, lists: this.#lists }, now)
        : job.checkGreeting(now())
    // The check was replaced or stopped meanwhile.
    if (this.#checks.get(job.key) !== job) return
    this.#report(job, changes)
    this.#rate()
  }

  #report({ watched }: ReputationCheck, changes: readonly FindingChange[]): void {
    for (const change of changes) this.#options.onFinding({ watched, ...change })
  }

  /** Rates all pools: checks are rare, and one listing may change the shares of its whole pool. */
  #rate(): void {
    const { onMass } = this.#options
    const before = this.#shares
    const shares = new Map<string, number>()
    const pools = Map.groupBy(this.#checks.values(), ({ watched: { zone, pool } }) =>
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

/** Groups the addresses by target: a target is listed if one of its addresses is. */
function ratedMembers(jobs: readonly ReputationCheck[]): Parameters<typeof ratePool>[0] {
  const byTarget = Map.groupBy(jobs, ({ watched }) => watched.target)
  return [...byTarget].map(([target, ofTarget]) => ({
    target,
    weight: ofTarget[0]?.watched.weight ?? 0,
    isListed: ofTarget.some((job) => job.isListed()),
    listedShare: ofTarget[0]?.watched.profile.listedShare ?? 1,
  }))
}

const needsResolver = ({ profile }: CheckedAddress): boolean =>
  profile.ptr || profile.lists.length > 0

const poolKey = (zone: string, pool: string): string => `${zone} ${pool}`
const memberKey = ({ zone, pool, target }: MemberName): string => `${zone} ${pool} ${target}`
const addressKey = ({ zone, target, address }: ProbedAddress): string =>
  `${zone} ${target} ${address}`

const isSame = (one: CheckedAddress, other: CheckedAddress): boolean =>
  JSON.stringify(one) === JSON.stringify(other)

const isSameMap = (one: ReadonlyMap<string, number>, other: ReadonlyMap<string, number>): boolean =>
  one.size === other.size && [...one].every(([key, value]) => other.get(key) === value)
