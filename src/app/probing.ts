// The probes of this instance: what they see goes to the health table, to whoever shares it, and to the log.

import type { Metrics } from '../metrics/metrics.ts'
import type { Settings } from '../settings/settings.ts'
import type { HealthWriter } from '../health/table.ts'
import type { IdentityWatch } from '../reputation/watch.ts'
import type { KeptState } from './kept-state.ts'
import { type Random, systemClock } from '../lib/clock.ts'
import type { Log } from './log.ts'
import { logAlarm, logDoubt, logTransition } from './log-events.ts'
import { probeAddress } from '../probe/smtp/smtp-probe.ts'
import { type Watch, createWatch } from '../watch/watch.ts'
import type { SharedState } from './cluster-link.ts'

export interface ProbingNeeds {
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
      logDoubt(log, event)
      if (event.kind === 'isolated') shared.exchange.doubtSelf(!event.isOver)
    },
    onAlarm: (alarm) => logAlarm(log, alarm),
    onTransition(transition) {
      metrics().countTransition(transition)
      logTransition(log, transition)
      state.touch()
    },
  })
}
