// The side of the process that runs: it waits for one that is to take over, and leaves once that one serves. Whatever
// goes wrong before, it goes on.
//
//   waiting ── hello ──► preparing ── send-sockets ──► handing ── serving ──► left
//      ▲────── end ──────────┴──────── end, or two minutes ─┘

import { mkdir, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { dirname } from 'node:path'

import type { Libc } from '../transport/udp/udp-libc.ts'
import {
  createLineReader,
  encodeLine,
  type FromPredecessor,
  type FromSuccessor,
  inboxPath,
  isFromSuccessor,
  protocolVersion,
  type RefusalCode,
} from './messages.ts'
import { maxDescriptors, sendDescriptors } from './pass-descriptors.ts'

/** The running server, as it looks to its successor. */
export interface Incumbent {
  readonly version: string
  isStopping(): boolean
  /** Writes the state: null once it is written, else why it is not. */
  keepState(): Promise<string | null>
  /** Its sockets, and whether a service manager keeps each open. */
  sockets(): readonly { readonly fd: number; readonly isHeld: boolean }[]
  /** Whether its first round of probes is done. */
  isProbed(): boolean
  /** Whether what is handed over may not change now. */
  hold(isHeld: boolean): void
  /**
   * Leaves the sockets to the process `pid`. Resolves when it reads none, writes no state and announces nothing any more,
   * to whether it is announced to the routing daemon.
   */
  leave(pid: number): Promise<boolean>
}

export type SuccessorEvent =
  /** A process is about to take over. */
  | { readonly kind: 'asked'; readonly pid: number; readonly version: string }
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly why: string }
  /** It ended before it served. This process goes on. */
  | { readonly kind: 'given-up'; readonly pid: number }
  /** It serves. */
  | { readonly kind: 'handed'; readonly pid: number }

export interface SuccessorOptions {
  readonly libc: Libc
  readonly path: string
  readonly incumbent: Incumbent
  readonly onEvent: (event: SuccessorEvent) => void
}

/** How long a successor may take to its first line, and from the sockets to serving. */
const handingMs = 120_000

/**
 * Waits for a successor until one has come, or the process ends: to remove its socket would wait for a file system that
 * may not answer. Rejects with an errno.
 */
export async function awaitSuccessor(options: SuccessorOptions): Promise<void> {
  const { path, onEvent } = options
  let current: Handover | null = null
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.setEncoding('utf8')
    if (current === null) {
      current = new Handover(options, socket, () => server.close())
      socket.once('close', () => (current = null))
    } else refuse(socket.resume(), 'busy', `${processOf(current.pid)} is taking over`, onEvent)
  })
  server.unref()
  await mkdir(dirname(path), { recursive: true, mode: 0o750 })
  // What a process that has ended left there: its sockets are ours by now.
  await rm(path, { force: true })
  const before = process.umask(0o177)
  const listening = new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => resolve())
  })
  process.umask(before)
  await listening
  server.on('error', () => {})
}

const processOf = (pid: number): string => (pid === 0 ? 'another process' : `process ${pid}`)

/** How long a process that is refused may take to end the connection. */
const refusedMs = 5000

function refuse(
  socket: Socket,
  code: RefusalCode,
  why: string,
  onEvent: SuccessorOptions['onEvent'],
): void {
  onEvent({ kind: 'refused', code, why })
  setTimeout(() => socket.destroy(), refusedMs).unref()
  socket.end(encodeLine({ kind: 'refused', code, why }))
}

/** One dialogue with a process that is to take over. */
class Handover {
  readonly #options: SuccessorOptions
  readonly #socket: Socket
  readonly #onLeaving: () => void
  /** 0: it has not said. */
  pid = 0
  #stage: 'new' | 'preparing' | 'handing' | 'left' = 'new'
  #overdue: NodeJS.Timeout | undefined
  #turn: Promise<void> = Promise.resolve()

