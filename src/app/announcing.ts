// Whether to announce, put together: what readiness says, told to a file and a program where settings name them.

import { type AnnounceEvent, registerAnnounce, startAnnouncer } from '../announce/announcer.ts'
import { checkReadiness, type ReadinessSources, silentEndpoints } from '../announce/readiness.ts'
import type { Counters } from '../answer/counters.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Settings } from '../settings/settings.ts'
import {
  openNotifySocket,
  createServiceNotifier,
  type ServiceEvent,
  type ServiceNotifier,
  supervisorPlace,
  supervisorVariables,
} from '../systemd/notifier.ts'
import type { Log } from './log.ts'

export interface Announcing {
  /** `down` is said before this resolves. */
  stop(): Promise<void>
}

export function startAnnouncing(
  { announce }: Pick<Settings, 'announce'>,
  readiness: ReadinessSources,
  { registry }: Pick<Metrics, 'registry'>,
  log: Log,
): Announcing {
  if (announce === null) return { stop: async () => {} }
  const announcer = startAnnouncer({
    ...announce,
    look: async () => (await checkReadiness(readiness)).reasons,
    onEvent: (event) => logAnnouncement(log, event),
  })
  registerAnnounce(registry, () => announcer.view())
  return announcer
}

function logAnnouncement(log: Log, event: AnnounceEvent): void {
  switch (event.kind) {
    case 'changed': {
      const { to, reasons } = event
      const fields = { event: 'announce.changed', to, reasons }
      return to === 'up'
        ? log.info(fields, 'the service addresses may be announced')
        : log.warn(fields, 'the service addresses are to be withdrawn')
    }
    case 'failed':
      return log.error(
        { event: 'announce.failed', what: event.what, why: event.why },
        `the ${event.what} of announce: nobody is told whether to announce`,
      )
    default:
      return event satisfies never
  }
}

// The service manager, put together: where it listens, what it is told, and a log line where it cannot be.

const nobody: ServiceNotifier = { ready() {}, reloading() {}, stopping() {}, end() {} }

/** Speaks to nobody where nobody asked for it. */
export async function startSupervision(
  readiness: ReadinessSources,
  counters: readonly Counters[],
  log: Log,
): Promise<ServiceNotifier> {
  const place = supervisorPlace(process.env, process.pid)
  for (const name of supervisorVariables) delete process.env[name]
  if (place === null) return nobody
  const onEvent = (event: ServiceEvent): void => logService(log, event)
  try {
    return createServiceNotifier({
      send: await openNotifySocket(place.socket),
      watchdogMs: place.watchdogMs,
      answers: async () => (await silentEndpoints(readiness)).length === 0,
      answered: () => counters.reduce((sum, one) => sum + one.read().scalars.answered, 0),
      // CLOCK_MONOTONIC, as systemd reads it.
      monotonicMs: () => Number(process.hrtime.bigint()) / 1e6,
      onEvent,
    })
  } catch (error) {
    onEvent({ kind: 'unsent', why: error instanceof Error ? error.message : String(error) })
    return nobody
  }
}

function logService(log: Log, event: ServiceEvent): void {
  switch (event.kind) {
    case 'deaf':
      return log.error(
        { event: 'service.deaf' },
        'a socket does not answer our own SOA: the watchdog is not fed meanwhile',
      )
    case 'hearing':
      return log.info({ event: 'service.hearing' }, 'every socket answers again')
    case 'unsent':
      return log.warn(
        { event: 'service.unsent', why: event.why },
        'the service manager cannot be told how we are',
      )
    default:
      return event satisfies never
  }
}
