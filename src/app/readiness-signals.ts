// Signals the readiness of this instance to the outside: to a routing daemon, through the announce
// hook, and to the service manager, through its notify socket.

import {
  type AnnounceFailure,
  type Announcement,
  registerAnnounceMetrics,
  startAnnouncer,
} from '../announce/announcer.ts'
import {
  checkReadiness,
  type ReadinessSources,
  unresponsiveEndpoints,
} from '../announce/readiness.ts'
import type { Counters } from '../answer/counters.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Settings } from '../settings/settings.ts'
import {
  openNotifySocket,
  createServiceNotifier,
  type ServiceEvent,
  type ServiceNotifier,
  notifyTarget,
  notifyVariables,
} from '../systemd/notifier.ts'
import type { StartWatch } from '../watch/start-watch.ts'
import { logAnnouncement, logServiceNotifier } from './event-sources.ts'
import type { Runtime } from './runtime.ts'

export interface AnnounceHook {
  /** Why the routing daemon does not learn whether to announce; empty: it does. */
  failing(): readonly AnnounceFailure[]
  isAnnounced(): boolean
  /** Resolves after `down` has been written and the command has run with it. */
  stop(): Promise<void>
  /** Says nothing more, since another process does. */
  abandon(): Promise<void>
}

export const noAnnounceHook: AnnounceHook = {
  failing: () => [],
  isAnnounced: () => false,
  stop: async () => {},
  abandon: async () => {},
}

/** Does nothing if the setting `announce` is off. */
export function startAnnounceHook(
  { announce }: Pick<Settings, 'announce'>,
  readiness: ReadinessSources,
  { registry }: Pick<Metrics, 'registry'>,
  {
    log,
    clock,
    parts,
    before,
  }: Pick<Runtime, 'log' | 'clock' | 'parts'> & { readonly before: Announcement },
): AnnounceHook {
  if (announce === null) return noAnnounceHook
  const announcer = parts.run('announce', () =>
    startAnnouncer({
      ...announce,
      reasonsNotReady: async () => (await checkReadiness(readiness)).reasons,
      clock,
      before,
      onEvent: (event) => logAnnouncement(log, event),
    }),
  )
  registerAnnounceMetrics(registry, () => announcer.view())
  return {
    failing: () => announcer.view().failing,
    isAnnounced: () => announcer.view().announcement === 'up',
    stop: () => announcer.stop(),
    abandon: () => announcer.abandon(),
  }
}

interface NotifierSources {
  readonly workers: { readonly counters: readonly Counters[] }
  readonly starts: Pick<StartWatch, 'isStalled'>
}

const noServiceNotifier: ServiceNotifier = {
  ready() {},
  reloading() {},
  stopping() {},
  mainProcess() {},
  end() {},
}

/**
 * The variables by which a process that takes over from this one reaches the service manager. To be called before
 * `startServiceNotifier`, which takes them out of the environment.
 */
export function successorVariables(): Readonly<Record<string, string>> {
  const { NOTIFY_SOCKET, WATCHDOG_USEC } = process.env
  return {
    ...(NOTIFY_SOCKET !== undefined && { NOTIFY_SOCKET }),
    ...(WATCHDOG_USEC !== undefined && { WATCHDOG_USEC }),
  }
}

/**
 * Sends nothing if the environment names no notify socket, or one that cannot be used; the latter
 * is logged.
 */
export async function startServiceNotifier(
  readiness: ReadinessSources,
  { workers, starts }: NotifierSources,
  { log, parts }: Pick<Runtime, 'log' | 'parts'>,
): Promise<ServiceNotifier> {
  const target = notifyTarget(process.env, process.pid)
  for (const name of notifyVariables) delete process.env[name]
  if (target === null) return noServiceNotifier
  const onEvent = (event: ServiceEvent): void => logServiceNotifier(log, event)
  try {
    const options = {
      send: await openNotifySocket(target.path),
      watchdogMs: target.watchdogMs,
      isResponsive: async () => (await unresponsiveEndpoints(readiness)).length === 0,
      isProbing: () => !starts.isStalled(),
      answerCount: () =>
        workers.counters.reduce((sum, one) => sum + one.read().scalars.answered, 0),
      monotonicMs: () => Number(process.hrtime.bigint()) / 1e6,
      onEvent,
    }
    return parts.run('service', () => createServiceNotifier(options))
  } catch (error) {
    onEvent({ kind: 'send-failed', why: error instanceof Error ? error.message : String(error) })
    return noServiceNotifier
  }
}
