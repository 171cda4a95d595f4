// The control thread's handle of one answering worker: what outlives a thread that is replaced (its counters and its
// backoff), and the sockets that must not outlive their thread.

import { randomFillSync } from 'node:crypto'
import { Worker } from 'node:worker_threads'

import { type Counters, createCounters } from '../../answer/counters.ts'
import { formatEndpoint } from '../endpoint.ts'
import { distribute, type HandedSocket, type HandedSockets, lend } from '../handed-socket.ts'
import {
  createMessageFlag,
  raiseMessageFlag,
  type ToWorker,
  type WorkerInit,
  type WorkerKind,
} from './messages.ts'
import type { UdpTransport } from '../udp/udp-transport.ts'
import { adoptSocket, type MmsgSocket, openSocket, openWakeup, wakeUp } from '../udp/udp-socket.ts'

/** The delay before a worker's first restart; it doubles with each further one. */
export const firstBackoffMs = 200
const stopTimeoutMs = 3000
/** One `stream` worker serves beside so many `mmsg` workers; there is always at least one. */
const mmsgWorkersPerStream = 4

export interface WorkerHandle {
  readonly index: number
  readonly kind: WorkerKind
  readonly counters: Counters
  readonly messageFlag: SharedArrayBuffer
  /** null: no thread is running. */
  thread: Worker | null
  /** Sockets that came bound, for its next thread. */
  handed: readonly HandedSocket[]
  /** It alone reads some socket that stays open when it ends: queries wait there for its next thread. */
  isSoleReader: boolean
  /**
   * Closed when the thread has ended, unless they are held: the kernel would go on giving them their share of the
   * queries.
   */
  sockets: readonly MmsgSocket[]
  /** Closed with the sockets; null: the thread waits for messages itself, or is not running. */
  wakeupFd: number | null
  isServing: boolean
  /** When the thread was started, on the monotonic clock. */
  startedMs: number
  /** The delay before the next restart. */
  backoffMs: number
  /** The timer of a restart that is due; cleared by `stopWorker`. */
  retry: NodeJS.Timeout | null
}

/** The part of WorkerInit that is the same for all workers. */
export type SharedInit = Omit<
  WorkerInit,
  'kind' | 'sockets' | 'handed' | 'messageFlag' | 'wakeupFd' | 'countersBuffer' | 'seed'
>

/**
 * Handles of `udpWorkers` workers that answer UDP, without threads yet. With mmsg these do nothing else, and `stream`
 * workers are added for what needs an event loop.
 */
export function createWorkerHandles(
  udp: UdpTransport,
  udpWorkers: number,
): readonly WorkerHandle[] {
  const kinds = Array<WorkerKind>(udpWorkers).fill(udp.kind)
  if (udp.kind === 'mmsg')
    kinds.push(...Array<WorkerKind>(Math.ceil(udpWorkers / mmsgWorkersPerStream)).fill('stream'))
  return kinds.map((kind, index) => ({
    index,
    kind,
    counters: createCounters(),
    messageFlag: createMessageFlag(),
    thread: null,
    handed: [],
    isSoleReader: false,
    sockets: [],
    wakeupFd: null,
    isServing: false,
    startedMs: 0,
    backoffMs: firstBackoffMs,
    retry: null,
  }))
}

/** Gives each socket that came bound to the handles that read it. `endpoints`: those of UDP without a proxy. */
export function assignHanded(
  handles: readonly WorkerHandle[],
  sockets: readonly HandedSocket[],
  endpoints: SharedInit['endpoints'],
): void {
  const plain = new Set(endpoints.map(formatEndpoint))
  const groups = Map.groupBy(
    sockets,
    ({ protocol, endpoint }) => `${protocol} ${formatEndpoint(endpoint)}`,
  )
  for (const group of groups.values()) {
    const [{ protocol, endpoint } = group[0] as HandedSocket] = group
    const isBatched = protocol === 'udp' && plain.has(formatEndpoint(endpoint))
    const readers = handles.filter(({ kind }) => kind !== (isBatched ? 'stream' : 'mmsg'))
    const shares = distribute(group, readers.length)
    for (const [i, reader] of readers.entries()) {
      const share = shares[i] ?? []
      reader.handed = [...reader.handed, ...share]
      const isShared = (socket: HandedSocket): boolean =>
        shares.some((other, j) => j !== i && other.includes(socket))
      reader.isSoleReader ||= share.some((socket) => socket.isHeld && !isShared(socket))
    }
  }
}

