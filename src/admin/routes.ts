// The admin paths: what each shows.

import type { Registry } from 'prom-client'

import type { MemberState } from '../probe/member-state.ts'
import type { WatchedState } from '../probe/watched-state.ts'
import { type Explain, explainReply } from './explain-route.ts'
import type { Route } from './http.ts'
import { type OverrideSources, isoTime, overridesReply } from './override-routes.ts'
import type { PoolShare, PoolShares } from './pool-shares.ts'
import { json, text } from './reply.ts'
import { type ReadinessSources, checkReadiness } from './readiness.ts'

export interface AdminSources {
  readonly registry: Registry
  readonly readiness: ReadinessSources
  readonly states: () => readonly WatchedState[]
  readonly overrides: OverrideSources
  readonly shares: PoolShares
  readonly explain: Explain
}

export function adminRoutes(sources: AdminSources): ReadonlyMap<string, Route> {
  const { registry, readiness, states, overrides } = sources
  return new Map<string, Route>([
    ['/livez', () => text('ok\n')],
    [
      '/readyz',
      async () => {
        const found = await checkReadiness(readiness)
        return json(found, found.ready ? 200 : 503)
      },
    ],
    [
      '/metrics',
      async () => ({
        status: 200,
        contentType: registry.contentType,
        body: await registry.metrics(),
      }),
    ],
    ['/targets', () => json({ targets: states().map(targetView), members: memberViews(sources) })],
    ['/overrides', () => overridesReply(overrides)],
    ['/explain', (parameters) => explainReply(sources.explain, parameters)],
  ])
}

/** One target address as its probes see it, with the last dialogue. */
function targetView(one: WatchedState): object {
  const { lastOutcome: last } = one
  return {
    zone: one.zone,
    target: one.target,
    address: one.address,
    port: one.port,
    probe: one.profile,
    state: one.state,
    since: isoTime(one.sinceMs),
    reason: last?.reason ?? 'unprobed',
    factor: one.factor,
    alarms: one.alarms,
    holdSeconds: Number.isFinite(one.holdSeconds) ? one.holdSeconds : null,
    verdicts: one.counts,
    nextProbeInMs: one.nextProbeInMs === null ? null : Math.round(one.nextProbeInMs),
    last: last && {
      ...last,
      at: isoTime(one.lastOutcomeAtMs),
      durationMs: Math.round(last.durationMs),
    },
  }
}

/** Each target in each of its pools: the parts of its weight, why it is out, where it may still be cached. */
function memberViews({ overrides, shares }: AdminSources): readonly object[] {
  const byMember = new Map(shares.read().map((share) => [keyOf(share), share]))
  return overrides.watch
    .states()
    .map((state) =>
      memberView(
        state,
        byMember.get(keyOf(state.member)),
        overrides.exposedUntilMs(state.member.targetIndex),
      ),
    )
}

function memberView(state: MemberState, share: PoolShare | undefined, exposedMs: number): object {
  const { member, warmUpShare, overrideShare, factor, effective, out } = state
  return {
    zone: member.zone,
    target: member.target,
    pool: member.pool,
    out,
    weight: {
      configured: member.weight,
      warmUp: warmUpShare,
      override: overrideShare,
      slowStart: factor,
      effective,
    },
    firstRungs: { handedOut: share?.handedOut ?? 0, expected: share?.expected ?? 0 },
    exposedUntil: isoTime(exposedMs),
  }
}

interface MemberName {
  readonly zone: string
  readonly pool: string
  readonly target: string
}

const keyOf = ({ zone, pool, target }: MemberName): string => `${zone} ${pool} ${target}`
