// Reports the state of this process to the service manager, by the protocol of sd_notify(3).
//
//   READY=1      the sockets answer
//   WATCHDOG=1   three times in each watchdog period, after a check that every socket answers. If
//                one does not, or if this thread hangs, nothing is sent and systemd restarts the
//                process. A thousand answers since the last check count as a passed check: in a
//                flood our own query may be among the lost ones, and a restart would help the
//                attacker. Nor is anything sent while no probe starts, flood or not
//   RELOADING=1  with the time of CLOCK_MONOTONIC; READY=1 follows when the reload is done
//   MAINPID=     of the process that has taken over from this one, which the manager follows from then on
//   STOPPING=1   at SIGTERM, with the time that stopping takes; WATCHDOG=1 goes on until `end`

import { getSystemErrorName } from 'node:util'

interface ServiceNotifierOptions {
  readonly send: SendAssignments
  /** Period of the watchdog; null: there is none. */
  readonly watchdogMs: number | null
  /** Whether every socket answers. */
  readonly isResponsive: () => Promise<boolean>
  /** Whether probes start. */
  readonly isProbing: () => boolean
  /** Answers to anyone since the start. */
  readonly answerCount: () => number
  /** CLOCK_MONOTONIC, in milliseconds. */
  readonly monotonicMs: () => number
  readonly onEvent: (event: ServiceEvent) => void
}

export type ServiceEvent =
  /** A check of the sockets failed, and the one before had passed. */
  | { readonly kind: 'unresponsive' }
  | { readonly kind: 'responsive' }
  /** A message could not be sent. Reported again only when `why` changes. */
  | { readonly kind: 'send-failed'; readonly why: string }

export interface ServiceNotifier {
  /** `status` is shown by `systemctl status`. */
  ready(status: string): void
  reloading(): void
  /** `forMs`: how long stopping takes by itself; systemd gets some seconds more. */
  stopping(forMs: number): void
  /** Says that the service is another process from now on. To be told before this one ends. */
  mainProcess(pid: number): void
  /** Stops the watchdog messages. */
  end(): void
}

const checksPerPeriod = 3
const floodAnswers = 1000
const stopMarginMs = 10_000

export function createServiceNotifier(options: ServiceNotifierOptions): ServiceNotifier {
  const { send, watchdogMs, monotonicMs, onEvent } = options
  let lastFailure: string | null = null
  const notify = (...assignments: readonly string[]): void => {
    const why = send(assignments)
    if (why !== null && why !== lastFailure) onEvent({ kind: 'send-failed', why })
    lastFailure = why
  }
  const endWatchdog =
    watchdogMs === null
      ? () => {}
      : startWatchdog(options, watchdogMs / checksPerPeriod, () => notify('WATCHDOG=1'))
  return {
    ready: (status) => notify('READY=1', `STATUS=${status}`),
    reloading() {
      const micros = Math.round(monotonicMs() * 1000)
      notify('RELOADING=1', `MONOTONIC_USEC=${micros}`, 'STATUS=Reading zone files')
    },
    stopping(forMs) {
      const micros = Math.round((forMs + stopMarginMs) * 1000)
      notify('STOPPING=1', `EXTEND_TIMEOUT_USEC=${micros}`, 'STATUS=Stopping')
    },
    mainProcess: (pid) => notify(`MAINPID=${pid}`),
    end: endWatchdog,
  }
}

/** Calls `feed` after each check that passes; returns the function that ends this. */
function startWatchdog(
  { isResponsive, isProbing, answerCount, onEvent }: ServiceNotifierOptions,
  intervalMs: number,
  feed: () => void,
): () => void {
  let timer: NodeJS.Timeout | undefined
  let hasEnded = false
  let hadPassed = true
  let answersBefore = 0

  const schedule = (): void => {
    if (!hasEnded) timer = setTimeout(() => void check().finally(schedule), intervalMs).unref()
  }
  async function check(): Promise<void> {
    const doSocketsAnswer = await isResponsive()
    const answers = answerCount()
    const hasPassed = doSocketsAnswer || answers - answersBefore >= floodAnswers
    answersBefore = answers
    if (hasEnded) return
    if (hasPassed !== hadPassed) onEvent({ kind: hasPassed ? 'responsive' : 'unresponsive' })
    hadPassed = hasPassed
    if (hasPassed && isProbing()) feed()
  }
  schedule()
  return () => {
    hasEnded = true
    clearTimeout(timer)
  }
}

