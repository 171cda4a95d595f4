// The probes of this instance: what they see goes to the health table, to whoever shares it, and to the log.

import type { HealthWriter } from '../health/table.ts'
import { type Random, systemClock } from '../lib/clock.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { probeAddress } from '../probe/smtp/smtp-probe.ts'
import { createIdentityWatch, type IdentityWatch } from '../reputation/reputation-watch.ts'
import { createStubResolver } from '../resolver/stub-resolver.ts'
import type { Settings } from '../settings/settings.ts'
import { createWatch, type Watch } from '../watch/endpoint-watch.ts'
import type { SharedState } from './cluster-link.ts'
import { identityEvents, logLocalFault, logTargetAlert, logTransition } from './component-events.ts'
import type { KeptState } from './persistent-state.ts'
import type { Log } from './log.ts'

interface ProbingNeeds {
  readonly settings: Settings
  readonly log: Log
  readonly table: HealthWriter
  readonly shared: SharedState
  readonly state: KeptState
  readonly identity: IdentityWatch
  readonly random: Random
  /** There by the time of the first probe. */
  readonly metrics: () => Metrics
}

/** Nothing is probed until it is told what to watch. */
export function startProbing(needs: ProbingNeeds): Watch {
  const { settings, log, table, shared, state, identity, random, metrics } = needs
  return createWatch({
    table,
    clock: systemClock,
    random,
    exchange: shared.exchange,
    onOutcome(watched, outcome) {
      metrics().observeProbe(outcome)
      identity.hear(watched, outcome)
      state.availability.observe(watched, outcome)
    },
    instance: settings.instance,
    limits: settings.probing.limits,
    probe: (request, clock) => probeAddress({ ...request, source: settings.probing.source }, clock),
    canaries: settings.canaries,
    restored: state.restored.verdicts,
    onStart: (lateMs) => metrics().observeStart(lateMs),
    onDoubt(event) {
      logLocalFault(log, event)
      if (event.kind === 'isolated') shared.exchange.reportLocalFault(!event.isOver)
    },
    onAlert: (alert) => logTargetAlert(log, alert),
    onTransition(transition) {
      metrics().countTransition(transition)
      logTransition(log, transition)
      state.touch()
    },
  })
}

// What targets look like from outside, put together: the resolver that the operator names, and what the log is told.

export const createOutsideView = (
  { resolver, instance }: Pick<Settings, 'resolver' | 'instance'>,
  log: Log,
  random: Random,
): IdentityWatch =>
  createIdentityWatch({
    resolver: resolver && createStubResolver({ server: resolver, clock: systemClock }),
    clock: systemClock,
    random,
    instance,
    ...identityEvents(log),
  })
