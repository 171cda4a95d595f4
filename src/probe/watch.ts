// Watches addresses: probes each on its schedule and keeps the health table.
//
// Until every slot of the first set has had one finished probe, nothing is taken as down: a restart must not
// empty answers on half a picture. After 30 seconds what is known must do. Slots that leave the set are reset
// to unknown and their probes aborted; those that stay keep their state and their phase; an endpoint that
// only gets other settings or another slot keeps what is known of it.

import { slowStartStepMs } from '../health/slow-start.ts'
import type { HealthWriter } from '../health/table.ts'
import { SlotState } from '../health/table.ts'
import type { Clock, Random } from '../lib/clock.ts'
import type { Exchange } from '../share/exchange.ts'
import { type Alarm, systemAlarm } from './alarm.ts'
import type { Outcome } from './outcome.ts'
import type { WatchedAddress } from './profile.ts'
import { Scheduler, type SchedulerCounters } from './scheduler.ts'
import { slotKey } from './slot-key.ts'
import type { ProbeRequest } from './smtp-probe.ts'
import { probeAddress } from './smtp-probe.ts'
import { WatchedEndpoint } from './watched-endpoint.ts'
import { WatchedSlot } from './watched-slot.ts'
import { type TargetAlarm, describeAlarms } from './target-alarms.ts'
import type { Transition, WatchedState } from './watched-state.ts'
import { describeChange, describeState } from './watched-state.ts'

export interface Watch {
  /** Replaces the set. Slot 0 is nobody's to watch and is left out. */
  watch(addresses: readonly WatchedAddress[]): void
  /** One entry for each watched address. */
  states(): readonly WatchedState[]
  /** Every slot of the first set has had a finished probe; stays true over reloads. */
  firstRoundDone(): boolean
  counters(): SchedulerCounters
  /** Aborts what is in flight and waits until its sockets are closed. The table stays as it is. */
  stop(): Promise<void>
}

export interface WatchOptions {
  readonly table: HealthWriter
  readonly clock: Clock
  readonly random: Random
  readonly exchange: Exchange
  readonly onTransition: (transition: Transition) => void
  readonly onAlarm?: (alarm: TargetAlarm) => void
  readonly onOutcome?: (watched: WatchedAddress, outcome: Outcome) => void
  /** For tests: another prober, and simulated time. */
  readonly probe?: (request: ProbeRequest, clock: Clock) => Promise<Outcome>
  readonly alarm?: Alarm
}

export const createWatch = (options: WatchOptions): Watch => new SlotWatch(options)

const firstRoundLimitMs = 30_000
const shortestStepMs = 50

class SlotWatch implements Watch {
  readonly #options: WatchOptions
  readonly #alarm: Alarm
  readonly #scheduler: Scheduler
  #endpoints = new Map<number, WatchedEndpoint>()
  readonly #byKey = new Map<string, WatchedEndpoint>()
  readonly #unprobed = new Set<WatchedEndpoint>()
  readonly #recovering = new Set<WatchedEndpoint>()
  readonly #inFlight = new Set<Promise<void>>()
  readonly #unsubscribe: () => void
  #isStarted = false
  #isFirstRoundDone = false
  #believesDown = false
  #calloffLimit = (): void => {}
  #calloffStep: (() => void) | null = null