// The notify socket. Node has no datagram sockets of the Unix domain, so they are used through the
// C library. The program `systemd-notify` is no way around it: with NotifyAccess=main, messages of
// other processes are ignored. Each datagram has a socket of its own, because the receiver may have
// been restarted. Sending never blocks: if the receiver's queue is full, the message is lost.

/** Sends `NAME=value` assignments. Returns null when sent, else an errno such as `ENOENT`. */
type SendAssignments = (assignments: readonly string[]) => string | null

const AF_UNIX = 1
const SOCK_DGRAM = 2
const SOCK_CLOEXEC = 0o2000000
const MSG_DONTWAIT = 0x40
const MSG_NOSIGNAL = 0x4000
const familyOctets = 2
/** Octets of sun_path on Linux, its final zero included. */
const pathOctets = 108

/** Rejects if `path` is not valid, on other systems than Linux, or if koffi cannot be loaded. */
export async function openNotifySocket(path: string): Promise<SendAssignments> {
  const address = unixSocketAddress(path)
  if (address === null) throw new Error('NOTIFY_SOCKET is no path of a socket')
  if (process.platform !== 'linux') throw new Error(`not on ${process.platform}`)
  const { default: koffi } = await import('koffi')
  const library = koffi.load(null)
  const socket = library.func('int socket(int, int, int)')
  const sendto = library.func(
    'int64_t sendto(int, const uint8_t *, uint64_t, int, const uint8_t *, uint32_t)',
  )
  const close = library.func('int close(int)')
  const errnoName = (): string => getSystemErrorName(-koffi.errno())
  return (assignments) => {
    const message = Buffer.from(`${assignments.join('\n')}\n`)
    const fd = Number(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0))
    if (fd < 0) return errnoName()
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL
    const sent = Number(sendto(fd, message, message.length, flags, address, address.length))
    const why = sent === message.length ? null : errnoName()
    close(fd)
    return why
  }
}

/** A sockaddr_un of an absolute path, or of `@` and an abstract name; null for anything else. */
export function unixSocketAddress(path: string): Uint8Array | null {
  const octets = Buffer.from(path)
  if (!/^[/@]./.test(path) || octets.length >= pathOctets || octets.includes(0)) return null
  const isAbstract = path.startsWith('@')
  if (isAbstract) octets[0] = 0
  // A path includes its final zero. An abstract name has none: it is as long as the address says.
  const address = new Uint8Array(familyOctets + octets.length + (isAbstract ? 0 : 1))
  new Uint16Array(address.buffer, 0, 1)[0] = AF_UNIX
  address.set(octets, familyOctets)
  return address
}

interface NotifyTarget {
  readonly path: string
  /** Period of the watchdog; null: none watches this process. */
  readonly watchdogMs: number | null
}

/**
 * Where the service manager takes messages, by the variables of sd_notify(3) and
 * sd_watchdog_enabled(3); null: it takes none.
 */
export function notifyTarget(
  env: Readonly<Record<string, string | undefined>>,
  pid: number,
): NotifyTarget | null {
  const { NOTIFY_SOCKET: path, WATCHDOG_USEC: micros = '', WATCHDOG_PID: watchedPid } = env
  if (!path) return null
  const isWatched = watchedPid === undefined || watchedPid === String(pid)
  const watchdogMs = isWatched && /^\d{4,15}$/.test(micros) ? Number(micros) / 1000 : null
  return { path, watchdogMs }
}

/** To be removed from the environment, since programs that this process starts must not send messages in its name. */
export const notifyVariables = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'] as const
