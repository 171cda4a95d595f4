// Watches addresses: probes each on its schedule and keeps the health table.
//
// Slots that leave the set are reset to unknown and their probes aborted; those that stay keep their state and their
// phase; an endpoint that only gets other settings or another slot keeps what is known of it. Nothing is down before
// the first round is done (first-round.ts), and what could be our own fault is doubted (local-fault.ts).

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
import { describeAlerts, type TargetAlert, EndpointHealth } from './endpoint-health.ts'
import { WatchedEndpoint } from './watched-endpoint.ts'
import { slotsOfPools, type WatchedPool, WatchedPools } from './watched-pools.ts'
import {
  describeChange,
  describeState,
  type Transition,
  type WatchedState,
} from './watched-state.ts'

export interface EndpointWatch {
  /** Replaces the set, and the pools that it is for. Slot 0 is nobody's to watch and is left out. */
  update(addresses: readonly WatchedAddress[], pools?: readonly WatchedPool[]): void
  /** One entry for each watched address. */
  states(): readonly WatchedState[]
  /** Every slot of the first set has had a finished probe; stays true over reloads. */
  firstRoundDone(): boolean
  /** What is known, by slot key, to be restored after a restart. */
  savedVerdicts(): VerdictsByKey
  counters(): SchedulerCounters
  /** What is doubted at the moment, and was. */
  localFaults(): LocalFaultState
  /** Aborts what is in flight and waits until its sockets are closed. The table stays as it is. */
  stop(): Promise<void>
}

export const createEndpointWatch = (options: EndpointWatchOptions): EndpointWatch =>
  new ScheduledEndpointWatch(options)

class InFlightCounter {
  #count = 0
  #onLanded: (() => void) | null = null

  begin(): void {
    this.#count++
  }

  end(): void {
    if (--this.#count === 0) this.#onLanded?.()
  }

  /** For one at a time. */
  idle(): Promise<void> {
    if (this.#count === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#onLanded = resolve
    })
  }
}

const shortestStepMs = 50

class SlowStartSteps {
  readonly #recovering = new Set<EndpointHealth>()
  readonly #timer: Timer
  readonly #write: (slot: EndpointHealth) => void
  #cancel: (() => void) | null = null

  constructor(timer: Timer, write: (slot: EndpointHealth) => void) {
    this.#timer = timer
    this.#write = write
  }

  /** To be called when the slot has been written. */
  track(slot: EndpointHealth): void {
    if (slot.isInSlowStart()) this.#recovering.add(slot)
    this.#plan()
  }

  remove(slot: EndpointHealth): void {
    this.#recovering.delete(slot)
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
    for (const slot of this.#recovering) {
      this.#write(slot)
      if (!slot.isInSlowStart()) this.#recovering.delete(slot)
    }
    this.#plan()
  }
}

