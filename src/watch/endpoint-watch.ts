// Watches endpoints: probes each on its schedule, judges it with the votes of the other instances and keeps the health
// table.
//
// A slot that leaves the set is reset to unknown and its probe aborted. One that stays keeps its state and its phase. An
// endpoint that only gets other settings or another slot keeps its health. Nothing is down before the first round of
// probes is done (first-round.ts), and what may be a fault of this host is no verdict (local-fault.ts).

import type { ClusterVotes } from '../cluster/cluster-votes.ts'
import { slowStartStepMs } from '../health/effective-weight.ts'
import type { Outcome } from '../health/outcome.ts'
import type { SavedDamping, TwoClocks } from '../health/saved-damping.ts'
import { type HealthWriter, isOut, SlotState } from '../health/table.ts'
import { type Timer, type Clock, type Random, systemTimer } from '../lib/clock.ts'
import type { InFlightLimits } from '../probe/schedule/in-flight-limiter.ts'
import { Scheduler, type SchedulerCounters } from '../probe/schedule/scheduler.ts'
import type { WatchedAddress } from '../probe/smtp/profile.ts'
import { probeAddress, type ProbeRequest } from '../probe/smtp/smtp-probe.ts'
import { FirstRound } from './first-round.ts'
import { ProbeAssignments } from './probe-assignments.ts'
import {
  type Canary,
  type LocalFaultEvent,
  type LocalFaultState,
  LocalFaultDetector,
} from './local-fault.ts'
import { slotKey } from './slot-key.ts'
import type { StartSource } from './start-watch.ts'
import { EndpointHealth } from './endpoint-health.ts'
import { describeAlerts, isolationReasons, type TargetAlert } from './target-alerts.ts'
import { WatchedEndpoint } from './watched-endpoint.ts'
import { slotsOfPools, type WatchedPool, WatchedPools } from './watched-pools.ts'
import {
  describeChange,
  describeState,
  type Transition,
  type WatchedState,
} from './watched-state.ts'

export interface EndpointWatch {
  /** Replaces the watched addresses and the pools that they are in. Slot 0 is never probed and is left out. */
  update(addresses: readonly WatchedAddress[], pools?: readonly WatchedPool[]): void
  /** One entry for each watched address. */
  states(): readonly WatchedState[]
  /** How many there are, and how many of them are up: for those who need no more. */
  addressCounts(): AddressCounts
  /** Has the addresses of a target probed now. Returns those that this instance probes. */
  probeNow(zone: string, target: string): readonly string[]
  /** Whether every slot of the first set has had a finished probe; stays true over reloads. */
  firstRoundDone(): boolean
  /** Returns the damped verdicts by slot key, for the state file. */
  savedVerdicts(): VerdictsByKey
  counters(): SchedulerCounters
  /** Whether probes start, and how to begin the schedule anew. */
  schedule(): StartSource
  localFaults(): LocalFaultState
  /** Of all probed addresses, those whose last probe failed by a fault of this host other than isolation. */
  ownFaults(): OwnFaults
  /** Aborts the probes in flight and resolves once their sockets are closed. The table stays as it is. */
  stop(): Promise<void>
}

interface AddressCounts {
  readonly up: number
  readonly of: number
}

/** `blind`: those of which no probe has said anything for long. `reasons`: each reason once, with commas. */
interface OwnFaults {
  readonly count: number
  readonly blind: number
  readonly of: number
  readonly reasons: string
}

type VerdictsByKey = ReadonlyMap<string, SavedDamping>

interface EndpointWatchOptions {
  /** The health table that the watch writes. */
  readonly table: HealthWriter
  readonly clock: Clock
  readonly random: Random
  /** Votes of all instances, and which of them probes what. */
  readonly cluster: ClusterVotes
  /** Verdicts from before the start, by slot key. */
  readonly restored?: VerdictsByKey
  readonly onTransition: (transition: Transition) => void
  readonly onAlert?: (alert: TargetAlert) => void
  /** Called with every outcome, once for each address of the endpoint. */
  readonly onOutcome?: (watched: WatchedAddress, outcome: Outcome) => void
  readonly onLocalFault?: (event: LocalFaultEvent) => void
  /** Called at each start of a probe with the milliseconds since it was due. */
  readonly onStart?: (lateMs: number) => void
  /** Called twice a second with how late the event loop was. */
  readonly onLoopDelay?: (lateMs: number) => void
  /** Addresses by which the watch detects that this host is cut off. */
  readonly canaries?: readonly Canary[]
  /** Limits of probes in flight, where they are not the defaults. */
  readonly limits?: Partial<InFlightLimits>
  /** Name of this instance: instances probe at different times of the interval. */
  readonly instance?: string
  /** The prober; probeAddress by default. Resolves once the socket is closed, never rejects. */
  readonly probe?: (request: ProbeRequest, clock: Clock) => Promise<Outcome>
  /** Simulated time in tests. */
  readonly timer?: Timer
}

