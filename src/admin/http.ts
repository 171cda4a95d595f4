// The admin HTTP server as the control thread sees it. A thread of its own (listener/) owns the
// connections and refuses what can be refused without asking; here the handlers of the routes run, in
// turns of the event loop (turns.ts). A listener that dies is started again, and one that hangs is ended first:
//
//   exit ──► waiting (200 ms × 2ⁿ, at most 5 s) ──► starting ──► listening; after 10 s 200 ms again

import { Worker } from 'node:worker_threads'

import { alignedInterval } from '../lib/clock.ts'
import type { Endpoint } from '../lib/ip.ts'
import { type AccessControl, isLoopback } from './access.ts'
import type { AdminCounters } from './admin-counters.ts'
import type {
  Call,
  FromListener,
  ListenerInit,
  StreamFrame,
  ToListener,
} from './listener/messages.ts'
import { type Reply, text, timed } from './reply.ts'
import { type Route, routeHead } from './route.ts'
import { assemble, type Pieces, Turns } from './turns.ts'

export interface AdminServer<Sources> {
  readonly routes: readonly Route<Sources>[]
  readonly sources: Sources
  readonly access: AccessControl
  /** Names that the Host header may have, beside `localhost` and addresses; in lower case. */
  readonly hostNames: readonly string[]
  /** Before every path, such as `/mxsteer`, for proxies that do not take it away; '': none. */
  readonly prefix?: string
  /** Whether the console is served; true if not given. */
  readonly hasConsole?: boolean
  readonly counters: AdminCounters
  readonly onEvent: (event: AdminEvent) => void
  /** What open streams are told; absent: there are none. */
  readonly feed?: Feed
  /** The descriptor of a socket that came bound to the endpoint, at each start of the thread; null: there is none. */
  readonly takeSocket?: () => number | null
  /** For tests: the module of the thread, and how often it is looked at. */
  readonly entry?: URL
  readonly lookEveryMs?: number
}

interface Feed {
  /** Has each message given to `post` from now on. */
  follow(post: (frame: StreamFrame) => void): void
  setStreams(count: number): void
  /** Somebody will ask for the overview in a moment: what is to be gone through until then; null: nothing. */
  foresee(): Pieces | null
}

export type AdminEvent =
  /** The listener does not move; it is ended, and `exited` follows. */
  | { readonly kind: 'hung'; readonly thread: 'listener'; readonly why: string }
  /** A thread of the admin server ended by itself; another one starts after `backoffMs`. */
  | {
      readonly kind: 'exited'
      readonly thread: 'listener' | 'explain'
      readonly why: string
      readonly backoffMs: number
    }
  /** Its replacement serves. */
  | { readonly kind: 'restarted'; readonly thread: 'listener' | 'explain' }
  /** A client presented a token that is not the admin token. */
  | { readonly kind: 'wrong-token'; readonly client: string }

export interface AdminListener {
  close(): Promise<void>
}

const firstBackoffMs = 200
const maxBackoffMs = 5000
const resetBackoffAfterMs = 10_000
const maxHeapMebibytes = 256

/** Also how often the listener beats: two wake-ups that a server without queries has anyway. */
const defaultLookEveryMs = 2500
/** Looks without a beat after which a thread hangs; before it listens it loads its modules. */
const patience = { listening: 4, starting: 24 }

// The entry has the same extension as this file: .ts when run from source, .js from dist.
const defaultEntry = new URL(
  import.meta.url.endsWith('.ts')
    ? './listener/listener-thread.ts'
    : './listener/listener-thread.js',
  import.meta.url,
)

/** Rejects with the errno of the bind, such as EADDRINUSE. */
export async function listenAdmin<Sources>(
  endpoint: Endpoint,
  admin: AdminServer<Sources>,
): Promise<AdminListener> {
  const listener = new ListenerThread(endpoint, admin)
  await listener.start()
  return listener
}

class ListenerThread<Sources> implements AdminListener {
  readonly #admin: AdminServer<Sources>
  readonly #init: Omit<ListenerInit, 'fd'>
  #thread: Worker | null = null
  readonly #turns = new Turns()
  #backoffMs = firstBackoffMs
  #retry: NodeJS.Timeout | undefined
  #isClosing = false

