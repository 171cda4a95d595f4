// The JSON of /targets: every probed address, every member of a pool, and what else is known about
// targets. The names of its fields are a contract (docs/operations.md). Each list is read when
// it is its turn to be written, and what an item of it looks like when that is.

import type { DepartedName } from '../../departed/departed-names.ts'
import type { Outcome } from '../../health/outcome.ts'
import type { LatencyPercentiles } from '../../health/latency-window.ts'
import { Standing } from '../../health/table.ts'
import { isoTime } from '../../lib/clock.ts'
import { availabilityView } from '../../metrics/availability-metrics.ts'
import type { OverrideControl } from '../../metrics/override-metrics.ts'
import type { PoolShare, PoolShares, ShareCounts } from '../../metrics/pool-shares.ts'
import type { ReputationSource } from '../../metrics/target-metrics.ts'
import { redactedList } from '../../reputation/findings.ts'
import type { ReputationState } from '../../reputation/reputation-watch.ts'
import type { WatchedState } from '../../watch/watched-state.ts'
import type { WriterFeedback } from '../../weights/feedback-registry.ts'
import type { MemberState } from '../../weights/member-state.ts'
import type { MeasuredPool } from '../../weights/pool-availability.ts'
import type { FeedbackAccess } from '../load-routes.ts'
import { viewed } from '../turns.ts'

export interface TargetsSources {
  readonly states: () => readonly WatchedState[]
  readonly overrides: OverrideControl
  readonly shares: PoolShares
  readonly reputation: ReputationSource
  readonly availability: () => readonly MeasuredPool[]
  readonly feedback: FeedbackAccess
  /** Names that have left their zones and are still answered. */
  readonly departed: () => readonly ZoneDepartedName[]
}

export interface ZoneDepartedName extends DepartedName {
  readonly zone: string
}

export function targetsView(sources: TargetsSources): Readonly<Record<string, unknown>> {
  const { states, reputation: identity, availability, overrides } = sources
  const wallMs = overrides.wallMs()
  return {
    targets: viewed(states, addressView),
    members: memberViews(sources),
    identity: viewed(
      () => identity.states(),
      (state) => identityView(state, wallMs),
    ),
    pools: viewed(availability, availabilityView),
    told: feedbackViews(sources),
    departed: viewed(sources.departed, departedView),
  }
}

/** What there is of one target; the fields of /targets without those of others. */
export interface TargetView {
  readonly addresses: readonly AddressView[]
  readonly members: readonly object[]
  readonly identity: readonly object[]
  readonly told: readonly object[]
}

/** `zone` and `target` as the files have them. */
export function targetView(
  sources: TargetsSources,
  { zone, target }: { readonly zone: string; readonly target: string },
): TargetView {
  const isOfTarget = (one: { readonly zone: string; readonly target: string }): boolean =>
    one.zone === zone && one.target === target
  const wallMs = sources.overrides.wallMs()
  return {
    addresses: sources.states().filter(isOfTarget).map(addressView),
    members: [...memberViews(sources, isOfTarget)],
    identity: sources.reputation
      .states()
      .filter(({ watched }) => isOfTarget(watched))
      .map((state) => identityView(state, wallMs)),
    told: sources.feedback.registry.reports({ zone, target }).map(feedbackView),
  }
}

export interface DepartedView extends Omit<ZoneDepartedName, 'untilMs'> {
  readonly until: string | null
}

export const departedView = ({ untilMs, ...name }: ZoneDepartedName): DepartedView => ({
  ...name,
  until: isoTime(untilMs),
})

export interface AddressView extends Pick<
  WatchedState,
  'zone' | 'target' | 'address' | 'port' | 'state' | 'reason' | 'factor' | 'flaps' | 'downs'
> {
  readonly probe: string
  readonly since: string | null
  readonly alarms: readonly string[]
  readonly held: boolean
  readonly holdSeconds: number | null
  readonly verdicts: WatchedState['counts']
  readonly latencyMs: LatencyView
  readonly nextProbeInMs: number | null
  readonly last: OutcomeView | null
}

export interface OutcomeView extends Outcome {
  readonly at: string | null
}

/** One address of a target as its probes see it, with the outcome of the last one. */
function addressView(one: WatchedState): AddressView {
  return {
    zone: one.zone,
    target: one.target,
    address: one.address,
    port: one.port,
    probe: one.profile,
    state: one.state,
    since: isoTime(one.sinceMs),
    reason: one.reason,
    factor: one.factor,
    alarms: one.alerts,
    held: one.isHeld,
    holdSeconds: Number.isFinite(one.holdSeconds) ? one.holdSeconds : null,
    verdicts: one.counts,
    flaps: one.flaps,
    downs: one.downs,
    latencyMs: latencyView(one.latency()),
    nextProbeInMs: one.nextProbeInMs === null ? null : Math.round(one.nextProbeInMs),
    last: one.lastOutcome && outcomeView(one.lastOutcome, one.lastOutcomeAtMs),
  }
}

/** The outcome of a probe, and when it came. */
export const outcomeView = (outcome: Outcome, atMs: number | null): OutcomeView => ({
  ...outcome,
  at: isoTime(atMs),
  durationMs: Math.round(outcome.durationMs),
})

interface LatencyView {
  readonly probes: number
  readonly p50: number | null
  readonly p90: number | null
  readonly p99: number | null
}