export const createEndpointWatch = (options: EndpointWatchOptions): EndpointWatch =>
  new ScheduledEndpointWatch(options)

class ScheduledEndpointWatch implements EndpointWatch {
  readonly #options: EndpointWatchOptions
  readonly #scheduler: Scheduler
  readonly #localFaults: LocalFaultDetector
  readonly #firstRound: FirstRound<WatchedEndpoint>
  readonly #slowStarts: SlowStartSteps
  readonly #pools = new WatchedPools()
  readonly #assignments: ProbeAssignments
  #endpoints = new Map<number, WatchedEndpoint>()
  readonly #byKey = new Map<string, WatchedEndpoint>()
  readonly #inFlight = new InFlightCounter()
  readonly #unsubscribe: () => void
  readonly #isAway = (row: number): boolean => {
    const { table } = this.#options
    return isOut(table.standing(row)) || table.share(row) === 0
  }

  constructor(options: EndpointWatchOptions) {
    const { clock, cluster, timer = systemTimer, probe = probeAddress } = options
    const { canaries = [], onLocalFault = () => {} } = options
    this.#options = options
    this.#scheduler = new Scheduler({ ...options, timer })
    const onRelease = (): void => this.#judgeAll()
    this.#localFaults = new LocalFaultDetector({
      ...options,
      timer,
      probe,
      canaries,
      onLocalFault,
      onRelease,
    })
    this.#firstRound = new FirstRound(timer, () => this.#judgeAll())
    this.#slowStarts = new SlowStartSteps(timer, (health) =>
      health.write(options.table, clock.monotonicMs()),
    )
    this.#unsubscribe = cluster.subscribe((key) => {
      const endpoint = this.#byKey.get(key)
      if (endpoint) this.#judge(endpoint)
    })
    const endpoints = (): Iterable<WatchedEndpoint> => this.#endpoints.values()
    const onAssignmentChange = (): void => this.#endpoints.forEach((one) => this.#voteAndJudge(one))
    const parts = {
      scheduler: this.#scheduler,
      firstRound: this.#firstRound,
      localFaults: this.#localFaults,
    }
    this.#assignments = new ProbeAssignments({
      ...parts,
      cluster,
      clock,
      endpoints,
      onAssignmentChange,
    })
  }

  update(addresses: readonly WatchedAddress[], pools: readonly WatchedPool[] = []): void {
    const wanted = Map.groupBy(addresses, (address) => address.slot)
    wanted.delete(0)
    const removed = this.#removeChanged(wanted)
    const added: WatchedEndpoint[] = []
    for (const [slot, group] of wanted) {
      const kept = this.#endpoints.get(slot)
      if (kept) kept.health.addresses = group
      else added.push(this.#add(group, removed))
    }
    this.#pools.replace(pools)
    this.#localFaults.replace(slotsOfPools(pools), [...this.#endpoints.keys()])
    this.#assignments.add(added)
    for (const endpoint of added) this.#voteAndJudge(endpoint)
    this.#firstRound.start()
  }

  states(): readonly WatchedState[] {
    return [...this.#endpoints.values()].flatMap((endpoint) =>
      describeState(endpoint.health, this.#scheduler.nextInMs(endpoint), this.#options.clock),
    )
  }

  addressCounts(): AddressCounts {
    let [up, of] = [0, 0]
    for (const { health } of this.#endpoints.values()) {
      of += health.addresses.length
      if (health.state === SlotState.up) up += health.addresses.length
    }
    return { up, of }
  }

  probeNow(zone: string, target: string): readonly string[] {
    return [...this.#endpoints.values()].flatMap((endpoint) => {
      const own = endpoint.health.addresses.filter(
        (one) => one.zone === zone && one.target === target,
      )
      return own.length > 0 && this.#scheduler.startNow(endpoint)
        ? own.map(({ address }) => address)
        : []
    })
  }

  firstRoundDone(): boolean {
    return this.#firstRound.isDone
  }

  savedVerdicts(): VerdictsByKey {
    const clocks = readClocks(this.#options.clock)
    const saved = new Map<string, SavedDamping>()
    for (const { health } of this.#endpoints.values()) {
      const verdict = health.save(clocks)
      if (verdict) saved.set(health.key, verdict)
    }
    return saved
  }

  counters(): SchedulerCounters {
    return this.#scheduler.counters()
  }

  schedule(): StartSource {
    return this.#scheduler
  }

  localFaults(): LocalFaultState {
    return this.#localFaults.state()
  }

  ownFaults(): OwnFaults {
    const reasons: string[] = []
    let blind = 0
    for (const { health } of this.#endpoints.values()) {
      const { kind, reason } = health.lastOutcome ?? {}
      if (kind === 'self' && reason && !isolationReasons.has(reason)) reasons.push(reason)
      if (health.alerts.isRaised('prober-blind')) blind++
    }
    const different = [...new Set(reasons)].sort().join(', ')
    return { count: reasons.length, blind, of: this.#endpoints.size, reasons: different }
  }

  async stop(): Promise<void> {
    this.#unsubscribe()
    this.#assignments.stop()
    this.#scheduler.stop()
    this.#firstRound.stop()
    this.#slowStarts.stop()
    for (const endpoint of this.#endpoints.values()) endpoint.abort()
    this.#endpoints = new Map()
    await Promise.all([this.#inFlight.idle(), this.#localFaults.stop()])
  }

  /** Removes every endpoint that is gone or has other settings. Returns their health by dialogue key. */
  #removeChanged(
    wanted: ReadonlyMap<number, readonly WatchedAddress[]>,
  ): ReadonlyMap<string, EndpointHealth> {
    const removed = new Map<string, EndpointHealth>()
    for (const [slot, endpoint] of this.#endpoints) {
      const next = wanted.get(slot)?.[0]
      if (next && slotKey(next) === endpoint.key) continue
      this.#remove(endpoint)
      removed.set(endpoint.health.dialogueKey, endpoint.health)
    }
    return removed
  }

  #remove(endpoint: WatchedEndpoint): void {
    const { slot } = endpoint.health
    endpoint.abort()
    this.#scheduler.remove(endpoint)
    this.#endpoints.delete(slot)
    this.#firstRound.remove(endpoint)
    this.#assignments.remove(endpoint)
    this.#slowStarts.remove(endpoint.health)
    this.#pools.setDown(slot, false)
    if (this.#byKey.get(endpoint.key) === endpoint) this.#byKey.delete(endpoint.key)
    this.#options.cluster.withdraw(endpoint.key)
    this.#options.table.set(slot, SlotState.unknown, 1, Infinity)
  }

  #add(
    group: readonly WatchedAddress[],
    removed: ReadonlyMap<string, EndpointHealth>,
  ): WatchedEndpoint {
    const { clock, probe = probeAddress, restored = new Map() } = this.#options
    const health = new EndpointHealth(group, clock.monotonicMs())
    const before = removed.get(health.dialogueKey)
    if (before) health.inherit(before)
    else if (restore(health, restored, clock)) this.#firstRound.markKnown()
    const endpoint = new WatchedEndpoint(health, {
      probe: (signal) => {
        this.#inFlight.begin()
        return probe(health.request(clock.monotonicMs(), signal), clock)
      },
      onOutcome: (outcome) => this.#observe(endpoint, outcome),
      onEnd: () => this.#inFlight.end(),
    })
    this.#endpoints.set(health.slot, endpoint)
    this.#byKey.set(endpoint.key, endpoint)
    if (health.lastOutcome === null) this.#firstRound.add(endpoint)
    return endpoint
  }

  #judgeAll(): void {
    for (const endpoint of this.#endpoints.values()) this.#judge(endpoint)
  }

  #observe(endpoint: WatchedEndpoint, observed: Outcome): void {
    const { clock, onOutcome } = this.#options
    const { health } = endpoint
    const wasFailing = health.isFailing
    const outcome = this.#localFaults.screen(observed, health.address)
    health.observe(outcome, clock.monotonicMs())
    if (health.isFailing !== wasFailing) this.#localFaults.observe(health.slot, health.isFailing)
    for (const address of health.addresses) onOutcome?.(address, outcome)
    this.#voteAndJudge(endpoint)
    this.#firstRound.complete(endpoint)
  }

  #voteAndJudge(endpoint: WatchedEndpoint): void {
    const vote = endpoint.changedVote()
    if (vote) this.#options.cluster.publish(vote)
    this.#judge(endpoint)
  }

  #judge(endpoint: WatchedEndpoint): void {
    const { table, clock, cluster, onTransition, onAlert } = this.#options
    const { health } = endpoint
    const { slot } = health
    const nowMs = clock.monotonicMs()
    const votes = cluster.votes(endpoint.key)
    const isKnown = !this.#firstRound.acceptsDown && endpoint.isKnown(votes)
    if (isKnown) this.#firstRound.markKnown()
    const change = health.judge(votes, nowMs, {
      acceptsDown: this.#firstRound.acceptsDown || isKnown,
      treatsAllAlike: this.#firstRound.treatsAllAlike,
      isMassFailure: this.#localFaults.isMassFailure(slot),
      isPoolShort: () => this.#pools.isInShortPool(slot, this.#isAway),
      isCutOff: cluster.status().degraded,
    })
    health.write(table, nowMs)
    this.#slowStarts.track(health)
    if (change) for (const transition of describeChange(health, change)) onTransition(transition)
    const alerts = health.updateAlerts(votes, nowMs)
    if (alerts.length > 0) for (const alert of describeAlerts(health, alerts)) onAlert?.(alert)
    for (const other of this.#pools.setDown(slot, health.isConfirmedDown()))
      this.#judgeKeptAsSuspect(other)
  }

  /** Judges a slot of a pool that became short, or is short no longer, if the slot may be kept as suspect. */
  #judgeKeptAsSuspect(slot: number): void {
    const endpoint = this.#endpoints.get(slot)
    if (endpoint?.health.canBeKeptAsSuspect()) this.#judge(endpoint)
  }
}

