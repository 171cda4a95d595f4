// The JSON of /status: this instance, the instances of its cluster, and the state of pools, targets
// and overrides. The names of its fields are a contract (docs/operations.md).

import type { LiveVote } from '../../health/consensus.ts'
import type { MemberState } from '../../weights/member-state.ts'
import type { WatchedState } from '../../watch/watched-state.ts'
import type { OverrideControl } from '../../metrics/override-metrics.ts'
import { isoTime } from '../../lib/clock.ts'
import { overrideViews } from '../override-view.ts'
import { viewed } from '../turns.ts'
import { departedView, type TargetsSources } from './targets-view.ts'
import type { Readiness } from '../../announce/readiness.ts'
import type { ServerProblem } from '../../problems/problem-table.ts'

/**
 * The shared state as this instance sees it; with kind `memory` it shares nothing and `peers` is
 * empty.
 */
export interface ClusterStatus {
  readonly kind: 'memory' | 'redis'
  readonly degraded: boolean
  readonly fenced: boolean
  readonly unansweredSeconds: number
  /** Why it is degraded, the last reason first. */
  readonly reasons: readonly { readonly why: string; readonly forSeconds: number }[]
  /** Error code for which the store is asked for hints again and again; null: reads wait for them, or it shares nothing. */
  readonly polling: string | null
  readonly peers: readonly {
    readonly instance: string
    readonly site: string
    readonly state: string
    readonly config: string | null
    readonly ageSeconds: number
    /** null: the instance does not report it, as earlier versions. So for the next three. */
    readonly version: string | null
    /** Where its console is, by its setting `console_url`. */
    readonly consoleUrl: string | null
    readonly zones: ZoneDifferences | null
    /** Of targets that overrides or feedback take out: until when its answers may be cached, 0: none is. */
    readonly exposure: {
      readonly atMs: number
      readonly targets: ReadonlyMap<string, { readonly untilMs: number }>
    } | null
  }[]
  /** Which instances have equal zone files; null: this instance shares nothing. */
  readonly config: {
    readonly own: string | null
    readonly differs: boolean
    readonly groups: readonly { readonly config: string; readonly instances: readonly string[] }[]
  } | null
}

/** Zones that another instance serves otherwise than this one. */
export interface ZoneDifferences {
  /** The digest of the content there; null: it does not serve the zone. By name, the first 100. */
  readonly zones: Readonly<Record<string, string | null>>
  readonly count: number
  /** Zones that it serves and has no room to report. */
  readonly unknown: number
}

export interface StatusSources {
  readonly version: string
  readonly instance: string
  readonly site: string
  readonly uptimeSeconds: () => number
  readonly clusterStatus: () => ClusterStatus
  /** What is wrong, critical problems first. `notReady`: why queries should not be sent here. */
  readonly problems: (notReady: readonly string[]) => readonly ServerProblem[]
  /** The live votes of all instances on this slot, its own included. */
  readonly votesOn: (slot: number) => readonly LiveVote[]
}

export interface StatusViewSources {
  readonly status: StatusSources
  readonly states: () => readonly WatchedState[]
  readonly overrides: OverrideControl
  readonly departed: TargetsSources['departed']
}

export function statusView(
  { status, states, overrides, departed }: StatusViewSources,
  ready: Readiness,
): Readonly<Record<string, unknown>> {
  const { version, instance, site } = status
  const { kind, degraded, fenced, unansweredSeconds, reasons, polling, peers, config } =
    status.clusterStatus()
  return {
    instance,
    site,
    version,
    at: isoTime(overrides.wallMs()),
    uptimeSeconds: rounded(status.uptimeSeconds()),
    ready: ready.ready,
    reasons: ready.reasons,
    problems: status.problems(ready.reasons).map(problemView),
    state: {
      kind,
      degraded,
      fenced,
      unansweredSeconds: rounded(unansweredSeconds),
      reasons: reasons.map(({ why, forSeconds }) => ({ why, forSeconds: rounded(forSeconds) })),
      polling,
    },
    config,
    peers: peers.map(peerView),
    pools: poolViews(overrides.watch.states()),
    targets: viewed(states, (one) => addressView(one, status.votesOn(one.slot))),
    overrides: overrideViews(overrides),
    departed: viewed(departed, departedView),
  }
}

/** An instance's exposures are shown of so many targets; `overrides` have what all instances come to. */
const shownExposures = 50

function peerView(peer: ClusterStatus['peers'][number]): object {
  const { zones, exposure, ageSeconds, ...rest } = peer
  const shown = [...(exposure?.targets ?? [])].slice(0, shownExposures)
  return {
    ...rest,
    ageSeconds: rounded(ageSeconds),
    zones: zones?.zones ?? null,
    zonesDiffering: zones?.count ?? null,
    zonesUnknown: zones?.unknown ?? null,
    exposure:
      exposure && Object.fromEntries(shown.map(([key, { untilMs }]) => [key, isoTime(untilMs)])),
    exposureAt: exposure && isoTime(exposure.atMs),
  }
}

export interface ProblemView extends Omit<ServerProblem, 'sinceMs'> {
  readonly since: string | null
}

export const problemView = ({ sinceMs, ...problem }: ServerProblem): ProblemView => ({
  ...problem,
  since: isoTime(sinceMs),
})

export interface PoolView {
  readonly zone: string
  readonly pool: string
  readonly members: number
  readonly healthy: number
  readonly healthyShare: number
}

/**
 * A member is healthy if it takes part. `healthyShare` is of configured weights, 0 in a pool whose
 * weights are all 0.
 */
export function poolViews(members: readonly MemberState[]): readonly PoolView[] {
  const byPool = Map.groupBy(members, ({ member }) => `${member.zone} ${member.pool}`)
  return [...byPool.values()].flatMap((group) => {
    const [first] = group
    if (!first) return []
    const healthy = group.filter(({ out }) => out === null)
    const total = weightOf(group)
    return {
      zone: first.member.zone,
      pool: first.member.pool,
      members: group.length,
      healthy: healthy.length,
      healthyShare: total === 0 ? 0 : weightOf(healthy) / total,
    }
  })
}

const weightOf = (members: readonly MemberState[]): number =>
  members.reduce((sum, { member }) => sum + member.weight, 0)

const addressView = (one: WatchedState, votes: readonly LiveVote[]): object => ({
  zone: one.zone,
  target: one.target,
  address: one.address,
  port: one.port,
  probe: one.profile,
  state: one.state,
  since: isoTime(one.sinceMs),
  reason: one.isHeld ? 'held-for-flapping' : one.reason,
  votes: votes.map(voteView),
})

export interface VoteView {
  readonly instance: string
  readonly site: string
  readonly vote: 'up' | 'down' | 'unknown'
  readonly reason: string
}

export const voteView = ({ instance, site, state, reason }: LiveVote): VoteView => ({
  instance,
  site,
  vote: voteNames[state],
  reason,
})

const voteNames = { U: 'up', D: 'down', '?': 'unknown' } as const

const rounded = (value: number): number => Math.round(value * 10) / 10
