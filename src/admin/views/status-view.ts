// What /status shows: this instance, those that it shares with, and how everything stands, in one look.

import type { LiveVote } from '../../health/consensus.ts'
import type { MemberState } from '../../weights/member-state.ts'
import type { WatchedState } from '../../watch/watched-state.ts'
import type { OverrideSources } from '../../metrics/override-metrics.ts'
import { isoTime } from '../../lib/clock.ts'
import { overrideView } from '../override-routes.ts'
import type { Readiness } from '../../announce/readiness.ts'

/** Whether other instances are in reach, and who they are; `peers` is empty where this one is alone. */
interface SharingStatus {
  readonly kind: 'memory' | 'redis'
  readonly degraded: boolean
  readonly fenced: boolean
  readonly unansweredSeconds: number
  readonly peers: readonly {
    readonly instance: string
    readonly site: string
    readonly state: string
    readonly config: string | null
    readonly ageSeconds: number
  }[]
  /** null: this one is alone. */
  readonly config: {
    readonly own: string | null
    readonly differs: boolean
    readonly groups: readonly { readonly config: string; readonly instances: readonly string[] }[]
  } | null
}

export interface StatusSources {
  readonly version: string
  readonly instance: string
  readonly site: string
  readonly uptimeSeconds: () => number
  readonly sharing: () => SharingStatus
  /** Of every instance that probes it, this one included. */
  readonly votesOn: (slot: number) => readonly LiveVote[]
}

interface StatusParts {
  readonly status: StatusSources
  readonly states: () => readonly WatchedState[]
  readonly overrides: OverrideSources
}

export function statusView({ status, states, overrides }: StatusParts, ready: Readiness): object {
  const { version, instance, site } = status
  const { kind, degraded, fenced, unansweredSeconds, peers, config } = status.sharing()
  return {
    instance,
    site,
    version,
    at: isoTime(overrides.wallMs()),
    uptimeSeconds: rounded(status.uptimeSeconds()),
    ready: ready.ready,
    reasons: ready.reasons,
    state: { kind, degraded, fenced, unansweredSeconds: rounded(unansweredSeconds) },
    config,
    peers: peers.map((peer) => ({ ...peer, ageSeconds: rounded(peer.ageSeconds) })),
    pools: poolViews(overrides.watch.states()),
    targets: states().map((one) => targetView(one, status.votesOn(one.slot))),
    overrides: overrides.watch.overrides().map(overrideView),
  }
}

/** Healthy: takes part. The share is of configured weights; a pool whose weights are all 0 has none. */
function poolViews(members: readonly MemberState[]): readonly object[] {
  const byPool = Map.groupBy(members, ({ member }) => `${member.zone} ${member.pool}`)
  return [...byPool.values()].flatMap((group) => {
    const [first] = group
    if (!first) return []
    const healthy = group.filter(({ out }) => out === null)
    const whole = weightOf(group)
    return {
      zone: first.member.zone,
      pool: first.member.pool,
      members: group.length,
      healthy: healthy.length,
      healthyShare: whole === 0 ? 0 : weightOf(healthy) / whole,
    }
  })
}

const weightOf = (members: readonly MemberState[]): number =>
  members.reduce((sum, { member }) => sum + member.weight, 0)

const targetView = (one: WatchedState, votes: readonly LiveVote[]): object => ({
  zone: one.zone,
  target: one.target,
  address: one.address,
  port: one.port,
  probe: one.profile,
  state: one.state,
  since: isoTime(one.sinceMs),
  reason: one.isHeld ? 'held-for-flapping' : one.reason,
  votes: votes.map(({ instance, site, state, reason }) => ({
    instance,
    site,
    vote: voteWords[state],
    reason,
  })),
})

const voteWords = { U: 'up', D: 'down', '?': 'unknown' } as const

const rounded = (value: number): number => Math.round(value * 10) / 10
