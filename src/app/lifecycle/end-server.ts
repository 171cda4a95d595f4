// The ends of a server: at a signal, and when another process has taken over from it.

import type { PlaceKeeper } from '../../geo/place-keeper.ts'
import { endsWithin, systemTimer } from '../../lib/clock.ts'
import type { ReputationWatch } from '../../reputation/reputation-watch.ts'
import type { Settings } from '../../settings/settings.ts'
import type { ServiceNotifier } from '../../systemd/notifier.ts'
import type { Workers } from '../../transport/worker/workers.ts'
import type { EndpointWatch } from '../../watch/endpoint-watch.ts'
import type { ClusterLink } from '../cluster-link.ts'
import type { ControlPlane } from '../control-plane.ts'
import { logEvent } from '../log-events.ts'
import type { Log } from '../log.ts'
import type { PersistentState } from '../persistent-state.ts'
import type { AnnounceHook } from '../readiness-signals.ts'

interface Closable {
  close(): Promise<unknown>
}

/** The parts of a server that have to be ended. */
interface EndingServer {
  readonly settings: Pick<Settings, 'lameduckSeconds'>
  readonly log: Log
  readonly workers: Workers
  readonly watch: Pick<EndpointWatch, 'stop'>
  readonly controlPlane: Pick<ControlPlane, 'stop'>
  readonly reputation: Pick<ReputationWatch, 'stop'>
  readonly cluster: ClusterLink
  readonly state: PersistentState
  readonly explainWorker: Closable
  readonly places: Pick<PlaceKeeper, 'close'>
  isStopping: boolean
}

/** Those that are started after the workers listen. */
export interface EndingComponents {
  /** null: the admin server is off. */
  readonly admin: Closable | null
  readonly files: { close(): void }
  readonly announceHook: AnnounceHook
  readonly notifier: ServiceNotifier
}

/** Answers for the lameduck time, then ends everything. */
export async function stopServer(
  server: EndingServer,
  { admin, files, announceHook, notifier }: EndingComponents,
): Promise<'ended' | 'overdue'> {
  server.workers.lameduck()
  server.cluster.votes.leave()
  files.close()
  const lameduckMs = server.settings.lameduckSeconds * 1000
  notifier.stopping(lameduckMs)
  const lameduck = new Promise((resolve) => setTimeout(resolve, lameduckMs))
  const withdrawn = endsWithin(announceHook.stop(), lameduckMs + 2 * endWithinMs, systemTimer)
  await Promise.all([lameduck, withdrawn])
  notifier.end()
  // A file system or a store that does not answer must not keep a process that answers no more.
  return endOrOverdue(server, endAll(server, admin))
}

/** What does not end within this time is left to the end of the process. */
export const endWithinMs = 10_000

async function endOrOverdue(
  { log }: EndingServer,
  ending: Promise<unknown>,
): Promise<'ended' | 'overdue'> {
  if (await endsWithin(ending, endWithinMs, systemTimer)) return 'ended'
  logEvent(log, 'server.overdue', { withinMs: endWithinMs })
  return 'overdue'
}

/** `isOnlyOne`: no other process is this instance, so that it can be taken out of the store. */
export async function endAll(
  server: EndingServer,
  admin: Closable | null,
  isOnlyOne = true,
): Promise<void> {
  await server.state.close()
  server.controlPlane.stop()
  server.reputation.stop()
  await Promise.all([endThreads(server), server.watch.stop(), admin?.close()])
  if (isOnlyOne) await server.cluster.stop()
  else server.cluster.cede()
}

const endThreads = ({ workers, explainWorker, places }: EndingServer): Promise<unknown> =>
  Promise.all([workers.stop(), explainWorker.close(), places.close()])

/** Ends what the process that has taken over does in place of this one. Connections of clients go on. */
export async function leaveTo(
  server: EndingServer,
  { admin, files, announceHook, notifier }: EndingComponents,
  pid: number,
): Promise<void> {
  server.isStopping = true
  notifier.mainProcess(pid)
  notifier.end()
  files.close()
  server.controlPlane.stop()
  server.reputation.stop()
  server.cluster.cede()
  void server.watch.stop()
  const closed = admin?.close() ?? Promise.resolve()
  const ends = [server.state.abandon(), announceHook.abandon(), closed]
  await endsWithin(Promise.all(ends), endWithinMs, systemTimer)
}

/** Ends with the last connection, or after the lameduck time. */
export async function endAfterLeaving(server: EndingServer): Promise<'ended' | 'overdue'> {
  const lameduckMs = server.settings.lameduckSeconds * 1000
  await endsWithin(server.workers.leaveSockets(), lameduckMs, systemTimer)
  return endOrOverdue(server, endThreads(server))
}
