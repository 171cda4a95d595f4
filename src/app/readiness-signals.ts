// Whether to announce, put together: what readiness says, told to a file and a program where settings name them.

import { registerAnnounce, startAnnouncer } from '../announce/announcer.ts'
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
import { logAnnouncement, logService } from './component-events.ts'
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
