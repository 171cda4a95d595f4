// The composition root: the only file that knows every folder. This is the control thread: configuration,
// probes, admin. What answers queries is in the workers, and reads what this thread publishes.

import { setFlagsFromString } from 'node:v8'
import type { AdminListener } from '../admin/http.ts'
import type { AdminSources } from '../admin/routes.ts'
import type { ReadinessSources } from '../announce/readiness.ts'
import { createHealthTable, type HealthReader } from '../health/table.ts'
import { systemClock } from '../lib/clock.ts'
import type { Endpoint } from '../lib/ip.ts'
import { createMetrics, type Metrics } from '../metrics/metrics.ts'
import type { IdentityWatch } from '../reputation/reputation-watch.ts'
import type { Settings } from '../settings/settings.ts'
import type { ServiceNotifier } from '../systemd/notifier.ts'
import { checkEndpoints } from '../transport/endpoint.ts'
import { detectUdpTransport, type UdpTransport } from '../transport/udp/udp-transport.ts'
import type { Workers } from '../transport/worker/workers.ts'
import type { Watch } from '../watch/endpoint-watch.ts'
import { watchedPools } from '../watch/watched-pools.ts'
import type { Diagnostic } from '../zonefile/diagnostic.ts'
import type { ZoneKeeper } from '../zonefile/zone-keeper.ts'
import { type Announcing, startAnnouncing, startSupervision } from './readiness-signals.ts'
import { type AnsweringNeeds, startAnswering } from './worker-pool.ts'
import { openSharedState, type SharedState } from './cluster-link.ts'
import { createOperator, listenOperator, type Operator } from './control-plane.ts'
import { createExplainer, type Explainer } from './explain-sources.ts'
import { type KeptState, openKeptState } from './persistent-state.ts'
import { logTransportFallback } from './component-events.ts'
import { logEvent } from './events.ts'
import type { Log } from './log.ts'
import { metricSources, statusSources } from './admin-sources.ts'
import { createOutsideView, startProbing } from './health-watch.ts'
import { readServedFiles, reloadServedFiles, watchServedFiles } from './reloadable-files.ts'
import { cannotListen, cannotUseMmsg, describeStart, udpEndpoints } from './listeners.ts'
import { version } from './version.ts'

export interface App {
  /** Reads zone files, databases and certificate again; takes each over whole or not at all. */
  reload(cause: string): Promise<void>
  /** Readiness off at once, answers for the lameduck time, then everything closed. */
  stop(): Promise<void>
}

type Started =
  | { readonly kind: 'started'; readonly app: App }
  | { readonly kind: 'bad-files'; readonly diagnostics: readonly Diagnostic[] }
  | { readonly kind: 'cannot-listen'; readonly why: string }

/** What runs, once it runs. */
interface Parts extends AnsweringNeeds {
  readonly watch: Watch
  readonly operator: Operator
  readonly state: KeptState
  readonly shared: SharedState
  readonly identity: IdentityWatch
  readonly workers: Workers
  readonly metrics: Metrics
  readonly explain: Explainer
  readonly startedMs: number
  isStopping: boolean
}

export async function startApp(settings: Settings, log: Log): Promise<Started> {
  const read = await readServedFiles(settings, log, systemClock)
  if (read.kind === 'bad-files') return read
  const checked = await checkEndpoints(udpEndpoints(settings), settings.streams.tls?.listen)
  if (checked.kind === 'taken')
    return cannotListen(checked.protocol, checked.endpoint, checked.code)
  const chosen = await detectUdpTransport(settings.transport)
  if (chosen.kind === 'unavailable') return cannotUseMmsg(chosen.why)
  logTransportFallback(log, chosen.fallback)
  const state = await openKeptState(settings, log)
  const parts = assemble({ settings, log, ...read.files }, chosen.transport, state)
  let admin: AdminListener | null = null
  try {
    admin = settings.admin && (await listenOperator(settings.admin, adminSources(parts), settings))
    await parts.workers.listening
  } catch (error) {
    await stopAll(parts, admin)
    const code = (error as NodeJS.ErrnoException).code ?? String(error)
    return admin === null && settings.admin
      ? cannotListen('TCP', settings.admin, code)
      : cannotListen('UDP and TCP', settings.listen[0] as Endpoint, code)
  }
  inlineDeeply()
  const files = await watchServedFiles(settings.zones, parts)
  const announcing = startAnnouncing(settings, readinessOf(parts), parts.metrics, log)
  const transport = chosen.transport.kind
  logEvent(log, 'server.ready', { version, transport, ...describeStart(parts) })
  const service = await startSupervision(readinessOf(parts), parts.workers.counters, log)
  service.ready(readyText(parts))
  return { kind: 'started', app: appOf(parts, { admin, files, announcing, service }) }
}

function readyText({ keeper, settings }: Parts): string {
  const count = keeper.current().catalog.zones.size
  return `${settings.instance} answers for ${count} ${count === 1 ? 'zone' : 'zones'}`
}

