// The admin paths: what each shows.

import type { Registry } from 'prom-client'

import type { LatencyPercentiles } from '../health/latency-window.ts'
import type { FeedbackBook, NamedTarget } from '../weights/feedback-book.ts'
import type { MeasuredPool } from '../weights/pool-availability.ts'
import type { MemberState } from '../weights/member-state.ts'
import type { WatchedState } from '../watch/watched-state.ts'
import { type Explain, explainReply } from './explain-route.ts'
import type { IdentitySource } from '../metrics/identity-metrics.ts'
import { identityView } from './views/identity-view.ts'
import { availabilityView } from '../metrics/availability-metrics.ts'
import { toldView } from './views/told-view.ts'
import type { Route } from './http.ts'
import { type OverrideSources, isoTime, overridesReply } from './override-routes.ts'
import type { PoolShare, PoolShares } from '../metrics/pool-shares.ts'
import { json, text } from './reply.ts'
import { type ReadinessSources, checkReadiness } from '../announce/readiness.ts'
import { type StatusSources, statusView } from './views/status-view.ts'

export interface AdminSources {
  readonly registry: Registry
  readonly readiness: ReadinessSources
  readonly states: () => readonly WatchedState[]
  readonly overrides: OverrideSources
  readonly shares: PoolShares
  readonly explain: Explain
  readonly feedback: { readonly book: FeedbackBook; readonly targets: () => readonly NamedTarget[] }
  readonly availability: () => readonly MeasuredPool[]
  readonly identity: IdentitySource
  readonly status: StatusSources
}

export function adminRoutes(sources: AdminSources): ReadonlyMap<string, Route> {
  const { registry, readiness, states, availability, overrides } = sources
  return new Map<string, Route>([
    ['/livez', () => text('ok\n')],
    [
      '/readyz',
      async () => {
        const found = await checkReadiness(readiness)
        return json(found, found.ready ? 200 : 503)
      },
    ],
    ['/status', async () => json(statusView(sources, await checkReadiness(readiness)))],
    [
      '/metrics',
      async () => ({
        status: 200,
        contentType: registry.contentType,
        body: await registry.metrics(),
      }),
    ],
    [
      '/targets',
      () =>
        json({
          targets: states().map(targetView),
          members: memberViews(sources),
          identity: identityViews(sources),
          pools: availability().map(availabilityView),
          told: toldViews(sources),
        }),
    ],
    ['/overrides', () => overridesReply(overrides)],
    ['/explain', (parameters) => explainReply(sources.explain, parameters)],
  ])
}

const identityViews = ({ identity, overrides }: AdminSources): readonly object[] => {
  const wallMs = overrides.wallMs()
  return identity.states().map((state) => identityView(state, wallMs))
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
    reason: one.reason,
    factor: one.factor,
    alarms: one.alarms,
    held: one.isHeld,
    holdSeconds: Number.isFinite(one.holdSeconds) ? one.holdSeconds : null,
    verdicts: one.counts,
    flaps: one.flaps,
    downs: one.downs,
    latencyMs: latencyView(one.latency),
    nextProbeInMs: one.nextProbeInMs === null ? null : Math.round(one.nextProbeInMs),
    last: last && {
      ...last,
      at: isoTime(one.lastOutcomeAtMs),
      durationMs: Math.round(last.durationMs),
    },
  }
}

const latencyView = ({ count, ms }: LatencyPercentiles): object => {
  const rounded = ms.map((value) => Math.round(value * 10) / 10)
  const [p50 = null, p90 = null, p99 = null] = rounded
  return { probes: count, p50, p90, p99 }
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
  const { member, warmUpShare, overrideShare, feedback, reputation, factor, effective, out } = state
  return {
    zone: member.zone,
    target: member.target,
    pool: member.pool,
    out,
    weight: {
      configured: member.weight,
      warmUp: warmUpShare,
      override: overrideShare,
      feedback,
      reputation,
      slowStart: factor,
      effective,
    },
    firstRungs: { handedOut: share?.handedOut ?? 0, expected: share?.expected ?? 0 },
    exposedUntil: isoTime(exposedMs),
  }
}

/** What targets said of themselves, by whom and until when. */
const toldViews = ({ feedback: { book, targets } }: AdminSources): readonly object[] =>
  targets().flatMap((of) => {
    const words = book.words(of).map(toldView)
    return words.length > 0 ? [{ zone: of.zone, target: of.target, words }] : []
  })

interface MemberName {
  readonly zone: string
  readonly pool: string
  readonly target: string
}

const keyOf = ({ zone, pool, target }: MemberName): string => `${zone} ${pool} ${target}`
