// What the console sees at a glance, as rows: one for each probed address, member, pool and zone, and sections of what there
// is little of. A row is 300 octets or so and has no dialogue. The names of the fields are a contract (docs/openapi.yaml).
//
// A row is made for each look, twice a second while a console is open, so that what costs much (percentiles, sums of
// counters) or moves all the time is in a second function, which is called for few rows a look.

import type { Readiness } from '../../announce/readiness.ts'
import type { LiveVote } from '../../health/consensus.ts'
import { isoTime } from '../../lib/clock.ts'
import { availabilityOf } from '../../health/availability.ts'
import { errorBudgetOf } from '../../metrics/availability-metrics.ts'
import type { PoolShare, ShareCounts } from '../../metrics/pool-shares.ts'
import type { WatchedState } from '../../watch/watched-state.ts'
import type { MemberState } from '../../weights/member-state.ts'
import type { MeasuredPool } from '../../weights/pool-availability.ts'
import { exposureView, type OverrideRow, steppedTime } from '../override-view.ts'
import type { ClusterStatus, PoolView, ProblemView } from '../views/status-view.ts'
import {
  type DepartedView,
  noShares,
  roundedShares,
  type StatesBySlot,
  type WeightView,
  weightView,
} from '../views/targets-view.ts'

/** One probed address. */
export interface TargetRow {
  readonly zone: string
  readonly target: string
  readonly address: string
  readonly port: number
  readonly probe: string
  readonly state: WatchedState['state']
  readonly since: string | null
  /** Of the last probe; `held-for-flapping`, `unprobed`. */
  readonly reason: string
  readonly alarms: readonly string[]
  readonly votes: { readonly up: number; readonly down: number; readonly unknown: number }
  /** To two digits; null: nothing is measured. */
  readonly p50Ms: number | null
  readonly p99Ms: number | null
}

/** A factor that is not there is 1, as most are of thousands of members. */
export type MemberWeight = Pick<WeightView, 'configured' | 'health' | 'effective'> &
  Partial<Pick<WeightView, WeightFactor>>

type WeightFactor = (typeof weightFactors)[number]

const weightFactors = [
  'warmUp',
  'override',
  'feedback',
  'reputation',
  'slowStart',
  'shedding',
] as const

/** A target in one of its pools. */
export interface MemberRow {
  readonly zone: string
  readonly pool: string
  readonly target: string
  /** Why it takes no part; null: it does. */
  readonly out: MemberState['out']
  readonly weight: MemberWeight
  /** Share of its pool by the weights of now, 0…1. */
  readonly due: number
  /** Of the last 15 minutes. */
  readonly window: ShareCounts & { readonly seconds: number }
  readonly addresses: ShareCounts
  /** Until when caches may lead to it by answers of this instance, up to 10 s more; null: none does. */
  readonly exposedUntil: string | null
  /**
   * The same by answers of all instances of which it is known, while it is overridden or feedback takes it out; else null.
   */
  readonly fleetExposedUntil: string | null
  /** Instances of which it is not known then, 8 at most. */
  readonly notKnownOf: readonly string[]
}

export interface PoolRow extends PoolView {
  /** Share of probes that is to succeed; null: none is set. */
  readonly availabilityTarget: number | null
  /** Of all instances, 0…1; null: no probe counted. */
  readonly availability24h: number | null
  /** Of 30 days, below 0 overspent; null: no target is set, or no probe counted. */
  readonly errorBudgetLeft: number | null
  /** When the first probe that counts in `availability24h` was made, to 15 minutes; null: there is none. */
  readonly since: string | null
}

export interface ZoneRow {
  readonly zone: string
  /** As it is answered. */
  readonly serial: number
  /** Equal where instances serve the same. */
  readonly hash: string | null
}

export interface PeerRow {
  readonly instance: string
  readonly site: string
  readonly state: string
  readonly config: string | null
  /** null: it does not report it, as versions before 0.1.0. So for the next two. */
  readonly version: string | null
  readonly consoleUrl: string | null
  /** Of the zones that it serves otherwise than this instance the digests, null: it does not serve it; the first 100. */
  readonly zones: Readonly<Record<string, string | null>> | null
  /** How many differ, and how many it serves and has no room to report; null as `zones`. */
  readonly zonesDiffering: number | null
  readonly zonesUnknown: number | null
  /** For how long nothing was heard of it, in steps of 5 s; null: it was heard of within 6 s. */
  readonly silentSeconds: number | null
}