  constructor(options: SuccessorOptions, socket: Socket, onLeaving: () => void) {
    this.#options = options
    this.#socket = socket
    this.#onLeaving = onLeaving
    this.#overdue = setTimeout(() => socket.destroy(), handingMs)
    const read = createLineReader<FromSuccessor>(isFromSuccessor)
    socket.on('data', (chunk: string) => {
      const messages = read(chunk)
      if (messages === null) socket.destroy()
      for (const message of messages ?? [])
        this.#turn = this.#turn.then(() => this.#receive(message))
    })
    socket.once('close', () => this.#ended())
  }

  async #receive(message: FromSuccessor): Promise<void> {
    if (this.#socket.destroyed) return
    switch (message.kind) {
      case 'hello':
        return this.#stage === 'new' ? this.#welcome(message) : this.#end()
      case 'send-sockets':
        return this.#stage === 'preparing' ? this.#send() : this.#end()
      case 'serving':
        return this.#stage === 'handing' ? this.#leave() : this.#end()
      default:
        return message satisfies never
    }
  }

  async #welcome({ protocol, version, pid }: FromSuccessor & { kind: 'hello' }): Promise<void> {
    const { incumbent, onEvent } = this.#options
    if (protocol !== protocolVersion) {
      const why = `it takes over by protocol ${protocol}, this server hands over by ${protocolVersion}: restart it instead`
      return this.#refuse('protocol', why)
    }
    if (incumbent.isStopping()) return this.#refuse('stopping', 'this server is about to end')
    onEvent({ kind: 'asked', pid, version })
    this.pid = pid
    this.#stage = 'preparing'
    // It reads zones, which takes as long as it takes.
    clearTimeout(this.#overdue)
    const why = await incumbent.keepState()
    if (why !== null) return this.#refuse('state', `the state file cannot be written: ${why}`)
    this.#say({ kind: 'welcome', version: incumbent.version, pid: process.pid })
  }

  async #send(): Promise<void> {
    const { libc, path, incumbent } = this.#options
    if (incumbent.isStopping()) return this.#refuse('stopping', 'this server is about to end')
    this.#stage = 'handing'
    this.#overdue = setTimeout(() => this.#socket.destroy(), handingMs)
    incumbent.hold(true)
    const why = await incumbent.keepState()
    if (why !== null) return this.#refuse('state', `the state file cannot be written: ${why}`)
    if (this.#socket.destroyed) return
    try {
      const sockets = incumbent.sockets()
      if (sockets.length > maxDescriptors)
        return this.#refuse('sockets', `there are ${sockets.length}, more than ${maxDescriptors}`)
      const fds = sockets.map(({ fd }) => fd)
      sendDescriptors(libc, inboxPath(path), fds)
      const held = sockets.flatMap(({ isHeld }, i) => (isHeld ? [i] : []))
      this.#say({ kind: 'sent', count: fds.length, held, isProbed: incumbent.isProbed() })
    } catch (error) {
      this.#refuse('sockets', error instanceof Error ? error.message : String(error))
    }
  }

  async #leave(): Promise<void> {
    const { incumbent, onEvent } = this.#options
    this.#stage = 'left'
    clearTimeout(this.#overdue)
    onEvent({ kind: 'handed', pid: this.pid })
    // Its path is the successor's from now on.
    this.#onLeaving()
    const isAnnounced = await incumbent.leave(this.pid)
    this.#socket.end(encodeLine({ kind: 'left', isAnnounced }))
  }

  /** What came is out of turn. */
  #end(): void {
    this.#socket.destroy()
  }

  #say(message: FromPredecessor): void {
    this.#socket.write(encodeLine(message))
  }

  #refuse(code: RefusalCode, why: string): void {
    refuse(this.#socket, code, why, this.#options.onEvent)
  }

  #ended(): void {
    clearTimeout(this.#overdue)
    const stage = this.#stage
    if (stage === 'new' || stage === 'left') return
    this.#stage = 'left'
    this.#options.incumbent.hold(false)
    this.#options.onEvent({ kind: 'given-up', pid: this.pid })
  }
}
