// The composition root: the only file that knows every folder. This is the control thread: configuration,
// probes, admin. What answers queries is in the workers, and reads what this thread publishes.

import type { AdminListener } from './admin/http.ts'
import { type Metrics, createMetrics } from './admin/metrics.ts'
import type { AdminSources } from './admin/routes.ts'
import { type AnsweringNeeds, startAnswering } from './answering-workers.ts'
import type { Mistake } from './config/mistake.ts'
import type { Settings } from './config/settings.ts'
import { type Explainer, createExplainer } from './explainer.ts'
import { type HealthReader, createHealthTable } from './health/table.ts'
import { systemClock } from './lib/clock.ts'
import type { Log } from './log.ts'
import { logAlarm, logFallback, logTransition } from './log-events.ts'
import { metricSources, udpEndpoints } from './metric-sources.ts'
import { type Operator, createOperator, listenOperator } from './operator.ts'
import { type Watch, createWatch } from './probe/watch.ts'
import { readServedFiles, reloadServedFiles, watchServedFiles } from './served-files.ts'
import { createMemoryExchange } from './share/memory.ts'
import { bindAdvice } from './transport/bind-advice.ts'
import { type Endpoint, checkEndpoints, formatEndpoint } from './transport/endpoint.ts'
import { type UdpTransport, chooseUdp } from './transport/udp-choice.ts'
import type { Workers } from './transport/workers.ts'
import { version } from './version.ts'

export interface App {
  /** Reads zone files, databases and certificate again; takes each over whole or not at all. */
  reload(cause: string): Promise<void>
  /** Readiness off at once, answers for the lameduck time, then everything closed. */
  stop(): Promise<void>
}

export type Started =
  | { readonly kind: 'started'; readonly app: App }
  | { readonly kind: 'bad-files'; readonly mistakes: readonly Mistake[] }
  | { readonly kind: 'cannot-listen'; readonly why: string }

/** What runs, once it runs. */
interface Parts extends AnsweringNeeds {
  readonly watch: Watch
  readonly operator: Operator
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
  const chosen = await chooseUdp(settings.transport)
  if (chosen.kind === 'unavailable') return cannotUseMmsg(chosen.why)
  logFallback(log, chosen.fallback)
  const parts = assemble({ settings, log, ...read.files }, chosen.transport)
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
  const files = await watchServedFiles(settings.zones, parts)
  const transport = chosen.transport.kind
  log.info({ event: 'server.ready', version, transport, ...describe(parts) }, 'answering')
  return {
    kind: 'started',
    app: {
      reload: (cause) => reloadServedFiles(parts, cause),
      async stop() {
        parts.isStopping = true
        parts.workers.lameduck()
        files.close()
        await new Promise((resolve) => setTimeout(resolve, settings.lameduckSeconds * 1000))
        await stopAll(parts, admin)
      },
    },
  }
}

async function stopAll(parts: Parts, admin: AdminListener | null): Promise<void> {
  parts.operator.stop()
  await Promise.all([parts.workers.stop(), parts.watch.stop(), admin?.close()])
}

function assemble(given: AnsweringNeeds, udp: UdpTransport): Parts {
  const { settings, log, keeper } = given
  const table = createHealthTable()
  // For the workers to see that somebody keeps the table (answer/staleness.ts); it ends with the process.
  setInterval(() => table.beat(), 1000).unref()
  const workers = startAnswering(given, udp, table.buffer)
  const watch: Watch = createWatch({
    table,
    clock: systemClock,
    random: Math.random,
    exchange: createMemoryExchange(settings.instance, settings.site),
    onOutcome: (_, outcome) => metrics.observeProbe(outcome),
    onAlarm: (alarm) => logAlarm(log, alarm),
    onTransition(transition) {
      metrics.countTransition(transition)
      logTransition(log, transition)
    },
  })
  const operator = createOperator(table, workers, log)
  const metrics = createMetrics(metricSources({ ...given, workers, watch, operator }))
  watch.watch(keeper.current().watched)
  operator.watch(keeper.current().targets)
  const explain = explainerOf({ ...given, watch, operator }, table)
  return {
    ...given,
    watch,
    operator,
    workers,
    metrics,
    explain,
    startedMs: systemClock.monotonicMs(),
    isStopping: false,
  }
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
  readiness: {
    endpoints: parts.settings.listen,
    isStopping: () => parts.isStopping,
    isProbed: () =>
      parts.watch.firstRoundDone() ||
      systemClock.monotonicMs() - parts.startedMs > parts.settings.readyWithinSeconds * 1000,
    someApex: () => parts.keeper.current().catalog.zones.values().next().value?.apex ?? null,
  },
})

const describe = ({ settings, keeper }: Parts): object => ({
  listen: settings.listen.map(formatEndpoint),
  tls: settings.streams.tls?.listen.map(formatEndpoint) ?? 'off',
  proxy: settings.streams.proxy?.listen.map(formatEndpoint) ?? 'off',
  admin: settings.admin ? formatEndpoint(settings.admin) : 'off',
  workers: settings.workers,
  zones: keeper.current().zones,
  cookieSecret: settings.answers.cookieSecrets.length > 0 ? 'configured' : 'random',
})

const cannotUseMmsg = (why: string): Started => ({
  kind: 'cannot-listen',
  why: `transport mmsg does not work here: ${why}; with auto another one serves`,
})

const cannotListen = (protocol: string, endpoint: Endpoint, code: string): Started => ({
  kind: 'cannot-listen',
  why: `cannot listen on ${protocol} ${formatEndpoint(endpoint)}: ${bindAdvice(code)}`,
})
