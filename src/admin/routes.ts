// The routes of the admin HTTP server, all of them. docs/operations.md describes each path.

import { checkReadiness, type ReadinessSources } from '../announce/readiness.ts'
import { plainForms } from './console/plain-forms.ts'
import { type PlainStatus, plainReply } from './console/plain-page.ts'
import { type Explain, explainReply } from './explain-route.ts'
import { liveRoutes, type LiveSources } from './live/live-routes.ts'
import { reportLoad, withdrawLoad } from './load-routes.ts'
import {
  extendOverride,
  listOverrides,
  type OverrideEffects,
  setOverride,
  undoOverrides,
} from './override-routes.ts'
import { assembledJson, assembledReply, json, refuse, type Reply, text, timed } from './reply.ts'
import type { AdminRequest, Route } from './route.ts'
import { simulateReply, whoReply } from './simulate-route.ts'
import { type SessionSources, showSession, signIn, signOut } from './session/session-routes.ts'
import type { EndedOverrides } from '../weights/ended-overrides.ts'
import type { Pieces } from './turns.ts'
import { budgetsView, isAvailabilityWindow } from './views/budgets-view.ts'
import { type CoherenceSources, coherenceView } from './views/coherence-view.ts'
import { type StatusSources, statusView } from './views/status-view.ts'
import { type TargetsSources, targetsView } from './views/targets-view.ts'
import {
  namesView,
  zoneFileReply,
  zoneProblemsView,
  type ZonesSources,
  zonesView,
} from './views/zones-view.ts'

export interface AdminSources extends TargetsSources {
  readonly metrics: MetricsText
  readonly readiness: ReadinessSources
  readonly explain: Explain
  readonly overrideEffects: OverrideEffects
  readonly endedOverrides: Pick<EndedOverrides, 'list'>
  readonly status: StatusSources
  readonly coherence: CoherenceSources
  readonly session: SessionSources
  readonly live: LiveSources
  readonly zones: ZonesSources
}

/** The text format of Prometheus. */
interface MetricsText {
  readonly contentType: string
  pieces(): Pieces
}

export const adminRoutes: readonly Route<AdminSources>[] = [
  { method: 'GET', path: '/livez', access: 'public', isVital: true, handler: () => text('ok\n') },
  { method: 'GET', path: '/readyz', access: 'public', isVital: true, handler: readinessReply },
  { method: 'GET', path: '/status', access: 'read', isAlike: true, handler: statusReply },
  {
    method: 'GET',
    path: '/console/plain',
    access: 'read',
    isAlike: true,
    isPage: true,
    handler: plainPageReply,
  },
  ...plainForms,
  {
    method: 'GET',
    path: '/metrics',
    access: 'read',
    isAlike: true,
    handler: ({ metrics }, { turns }) =>
      assembledReply(metrics.contentType, metrics.pieces(), turns),
  },
  {
    method: 'GET',
    path: '/targets',
    access: 'read',
    isAlike: true,
    handler: (sources, { turns }) => assembledJson(targetsView(sources), turns),
  },
  {
    method: 'GET',
    path: '/coherence',
    access: 'read',
    isAlike: true,
    handler: ({ coherence }, { turns }) => assembledJson(coherenceView(coherence), turns),
  },
  {
    method: 'GET',
    path: '/budgets',
    access: 'read',
    handler: budgetsReply,
  },
  ...liveRoutes,
  {
    method: 'PUT',
    path: '/targets/NAME/load',
    access: 'load',
    handler: ({ feedback }, request) => reportLoad(feedback, request),
  },
  {
    method: 'DELETE',
    path: '/targets/NAME/load',
    access: 'load',
    handler: ({ feedback }, request) => withdrawLoad(feedback, request),
  },
  {
    method: 'GET',
    path: '/overrides',
    access: 'read',
    handler: (sources) => listOverrides(sources),
  },
  {
    method: 'POST',
    path: '/overrides',
    access: 'admin',
    handler: (sources, request) => setOverride(sources, request),
  },
  {
    method: 'PATCH',
    path: '/overrides/NAME',
    access: 'admin',
    handler: (sources, request) => extendOverride(sources, request),
  },
  {
    method: 'DELETE',
    path: '/overrides/NAME',
    access: 'admin',
    handler: (sources, request) => undoOverrides(sources, request),
  },
  {
    method: 'GET',
    path: '/explain',
    access: 'read',
    handler: ({ explain }, { parameters }) => explainReply(explain, parameters),
  },
  {
    method: 'GET',
    path: '/zones',
    access: 'read',
    handler: ({ zones }, { parameters }) => json(zonesView(zones, parameters.get('after') ?? '')),
  },
  {
    method: 'GET',
    path: '/zones/problems',
    access: 'read',
    handler: ({ zones }) => json(zoneProblemsView(zones)),
  },
  {
    method: 'GET',
    path: '/zones/NAME/file',
    access: 'read',
    handler: ({ zones }, { name }) => zoneFileReply(zones, name),
  },
  {
    method: 'GET',
    path: '/names',
    access: 'read',
    handler: ({ zones }, { parameters }) => json(namesView(zones, parameters.get('prefix') ?? '')),
  },
  {
    method: 'GET',
    path: '/who',
    access: 'read',
    handler: ({ explain }, { parameters }) => whoReply(explain, parameters),
  },
  {
    method: 'POST',
    path: '/simulate',
    access: 'ask',
    handler: (sources, { body }) => simulateReply(sources, body),
  },
  {
    method: 'GET',
    path: '/session',
    access: 'public',
    handler: ({ session }, request) => showSession(session, request),
  },
  {
    method: 'POST',
    path: '/session',
    access: 'session',
    handler: ({ session }, request) => signIn(session, request),
  },
  {
    method: 'DELETE',
    path: '/session',
    access: 'session',
    handler: ({ session }, request) => signOut(session, request),
  },
]

/** 503 until the instance is ready to be sent queries, with the reasons. */
async function readinessReply({ readiness }: AdminSources): Promise<Reply> {
  const result = await checkReadiness(readiness)
  return json(result, result.ready ? 200 : 503)
}

/** `window`: of the course, 1h, 24h (the default) or 30d. */
function budgetsReply(
  { availability, overrides }: AdminSources,
  { parameters, turns }: AdminRequest,
): Reply | Promise<Reply> {
  const window = parameters.get('window') ?? '24h'
  if (!isAvailabilityWindow(window) || [...parameters.keys()].some((key) => key !== 'window'))
    return refuse(400, 'bad-field', 'give window alone: 1h, 24h or 30d')
  return assembledJson({ ...budgetsView(availability, window, overrides.wallMs()) }, turns)
}

async function plainPageReply(sources: AdminSources, { turns }: AdminRequest): Promise<Reply> {
  const readiness = await checkReadiness(sources.readiness)
  // A view is an object of JSON; the page reads what its type names.
  const { value, spentMs } = timed(() => statusView(sources, readiness) as unknown as PlainStatus)
  const reply = await plainReply(value, turns)
  return { ...reply, spentMs: spentMs + (reply.spentMs ?? 0) }
}

async function statusReply(sources: AdminSources, { turns }: AdminRequest): Promise<Reply> {
  const readiness = await checkReadiness(sources.readiness)
  const { value, spentMs } = timed(() => statusView(sources, readiness))
  const reply = await assembledJson(value, turns)
  return { ...reply, spentMs: spentMs + (reply.spentMs ?? 0) }
}