export interface SelfRow {
  readonly instance: string
  readonly site: string
  readonly version: string
  readonly started: string | null
  /** Whether zones are loaded, probes are done and it is not stopping; sockets are not asked. */
  readonly ready: boolean
  readonly reasons: readonly string[]
  readonly consoleUrl: string | null
  /** Whether this host is cut off, so that failures are not believed. */
  readonly isolated: boolean
  /** Pools whose failures wait for a second round; `*`: all together. */
  readonly braked: readonly string[]
}

export interface StoreRow {
  readonly kind: ClusterStatus['kind']
  readonly degraded: boolean
  readonly fenced: boolean
  /** Why it is degraded, the last reason first. */
  readonly reasons: readonly { readonly why: string; readonly since: string | null }[]
}

/** What is there once, or little of: each is sent as a whole when anything in it changes. */
export interface OverviewSections {
  readonly self: SelfRow
  readonly state: StoreRow
  readonly config: ClusterStatus['config']
  readonly peers: readonly PeerRow[]
  readonly problems: readonly ProblemView[]
  readonly zones: readonly ZoneRow[]
  readonly overrides: readonly OverrideRow[]
  readonly departed: readonly DepartedView[]
}

/** What there is much of, by zone and name of target. */
export interface OverviewTables {
  readonly targets: readonly TargetRow[]
  readonly members: readonly MemberRow[]
  readonly pools: readonly PoolRow[]
}

/** Rates and counts of now. */
export interface Figures {
  readonly at: string | null
  /** What rates and shares are over: 10 to 20 s, less after a start. */
  readonly overSeconds: number
  readonly queriesPerSecond: number
  /** Of responses, 0…1; null: there were none. */
  readonly noErrorShare: number | null
  /** Answers that failed open: in these seconds, and since the start. */
  readonly failedOpen: number
  readonly failedOpenTotal: number
  readonly truncatedPerSecond: number
  readonly addresses: { readonly up: number; readonly of: number }
  readonly probesPerSecond: number
  /** Of probes that started, how many did more than a second after they were due; null: none started. */
  readonly lateProbesShare: number | null
  readonly workers: { readonly alive: number; readonly of: number }
  /** Streams that are open at this instance. */
  readonly streams: number
}

export interface Overview extends OverviewSections, OverviewTables {
  /** `BOOT:SEQUENCE`: what the stream had sent when this was so. */
  readonly generation: string
  readonly at: string | null
  readonly figures: Figures
}

/** All of a row but what `latencyOf` adds. */
export function targetRow(
  one: WatchedState,
  votes: readonly LiveVote[],
): Omit<TargetRow, 'p50Ms' | 'p99Ms'> {
  const counts = { up: 0, down: 0, unknown: 0 }
  for (const { state } of votes) counts[state === 'U' ? 'up' : state === 'D' ? 'down' : 'unknown']++
  return {
    zone: one.zone,
    target: one.target,
    address: one.address,
    port: one.port,
    probe: one.profile,
    state: one.state,
    // Two clocks make it up, which drift by less than this.
    since: isoTime(Math.round(one.sinceMs / 100) * 100),
    reason: one.isHeld ? 'held-for-flapping' : one.reason,
    alarms: one.alerts,
    votes: counts,
  }
}

export function latencyOf(one: WatchedState): Pick<TargetRow, 'p50Ms' | 'p99Ms'> {
  const [p50 = null, , p99 = null] = one.latency().ms
  return { p50Ms: twoDigits(p50), p99Ms: twoDigits(p99) }
}

const twoDigits = (value: number | null): number | null =>
  value === null ? null : Number(value.toPrecision(2))

type SteadyMember = Pick<MemberRow, 'zone' | 'pool' | 'target' | 'out' | 'weight' | 'due'>

