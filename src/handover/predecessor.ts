// The side of the process that takes over: what it asks of the one that is running.

import { connect, type Socket } from 'node:net'

import { printable } from '../lib/printable.ts'
import type { HandedSocket } from '../transport/handed-socket.ts'
import type { Libc } from '../transport/udp/udp-libc.ts'
import { inspectSocket } from './inspect-socket.ts'
import {
  createLineReader,
  encodeLine,
  type FromPredecessor,
  type FromSuccessor,
  inboxPath,
  isFromPredecessor,
  protocolVersion,
  type SentSockets,
} from './messages.ts'
import { openInbox } from './pass-descriptors.ts'

type Called =
  | { readonly kind: 'answered'; readonly predecessor: Predecessor }
  | { readonly kind: 'refused'; readonly why: string }

export type Relieved =
  /** `isAnnounced`: what it has left announced to the routing daemon. */
  | { readonly kind: 'relieved'; readonly isAnnounced: boolean }
  | { readonly kind: 'refused'; readonly why: string }

type Taken =
  | ({ readonly kind: 'taken'; readonly sockets: readonly HandedSocket[] } & Pick<
      SentSockets,
      'isProbed'
    >)
  | { readonly kind: 'refused'; readonly why: string }

/** The running process. Until `relieve` it serves as before, also if this process ends. */
export interface Predecessor {
  readonly pid: number
  readonly version: string
  /** Has it write its state, and hand over copies of its sockets. */
  takeSockets(): Promise<Taken>
  /** Has it leave the sockets to this process. `relieved`: it has, or it is gone. `refused`: it goes on serving. */
  relieve(): Promise<Relieved>
  /** Ends the dialogue. */
  close(): void
}

interface CallOptions {
  readonly libc: Libc
  readonly path: string
  readonly version: string
}

const replyWithinMs = 30_000

/** Resolves when the running process has written its state. Never rejects. */
export async function callPredecessor({ libc, path, version }: CallOptions): Promise<Called> {
  const dialogue = new Dialogue(connect(path))
  const reply = await dialogue.ask({
    kind: 'hello',
    protocol: protocolVersion,
    version,
    pid: process.pid,
  })
  if (reply.kind !== 'welcome') {
    dialogue.close()
    return {
      kind: 'refused',
      why: reply.kind === 'failed' ? noneAt(path, reply.why) : whyOf(reply),
    }
  }
  const predecessor = {
    pid: reply.pid,
    version: reply.version,
    takeSockets: () => takeSockets(libc, path, dialogue),
    relieve: () => relieve(path, dialogue),
    close: () => dialogue.close(),
  }
  return { kind: 'answered', predecessor }
}

const noneAt = (path: string, why: string): string =>
  `no running server of this instance at ${path}: ${why}; start without --take-over if none runs`

type Reply = FromPredecessor | { readonly kind: 'failed'; readonly why: string }

/** Of a reply other than the one that was to come. */
function whyOf(reply: Reply): string {
  switch (reply.kind) {
    case 'refused':
      return `the running server refuses (${printable(reply.code)}): ${printable(reply.why)}`
    case 'failed':
      return `the running server has not replied: ${reply.why}`
    case 'welcome':
    case 'sent':
    case 'left':
      return `the running server replied "${reply.kind}" out of turn`
    default:
      return reply satisfies never
  }
}

const refused = (why: string): Taken => ({ kind: 'refused', why })

async function takeSockets(libc: Libc, path: string, dialogue: Dialogue): Promise<Taken> {
  try {
    const inbox = openInbox(libc, inboxPath(path))
    try {
      const reply = await dialogue.ask({ kind: 'send-sockets' })
      if (reply.kind !== 'sent') return refused(whyOf(reply))
      const fds = inbox.receive()
      if (fds.length !== reply.count)
        return refused(`${fds.length} of ${reply.count} sockets have come`)
      const sockets = fds.flatMap((fd, i) => {
        const inspected = inspectSocket(libc, fd)
        if (inspected.kind === 'socket')
          return [{ ...inspected.socket, isHeld: reply.held.includes(i) }]
        libc.close(fd)
        return []
      })
      return { kind: 'taken', sockets, isProbed: reply.isProbed }
    } finally {
      inbox.close()
    }
  } catch (error) {
    return refused(error instanceof Error ? error.message : String(error))
  }
}

/**
 * Waits for as long as the dialogue lasts: both processes serve meanwhile. Where it has ended without a word, the other
 * one is gone, unless it still waits for successors: then it has given this one up, and goes on.
 */
async function relieve(path: string, dialogue: Dialogue): Promise<Relieved> {
  const reply = await dialogue.ask({ kind: 'serving' }, Infinity)
  dialogue.close()
  if (reply.kind === 'left') return { kind: 'relieved', isAnnounced: reply.isAnnounced }
  if (await isListening(path)) return { kind: 'refused', why: whyOf(reply) }
  return { kind: 'relieved', isAnnounced: false }
}

const isListening = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('close', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })

/** Questions and replies, one at a time, over one connection. */
class Dialogue {
  readonly #socket: Socket
  #onReply: ((reply: Reply) => void) | null = null
  #failure: string | null = null

  constructor(socket: Socket) {
    this.#socket = socket
    const read = createLineReader<FromPredecessor>(isFromPredecessor)
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => {
      const messages = read(chunk)
      if (messages === null) return this.#fail('a line of it is no message')
      for (const message of messages) this.#settle(message)
    })
    socket.on('error', (error: NodeJS.ErrnoException) => this.#fail(error.code ?? error.message))
    socket.on('close', () => this.#fail('it has closed the connection'))
  }

  /** Never rejects: `failed` if there is no reply in time, or no connection any more. */
  ask(message: FromSuccessor, withinMs = replyWithinMs): Promise<Reply> {
    return new Promise((resolve) => {
      if (this.#failure !== null) return resolve({ kind: 'failed', why: this.#failure })
      const onOverdue = (): void => this.#fail(`nothing came within ${withinMs / 1000} s`)
      const overdue = Number.isFinite(withinMs) ? setTimeout(onOverdue, withinMs) : undefined
      this.#onReply = (reply) => {
        clearTimeout(overdue)
        resolve(reply)
      }
      this.#socket.write(encodeLine(message))
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #settle(reply: Reply): void {
    const onReply = this.#onReply
    this.#onReply = null
    onReply?.(reply)
  }

  #fail(why: string): void {
    this.#failure ??= why
    this.#socket.destroy()
    this.#settle({ kind: 'failed', why: this.#failure })
  }
}
