// Whether to announce, put together: what readiness says, told to a file and a program where settings name them.

import { registerAnnounce } from '../announce/announce-metrics.ts'
import { type AnnounceEvent, startAnnouncer } from '../announce/announcer.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { type ReadinessSources, checkReadiness } from '../announce/readiness.ts'
import type { Settings } from '../settings/settings.ts'
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
