// What a watch tells about the addresses it watches: states for people, transitions for the log.

import { type LatencyPercentiles, latencyPercentiles } from '../health/latency-window.ts'
import { SlotState } from '../health/table.ts'
import type { AlertKind } from '../health/verdict.ts'
import type { Clock } from '../lib/clock.ts'
import type { Outcome } from '../health/outcome.ts'
import type { StateChange, VerdictCounts, EndpointHealth } from './endpoint-health.ts'

type StateName = keyof typeof SlotState

export interface Transition {
  readonly slot: number
  readonly zone: string
  readonly target: string
  readonly address: string
  readonly from: StateName
  readonly to: StateName
  /** Of the last outcome here, e.g. `connect-refused`; `unprobed` before the first. */
  readonly reason: string
  readonly code: number | null
  readonly holdSeconds: number
  /** How long the state before had lasted. */
  readonly afterMs: number
}

export interface WatchedState {
  readonly slot: number
  readonly zone: string
  readonly target: string
  readonly address: string
  readonly port: number
  readonly profile: string
  readonly state: StateName
  /** Wall clock. */
  readonly sinceMs: number
  /** With its dialogue; null before the first. */
  readonly lastOutcome: Outcome | null
  /** Wall clock. */
  readonly lastOutcomeAtMs: number | null
  readonly counts: VerdictCounts
  readonly holdSeconds: number
  /** Of the last outcome, if need be before the start. */
  readonly reason: string
  readonly flaps: number
  readonly downs: number
  readonly latency: LatencyPercentiles
  /** Share of the configured weight, 0…1. */
  readonly factor: number
  readonly alerts: readonly AlertKind[]
  /** Down for its flapping alone. */
  readonly isHeld: boolean
  /** null: in flight, or waiting for a place. */
  readonly nextProbeInMs: number | null
}

const stateNames = Object.fromEntries(
  Object.entries(SlotState).map(([name, value]) => [value, name]),
) as Record<SlotState, StateName>

/** One a watched address: several targets may share the slot. */
export function describeChange(
  watched: EndpointHealth,
  change: StateChange,
): readonly Transition[] {
  return watched.addresses.map(({ zone, target, address }) => ({
    slot: watched.slot,
    zone,
    target,
    address,
    from: stateNames[change.from],
    to: stateNames[change.to],
    // It passes: what its last probe said would read like a contradiction.
    reason: watched.isHeld() ? 'held-for-flapping' : watched.reason(),
    code: watched.lastOutcome?.code ?? null,
    holdSeconds: watched.holdSeconds,
    afterMs: change.afterMs,
  }))
}

export function describeState(
  watched: EndpointHealth,
  nextProbeInMs: number | null,
  clock: Clock,
): readonly WatchedState[] {
  const wallOffsetMs = clock.wallMs() - clock.monotonicMs()
  const hasOutcome = watched.lastOutcome !== null
  return watched.addresses.map(({ zone, target, address }) => ({
    slot: watched.slot,
    zone,
    target,
    address,
    port: watched.profile.port,
    profile: watched.profile.name,
    state: stateNames[watched.state],
    sinceMs: watched.sinceMs + wallOffsetMs,
    lastOutcome: watched.lastOutcome,
    lastOutcomeAtMs: hasOutcome ? watched.lastOutcomeAtMs + wallOffsetMs : null,
    counts: watched.counts,
    holdSeconds: watched.holdSeconds,
    reason: watched.reason(),
    flaps: watched.flaps(),
    downs: watched.history.downs,
    latency: latencyPercentiles(watched.history.latency),
    factor: watched.factor,
    alerts: watched.alerts.raised(),
    isHeld: watched.isHeld(),
    nextProbeInMs,
  }))
}
