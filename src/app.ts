// The composition root: the only file that knows every folder. This is the control thread: configuration,
// probes, admin. What answers queries is in the workers, and reads what this thread publishes.

import { type AdminListener, listenAdmin } from './admin/http.ts'
import { type MetricSources, type Metrics, createMetrics } from './admin/metrics.ts'
import { type AdminSources, adminRoutes } from './admin/routes.ts'
import type { CountedTarget } from './admin/answer-metrics.ts'
import type { WeightedTarget } from './admin/target-metrics.ts'
import type { LoadedTarget } from './config/load-zones.ts'
import type { Mistake } from './config/mistake.ts'
import type { Settings } from './config/settings.ts'
import { watchFiles } from './config/watch-files.ts'
import { type ZoneKeeper, createZoneKeeper } from './config/zone-keeper.ts'
import { createHealthTable } from './health/table.ts'
import { systemClock } from './lib/clock.ts'
import type { Log } from './log.ts'
import { logReload, logTransition, logWorker } from './log-events.ts'
import { type Watch, createWatch } from './probe/watch.ts'
import { createMemoryExchange } from './share/memory.ts'
import { type Endpoint, checkEndpoints, formatEndpoint } from './transport/endpoint.ts'
import { type Workers, startWorkers } from './transport/workers.ts'
import { version } from './version.ts'

export interface App {
  /** Reads the zone files again; takes them over whole or not at all. */
  reload(cause: string): Promise<void>
  /** Readiness off at once, answers for the lameduck time, then everything closed. */
  stop(): Promise<void>
}

export type Started =
  | { readonly kind: 'started'; readonly app: App }
  | { readonly kind: 'bad-zones'; readonly mistakes: readonly Mistake[] }
  | { readonly kind: 'cannot-listen'; readonly why: string }

/** What runs, once it runs. */
interface Parts {
  readonly settings: Settings
  readonly log: Log
  readonly keeper: ZoneKeeper
  readonly watch: Watch
  readonly workers: Workers
  readonly metrics: Metrics
  readonly startedMs: number
  isStopping: boolean
}

export async function startApp(settings: Settings, log: Log): Promise<Started> {
  const keeper = createZoneKeeper(settings.zones, systemClock)
  const loaded = await keeper.load()
  if (loaded.kind === 'rejected') return { kind: 'bad-zones', mistakes: loaded.mistakes }
  logReload(log, loaded, 'start')

  const checked = await checkEndpoints(settings.listen)
  if (checked.kind === 'taken')
    return cannotListen(checked.protocol, checked.endpoint, checked.code)
  const parts = assemble(settings, log, keeper)
  let admin: AdminListener | null = null
  try {
    admin = settings.admin && (await listenAdmin(settings.admin, adminRoutes(adminSources(parts))))
    await parts.workers.listening
  } catch (error) {
    await Promise.all([parts.workers.stop(), parts.watch.stop(), admin?.close()])
    const code = (error as NodeJS.ErrnoException).code ?? String(error)
    return admin === null && settings.admin
      ? cannotListen('TCP', settings.admin, code)
      : cannotListen('UDP and TCP', settings.listen[0] as Endpoint, code)
  }
  const files = await watchFiles(settings.zones, () => void reload(parts, 'file change'))
  log.info({ event: 'server.ready', version, ...describe(parts) }, 'answering')
  return {
    kind: 'started',
    app: {
      reload: (cause) => reload(parts, cause),
      async stop() {
        parts.isStopping = true
        files.close()
        await new Promise((resolve) => setTimeout(resolve, settings.lameduckSeconds * 1000))
        await Promise.all([parts.workers.stop(), parts.watch.stop(), admin?.close()])
      },
    },
  }
}

function assemble(settings: Settings, log: Log, keeper: ZoneKeeper): Parts {
  const table = createHealthTable()
  const workers = startWorkers({
    count: settings.workers,
    birth: {
      endpoints: settings.listen,
      catalog: keeper.current().catalog,
      healthBuffer: table.buffer,
      maxUdpOctets: settings.maxUdpOctets,
      geoip: settings.geoip,
    },
    clock: systemClock,
    onEvent: (event) => logWorker(log, event),
  })
  const watch: Watch = createWatch({
    table,
    clock: systemClock,
    random: Math.random,
    exchange: createMemoryExchange(settings.instance, settings.site),
    onOutcome: (_, outcome) => metrics.observeProbe(outcome),
    onTransition(transition) {
      metrics.countTransition(transition)
      logTransition(log, transition)
    },
  })
  const metrics = createMetrics(metricSources(keeper, workers, watch))
  watch.watch(keeper.current().watched)
  const startedMs = systemClock.monotonicMs()
  return { settings, log, keeper, watch, workers, metrics, startedMs, isStopping: false }
}

const metricSources = (keeper: ZoneKeeper, workers: Workers, watch: Watch): MetricSources => ({
  version,
  counters: workers.counters,
  states: () => watch.states(),
  targets: () => keeper.current().targets.map(countedTarget),
  zones: () => keeper.current().zones,
  workersAlive: () => workers.alive(),
  workerRestarts: () => workers.restarts(),
  lastReload: () => keeper.lastReload(),
})

async function reload({ keeper, log, workers, watch }: Parts, cause: string): Promise<void> {
  const loaded = await keeper.load()
  logReload(log, loaded, cause)
  if (loaded.kind === 'rejected') return
  // Slots first: a zone must never be served against the health of what had its slots before.
  watch.watch(loaded.served.watched)
  workers.publish(loaded.served.catalog)
}

const adminSources = (parts: Parts): AdminSources => ({
  registry: parts.metrics.registry,
  states: () => parts.watch.states(),
  readiness: {
    endpoints: parts.settings.listen,
    isStopping: () => parts.isStopping,
    isProbed: () =>
      parts.watch.firstRoundDone() ||
      systemClock.monotonicMs() - parts.startedMs > parts.settings.readyWithinSeconds * 1000,
    someApex: () => parts.keeper.current().catalog.zones.values().next().value?.apex ?? null,
  },
})

const countedTarget = ({ zone, target, pools }: LoadedTarget): CountedTarget & WeightedTarget => ({
  zone,
  name: target.name,
  index: target.index,
  weights: new Map(pools.map(({ pool, member }) => [pool, member.weight])),
})

const describe = ({ settings, keeper }: Parts): object => ({
  listen: settings.listen.map(formatEndpoint),
  admin: settings.admin ? formatEndpoint(settings.admin) : 'off',
  workers: settings.workers,
  zones: keeper.current().zones,
})

function cannotListen(protocol: string, endpoint: Endpoint, code: string): Started {
  return {
    kind: 'cannot-listen',
    why: `cannot listen on ${protocol} ${formatEndpoint(endpoint)}: ${bindAdvice(code)}`,
  }
}

function bindAdvice(code: string): string {
  switch (code) {
    case 'EADDRINUSE':
      return 'another server holds it (EADDRINUSE); stop that one, or choose another address or port'
    case 'EACCES':
      return 'not permitted (EACCES); a port below 1024 needs CAP_NET_BIND_SERVICE'
    case 'EADDRNOTAVAIL':
      return 'no interface of this host has that address (EADDRNOTAVAIL)'
    default:
      return code
  }
}