/**
 * Starts a thread for the handle, with new sockets if it is of kind `mmsg`. Throws the errno of a failed socket call.
 */
export function startThread(
  handle: WorkerHandle,
  udp: UdpTransport,
  init: SharedInit,
  { entry, duplicate }: { readonly entry: URL } & Pick<HandedSockets, 'duplicate'>,
): Worker {
  const { kind, messageFlag } = handle
  if (kind === 'mmsg' && udp.kind === 'mmsg') openSockets(handle, udp, init)
  const lent = kind === 'mmsg' ? [] : handle.handed
  const handed = lent.map((one) => ({ ...one, fd: lend({ sockets: [], duplicate }, one) }))
  // What is not held goes with this thread.
  handle.handed = handle.handed.filter(({ isHeld }) => isHeld)
  const { sockets, wakeupFd } = handle
  const countersBuffer = handle.counters.buffer
  const seed = randomFillSync(new Int32Array(4))
  const workerData: WorkerInit = {
    ...init,
    kind,
    sockets,
    handed,
    messageFlag,
    wakeupFd,
    countersBuffer,
    seed,
  }
  handle.thread = new Worker(entry, { workerData, name: `${kind}-${handle.index}` })
  return handle.thread
}

/** Sockets for an `mmsg` thread: those that came bound, and new ones where none did. */
function openSockets(
  handle: WorkerHandle,
  { libc }: Extract<UdpTransport, { kind: 'mmsg' }>,
  { endpoints }: SharedInit,
): void {
  handle.wakeupFd = openWakeup(libc)
  for (const one of handle.handed) handle.sockets = [...handle.sockets, adoptSocket(libc, one)]
  const handed = new Set(handle.handed.map(({ endpoint }) => formatEndpoint(endpoint)))
  for (const endpoint of endpoints)
    if (!handed.has(formatEndpoint(endpoint)))
      handle.sockets = [...handle.sockets, openSocket(libc, endpoint)]
}

/** Closes the sockets of a thread that has ended, or that could not be started. */
export function release(handle: WorkerHandle, udp: UdpTransport): void {
  handle.isServing = false
  handle.thread = null
  if (udp.kind === 'mmsg') {
    for (const { fd, isHeld } of handle.sockets) if (!isHeld) udp.libc.close(fd)
    if (handle.wakeupFd !== null) udp.libc.close(handle.wakeupFd)
  }
  handle.sockets = []
  handle.wakeupFd = null
}

/** Sends a message to the worker; without a thread it is lost, since a new thread starts with all that is in force. */
export function post(
  { thread, messageFlag, wakeupFd }: WorkerHandle,
  udp: UdpTransport,
  message: ToWorker,
): void {
  thread?.postMessage(message)
  raiseMessageFlag(messageFlag)
  if (wakeupFd !== null && udp.kind === 'mmsg') wakeUp(udp.libc, wakeupFd)
}

/** Resolves when the thread has ended: by itself, or terminated after 3 s. Cancels a restart that is due. */
export async function stopWorker(handle: WorkerHandle, udp: UdpTransport): Promise<void> {
  const { thread, retry } = handle
  if (retry) clearTimeout(retry)
  if (!thread) return
  const exited = new Promise<void>((resolve) => thread.once('exit', () => resolve()))
  post(handle, udp, { kind: 'stop' })
  const overdue = setTimeout(() => void thread.terminate(), stopTimeoutMs)
  await exited
  clearTimeout(overdue)
}
