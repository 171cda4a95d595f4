// Signals the readiness of this instance to the outside: to a routing daemon, through the announce
// hook, and to the service manager, through its notify socket.

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

export interface AnnounceHook {
  /** Resolves after `down` has been written and the command has run with it. */
  stop(): Promise<void>
}

/** Does nothing if the setting `announce` is off. */
export function startAnnounceHook(
  { announce }: Pick<Settings, 'announce'>,
  readiness: ReadinessSources,
  { registry }: Pick<Metrics, 'registry'>,
  log: Log,
): AnnounceHook {
  if (announce === null) return { stop: async () => {} }
  const announcer = startAnnouncer({
    ...announce,
    look: async () => (await checkReadiness(readiness)).reasons,
    onEvent: (event) => logAnnouncement(log, event),
  })
  registerAnnounce(registry, () => announcer.view())
  return announcer
}

const noServiceNotifier: ServiceNotifier = { ready() {}, reloading() {}, stopping() {}, end() {} }

/**
 * Sends nothing if the environment names no notify socket, or one that cannot be used; the latter
 * is logged.
 */
export async function startServiceNotifier(
  readiness: ReadinessSources,
  counters: readonly Counters[],
  log: Log,
): Promise<ServiceNotifier> {
  const place = supervisorPlace(process.env, process.pid)
  for (const name of supervisorVariables) delete process.env[name]
  if (place === null) return noServiceNotifier
  const onEvent = (event: ServiceEvent): void => logService(log, event)
  try {
    return createServiceNotifier({
      send: await openNotifySocket(place.socket),
      watchdogMs: place.watchdogMs,
      answers: async () => (await silentEndpoints(readiness)).length === 0,
      answered: () => counters.reduce((sum, one) => sum + one.read().scalars.answered, 0),
      // CLOCK_MONOTONIC, which systemd reads too.
      monotonicMs: () => Number(process.hrtime.bigint()) / 1e6,
      onEvent,
    })
  } catch (error) {
    onEvent({ kind: 'unsent', why: error instanceof Error ? error.message : String(error) })
    return noServiceNotifier
  }
}
