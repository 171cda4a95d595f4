// Where one answering worker sits: what stays when its thread is replaced, and the sockets that must not outlive it.

import { Worker } from 'node:worker_threads'

import { type Counters, createCounters } from '../../answer/counters.ts'
import {
  createMailFlag,
  raiseMailFlag,
  type ToWorker,
  type WorkerBirth,
  type WorkerKind,
} from './messages.ts'
import type { UdpTransport } from '../udp/udp-choice.ts'
import { type MmsgSocket, openSocket } from '../udp/udp-socket.ts'

export const firstBackoffMs = 200
const stopWithinMs = 3000
/** A stream worker for so many that answer UDP; there is always one. */
const udpWorkersPerStream = 4

export interface Seat {
  readonly index: number
  readonly kind: WorkerKind
  readonly counters: Counters
  readonly mailFlag: SharedArrayBuffer
  thread: Worker | null
  /** Closed when the thread is gone: the kernel would go on giving them their share of the queries. */
  sockets: readonly MmsgSocket[]
  isServing: boolean
  bornMs: number
  backoffMs: number
  retry: NodeJS.Timeout | null
}

/** What is the same for all workers. */
export type SharedBirth = Omit<WorkerBirth, 'kind' | 'sockets' | 'mailFlag' | 'countersBuffer'>

/** With mmsg the workers that answer UDP do nothing else, and others own the event loops that TCP needs. */
export function createSeats(udp: UdpTransport, udpWorkers: number): readonly Seat[] {
  const kinds = Array<WorkerKind>(udpWorkers).fill(udp.kind)
  if (udp.kind === 'mmsg')
    kinds.push(...Array<WorkerKind>(Math.ceil(udpWorkers / udpWorkersPerStream)).fill('stream'))
  return kinds.map((kind, index) => ({
    index,
    kind,
    counters: createCounters(),
    mailFlag: createMailFlag(),
    thread: null,
    sockets: [],
    isServing: false,
    bornMs: 0,
    backoffMs: firstBackoffMs,
    retry: null,
  }))
}

/** Puts a new thread on the seat. Throws the errno of sockets that cannot be had. */
export function seatThread(seat: Seat, udp: UdpTransport, birth: SharedBirth, entry: URL): Worker {
  if (seat.kind === 'mmsg' && udp.kind === 'mmsg') {
    for (const endpoint of birth.endpoints)
      seat.sockets = [...seat.sockets, openSocket(udp.libc, endpoint)]
  }
  const { kind, sockets, mailFlag } = seat
  const countersBuffer = seat.counters.buffer
  const workerData: WorkerBirth = { ...birth, kind, sockets, mailFlag, countersBuffer }
  seat.thread = new Worker(entry, { workerData, name: `${kind}-${seat.index}` })
  return seat.thread
}

/** When the thread is gone, or never came. */
export function clearSeat(seat: Seat, udp: UdpTransport): void {
  seat.isServing = false
  seat.thread = null
  if (udp.kind === 'mmsg') for (const { fd } of seat.sockets) udp.libc.close(fd)
  seat.sockets = []
}

export function post({ thread, mailFlag }: Seat, message: ToWorker): void {
  thread?.postMessage(message)
  raiseMailFlag(mailFlag)
}

export async function stopSeat(seat: Seat): Promise<void> {
  const { thread, retry } = seat
  if (retry) clearTimeout(retry)
  if (!thread) return
  const exited = new Promise<void>((resolve) => thread.once('exit', () => resolve()))
  post(seat, { kind: 'stop' })
  const overdue = setTimeout(() => void thread.terminate(), stopWithinMs)
  await exited
  clearTimeout(overdue)
}