const clocksOf = (clock: Clock): TwoClocks => ({
  wallMs: clock.wallMs(),
  monotonicMs: clock.monotonicMs(),
})

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

  constructor(options: EndpointWatchOptions) {
    const { clock, exchange, timer = systemTimer, probe = probeAddress } = options
    const { canaries = [], onLocalFault: onDoubt = () => {} } = options
    this.#options = options
    this.#scheduler = new Scheduler({ ...options, timer })
    const onRelease = (): void => this.#judgeAll()
    this.#localFaults = new LocalFaultDetector({
      ...options,
      timer,
      probe,
      canaries,
      onLocalFault: onDoubt,
      onRelease,
    })
    this.#firstRound = new FirstRound(timer, () => this.#judgeAll())
    this.#slowStarts = new SlowStartSteps(timer, (slot) =>
      slot.write(options.table, clock.monotonicMs()),
    )
    this.#unsubscribe = exchange.subscribe((key) => {
      const endpoint = this.#byKey.get(key)
      if (endpoint) this.#judge(endpoint)
    })
    const endpoints = (): Iterable<WatchedEndpoint> => this.#endpoints.values()
    const onShared = (): void => this.#endpoints.forEach((one) => this.#voteAndJudge(one))
    const parts = {
      scheduler: this.#scheduler,
      firstRound: this.#firstRound,
      doubt: this.#localFaults,
    }
    this.#assignments = new ProbeAssignments({ ...parts, exchange, clock, endpoints, onShared })
  }

  update(addresses: readonly WatchedAddress[], pools: readonly WatchedPool[] = []): void {
    const wanted = Map.groupBy(addresses, (watched) => watched.slot)
    wanted.delete(0)
    const gone = this.#removeChanged(wanted)
    const added: WatchedEndpoint[] = []
    for (const [slot, group] of wanted) {
      const kept = this.#endpoints.get(slot)
      if (kept) kept.health.addresses = group
      else added.push(this.#add(group, gone))
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

  firstRoundDone(): boolean {
    return this.#firstRound.isDone
  }

  savedVerdicts(): VerdictsByKey {
    return saveSlots(
      [...this.#endpoints.values()].map(({ health: watched }) => watched),
      this.#options.clock,
    )
  }

  counters(): SchedulerCounters {
    return this.#scheduler.counters()
  }

  localFaults(): LocalFaultState {
    return this.#localFaults.state()
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

  /** Drops every endpoint that is not wanted just so; answers with them, by what they say on the wire. */
  #removeChanged(
    wanted: ReadonlyMap<number, readonly WatchedAddress[]>,
  ): ReadonlyMap<string, EndpointHealth> {
    const gone = new Map<string, EndpointHealth>()
    for (const [slot, endpoint] of this.#endpoints) {
      const next = wanted.get(slot)?.[0]
      if (next && slotKey(next) === endpoint.key) continue
      this.#remove(endpoint)
      gone.set(endpoint.health.dialogueKey, endpoint.health)
    }
    return gone
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
    this.#options.exchange.withdraw(endpoint.key)
    this.#options.table.set(slot, SlotState.unknown, 1, Infinity)
  }

  #add(
    group: readonly WatchedAddress[],
    gone: ReadonlyMap<string, EndpointHealth>,
  ): WatchedEndpoint {
    const { clock, probe = probeAddress, restored = new Map() } = this.#options
    const watched = new EndpointHealth(group, clock.monotonicMs())
    const before = gone.get(watched.dialogueKey)
    if (before) watched.inherit(before)
    else if (restoreSlot(watched, restored, clock)) this.#firstRound.markKnown()
    const endpoint = new WatchedEndpoint(watched, {
      probe: (signal) => {
        this.#inFlight.begin()
        return probe(watched.request(clock.monotonicMs(), signal), clock)
      },
      onOutcome: (outcome) => this.#observe(endpoint, outcome),
      onEnd: () => this.#inFlight.end(),
    })
    this.#endpoints.set(watched.slot, endpoint)
    this.#byKey.set(endpoint.key, endpoint)
    if (watched.lastOutcome === null) this.#firstRound.add(endpoint)
    return endpoint
  }

  #judgeAll(): void {
    for (const endpoint of this.#endpoints.values()) this.#judge(endpoint)
  }

  #observe(endpoint: WatchedEndpoint, seen: Outcome): void {
    const { clock, onOutcome } = this.#options
    const { health: watched } = endpoint
    const wasFailing = watched.isFailing
    const outcome = this.#localFaults.screen(seen)
    watched.observe(outcome, clock.monotonicMs())
    if (watched.isFailing !== wasFailing) this.#localFaults.observe(watched.slot, watched.isFailing)
    for (const address of watched.addresses) onOutcome?.(address, outcome)
    this.#voteAndJudge(endpoint)
    this.#firstRound.complete(endpoint)
  }

  #voteAndJudge(endpoint: WatchedEndpoint): void {
    const vote = endpoint.changedVote()
    if (vote) this.#options.exchange.publish(vote)
    this.#judge(endpoint)
  }

  #judge(endpoint: WatchedEndpoint): void {
    const { table, clock, exchange, onTransition, onAlert } = this.#options
    const { health: watched } = endpoint
    const { slot } = watched
    const pools = this.#pools
    const nowMs = clock.monotonicMs()
    const isAway = (row: number): boolean => isOut(table.standing(row)) || table.share(row) === 0
    const votes = exchange.votes(endpoint.key)
    const isKnown = !this.#firstRound.believesDown && endpoint.isKnown(votes)
    if (isKnown) this.#firstRound.markKnown()
    const change = watched.judge(votes, nowMs, {
      believesDown: this.#firstRound.believesDown || isKnown,
      treatsAllAlike: this.#firstRound.treatsAllAlike,
      isMassFailure: this.#localFaults.isMassFailure(slot),
      // Asked of those alone who are out.
      get isPoolShort() {
        return pools.isInShortPool(slot, isAway)
      },
      isCutOff: exchange.status().degraded,
    })
    watched.write(table, nowMs)
    this.#slowStarts.track(watched)
    if (change) for (const transition of describeChange(watched, change)) onTransition(transition)
    for (const alert of describeAlerts(watched, watched.updateAlerts(votes))) onAlert?.(alert)
    for (const other of this.#pools.setDown(slot, watched.isConfirmedDown()))
      this.#judgeKeptAsSuspect(other)
  }

  /** Who is held down for flapping may be needed now, or no longer. */
  #judgeKeptAsSuspect(slot: number): void {
    const endpoint = this.#endpoints.get(slot)
    if (endpoint?.health.canBeKeptAsSuspect()) this.#judge(endpoint)
  }
}

