// What the service manager is told (sd_notify(3)), and when.
//
//   READY=1       sockets answer
//   WATCHDOG=1    three times in its time, each after a look that found every socket answering: one that is deaf has this
//                 process ended and started again. No look, no word: what hangs this thread does the same. A thousand
//                 answers since the last look will do too: in a flood our own question may be among those lost, and
//                 to start anew would help whoever sends it
//   RELOADING=1   with the time on CLOCK_MONOTONIC, then READY=1 when that is done
//   STOPPING=1    at SIGTERM, with the time that it will take; the watchdog is fed until the sockets close

import { getSystemErrorName } from 'node:util'

interface ServiceOptions {
  readonly send: SendWords
  /** null: there is no watchdog. */
  readonly watchdogMs: number | null
  /** Whether every socket answers; it takes a second at most. */
  readonly answers: () => Promise<boolean>
  /** Answers given so far, to anybody. */
  readonly answered: () => number
  readonly monotonicMs: () => number
  readonly onEvent: (event: ServiceEvent) => void
}

export type ServiceEvent =
  /** Told each time that it begins. */
  | { readonly kind: 'deaf' }
  | { readonly kind: 'hearing' }
  | { readonly kind: 'unsent'; readonly why: string }

export interface ServiceNotifier {
  ready(status: string): void
  reloading(): void
  /** `forMs`: it is gone by then. */
  stopping(forMs: number): void
  /** Feeds no more. */
  end(): void
}

const feedsATime = 3

const manyAnswers = 1000

/** Beside the time that stopping takes by itself. */
const spareMs = 10_000

export const createServiceNotifier = (options: ServiceOptions): ServiceNotifier =>
  new Notifier(options)

class Notifier implements ServiceNotifier {
  readonly #options: ServiceOptions
  #timer: ReturnType<typeof setTimeout> | undefined
  #isEnded = false
  #isDeaf = false
  #answered = 0
  #unsentWhy: string | null = null

  constructor(options: ServiceOptions) {
    this.#options = options
    this.#later()
  }

  ready(status: string): void {
    this.#tell('READY=1', `STATUS=${status}`)
  }

  reloading(): void {
    const micros = Math.round(this.#options.monotonicMs() * 1000)
    this.#tell('RELOADING=1', `MONOTONIC_USEC=${micros}`, 'STATUS=Reading zone files')
  }

  stopping(forMs: number): void {
    const micros = Math.round((forMs + spareMs) * 1000)
    this.#tell('STOPPING=1', `EXTEND_TIMEOUT_USEC=${micros}`, 'STATUS=Stopping')
  }

  end(): void {
    this.#isEnded = true
    clearTimeout(this.#timer)
  }

  #later(): void {
    const { watchdogMs } = this.#options
    if (watchdogMs === null || this.#isEnded) return
    this.#timer = setTimeout(() => {
      void this.#feed().then(() => this.#later())
    }, watchdogMs / feedsATime)
    this.#timer.unref()
  }

  async #feed(): Promise<void> {
    const { answers, answered, onEvent } = this.#options
    const doAnswer = await answers()
    const before = this.#answered
    this.#answered = answered()
    const isDeaf = !doAnswer && this.#answered - before < manyAnswers
    if (this.#isEnded) return
    if (isDeaf !== this.#isDeaf) onEvent({ kind: isDeaf ? 'deaf' : 'hearing' })
    this.#isDeaf = isDeaf
    if (!isDeaf) this.#tell('WATCHDOG=1')
  }

  #tell(...words: readonly string[]): void {
    const why = this.#options.send(words)
    if (why !== null && why !== this.#unsentWhy) this.#options.onEvent({ kind: 'unsent', why })
    this.#unsentWhy = why
  }
}

// A datagram to the supervisor's socket, as sd_notify(3) sends it. Node has no datagram sockets of the Unix domain, so
// that it goes through the C library (koffi), as UDP by mmsg does; a process of `systemd-notify` for each word would not
// be believed where only the main process is (NotifyAccess=main), and a watchdog is fed all day.
// One socket for each datagram: whoever listens may be started anew. It never waits: what finds the queue full is lost.

/** null: it was sent; else why not, as an errno or a text. */
type SendWords = (words: readonly string[]) => string | null

const AF_UNIX = 1

const SOCK_DGRAM = 2

const SOCK_CLOEXEC = 0o2000000

const MSG_DONTWAIT = 0x40

const MSG_NOSIGNAL = 0x4000

const familyOctets = 2

/** sun_path of Linux. */
const longestPath = 108

/** Rejects where koffi or a call is missing, or with a place that is none. */
export async function openNotifySocket(place: string): Promise<SendWords> {
  const address = socketAddress(place)
  if (address === null) throw new Error('NOTIFY_SOCKET is no path of a socket')
  if (process.platform !== 'linux') throw new Error(`not on ${process.platform}`)
  const { default: koffi } = await import('koffi')
  const library = koffi.load(null)
  const octets = 'const uint8_t *'
  const socket = library.func('socket', 'int', ['int', 'int', 'int'])
  const sendto = library.func('sendto', 'int64_t', [
    'int',
    octets,
    'uint64_t',
    'int',
    octets,
    'uint32_t',
  ])
  const close = library.func('close', 'int', ['int'])
  const nameOfError = (): string => getSystemErrorName(-koffi.errno())
  return (words) => {
    const message = Buffer.from(`${words.join('\n')}\n`)
    const fd = Number(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0))
    if (fd < 0) return nameOfError()
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL
    const sent = Number(sendto(fd, message, message.length, flags, address, address.length))
    const why = sent === message.length ? null : nameOfError()
    close(fd)
    return why
  }
}

/** A path, or `@` and a name in the abstract namespace; null: neither. */
export function socketAddress(place: string): Uint8Array | null {
  const path = Buffer.from(place)
  if (!/^[/@]./.test(place) || path.length >= longestPath || path.includes(0)) return null
  const isAbstract = place.startsWith('@')
  if (isAbstract) path[0] = 0
  // The zero that ends a path is part of it; an abstract name is as long as it is told to be.
  const address = Buffer.alloc(familyOctets + path.length + (isAbstract ? 0 : 1))
  const isLittle = new Uint8Array(new Uint16Array([AF_UNIX]).buffer)[0] === AF_UNIX
  address[isLittle ? 0 : 1] = AF_UNIX
  address.set(path, familyOctets)
  return address
}

// Where the service manager wants to hear of us, as it says in the environment (sd_notify(3), sd_watchdog_enabled(3)).

interface SupervisorPlace {
  readonly socket: string
  /** null: it has no watchdog over this process. */
  readonly watchdogMs: number | null
}

type Environment = Readonly<Record<string, string | undefined>>

/** null: nobody does. */
export function supervisorPlace(env: Environment, pid: number): SupervisorPlace | null {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: micros = '', WATCHDOG_PID: watched } = env
  if (!socket) return null
  const isOurs = watched === undefined || watched === String(pid)
  const watchdogMs = isOurs && /^\d{4,15}$/.test(micros) ? Number(micros) / 1000 : null
  return { socket, watchdogMs }
}

/** Programs that we start are not to speak for us. */
export const supervisorVariables = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'] as const