  constructor(endpoint: Endpoint, admin: AdminServer<Sources>) {
    this.#admin = admin
    const { routes, access, hostNames, counters, prefix = '', hasConsole = true } = admin
    this.#init = {
      endpoint,
      routes: routes.map(routeHead),
      access,
      hosts: { names: hostNames, isLoopback: isLoopback(endpoint.address) },
      prefix,
      hasConsole,
      countersBuffer: counters.buffer,
      beatEveryMs: admin.lookEveryMs ?? defaultLookEveryMs,
    }
  }

  /**
   * Resolves when the thread listens; rejects if there can be no thread or it ends before that, and does not start again
   * then.
   */
  async start(): Promise<void> {
    const thread = this.#newThread()
    const startedMs = performance.now()
    return await new Promise((resolve, reject) => {
      let failure: Error & { code?: string } = new Error('it exited')
      let hasListened = false
      const patienceNow = (): number => patience[hasListened ? 'listening' : 'starting']
      const endLooks = this.#watch(thread, patienceNow, (why) => (failure = new Error(why)))
      thread.on('message', (message: FromListener) => {
        switch (message.kind) {
          case 'listening':
            hasListened = true
            return resolve()
          case 'failed':
            failure = Object.assign(new Error(message.message), { code: message.code })
            return
          case 'wrong-token':
            return this.#admin.onEvent(message)
          case 'streams':
            return this.#admin.feed?.setStreams(message.count)
          case 'console-opened':
            // Whoever asks for the overview itself is told what went wrong.
            return void this.#foresee().catch(() => {})
          case 'call':
            return void this.#answer(thread, message.id, message.call)
          default:
            return message satisfies never
        }
      })
      thread.on('error', (error) => {
        failure = error instanceof Error ? error : new Error(String(error))
      })
      thread.on('exit', () => {
        endLooks()
        this.#admin.feed?.setStreams(0)
        if (!hasListened) return reject(failure)
        this.#scheduleRestart(failure.message, performance.now() - startedMs)
      })
    })
  }

  #newThread(): Worker {
    const resourceLimits = { maxOldGenerationSizeMb: maxHeapMebibytes }
    const fd = this.#admin.takeSocket?.() ?? null
    const workerData: ListenerInit = { ...this.#init, fd }
    const options = { workerData, name: 'admin', resourceLimits }
    const thread = new Worker(this.#admin.entry ?? defaultEntry, options)
    this.#thread = thread
    this.#admin.feed?.follow((frame) =>
      thread.postMessage({ kind: 'frame', frame } satisfies ToListener),
    )
    return thread
  }

  /** Ends the thread if it hangs: its exit is then as any other. */
  #watch(thread: Worker, patienceNow: () => number, onHang: (why: string) => void): () => void {
    const { counters, onEvent, lookEveryMs = defaultLookEveryMs } = this.#admin
    const beats = new BeatWatch(lookEveryMs, performance.now())
    const endLooks = alignedInterval(lookEveryMs, () => {
      if (beats.look(counters.read('beats'), performance.now()) < patienceNow()) return
      endLooks()
      const why = `it did not move for ${(patienceNow() * lookEveryMs) / 1000} s`
      onHang(why)
      onEvent({ kind: 'hung', thread: 'listener', why })
      void thread.terminate()
    })
    return endLooks
  }

  async close(): Promise<void> {
    this.#isClosing = true
    clearTimeout(this.#retry)
    await this.#thread?.terminate()
  }

  async #foresee(): Promise<void> {
    await this.#turns.next()
    const pieces = this.#admin.feed?.foresee() ?? null
    if (pieces !== null) await assemble(pieces, this.#turns)
  }

  /** Begins in a turn of its own. */
  async #answer(thread: Worker, id: number, call: Call): Promise<void> {
    const { routes, sources } = this.#admin
    const { handler, isVital } = routes[call.route] as Route<Sources>
    const turns = this.#turns
    await turns.next(isVital)
    const request = { ...call, parameters: new URLSearchParams(call.query), turns }
    const { spentMs = 0, ...reply } = await settled(() => handler(sources, request))
    const passed = typeof reply.body === 'string' ? [] : reply.body.map(({ buffer }) => buffer)
    thread.postMessage({ kind: 'answer', id, reply, spentMs } satisfies ToListener, passed)
  }

  #scheduleRestart(why: string, ranMs: number): void {
    if (this.#isClosing) return
    if (ranMs > resetBackoffAfterMs) this.#backoffMs = firstBackoffMs
    const backoffMs = this.#backoffMs
    this.#backoffMs = Math.min(2 * backoffMs, maxBackoffMs)
    const { onEvent, counters } = this.#admin
    counters.set('open', 0)
    onEvent({ kind: 'exited', thread: 'listener', why, backoffMs })
    this.#retry = setTimeout(() => {
      counters.add('listenerRestarts')
      this.start().then(
        () => onEvent({ kind: 'restarted', thread: 'listener' }),
        (error: Error) => this.#scheduleRestart(error.message, 0),
      )
    }, backoffMs)
  }
}

/**
 * Whether a thread moves, seen by its beats. Looks that come late do not count: then this thread, or the whole machine, was
 * held up, and the other one perhaps no longer than that.
 */
export class BeatWatch {
  readonly #everyMs: number
  #lastMs: number
  #beats = NaN
  #missed = 0

  constructor(everyMs: number, nowMs: number) {
    this.#everyMs = everyMs
    this.#lastMs = nowMs
  }

  /** Returns how many looks in a row have seen no beat. `beats`: the count of all beats so far. */
  look(beats: number, nowMs: number): number {
    const isLate = nowMs - this.#lastMs > 2 * this.#everyMs
    if (beats !== this.#beats) this.#missed = 0
    else if (!isLate) this.#missed++
    this.#lastMs = nowMs
    this.#beats = beats
    return this.#missed
  }
}

/**
 * The reply of a handler with the CPU time that its call took, and what it measured itself. An
 * exception of a handler is a bug of this server: the client gets its message, and the server goes on.
 */
async function settled(handle: () => Reply | Promise<Reply>): Promise<Reply> {
  try {
    const { value, spentMs } = timed(handle)
    const reply = await value
    return { ...reply, spentMs: spentMs + (reply.spentMs ?? 0) }
  } catch (error) {
    return text(`internal error: ${error instanceof Error ? error.message : 'unknown'}\n`, 500)
  }
}
