// What the watch reports of each watched address: its state for status pages, its transitions for the log.

import { type LatencyPercentiles, latencyPercentiles } from '../health/latency-window.ts'
import { SlotState } from '../health/table.ts'
import type { AlertKind } from '../health/verdict.ts'
import type { Clock } from '../lib/clock.ts'
import type { Outcome } from '../health/outcome.ts'
import type { StateChange, VerdictCounts, EndpointHealth } from './endpoint-health.ts'

type StateName = keyof typeof SlotState

/** A change of state of one watched address. */
export interface Transition {
  readonly slot: number
  readonly zone: string
  readonly target: string
  readonly address: string
  readonly from: StateName
  readonly to: StateName
  /** Reason of the last outcome of this instance, e.g. `connect-refused`; `unprobed` before the first. */
  readonly reason: string
  /** SMTP reply code of that outcome; null if there was no reply. */
  readonly code: number | null
  /** Seconds for which the new state can stand; caps the TTL of answers. Infinity: no cap. */
  readonly holdSeconds: number
  /** How long the state before lasted. */
  readonly afterMs: number
}

/** The state of one watched address, for status pages and metrics. */
export interface WatchedState {
  readonly slot: number
  readonly zone: string
  readonly target: string
  readonly address: string
  readonly port: number
  readonly profile: string
  readonly state: StateName
  /** When it entered its state, by the wall clock. */
  readonly sinceMs: number
  /** The last outcome of this instance, with its dialogue; null before the first. */
  readonly lastOutcome: Outcome | null
  /** When that outcome came, by the wall clock. */
  readonly lastOutcomeAtMs: number | null
  /** The last outcome of this instance that failed, be it up again or not; null: none has since the start. */
  readonly lastFailure: { readonly outcome: Outcome; readonly atMs: number } | null
  readonly counts: VerdictCounts
  readonly holdSeconds: number
  /** Reason of the last outcome, restored from before the start if there is none since; else `unprobed`. */
  readonly reason: string
  /** Times in a row that it left up soon after it came up. */
  readonly flaps: number
  /** Times that it went down since it is health. */
  readonly downs: number
  /** Sorted when it is asked for: it is not for each who asks for the state. */
  readonly latency: () => LatencyPercentiles
  /** Share of the configured weight, 0…1: slow start times load shedding. */
  readonly factor: number
  /** The share of slow start, 0…1. */
  readonly slowStart: number
  /** The share of load shedding, 0…1. */
  readonly shedding: number
  /** Verdicts in a row that it takes to go down and to come up. */
  readonly fall: number
  readonly rise: number
  readonly alerts: readonly AlertKind[]
  /** Whether it passes its probes and is held down for flapping. */
  readonly isHeld: boolean
  /** Milliseconds until the next probe; null while one is in flight, or waits for a limit of probes in flight. */
  readonly nextProbeInMs: number | null
}

const stateNames = Object.fromEntries(
  Object.entries(SlotState).map(([name, value]) => [value, name]),
) as Record<SlotState, StateName>

/** Returns one transition for each address of the endpoint: several targets may share it. */
export function describeChange(health: EndpointHealth, change: StateChange): readonly Transition[] {
  return health.addresses.map(({ zone, target, address }) => ({
    slot: health.slot,
    zone,
    target,
    address,
    from: stateNames[change.from],
    to: stateNames[change.to],
    // A held endpoint passes its probes: the reason of the last one would contradict the state.
    reason: health.isHeld() ? 'held-for-flapping' : health.reason(),
    code: health.lastOutcome?.code ?? null,
    holdSeconds: health.holdSeconds,
    afterMs: change.afterMs,
  }))
}

/** Returns one state for each address of the endpoint: several targets may share it. */
export function describeState(
  health: EndpointHealth,
  nextProbeInMs: number | null,
  clock: Clock,
): readonly WatchedState[] {
  const wallOffsetMs = clock.wallMs() - clock.monotonicMs()
  const hasOutcome = health.lastOutcome !== null
  const failure = health.lastFailure
  const { profile, factor, history } = health
  const { slowStart, shedding } = health.factors()
  const alerts = health.alerts.raised()
  // All fields in one literal: spreads took a third of the time of a look at ten thousand.
  return health.addresses.map(({ zone, target, address }) => ({
    slot: health.slot,
    zone,
    target,
    address,
    port: profile.port,
    profile: profile.name,
    state: stateNames[health.state],
    sinceMs: health.sinceMs + wallOffsetMs,
    lastOutcome: health.lastOutcome,
    lastOutcomeAtMs: hasOutcome ? health.lastOutcomeAtMs + wallOffsetMs : null,
    lastFailure: failure && { outcome: failure.outcome, atMs: failure.atMs + wallOffsetMs },
    counts: health.counts,
    holdSeconds: health.holdSeconds,
    reason: health.reason(),
    flaps: health.flaps(),
    downs: history.downs,
    latency: () => latencyPercentiles(history.latency),
    factor,
    slowStart,
    shedding,
    fall: profile.fall,
    rise: profile.rise,
    alerts,
    isHeld: health.isHeld(),
    nextProbeInMs,
  }))
}