  constructor(options: WatchOptions) {
    const { clock, random, exchange, alarm = systemAlarm } = options
    this.#options = options
    this.#alarm = alarm
    this.#scheduler = new Scheduler({ clock, random, alarm })
    this.#unsubscribe = exchange.subscribe((key) => {
      const endpoint = this.#byKey.get(key)
      if (endpoint) this.#judge(endpoint)
    })
  }

  watch(addresses: readonly WatchedAddress[]): void {
    const wanted = Map.groupBy(addresses, (watched) => watched.slot)
    wanted.delete(0)
    const gone = this.#dropUnlike(wanted)
    const added: WatchedEndpoint[] = []
    for (const [slot, group] of wanted) {
      const kept = this.#endpoints.get(slot)
      if (kept) kept.watched.addresses = group
      else added.push(this.#add(group, gone))
    }
    this.#scheduler.add(added)
    for (const endpoint of added) this.#voteAndJudge(endpoint)
    this.#begin()
  }

  states(): readonly WatchedState[] {
    return [...this.#endpoints.values()].flatMap((endpoint) =>
      describeState(endpoint.watched, this.#scheduler.nextInMs(endpoint), this.#options.clock),
    )
  }

  firstRoundDone(): boolean {
    return this.#isFirstRoundDone
  }

  counters(): SchedulerCounters {
    return this.#scheduler.counters()
  }

  async stop(): Promise<void> {
    this.#unsubscribe()
    this.#scheduler.stop()
    this.#calloffLimit()
    this.#calloffStep?.()
    for (const endpoint of this.#endpoints.values()) endpoint.abort()
    this.#endpoints = new Map()
    await Promise.all(this.#inFlight)
  }

  /** Drops every endpoint that is not wanted just so; answers with them, by what they say on the wire. */
  #dropUnlike(
    wanted: ReadonlyMap<number, readonly WatchedAddress[]>,
  ): ReadonlyMap<string, WatchedSlot> {
    const gone = new Map<string, WatchedSlot>()
    for (const [slot, endpoint] of this.#endpoints) {
      const next = wanted.get(slot)?.[0]
      if (next && slotKey(next) === endpoint.key) continue
      this.#drop(endpoint)
      gone.set(endpoint.watched.dialogueKey, endpoint.watched)
    }
    return gone
  }

  #drop(endpoint: WatchedEndpoint): void {
    const { slot } = endpoint.watched
    endpoint.abort()
    this.#scheduler.remove(endpoint)
    this.#endpoints.delete(slot)
    this.#unprobed.delete(endpoint)
    this.#recovering.delete(endpoint)
    if (this.#byKey.get(endpoint.key) === endpoint) this.#byKey.delete(endpoint.key)
    this.#options.exchange.withdraw(endpoint.key)
    this.#options.table.set(slot, SlotState.unknown, 1, Infinity)
  }

  #add(group: readonly WatchedAddress[], gone: ReadonlyMap<string, WatchedSlot>): WatchedEndpoint {
    const { clock, probe = probeAddress } = this.#options
    const watched = new WatchedSlot(group, clock.monotonicMs())
    const before = gone.get(watched.dialogueKey)
    if (before) watched.inherit(before)
    const endpoint = new WatchedEndpoint(watched, {
      probe: (signal) => probe(watched.request(clock.monotonicMs(), signal), clock),
      track: (ended) => this.#track(ended),
      onOutcome: (outcome) => this.#observe(endpoint, outcome),
    })
    this.#endpoints.set(watched.slot, endpoint)
    this.#byKey.set(endpoint.key, endpoint)
    if (watched.lastOutcome === null) this.#unprobed.add(endpoint)
    return endpoint
  }

  #track(ended: Promise<void>): void {
    this.#inFlight.add(ended)
    void ended.finally(() => this.#inFlight.delete(ended))
  }

  #begin(): void {
    if (!this.#isStarted) {
      this.#isStarted = true
      this.#calloffLimit = this.#alarm(firstRoundLimitMs, () => this.#believeDowns())
    }
    this.#checkFirstRound()
  }

  #checkFirstRound(): void {
    if (this.#isFirstRoundDone || this.#unprobed.size > 0) return
    this.#isFirstRoundDone = true
    this.#calloffLimit()
    this.#believeDowns()
  }

  #believeDowns(): void {
    if (this.#believesDown) return
    this.#believesDown = true
    for (const endpoint of this.#endpoints.values()) this.#judge(endpoint)
  }

  #observe(endpoint: WatchedEndpoint, outcome: Outcome): void {
    const { clock, onOutcome } = this.#options
    endpoint.watched.observe(outcome, clock.monotonicMs())
    for (const watched of endpoint.watched.addresses) onOutcome?.(watched, outcome)
    this.#voteAndJudge(endpoint)
    this.#unprobed.delete(endpoint)
    this.#checkFirstRound()
  }

  #voteAndJudge(endpoint: WatchedEndpoint): void {
    const vote = endpoint.changedVote()
    if (vote) this.#options.exchange.publish(vote)
    this.#judge(endpoint)
  }

  #judge(endpoint: WatchedEndpoint): void {
    const { table, clock, exchange, onTransition, onAlarm } = this.#options
    const { watched } = endpoint
    const nowMs = clock.monotonicMs()
    const votes = exchange.votes(endpoint.key)
    const change = watched.judge(votes, nowMs, this.#believesDown)
    watched.write(table, nowMs)
    if (watched.isRecovering()) this.#recovering.add(endpoint)
    this.#planStep()
    if (change) for (const transition of describeChange(watched, change)) onTransition(transition)
    for (const alarm of describeAlarms(watched, watched.weighAlarms(votes))) onAlarm?.(alarm)
  }

  /** The next step of slow start, for all that recover: the one that comes soonest. */
  #planStep(): void {
    if (this.#calloffStep !== null || this.#recovering.size === 0) return
    let stepMs = Infinity
    for (const { watched } of this.#recovering) {
      stepMs = Math.min(stepMs, slowStartStepMs(watched.profile.slowStartSeconds))
    }
    this.#calloffStep = this.#alarm(Math.max(shortestStepMs, stepMs), () => this.#step())
  }

  #step(): void {
    this.#calloffStep = null
    const nowMs = this.#options.clock.monotonicMs()
    for (const endpoint of this.#recovering) {
      endpoint.watched.write(this.#options.table, nowMs)
      if (!endpoint.watched.isRecovering()) this.#recovering.delete(endpoint)
    }
    this.#planStep()
  }
}
