// The composition root: starts and stops the server, and is the only file that imports from every
// folder. It runs in the control thread, which reads configuration, probes targets and serves the
// admin HTTP. Worker threads answer the queries, from what this thread publishes.

import { setFlagsFromString } from 'node:v8'

import { type AdminCounters, openAdminCounters } from '../admin/admin-counters.ts'
import type { ExplainWorker } from '../admin/explaining/explain-worker.ts'
import type { AdminListener } from '../admin/http.ts'
import type { AdminSources } from '../admin/routes.ts'
import type { Announcement } from '../announce/announcer.ts'
import type { ReadinessSources } from '../announce/readiness.ts'
import { createSigningTime } from '../dnssec/signing-clock.ts'
import { EventRing } from '../history/event-ring.ts'
import { createHealthTable } from '../health/table.ts'
import { alignedInterval, endsWithin, systemClock, systemTimer } from '../lib/clock.ts'
import type { Endpoint } from '../lib/ip.ts'
import { createMetrics, type Metrics } from '../metrics/metrics.ts'
import type { ReputationWatch } from '../reputation/reputation-watch.ts'
import type { Settings } from '../settings/settings.ts'
import type { UnavailableEndpoint } from '../transport/endpoint.ts'
import type { HandedSockets } from '../transport/handed-socket.ts'
import { detectUdpTransport, type UdpTransport } from '../transport/udp/udp-transport.ts'
import type { DsWatch } from '../trust/ds-watch.ts'
import type { Workers } from '../transport/worker/workers.ts'
import type { EndpointWatch } from '../watch/endpoint-watch.ts'
import type { StartWatch } from '../watch/start-watch.ts'
import { watchedPools } from '../watch/watched-pools.ts'
import type { Diagnostic } from '../zonefile/diagnostic.ts'
import {
  clockTrust,
  departedSource,
  matrixFacts,
  metricSources,
  statusSources,
  watchProblems,
  zonesSource,
} from './admin-sources.ts'
import {
  type ClusterLink,
  connectStore,
  openClusterLink,
  type StoreConnection,
} from './cluster-link.ts'
import { logTransportFallback } from './event-sources.ts'
import { createControlPlane, listenAdminServer, type ControlPlane } from './control-plane.ts'
import { ownReports } from './live/fleet.ts'
import { logEvent } from './log-events.ts'
import { startExplainWorker } from './explain-sources.ts'
import {
  startDsWatch,
  startReputationWatch,
  startHealthWatch,
  watchStarts,
} from './health-watch.ts'
import {
  cannotListen,
  cannotUseMmsg,
  checkListeners,
  endpointsOf,
  startFields,
} from './listeners.ts'
import { startLiveState } from './live/live-state.ts'
import { openRecorders, type Recorders, watchHistory } from './live/recorders.ts'
import { type LogOutput, withEvents } from './log.ts'
import { type PersistentState, openPersistentState } from './persistent-state.ts'
import {
  type AnnounceHook,
  noAnnounceHook,
  startAnnounceHook,
  startServiceNotifier,
  successorVariables,
} from './readiness-signals.ts'
import { type ReloadableFiles, readFiles, reloadFiles, reloadOnChange } from './reloadable-files.ts'
import { createPartGuard } from './part-guard.ts'
import type { Runtime } from './runtime.ts'
import {
  endAfterLeaving,
  endAll,
  type EndingComponents,
  endWithinMs,
  leaveTo,
  stopServer,
} from './lifecycle/end-server.ts'
import { openIncumbency } from './lifecycle/incumbency.ts'
import { openSocketOrigin, type SocketOrigin } from './lifecycle/socket-origin.ts'
import { version } from './version.ts'
import { startWorkerPool } from './worker-pool.ts'

export interface App {
  /**
   * Reads zone files, GeoIP databases and certificate again. Each is put in force as a whole or not
   * at all.
   */
  reload(cause: string): Promise<void>
  /**
   * Reports "not ready" at once, answers queries for the lameduck time, then closes everything and
   * resolves. `overdue`: something does not end, such as a thread that waits for a file system.
   */
  stop(): Promise<'ended' | 'overdue'>
  /** Resolves once another process has taken over, and everything here has ended. */
  readonly handedOver: Promise<'ended' | 'overdue'>
  /** Starts a process by the command of this one that takes over from it. */
  startSuccessor(): void
}

type StartResult =
  | { readonly kind: 'started'; readonly app: App }
  | { readonly kind: 'bad-files'; readonly diagnostics: readonly Diagnostic[] }
  | { readonly kind: 'cannot-listen'; readonly why: string }

