// Starts what watches targets: SMTP probes, whose results go to the health table, to the cluster
// and to the log, the watch whether they start at all, the checks of sender reputation, and of
// what parents say of signed zones.

import type { NameKeeper } from '../coherence/name-keeper.ts'
import { type HealthWriter, SlotState } from '../health/table.ts'
import { alignedInterval } from '../lib/clock.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { probeAddress } from '../probe/smtp/smtp-probe.ts'
import { createReputationWatch, type ReputationWatch } from '../reputation/reputation-watch.ts'
import { createStubResolver } from '../resolver/stub-resolver.ts'
import type { Settings } from '../settings/settings.ts'
import { DsWatch } from '../trust/ds-watch.ts'
import { queryParentDs } from '../trust/parent-ds.ts'
import { createEndpointWatch, type EndpointWatch } from '../watch/endpoint-watch.ts'
import { StartWatch } from '../watch/start-watch.ts'
import type { ClusterLink } from './cluster-link.ts'
import {
  reputationEvents,
  logDsStanding,
  logLocalFault,
  logTargetAlert,
  logTransition,
} from './event-sources.ts'
import { logEvent } from './log-events.ts'
import { recordOutcome, type Recorders } from './live/recorders.ts'
import type { PersistentState } from './persistent-state.ts'
import type { Runtime } from './runtime.ts'

interface HealthWatchOptions extends Runtime {
  readonly settings: Settings
  readonly table: HealthWriter
  readonly cluster: ClusterLink
  readonly state: PersistentState
  readonly reputation: ReputationWatch
  readonly names: NameKeeper
  readonly recorders: Pick<Recorders, 'history'>
  /** Not called before the first probe, since metrics are created after the watch. */
  readonly metrics: () => Metrics
}

/** Probes nothing until targets are set. */
export function startHealthWatch(options: HealthWatchOptions): EndpointWatch {
  const { settings, log, clock, random, parts, table, cluster, state, metrics } = options
  const { reputation, names, recorders } = options
  const timer = parts.timer('probes')
  return createEndpointWatch({
    table,
    clock,
    random,
    timer,
    cluster: cluster.votes,
    onOutcome(watched, outcome) {
      metrics().observeProbe(outcome)
      reputation.observeProbe(watched, outcome)
      names.observe(watched, outcome, clock.wallMs())
      state.availability.observe(watched, outcome)
      recordOutcome({ ...recorders, clock }, watched, { outcome, state: table.state(watched.slot) })
    },
    instance: settings.instance,
    limits: settings.probing.limits,
    probe: (request, clock) => probeAddress({ ...request, source: settings.probing.source }, clock),
    canaries: settings.canaries,
    restored: state.restored.verdicts,
    onStart: (lateMs) => metrics().observeStart(lateMs),
    onLoopDelay: (lateMs) => metrics().observeLoopDelay(lateMs),
    onLocalFault(event) {
      logLocalFault(log, event)
      if (event.kind === 'isolated') cluster.votes.reportLocalFault(!event.isOver)
    },
    onAlert: (alert) => logTargetAlert(log, alert),
    onTransition(transition) {
      metrics().countTransition(transition)
      logTransition(log, transition)
      recorders.history.observeState(transition.slot, SlotState[transition.to], clock.wallMs())
      state.markDirty()
    },
  })
}

/** Without the setting `resolver`, only what targets say in their greetings is checked. */
export const startReputationWatch = (
  { resolver, instance }: Pick<Settings, 'resolver' | 'instance'>,
  { log, clock, random, parts }: Runtime,
): ReputationWatch =>
  createReputationWatch({
    resolver: resolver && createStubResolver({ server: resolver, clock }),
    clock,
    random,
    timer: parts.timer('identity'),
    instance,
    ...reputationEvents(log),
  })

const nameServerPort = 53
const dsTimeoutMs = 3000

/** Without the setting `resolver` no parent is asked. */
export function startDsWatch(
  { resolver: server }: Pick<Settings, 'resolver'>,
  { log, clock, random, parts }: Runtime,
): DsWatch {
  const resolver = server && createStubResolver({ server, clock })
  const access = resolver && { resolver, port: nameServerPort, timeoutMs: dsTimeoutMs }
  return new DsWatch({
    ask: access && ((apex) => parts.run('identity', () => queryParentDs(apex, access))),
    clock,
    random,
    onChange: (standing) => logDsStanding(log, standing),
  })
}

/** A failure that no code throws: the schedule of the probes has stopped. */
class ProbesNotStarting extends Error {
  override readonly name = 'ProbesNotStarting'
}

const lookEveryMs = 1000

/** Looks whether probes start, and begins their schedule anew where they do not, or where the part has failed. */
export function watchStarts(
  watch: EndpointWatch,
  { log, clock, parts }: Pick<Runtime, 'log' | 'clock' | 'parts'>,
): StartWatch {
  const source = watch.schedule()
  const starts = new StartWatch({
    source,
    clock,
    onEvent({ kind }) {
      if (kind === 'restarted') parts.report('probes', new ProbesNotStarting())
      else logEvent(log, kind === 'stalled' ? 'probes.stalled' : 'probes.resumed')
    },
  })
  parts.onFailure('probes', () => source.restart())
  // Ends with the process.
  alignedInterval(lookEveryMs, () => starts.look())
  return starts
}