/** Counts probes in flight. A number and not a promise each, since a thousand a second begin and end. */
class InFlightCounter {
  #count = 0
  #onIdle: (() => void) | null = null

  begin(): void {
    this.#count++
  }

  end(): void {
    if (--this.#count === 0) this.#onIdle?.()
  }

  /** Resolves once nothing is in flight. One caller at a time. */
  idle(): Promise<void> {
    if (this.#count === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#onIdle = resolve
    })
  }
}

const shortestStepMs = 50

/** Writes the steps of slow start for all endpoints that recover, by one timer for the shortest step. */
class SlowStartSteps {
  readonly #recovering = new Set<EndpointHealth>()
  readonly #timer: Timer
  readonly #write: (health: EndpointHealth) => void
  #cancel: (() => void) | null = null

  constructor(timer: Timer, write: (health: EndpointHealth) => void) {
    this.#timer = timer
    this.#write = write
  }

  /** Follows the endpoint while it is in slow start. To be called after its row was written. */
  track(health: EndpointHealth): void {
    if (health.isInSlowStart()) this.#recovering.add(health)
    this.#plan()
  }

  remove(health: EndpointHealth): void {
    this.#recovering.delete(health)
  }

  stop(): void {
    this.#cancel?.()
  }

  #plan(): void {
    if (this.#cancel !== null || this.#recovering.size === 0) return
    let stepMs = Infinity
    for (const { profile } of this.#recovering) {
      stepMs = Math.min(stepMs, slowStartStepMs(profile.slowStartSeconds))
    }
    this.#cancel = this.#timer(Math.max(shortestStepMs, stepMs), () => this.#step())
  }

  #step(): void {
    this.#cancel = null
    for (const health of this.#recovering) {
      this.#write(health)
      if (!health.isInSlowStart()) this.#recovering.delete(health)
    }
    this.#plan()
  }
}

const readClocks = (clock: Clock): TwoClocks => ({
  wallMs: clock.wallMs(),
  monotonicMs: clock.monotonicMs(),
})

/** Restores the health from before the start. Returns false if nothing is known, or nothing recent. */
function restore(health: EndpointHealth, restored: VerdictsByKey, clock: Clock): boolean {
  const saved = restored.get(health.key)
  return saved !== undefined && health.restore(saved, readClocks(clock))
}