interface ServerInputs extends Runtime, ReloadableFiles {
  readonly settings: Settings
  /** null: this instance shares with no others. */
  readonly store: StoreConnection | null
  /** Endpoints of the settings at which no client can ask, as it was at the start. */
  readonly unavailable: readonly UnavailableEndpoint[]
  readonly handed: HandedSockets
  /** Whether the process before has done its first round of probes. */
  readonly isProbedBefore: boolean
}

/** The state of a hand-over to the next process. */
interface Handover {
  /** Nothing that the next process takes over may change now. */
  isHeld: boolean
}

/** Every component that runs in, or for, the control thread. */
interface RunningServer extends ServerInputs {
  readonly watch: EndpointWatch
  readonly starts: StartWatch
  readonly controlPlane: ControlPlane
  readonly state: PersistentState
  readonly cluster: ClusterLink
  readonly reputation: ReputationWatch
  readonly dsWatch: DsWatch
  readonly workers: Workers
  readonly recorders: Recorders
  readonly metrics: Metrics
  readonly explainWorker: ExplainWorker
  readonly problems: ReturnType<typeof watchProblems>
  readonly admin: AdminCounters
  /** What is started after the problems are watched. */
  readonly late: { announceHook: AnnounceHook }
  readonly handover: Handover
  /** Monotonic time of the start, in milliseconds. */
  readonly startedMs: number
  isStopping: boolean
}

/**
 * Resolves as soon as queries are answered. `isTakeOver`: with the sockets of the process of this instance that serves
 * now, which leaves then, or goes on where this one cannot start. Rejects only for a bug.
 */
export async function startApp(
  configured: Settings,
  { log: output, droppedLines }: Pick<LogOutput, 'log' | 'droppedLines'>,
  isTakeOver = false,
): Promise<StartResult> {
  if (import.meta.filename.endsWith('.ts')) neverCompileWasmWrappers()
  const clock = systemClock
  const events = new EventRing()
  const log = withEvents(output, (logged) => events.take(logged, clock.wallMs()))
  const parts = createPartGuard(log)
  const signingTime = createSigningTime(clock)
  const runtime = { log, droppedLines, clock, signingTime, random: Math.random, parts, events }
  const opened = await openSocketOrigin(configured, isTakeOver, log)
  if (opened.kind === 'cannot-listen') return opened
  const { origin } = opened
  const store = await connectStore(configured, runtime)
  const result = await startWithStore(configured, runtime, { store, origin })
  if (result.kind !== 'started') store?.close()
  if (result.kind !== 'started') origin.close()
  return result
}

interface StartSources {
  readonly store: StoreConnection | null
  readonly origin: SocketOrigin
}

async function startWithStore(
  configured: Settings,
  runtime: Runtime,
  { store, origin }: StartSources,
): Promise<StartResult> {
  const { log } = runtime
  const kept = await openPersistentState(configured, runtime)
  runtime.signingTime.learn(kept.restored.knownMs)
  const read = await readFiles(configured, runtime, memoryOf(configured, kept, store))
  if (read.kind === 'bad-files') return read
  const chosen = await detectUdpTransport(configured.transport)
  if (chosen.kind === 'unavailable') return cannotUseMmsg(chosen.why)
  const transport = chosen.transport.kind
  const taken = await origin.take({ ...endpointsOf(configured), transport })
  if (taken.kind === 'cannot-listen') return taken
  const { handed, isProbed: isProbedBefore } = taken
  const checked = await checkListeners(configured, log, handed)
  if (checked.kind === 'cannot-listen') return checked
  const { settings, unavailable } = checked
  logTransportFallback(log, chosen.fallback)
  // The process before has written it once more when it handed over.
  const isLater = origin.kind === 'predecessor'
  const state = isLater ? await openPersistentState(configured, runtime) : kept
  runtime.events.restore(state.restored.events)
  const inputs = { settings, ...runtime, ...read.files, store, unavailable, handed, isProbedBefore }
  const server = composeServer(inputs, chosen.transport, state)
  return startServing(server, origin, transport)
}

/** Resolves when the threads of the server answer, and no other process does. */
async function startServing(
  server: RunningServer,
  origin: SocketOrigin,
  transport: string,
): Promise<StartResult> {
  const { settings } = server
  const isOnlyOne = origin.kind !== 'predecessor'
  let admin: AdminListener | null = null
  try {
    admin =
      settings.admin &&
      (await listenAdminServer(settings.admin, adminSources(server), server.admin, server))
    await server.workers.listening
  } catch (error) {
    await endsWithin(endAll(server, admin, isOnlyOne), endWithinMs, systemTimer)
    const code = (error as NodeJS.ErrnoException).code ?? String(error)
    return admin === null && settings.admin
      ? cannotListen('TCP', settings.admin, code)
      : cannotListen('UDP and TCP', settings.listen[0] as Endpoint, code)
  }
  const relieved = await origin.relieve()
  if (relieved.kind === 'cannot-listen') {
    await endsWithin(endAll(server, admin, isOnlyOne), endWithinMs, systemTimer)
    return relieved
  }
  const announced = relieved.isAnnounced ? 'up' : 'down'
  return { kind: 'started', app: await serve(server, { admin, transport, announced }) }
}

