// What changes weights while the server runs: overrides that operators set, and feedback that MTAs
// give about their own load. Connects the admin HTTP, the cluster, persistent state and the health
// table.

import { randomBytes } from 'node:crypto'

import type { AdminCounters } from '../admin/admin-counters.ts'
import { type AdminListener, listenAdmin } from '../admin/http.ts'
import { writeAccess } from '../admin/access.ts'
import { type Reply, text } from '../admin/reply.ts'
import { type AdminSources, adminRoutes } from '../admin/routes.ts'
import type { OverrideEffects } from '../admin/override-routes.ts'
import { shortPools, shortPoolText } from '../explain/client-moves.ts'
import type { HealthWriter } from '../health/table.ts'
import type { Timer } from '../lib/clock.ts'
import type { Endpoint } from '../lib/ip.ts'
import type { OverrideControl } from '../metrics/override-metrics.ts'
import { type PoolShares, createPoolShares } from '../metrics/pool-shares.ts'
import type { ReputationWatch } from '../reputation/reputation-watch.ts'
import type { Settings } from '../settings/settings.ts'
import { type HandedSockets, isSocketOf, lend } from '../transport/handed-socket.ts'
import type { Workers } from '../transport/worker/workers.ts'
import { type AgentWatch, type WatchedAgent, createAgentWatch } from '../weights/agent-watch.ts'
import {
  type FeedbackRegistry,
  type NamedTarget,
  createFeedbackRegistry,
} from '../weights/feedback-registry.ts'
import { createEndedOverrides, type EndedOverrides } from '../weights/ended-overrides.ts'
import { type MemberState, rowShareOf, watchedMembers } from '../weights/member-state.ts'
import { createMemberWatch } from '../weights/member-watch.ts'
import type { LoadedTarget } from '../zonefile/load-zones.ts'
import type { ZoneKeeper } from '../zonefile/zone-keeper.ts'
import type { ClusterLink } from './cluster-link.ts'
import { exposedUntilMs, Fleet } from './live/fleet.ts'
import { logEvent } from './log-events.ts'
import { logAdminEvent, overrideEvents, logFeedback } from './event-sources.ts'
import type { PersistentState } from './persistent-state.ts'
import type { PartGuard } from './part-guard.ts'
import type { Runtime } from './runtime.ts'

/** Feedback of MTAs for the admin HTTP and metrics. */
interface TargetFeedback {
  readonly registry: FeedbackRegistry
  readonly agentAnswers: AgentWatch['counts']
  readonly effectOf: FeedbackRegistry['effectOf']
  readonly targets: () => readonly NamedTarget[]
}

export interface ControlPlane {
  readonly overrides: OverrideControl
  readonly overrideEffects: OverrideEffects
  readonly endedOverrides: EndedOverrides
  readonly shares: PoolShares
  readonly feedback: TargetFeedback
  readonly fleet: Fleet
  /**
   * Replaces the set of targets; overrides and feedback of targets that are not in it have no
   * effect.
   */
  setTargets(targets: readonly LoadedTarget[]): void
  stop(): void
}

interface ControlPlaneOptions extends Runtime {
  readonly table: HealthWriter
  readonly workers: Workers
  readonly reputation: Pick<ReputationWatch, 'shareOf' | 'onChange'>
  readonly state: PersistentState
  readonly cluster: ClusterLink
  readonly zones: Pick<ZoneKeeper, 'current'>
}

export function createControlPlane(options: ControlPlaneOptions): ControlPlane {
  const { table, workers, log, clock, reputation, state, cluster } = options
  const store = state.persistOverrides(cluster.overrides)
  const feedback = startFeedback(options)
  const endedOverrides = createEndedOverrides(() => clock.wallMs())
  const watch = createMemberWatch({
    table,
    clock,
    timer: options.parts.timer('weights'),
    store,
    feedback: feedback.sources.registry,
    reputation,
    ...overrideListeners(log, endedOverrides, () => shares.sample()),
  })
  const states = (): readonly MemberState[] => watch.states()
  const shares = createPoolShares({ counters: workers.counters, states, clock })
  const wallMs = (): number => clock.wallMs()
  const fleet = new Fleet({ ...options, watch, startedMs: wallMs(), wallMs })
  return {
    shares,
    fleet,
    overrides: overrideControl(watch, fleet, options),
    overrideEffects: overrideEffects(watch, options),
    endedOverrides,
    feedback: feedback.sources,
    setTargets(targets) {
      state.availability.update(targets)
      feedback.setTargets(targets)
      watch.update(watchedMembers(targets))
    },
    stop() {
      feedback.stop()
      watch.stop()
      shares.close()
    },
  }
}

/** `sample`: answers until now were given by the old weights, so shares are sampled before the weights change. */
function overrideListeners(
  log: ControlPlaneOptions['log'],
  endedOverrides: EndedOverrides,
  sample: () => void,
): ReturnType<typeof overrideEvents> {
  const logged = overrideEvents(log)
  return {
    onSet(override, from) {
      logged.onSet(override, from)
      sample()
    },
    onEnd(...ended) {
      logged.onEnd(...ended)
      endedOverrides.add(...ended)
      sample()
    },
  }
}

const overrideControl = (
  watch: OverrideControl['watch'],
  fleet: Fleet,
  { workers, clock }: ControlPlaneOptions,
): OverrideControl => ({
  watch,
  exposedUntilMs: (target) => exposedUntilMs(workers, target),
  fleetExposure: fleet.exposure,
  wallMs: () => clock.wallMs(),
  newId: () => randomBytes(4).toString('hex'),
})