/** All of a row but what `handedOf` adds. `poolWeight`: the sum of effective weights in its pool. */
export function memberRow(
  state: MemberState,
  bySlot: StatesBySlot,
  poolWeight: number,
): SteadyMember {
  const { zone, pool, target } = state.member
  const weight = shortWeight(weightView(state, bySlot))
  const due = poolWeight > 0 ? roundedTo(state.effective / poolWeight, 1000) : 0
  return { zone, pool, target, out: state.out, weight, due }
}

function shortWeight(weight: WeightView): MemberWeight {
  const { configured, health, effective } = weight
  const short: { -readonly [Key in keyof MemberWeight]: MemberWeight[Key] } = {
    configured,
    health,
    effective: roundedTo(effective, 1000),
  }
  for (const factor of weightFactors) if (weight[factor] !== 1) short[factor] = weight[factor]
  return short
}

const roundedTo = (value: number, parts: number): number => Math.round(value * parts) / parts

type FleetPart = Pick<MemberRow, 'fleetExposedUntil' | 'notKnownOf'>

const noFleet: FleetPart = { fleetExposedUntil: null, notKnownOf: [] }

/** `exposure`: null where nobody asks for it. */
export function fleetOf(exposure: Parameters<typeof exposureView>[0] | null): FleetPart {
  if (exposure === null) return noFleet
  const { until, notKnownOf } = exposureView(exposure)
  return { fleetExposedUntil: until, notKnownOf }
}

export const handedOf = (
  share: PoolShare | undefined,
  exposedMs: number,
): Omit<MemberRow, keyof SteadyMember | keyof FleetPart> => ({
  window: roundedShares(share?.window ?? { seconds: 0, ...noShares }),
  addresses: roundedShares(share?.addresses ?? noShares),
  exposedUntil: steppedTime(exposedMs),
})

/** `measured`: undefined for a pool that is not probed. */
export function poolRow(pool: PoolView, measured: MeasuredPool | undefined): PoolRow {
  const day = measured?.handshakes('24h')
  const budget = measured ? errorBudgetOf(measured) : null
  const availability = day ? availabilityOf(day) : null
  return {
    ...pool,
    healthyShare: roundedTo(pool.healthyShare, 1000),
    availabilityTarget: measured?.target ?? null,
    availability24h: availability === null ? null : roundedTo(availability, 100_000),
    errorBudgetLeft: budget === null ? null : roundedTo(budget, 1000),
    since: day && Number.isFinite(day.sinceMs) ? isoTime(day.sinceMs) : null,
  }
}

const heardWithinSeconds = 6
const silenceStepSeconds = 5

export const peerRow = (peer: ClusterStatus['peers'][number]): PeerRow => ({
  instance: peer.instance,
  site: peer.site,
  state: peer.state,
  config: peer.config,
  version: peer.version,
  consoleUrl: peer.consoleUrl,
  zones: peer.zones?.zones ?? null,
  zonesDiffering: peer.zones?.count ?? null,
  zonesUnknown: peer.zones?.unknown ?? null,
  silentSeconds:
    peer.ageSeconds < heardWithinSeconds
      ? null
      : Math.floor(peer.ageSeconds / silenceStepSeconds) * silenceStepSeconds,
})

export const storeRow = (
  { kind, degraded, fenced, reasons }: ClusterStatus,
  wallMs: number,
): StoreRow => ({
  kind,
  degraded,
  fenced,
  reasons: reasons.map(({ why, forSeconds }) => {
    const sinceSeconds = wallMs / 1000 - forSeconds
    const since = Math.round(sinceSeconds / silenceStepSeconds) * silenceStepSeconds
    return { why, since: isoTime(since * 1000) }
  }),
})

/** What of this instance does not change while it runs. */
export interface SelfFacts {
  readonly instance: string
  readonly site: string
  readonly version: string
  /** By the wall clock. */
  readonly startedMs: number
  /** null: the settings do not say. */
  readonly consoleUrl: string | null
}

export interface LocalFaults {
  readonly isIsolated: boolean
  readonly heldGroups: readonly string[]
}

export const selfRow = (
  { startedMs, ...facts }: SelfFacts,
  { ready, reasons }: Readiness,
  { isIsolated, heldGroups }: LocalFaults,
): SelfRow => ({
  ...facts,
  started: isoTime(startedMs),
  ready,
  reasons,
  isolated: isIsolated,
  braked: heldGroups,
})
