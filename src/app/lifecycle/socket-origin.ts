// Where the sockets of a server that starts come from: its own binds, a service manager that opened them (LISTEN_FDS), or
// the process that serves now (`--take-over`).

import { fitSockets, type WantedSockets } from '../../handover/fit-sockets.ts'
import { inspectSocket } from '../../handover/inspect-socket.ts'
import { listenFds, listenFdsVariables, type NamedDescriptor } from '../../handover/listen-fds.ts'
import { takeOverPath } from '../../handover/messages.ts'
import { callPredecessor, type Predecessor } from '../../handover/predecessor.ts'
import type { Settings } from '../../settings/settings.ts'
import { formatEndpoint } from '../../transport/endpoint.ts'
import {
  type HandedSocket,
  type HandedSockets,
  noHandedSockets,
} from '../../transport/handed-socket.ts'
import { duplicate, keepFromChildren, type Libc, loadLibc } from '../../transport/udp/udp-libc.ts'
import { logEvent } from '../log-events.ts'
import type { Log } from '../log.ts'
import { version } from '../version.ts'

interface TakenSockets {
  readonly kind: 'taken'
  readonly handed: HandedSockets
  /** Whether the process before has done its first round of probes. */
  readonly isProbed: boolean
}

export interface CannotTake {
  readonly kind: 'cannot-listen'
  readonly why: string
}

/** Where the sockets come from. */
export interface SocketOrigin {
  readonly kind: 'own' | 'service-manager' | 'predecessor'
  /** To be called once all else is ready: from then on threads are to read them soon. Those that fit the settings. */
  take(wanted: WantedSockets): Promise<TakenSockets | CannotTake>
  /**
   * To be called once they are read. `relieved`: no other process reads them or writes the state. Else one does, and goes
   * on. `isAnnounced`: whether the process before has left this instance announced to the routing daemon.
   */
  relieve(): Promise<{ readonly kind: 'relieved'; readonly isAnnounced: boolean } | CannotTake>
  close(): void
}

type Opened = { readonly kind: 'opened'; readonly origin: SocketOrigin } | CannotTake

const cannot = (why: string): CannotTake => ({ kind: 'cannot-listen', why })

/** Finds out where the sockets are to come from. A process that serves has written its state by then. */
export async function openSocketOrigin(
  settings: Pick<Settings, 'stateDir' | 'instance'>,
  isTakeOver: boolean,
  log: Log,
): Promise<Opened> {
  const inherited = listenFds(process.env, process.pid)
  for (const name of listenFdsVariables) delete process.env[name]
  if (inherited.kind === 'bad') return cannot(inherited.why)
  const descriptors = inherited.kind === 'none' ? [] : inherited.descriptors
  if (!isTakeOver && descriptors.length === 0) return { kind: 'opened', origin: ownSockets }
  const libc = await loadLibc().catch((error: unknown) => whyNot(error))
  if (typeof libc === 'string')
    return cannot(`sockets of another process cannot be used here: ${libc}`)
  if (!isTakeOver) return { kind: 'opened', origin: serviceManager(libc, descriptors) }
  const path = settings.stateDir && takeOverPath(settings.stateDir, settings.instance)
  if (path === null)
    return cannot(
      'cannot take over: it needs the setting state_dir, with a path of less than 100 octets',
    )
  const called = await callPredecessor({ libc, path, version })
  if (called.kind === 'refused') return cannot(`cannot take over: ${called.why}`)
  const { predecessor } = called
  logEvent(log, 'takeover.begun', { pid: predecessor.pid, version: predecessor.version })
  return { kind: 'opened', origin: runningProcess(libc, predecessor, log) }
}

const whyNot = (error: unknown): string =>
  error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)

const ownSockets: SocketOrigin = {
  kind: 'own',
  take: async () => ({ kind: 'taken', handed: noHandedSockets, isProbed: false }),
  relieve: async () => ({ kind: 'relieved', isAnnounced: false }),
  close() {},
}

const handedOf = (libc: Libc, sockets: readonly HandedSocket[]): HandedSockets => ({
  sockets,
  duplicate: (fd) => duplicate(libc, fd),
})

/** All of them have to fit: one that nobody reads would swallow what is sent to it. */
const serviceManager = (libc: Libc, descriptors: readonly NamedDescriptor[]): SocketOrigin => ({
  kind: 'service-manager',
  async take(wanted) {
    const sockets: HandedSocket[] = []
    for (const { fd, name } of descriptors) {
      const inspected = inspectSocket(libc, fd)
      if (inspected.kind === 'unusable')
        return cannot(`descriptor ${fd} of the service manager (${name}): ${inspected.why}`)
      keepFromChildren(libc, fd)
      sockets.push({ ...inspected.socket, isHeld: true })
    }
    const { fitting, unfit } = fitSockets(sockets, wanted)
    const [first] = unfit
    if (first !== undefined) {
      const name = descriptors.find(({ fd }) => fd === first.socket.fd)?.name ?? ''
      return cannot(`socket of the service manager (${name}): ${first.why}`)
    }
    return { kind: 'taken', handed: handedOf(libc, fitting), isProbed: false }
  },
  relieve: async () => ({ kind: 'relieved', isAnnounced: false }),
  close() {},
})

/** What the settings name no more is left to end with the process that had it. */
const runningProcess = (libc: Libc, predecessor: Predecessor, log: Log): SocketOrigin => ({
  kind: 'predecessor',
  async take(wanted) {
    const taken = await predecessor.takeSockets()
    if (taken.kind === 'refused') return cannot(`cannot take over: ${taken.why}`)
    const { fitting, unfit } = fitSockets(taken.sockets, wanted)
    const unusable = unfit.find(({ kind }) => kind === 'unusable')
    if (unusable !== undefined) return cannot(`cannot take over: ${unusable.why}; or restart it`)
    for (const { socket, why } of unfit) {
      libc.close(socket.fd)
      logEvent(log, 'takeover.unused', { endpoint: formatEndpoint(socket.endpoint), why })
    }
    return { kind: 'taken', handed: handedOf(libc, fitting), isProbed: taken.isProbed }
  },
  async relieve() {
    const relieved = await predecessor.relieve()
    return relieved.kind === 'relieved' ? relieved : cannot(`cannot take over: ${relieved.why}`)
  },
  close: () => predecessor.close(),
})