/** What an override comes to beyond this moment and this pool. */
const overrideEffects = (
  watch: OverrideControl['watch'],
  { table, zones, cluster, state }: ControlPlaneOptions,
): OverrideEffects => ({
  shortPools(override) {
    const changed = watch.preview(override).map((one) => ({
      row: one.member.row,
      standing: one.standing,
      share: rowShareOf(one),
    }))
    const { catalog } = zones.current()
    return shortPools(catalog, override.zone, table, changed).map((one) => ({
      ...one,
      message: shortPoolText(one),
    }))
  },
  async kept() {
    if (!cluster.overrides.isPersistent) return state.kept()
    const view = cluster.view?.()
    return view?.degraded
      ? { kind: 'store-away', why: view.reasons[0]?.why ?? 'unknown' }
      : { kind: 'kept' }
  },
})

interface FeedbackIntake {
  readonly sources: TargetFeedback
  setTargets(targets: readonly LoadedTarget[]): void
  stop(): void
}

/** Takes feedback from the admin HTTP, from agents beside the MTAs, and from other instances. */
function startFeedback(
  { log, clock, random, parts, cluster }: ControlPlaneOptions,
  timer: Timer = parts.timer('weights'),
): FeedbackIntake {
  const registry = createFeedbackRegistry(
    clock,
    timer,
    (of, effect) => logFeedback(log, of, effect),
    cluster.feedback,
  )
  const agents = createAgentWatch({
    clock,
    random,
    timer,
    registry,
    isPolledHere: ({ zone, target }) =>
      cluster.feedback === null || cluster.votes.isProbedHere(`agent ${zone} ${target}`),
  })
  let names: readonly NamedTarget[] = []
  return {
    sources: {
      registry,
      agentAnswers: () => agents.counts(),
      effectOf: (of) => registry.effectOf(of),
      targets: () => names,
    },
    setTargets(targets) {
      names = targets.map(({ zone, target }) => ({ zone, target: target.name }))
      registry.retain(names)
      agents.update(targets.flatMap(watchedAgents))
    },
    stop() {
      registry.stop()
      void agents.stop()
    },
  }
}

const watchedAgents = ({ zone, target, agent }: LoadedTarget): readonly WatchedAgent[] =>
  agent === null ? [] : [{ zone, target: target.name, agent }]

/** The route with its exceptions counted and logged; its client gets status 500 as before. */
const withGuard = (
  route: (typeof adminRoutes)[number],
  parts: PartGuard,
  handover: { readonly isHeld: boolean },
): (typeof adminRoutes)[number] => ({
  ...route,
  handler: (sources, request) =>
    parts.run('admin', async () => {
      // The process that takes over has read the state, and would not know of it.
      if (handover.isHeld && route.access === 'admin') return beingTakenOver()
      try {
        return await route.handler(sources, request)
      } catch (error) {
        parts.report('admin', error)
        throw error
      }
    }),
})

const beingTakenOver = (): Reply => ({
  ...text('a new process is taking over from this one: ask again in a second\n', 503),
  retryAfterSeconds: 1,
})

/** Resolves when the admin server listens; rejects with the errno of `bind`. */
export function listenAdminServer(
  endpoint: Endpoint,
  sources: Omit<AdminSources, 'session'>,
  counters: AdminCounters,
  { settings, log, parts, clock, handover, handed }: AdminServerOptions,
): Promise<AdminListener> {
  const { adminToken, adminRead: reads, loadToken } = settings
  const { adminHosts, adminPrefix, hasConsole } = settings
  const access = { writes: writeAccess(endpoint, adminToken), reads, loadToken }
  const session = {
    access,
    port: endpoint.port,
    wallMs: () => clock.wallMs(),
    onSignedIn: (by: string) => logEvent(log, 'session.begun', { by }),
  }
  return listenAdmin(endpoint, {
    routes: adminRoutes
      .filter(({ path }) => hasConsole || !path.startsWith('/console/'))
      .map((route) => withGuard(route, parts, handover)),
    sources: { ...sources, session },
    access,
    hostNames: adminHosts,
    prefix: adminPrefix,
    hasConsole,
    counters,
    feed: sources.live.feed,
    takeSocket: socketTaker(handed, endpoint),
    onEvent(event) {
      if (event.kind === 'hung') parts.report('admin', new ThreadHang(event.why))
      logAdminEvent(log, event)
    },
  })
}

interface AdminServerOptions extends Pick<Runtime, 'log' | 'parts' | 'clock'> {
  readonly settings: AdminSettings
  readonly handover: { readonly isHeld: boolean }
  readonly handed: HandedSockets
}

/** Its socket of those that came bound: each time if it stays open, else once. */
function socketTaker(handed: HandedSockets, endpoint: Endpoint): () => number | null {
  let socket = handed.sockets.find((one) => isSocketOf(one, 'tcp', endpoint)) ?? null
  return () => {
    if (socket === null) return null
    const fd = lend(handed, socket)
    if (!socket.isHeld) socket = null
    return fd
  }
}

/** A thread that does not move any more. */
class ThreadHang extends Error {
  override readonly name = 'ThreadHang'
}

type AdminSettings = Pick<
  Settings,
  'adminToken' | 'adminRead' | 'loadToken' | 'adminHosts' | 'adminPrefix' | 'hasConsole'
>