/** What is remembered of zones beyond this process: in the state file, and in the store. */
const memoryOf = (
  { streams }: Settings,
  { restored }: PersistentState,
  store: StoreConnection | null,
): Parameters<typeof readFiles>[2] => ({
  restored: restored.serials,
  signed: restored.signed,
  handed: {
    restored: restored.handed,
    shared: async () => (await store?.readHanded()) ?? new Map(),
  },
  shared: async () => (await store?.readSerials()) ?? null,
  names: {
    restored: restored.names,
    shared: async () => (await store?.readNames()) ?? null,
    hasSecondaries: streams.transferAllow.length > 0,
  },
})

interface ServingSince {
  readonly admin: AdminListener | null
  readonly transport: string
  /** By the process before. */
  readonly announced: Announcement
}

/** Starts what follows once queries are answered. */
async function serve(
  server: RunningServer,
  { admin, transport, announced }: ServingSince,
): Promise<App> {
  const { settings, log } = server
  raiseInliningLimits()
  persistState(server)
  const files = await reloadOnChange(settings.zones, server)
  const announceHook = startAnnounceHook(settings, readinessOf(server), server.metrics, {
    ...server,
    before: announced,
  })
  server.late.announceHook = announceHook
  server.parts.endStart()
  const environment = successorVariables()
  const notifier = await startServiceNotifier(readinessOf(server), server, server)
  const app = await appOf(server, { admin, files, announceHook, notifier, environment })
  logEvent(log, 'server.ready', { version, transport, ...startFields(server) })
  notifier.ready(readyText(server))
  return app
}

function readyText({ zones, settings }: RunningServer): string {
  const count = zones.current().catalog.zones.size
  return `${settings.instance} answers for ${count} ${count === 1 ? 'zone' : 'zones'}`
}

/** What is started after the workers listen. */
interface LateComponents extends EndingComponents {
  /** Of a process that takes over from this one. */
  readonly environment: Readonly<Record<string, string>>
}

async function appOf(server: RunningServer, late: LateComponents): Promise<App> {
  const { notifier } = late
  const handedOver = Promise.withResolvers<'ended' | 'overdue'>()
  const incumbency = await openIncumbency({
    ...server,
    ...late,
    version,
    endpoints: endpointsOf(server.settings).tcp,
    isStopping: () => server.isStopping,
    isProbed: () => readinessOf(server).isProbed(),
    hold: (isHeld) => void (server.handover.isHeld = isHeld),
    async leave(pid) {
      await leaveTo(server, late, pid)
      void endAfterLeaving(server).then(handedOver.resolve)
      return late.announceHook.isAnnounced()
    },
  })
  return {
    handedOver: handedOver.promise,
    startSuccessor: () => incumbency.startSuccessor(),
    async reload(cause) {
      notifier.reloading()
      await server.parts
        .run('zones', () => reloadFiles(server, cause))
        .finally(() => notifier.ready(readyText(server)))
    },
    stop() {
      if (server.isStopping) return handedOver.promise
      server.isStopping = true
      return stopServer(server, late)
    },
  }
}

function composeServer(
  inputs: ServerInputs,
  udp: UdpTransport,
  state: PersistentState,
): RunningServer {
  const { settings, clock } = inputs
  const table = createHealthTable()
  // Workers distrust a health table that is no longer written (answer/transaction.ts). The timer
  // ends with the process.
  alignedInterval(1000, () => table.beat())
  const workers = inputs.parts.run('workers', () => startWorkerPool(inputs, udp, table.buffer))
  const cluster = openClusterLink(settings, inputs, inputs.store)
  const reputation = startReputationWatch(settings, inputs)
  const dsWatch = startDsWatch(settings, inputs)
  const recorders = openRecorders(settings, inputs, workers.counters)
  const shared = { ...inputs, table, workers, state, cluster, reputation, recorders }
  const watch = startHealthWatch({ ...shared, metrics: () => metrics })
  recorders.begin(() => watch.counters())
  if (cluster.tallies) state.availability.shareTallies(cluster.tallies)
  const controlPlane = createControlPlane(shared)
  const admin = openAdminCounters()
  const late = { announceHook: noAnnounceHook }
  const handover = { isHeld: false }
  const watches = { watch, controlPlane, reputation, dsWatch }
  const running = { ...watches, state, cluster, workers, admin, recorders }
  const components = { ...inputs, ...running, late, handover }
  const metrics: Metrics = createMetrics(metricSources(components))
  startWatches(components)
  const explainWorker = explainWorkerOf(components, table.buffer)
  const startedMs = clock.monotonicMs()
  const starts = watchStarts(watch, inputs)
  const problems = watchProblems({ ...components, starts }, table)
  return { ...components, starts, metrics, explainWorker, problems, startedMs, isStopping: false }
}