interface Ends {
  readonly admin: AdminListener | null
  readonly files: { close(): void }
  readonly announcing: Announcing
  readonly service: ServiceNotifier
}

const appOf = (parts: Parts, { admin, files, announcing, service }: Ends): App => ({
  async reload(cause) {
    service.reloading()
    await reloadServedFiles(parts, cause)
    service.ready(readyText(parts))
  },
  async stop() {
    parts.isStopping = true
    parts.workers.lameduck()
    parts.shared.exchange.leave()
    files.close()
    const lameduckMs = parts.settings.lameduckSeconds * 1000
    service.stopping(lameduckMs)
    const lameduck = new Promise((resolve) => setTimeout(resolve, lameduckMs))
    await Promise.all([lameduck, announcing.stop()])
    service.end()
    await stopAll(parts, admin)
  },
})

async function stopAll(parts: Parts, admin: AdminListener | null): Promise<void> {
  await parts.state.close()
  parts.operator.stop()
  parts.identity.stop()
  await Promise.all([parts.workers.stop(), parts.watch.stop(), admin?.close()])
  await parts.shared.stop()
}

function assemble(given: AnsweringNeeds, udp: UdpTransport, state: KeptState): Parts {
  const { settings, log, keeper } = given
  const table = createHealthTable()
  // For the workers to see that somebody keeps the table (answer/transaction.ts); it ends with the process.
  setInterval(() => table.beat(), 1000).unref()
  const workers = startAnswering(given, udp, table.buffer)
  const shared = openSharedState(settings, log, Math.random)
  const identity = createOutsideView(settings, log, Math.random)
  const sinks = { shared, state, identity, metrics: () => metrics }
  const watch = startProbing({ settings, log, table, random: Math.random, ...sinks })
  if (shared.tallies) state.availability.share(shared.tallies)
  const operator = createOperator({
    table,
    workers,
    log,
    state,
    shared,
    reputation: identity,
    random: Math.random,
  })
  const metrics: Metrics = createMetrics(
    metricSources({ ...given, workers, watch, operator, identity, state, shared }),
  )
  beginWatching(keeper, { watch, operator, identity, state, shared })
  const explain = explainerOf({ ...given, watch, operator }, table)
  const running = { watch, operator, state, shared, identity, workers, metrics, explain }
  return { ...given, ...running, startedMs: systemClock.monotonicMs(), isStopping: false }
}

function beginWatching(
  keeper: ZoneKeeper,
  {
    watch,
    operator,
    identity,
    state,
    shared,
  }: Pick<Parts, 'watch' | 'operator' | 'identity' | 'state' | 'shared'>,
): void {
  const { watched, targets, identities, content } = keeper.current()
  watch.watch(watched, watchedPools(targets))
  operator.watch(targets)
  state.follow(() => watch.saved())
  identity.watch(identities)
  shared.configure(content)
}

const explainerOf = (
  { keeper, places, watch, operator }: Pick<Parts, 'keeper' | 'places' | 'watch' | 'operator'>,
  health: HealthReader,
): Explainer =>
  createExplainer({
    catalog: () => keeper.current().catalog,
    health,
    places,
    states: () => watch.states(),
    overrides: operator.overrides,
    random: Math.random,
  })

const adminSources = (parts: Parts): AdminSources => ({
  registry: parts.metrics.registry,
  states: () => parts.watch.states(),
  overrides: parts.operator.overrides,
  shares: parts.operator.shares,
  explain: parts.explain,
  identity: parts.identity,
  feedback: parts.operator.feedback,
  availability: () => parts.state.availability.pools(),
  status: statusSources(parts),
  readiness: readinessOf(parts),
})

const readinessOf = (parts: Parts): ReadinessSources => ({
  endpoints: parts.settings.listen,
  isStopping: () => parts.isStopping,
  isProbed: () =>
    parts.watch.firstRoundDone() ||
    systemClock.monotonicMs() - parts.startedMs > parts.settings.readyWithinSeconds * 1000,
  someApex: () => parts.keeper.current().catalog.zones.values().next().value?.apex ?? null,
})

// How much the compiler may put into one function. An answer is made by some forty small functions, and what is not
// inlined is called: with V8's own limit that is a quarter of the time of most answers (docs/adr/0010-drawn-answers.md).
//
// Said once all threads are up: V8 throws away the code that Node has ready for its own modules when flags differ from
// those that it was made with: 35 ms for the process and 15 ms for each worker.

/** Units of bytecode in all, and of one that is inlined; V8's own are 920 and 460. */
const flags = ['--max-inlined-bytecode-size-cumulative=5000', '--max-inlined-bytecode-size=700']

/** For all functions that become hot from now on, in all threads. */
export const inlineDeeply = (): void => flags.forEach((flag) => setFlagsFromString(flag))
