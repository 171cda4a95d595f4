// What a running server does for one that takes over from it: it waits for it at a socket in `state_dir`, starts it on
// SIGUSR2, and hands over.

import { spawn } from 'node:child_process'

import { inodeOf, ownSockets } from '../../handover/inspect-socket.ts'
import { takeOverPath } from '../../handover/messages.ts'
import { awaitSuccessor, type Incumbent, type SuccessorEvent } from '../../handover/successor.ts'
import { endsWithin, systemTimer } from '../../lib/clock.ts'
import type { Endpoint } from '../../lib/ip.ts'
import type { Settings } from '../../settings/settings.ts'
import { formatEndpoint } from '../../transport/endpoint.ts'
import type { HandedSockets } from '../../transport/handed-socket.ts'
import { type Libc, loadLibc } from '../../transport/udp/udp-libc.ts'
import { logEvent } from '../log-events.ts'
import type { Log } from '../log.ts'
import type { PersistentState } from '../persistent-state.ts'

interface IncumbencyOptions extends Pick<Incumbent, 'isStopping' | 'isProbed' | 'hold' | 'leave'> {
  readonly version: string
  readonly settings: Pick<Settings, 'stateDir' | 'instance'>
  /** All on which this server listens, for any protocol. */
  readonly endpoints: readonly Endpoint[]
  readonly handed: HandedSockets
  readonly state: Pick<PersistentState, 'kept'>
  /** Variables that the successor has beside those of this process. */
  readonly environment: Readonly<Record<string, string>>
  readonly log: Log
}

export interface Incumbency {
  /** Starts a process by the command of this one, to take over from it. */
  startSuccessor(): void
}

/** A file system that does not answer must not hold up the start. */
const openWithinMs = 2000

/** Never rejects: where nobody can take over, it is logged. */
export async function openIncumbency(options: IncumbencyOptions): Promise<Incumbency> {
  const { settings, log } = options
  const { stateDir, instance } = settings
  if (stateDir === null) return cannotBe(log, 'the setting state_dir is off')
  const path = takeOverPath(stateDir, instance)
  if (path === null) return cannotBe(log, 'the path of state_dir is too long for a socket')
  try {
    const libc = await loadLibc()
    const onEvent = (event: SuccessorEvent): void => logSuccessor(log, event)
    const incumbent = incumbentOf(options, libc)
    const waiting = awaitSuccessor({ libc, path, incumbent, onEvent })
    if (!(await endsWithin(waiting, openWithinMs, systemTimer)))
      throw new Error(`${path} could not be opened within ${openWithinMs} ms`)
    await waiting
    return { startSuccessor: () => startSuccessor(options) }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = code ?? message.split('\n')[0] ?? ''
    logEvent(log, 'takeover.unavailable', { why })
    return cannotBe(log, why)
  }
}

/** Says so when it is asked to: most servers never are. */
const cannotBe = (log: Log, why: string): Incumbency => ({
  startSuccessor: () => logEvent(log, 'takeover.unavailable', { why }),
})

function incumbentOf(options: IncumbencyOptions, libc: Libc): Incumbent {
  const { endpoints, handed, state, version, isStopping, isProbed, hold, leave } = options
  const names = new Set(endpoints.map(formatEndpoint))
  const held = new Set(handed.sockets.filter(({ isHeld }) => isHeld).map(({ fd }) => inodeOf(fd)))
  return {
    version,
    isStopping,
    isProbed,
    hold,
    leave,
    async keepState() {
      const kept = await state.kept()
      return kept.kind === 'unwritten' ? kept.why : null
    },
    sockets: () =>
      ownSockets(libc)
        .filter(({ endpoint }) => names.has(formatEndpoint(endpoint)))
        .map(({ fd, inode }) => ({ fd, isHeld: held.has(inode) })),
  }
}

function logSuccessor(log: Log, event: SuccessorEvent): void {
  switch (event.kind) {
    case 'asked':
      return logEvent(log, 'takeover.asked', { pid: event.pid, version: event.version })
    case 'refused':
      return logEvent(log, 'takeover.refused', { code: event.code, why: event.why })
    case 'given-up':
      return logEvent(log, 'takeover.failed', {
        why: `process ${event.pid} ended before it served`,
      })
    case 'handed':
      return logEvent(log, 'takeover.handed', { pid: event.pid })
    default:
      return event satisfies never
  }
}

const takeOverFlag = '--take-over'

function startSuccessor({ environment, log, isStopping }: IncumbencyOptions): void {
  const [, ...own] = process.argv
  const args = [...process.execArgv, ...own.filter((word) => word !== takeOverFlag), takeOverFlag]
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  child.once('error', ({ message }) => logEvent(log, 'takeover.failed', { why: message }))
  child.once('exit', (code, signal) => {
    if (isStopping()) return
    logEvent(log, 'takeover.failed', { why: `the new process ended with ${code ?? signal}` })
  })
  // It outlives this one.
  child.unref()
}