// Counts what is under way, for who has to wait until nothing is. A number and no promise each: a thousand probes a second
// begin and end.

// Slow start, step by step, for all slots that recover: one timer, for the step that comes soonest.

// What a watch is given: the table that it keeps, clock and chance, the other instances, and who is to be told.

interface EndpointWatchOptions {
  readonly table: HealthWriter
  readonly clock: Clock
  readonly random: Random
  readonly exchange: ClusterVotes
  /** What was known before the start. */
  readonly restored?: VerdictsByKey
  readonly onTransition: (transition: Transition) => void
  readonly onAlert?: (alert: TargetAlert) => void
  readonly onOutcome?: (watched: WatchedAddress, outcome: Outcome) => void
  readonly onLocalFault?: (event: LocalFaultEvent) => void
  /** Told of each start of a probe, how long after it was due. */
  readonly onStart?: (lateMs: number) => void
  /** What tells us that we are cut off ourselves. */
  readonly canaries?: readonly Canary[]
  readonly limits?: Partial<InFlightLimits>
  /** Instances probe at times of their own. */
  readonly instance?: string
  /** Another prober than smtp-probe.ts by itself. */
  readonly probe?: (request: ProbeRequest, clock: Clock) => Promise<Outcome>
  /** For tests: simulated time. */
  readonly timer?: Timer
}

// Verdicts from before the start to those who are watched now, and theirs to whoever keeps them.

type VerdictsByKey = ReadonlyMap<string, SavedDamping>

/** Whether anything fresh was known of it. */
function restoreSlot(watched: EndpointHealth, restored: VerdictsByKey, clock: Clock): boolean {
  const saved = restored.get(watched.key)
  return saved !== undefined && watched.restore(saved, clocksOf(clock))
}

function saveSlots(slots: Iterable<EndpointHealth>, clock: Clock): VerdictsByKey {
  const clocks = clocksOf(clock)
  const saved = new Map<string, SavedDamping>()
  for (const watched of slots) {
    const verdict = watched.save(clocks)
    if (verdict) saved.set(watched.key, verdict)
  }
  return saved
}