type Components = Omit<
  RunningServer,
  'metrics' | 'starts' | 'explainWorker' | 'problems' | 'startedMs' | 'isStopping'
>

/** Hands the targets of the zones in force to everything that watches targets. */
function startWatches(server: Components): void {
  const { zones, keys, names, watch, controlPlane, reputation, cluster, clock } = server
  const { watched, targets, identities, content } = zones.current()
  watchHistory(server.recorders, watched)
  watch.update(watched, watchedPools(targets))
  controlPlane.setTargets(targets)
  reputation.update(identities)
  cluster.publishConfig(content, keys.digest())
  cluster.publishSerials(zones.serials())
  cluster.publishNames(zones.names())
  cluster.publishHanded(names.toShare(clock.wallMs()))
  cluster.reportOwn(ownReports({ settings: server.settings, zones, fleet: controlPlane.fleet }))
}

/** Has the state file written from now on. */
const persistState = (components: Components): void => {
  const { state, watch, zones, keys, names, clock, signingTime, events } = components
  state.persist({
    events: () => events.saved(),
    verdicts: () => watch.savedVerdicts(),
    serials: () => zones.serials(),
    signed: () => keys.remembered(),
    names: () => zones.names(),
    handed: () => names.handed(clock.wallMs()),
    knownMs: () => (keys.current().length === 0 ? 0 : signingTime.nowMs()),
  })
}

const explainWorkerOf = (
  { workers, places, watch, controlPlane, admin, clock, log }: Components,
  healthBuffer: SharedArrayBuffer,
): ExplainWorker =>
  startExplainWorker({
    workers,
    healthBuffer,
    places,
    states: () => watch.states(),
    overrides: controlPlane.overrides,
    counters: admin,
    clock,
    log,
  })

const adminSources = (server: RunningServer): Omit<AdminSources, 'session'> => ({
  metrics: {
    contentType: server.metrics.registry.contentType,
    pieces: () => server.metrics.pieces(),
  },
  states: () => server.watch.states(),
  overrides: server.controlPlane.overrides,
  overrideEffects: server.controlPlane.overrideEffects,
  endedOverrides: server.controlPlane.endedOverrides,
  shares: server.controlPlane.shares,
  explain: (asked) => server.explainWorker.explain(asked),
  reputation: server.reputation,
  feedback: server.controlPlane.feedback,
  availability: () => server.state.availability.pools(),
  coherence: { zones: () => server.names.zones(), facts: () => matrixFacts(server) },
  status: statusSources(server),
  departed: departedSource(server.zones),
  readiness: readinessOf(server),
  live: startLiveState(server, readinessOf(server)),
  zones: zonesSource(server.zones),
})

const readinessOf = (server: RunningServer): ReadinessSources => ({
  endpoints: server.settings.listen,
  isStopping: () => server.isStopping,
  isProbed: () =>
    server.isProbedBefore ||
    server.watch.firstRoundDone() ||
    server.clock.monotonicMs() - server.startedMs > server.settings.readyWithinSeconds * 1000,
  isTimeKnown: () => clockTrust(server) !== 'behind',
  anyApex: () => server.zones.current().catalog.zones.values().next().value?.apex ?? null,
})

// V8's limits on inlining. An answer is made by some forty small functions; under the default
// limits V8 does not inline all of them, which costs a quarter of the time of most answers
// (docs/adr/0009-hot-path.md).
//
// The flags are set after all threads have started: V8 discards the compiled code that Node ships
// for its own modules when the flags differ from those of the build, which would cost 35 ms in the
// process and 15 ms in each worker.

/**
 * In units of bytecode, for all inlined functions together and for each; V8's defaults are 920 and
 * 460.
 */
const inliningFlags = [
  '--max-inlined-bytecode-size-cumulative=5000',
  '--max-inlined-bytecode-size=700',
]

/** Applies to all threads, and to functions that V8 optimizes from now on. */
export const raiseInliningLimits = (): void =>
  inliningFlags.forEach((flag) => setFlagsFromString(flag))

/**
 * For sources only: Node strips their types by WebAssembly in each thread, and V8 can end a process in which threads
 * that start and end share its wrappers for calls out of WebAssembly (docs/adr/0014-built-in-few-files.md).
 */
const neverCompileWasmWrappers = (): void =>
  setFlagsFromString('--wasm-wrapper-tiering-budget=2147483647')
