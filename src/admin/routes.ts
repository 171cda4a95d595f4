// The admin paths: what each shows.

import type { Registry } from 'prom-client'

import type { WatchedState } from '../probe/watched-state.ts'
import { json, type Route, text } from './http.ts'
import { type ReadinessSources, checkReadiness } from './readiness.ts'

export interface AdminSources {
  readonly registry: Registry
  readonly readiness: ReadinessSources
  readonly states: () => readonly WatchedState[]
}

export function adminRoutes({
  registry,
  readiness,
  states,
}: AdminSources): ReadonlyMap<string, Route> {
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
    ['/targets', () => json({ targets: states().map(targetView) })],
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

const isoTime = (wallMs: number | null): string | null =>
  wallMs === null ? null : new Date(wallMs).toISOString()