const latencyView = ({ count, ms }: LatencyPercentiles): LatencyView => {
  const rounded = ms.map((value) => Math.round(value * 10) / 10)
  const [p50 = null, p90 = null, p99 = null] = rounded
  return { probes: count, p50, p90, p99 }
}

/**
 * Each target in each of its pools: the factors of its weight, why it is out, until when it may be
 * cached.
 */
function* memberViews(
  { states, overrides, shares }: TargetsSources,
  isWanted: (member: MemberState['member']) => boolean = () => true,
): Generator<object> {
  const byMember = new Map(shares.read().map((share) => [memberKey(share), share]))
  const bySlot = statesBySlot(states())
  for (const state of overrides.watch.states()) {
    const { member } = state
    if (!isWanted(member)) continue
    const share = byMember.get(memberKey(member))
    const weight = weightView(state, bySlot)
    yield memberView(state, {
      weight,
      share,
      exposedMs: overrides.exposedUntilMs(member.targetIndex),
    })
  }
}

export type StatesBySlot = ReadonlyMap<number, WatchedState>

/** Addresses that share a slot have the same state. */
export const statesBySlot = (states: readonly WatchedState[]): StatesBySlot =>
  new Map(states.map((one) => [one.slot, one]))

/** The factors of a member's weight. `effective` is their product, or 0 where the member is out. */
export interface WeightView {
  readonly configured: number
  readonly warmUp: number
  readonly override: number
  readonly feedback: number
  readonly reputation: number
  /** Of its best address, as `shedding`: 0…1. */
  readonly slowStart: number
  readonly shedding: number
  /** 0 where every address is down, else 1. */
  readonly health: 0 | 1
  readonly effective: number
}

export function weightView(state: MemberState, bySlot: StatesBySlot): WeightView {
  const { member, warmUpShare, overrideShare, feedback, reputation, factor, effective } = state
  const isForced = state.standing === Standing.forced
  const addresses = member.slots.flatMap((slot) => bySlot.get(slot) ?? [])
  const best = addresses.find((one) => one.state !== 'down' && one.factor === factor)
  const { slowStart = 1, shedding = 1 } = isForced ? {} : (best ?? {})
  return {
    configured: member.weight,
    warmUp: warmUpShare,
    override: overrideShare,
    feedback,
    reputation,
    slowStart,
    shedding,
    health: factor === 0 ? 0 : 1,
    effective,
  }
}

interface MemberParts {
  readonly weight: WeightView
  readonly share: PoolShare | undefined
  readonly exposedMs: number
}

function memberView({ member, out }: MemberState, parts: MemberParts): object {
  const { weight, share, exposedMs } = parts
  return {
    zone: member.zone,
    target: member.target,
    pool: member.pool,
    out,
    weight,
    firstRungs: { handedOut: share?.actual ?? 0, expected: share?.expected ?? 0 },
    window: roundedShares(share?.window ?? { seconds: 0, ...noShares }),
    addresses: roundedShares(share?.addresses ?? noShares),
    exposedUntil: isoTime(exposedMs),
  }
}

export const noShares: ShareCounts = { had: 0, due: 0 }

/** What is due, to a tenth. */
export const roundedShares = <Shares extends ShareCounts>(shares: Shares): Shares => ({
  ...shares,
  due: Math.round(shares.due * 10) / 10,
})

interface MemberName {
  readonly zone: string
  readonly pool: string
  readonly target: string
}

const memberKey = ({ zone, pool, target }: MemberName): string => `${zone} ${pool} ${target}`

/** What the address looks like to a receiver of mail: greeting, reverse DNS and DNS lists. */
function identityView(state: ReputationState, wallMs: number): object {
  const { watched, greeting, reverse, listings, findings, ageMs } = state
  const { zone, pool, target, address } = watched
  // Listings are dated on the monotonic clock; `ageMs` is the age of the last look on it.
  const beforeLookMs = (atMs: number): number => (state.checkedAtMs ?? atMs) - atMs
  return {
    zone,
    pool,
    target,
    address,
    lookedAt: ageMs === null ? null : isoTime(wallMs - ageMs),
    banner: greeting?.banner ?? null,
    ehlo: greeting?.ehlo ?? null,
    reverse: reverse && {
      state: reverse.kind,
      ...('names' in reverse && { names: reverse.names }),
    },
    listings: [...listings].map(([list, { sinceMs, codes, isBelieved }]) => ({
      list: redactedList(list),
      since: isoTime(wallMs - (ageMs ?? 0) - beforeLookMs(sinceMs)),
      codes,
      believed: isBelieved,
    })),
    findings: findings.map(({ kind, message }) => ({ kind, message })),
  }
}

/** The feedback in force of each target that has any, by writer. */
function* feedbackViews({ feedback: { registry, targets } }: TargetsSources): Generator<object> {
  for (const { zone, target } of targets()) {
    const words = registry.reports({ zone, target }).map(feedbackView)
    if (words.length > 0) yield { zone, target, words }
  }
}

const feedbackView = ({ writer, untilMs, ...feedback }: WriterFeedback): object => ({
  writer,
  factor: feedback.factor,
  wants:
    feedback.factor === 0 && feedback.standing === Standing.normal
      ? 'drained'
      : wants[feedback.standing],
  down: feedback.isDown,
  reason: feedback.reason,
  load: feedback.load,
  until: isoTime(untilMs),
})

const wants = {
  [Standing.normal]: 'mail',
  [Standing.drained]: 'drained',
  [Standing.disabled]: 'maint',
  [Standing.forced]: 'mail',
} as const
