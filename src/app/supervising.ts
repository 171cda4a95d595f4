// The service manager, put together: where it listens, what it is told, and a log line where it cannot be.

import { type ReadinessSources, silentEndpoints } from '../announce/readiness.ts'
import type { Counters } from '../answer/counters.ts'
import type { Log } from './log.ts'
import { openNotifySocket } from '../systemd/notify-socket.ts'
import {
  type ServiceEvent,
  type ServiceNotifier,
  createServiceNotifier,
} from '../systemd/service-notifier.ts'
import { supervisorPlace, supervisorVariables } from '../systemd/supervisor-place.ts'

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
