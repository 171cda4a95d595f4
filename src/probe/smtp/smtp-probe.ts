// Drives one SMTP dialogue over one TCP connection. Resolves when the socket is closed, so that a probe in
// flight is a descriptor in use; never rejects.
//
// A deadline is judged only after one more turn of the event loop: timers run before reads, and what came in
// time must not be called silence. If the timer itself was more than 200 ms late, the process was stalled and
// the outcome is `self`. Reads go into one small buffer, so the fastest target costs no memory.

import type { Socket, TcpNetConnectOpts } from 'node:net'
import { connect, isIP } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Clock } from '../../lib/clock.ts'
import type { Closing, DialogueAction, DialogueInput } from './dialogue-turn.ts'
import { totalLimitOctets } from './line-reader.ts'
import type { DialogueLine, Outcome } from '../../health/outcome.ts'
import { readPeer } from './peer-tls.ts'
import type { ProbeProfile, ProbeSourceAddresses } from './profile.ts'
import { proxyHeader } from './proxy-header.ts'
import { SmtpDialogue } from './smtp-dialogue.ts'
import { isHangUp, isOfTls, startTls } from './tls-client.ts'

export interface ProbeRequest {
  /** An IPv4 or IPv6 address; never a name. */
  readonly address: string
  readonly profile: ProbeProfile
  /** STARTTLS has been offered by this target before. */
  readonly hadStarttls?: boolean | undefined
  /** Where to connect from, where the profile says nothing. */
  readonly source?: ProbeSourceAddresses
  /** Aborting ends the probe at once with `self`, reason `aborted`. */
  readonly signal?: AbortSignal
  readonly onLine?: (line: DialogueLine) => void
  /** PEM of the roots to trust; absent: those that Node brings, and NODE_EXTRA_CA_CERTS. */
  readonly ca?: readonly string[]
}

const stallMs = 200
const lingerMs = 1000
const readBufferOctets = 4096

/**
 * Where the kernel puts what any probe receives: a read is handed over, and used up, before the next one begins.
 * Not so on Windows, where a read may be pending on each socket.
 */
const sharedBuffer = Buffer.allocUnsafeSlow(readBufferOctets)
const readBuffer = (): Buffer =>
  process.platform === 'win32' ? Buffer.allocUnsafeSlow(readBufferOctets) : sharedBuffer

export function probeAddress(request: ProbeRequest, clock: Clock): Promise<Outcome> {
  return new Promise((resolve) => {
    new ProbeConnection(request, clock, resolve).open()
  })
}

class ProbeConnection {
  readonly #request: ProbeRequest
  readonly #clock: Clock
  readonly #resolve: (outcome: Outcome) => void
  readonly #dialogue: SmtpDialogue
  readonly #startMs: number
  readonly #abort = (): void => this.#feed({ kind: 'abort' })
  /** What is spoken over: TCP, later TLS on top of it. */
  #socket: Socket | null = null
  #timer: NodeJS.Timeout | undefined
  /** When it rings, and when it is to ring: since the start. */
  #timerMs = 0
  #deadlineMs = 0
  readonly #ring = (): void => {
    this.#timer = undefined
    const lateMs = this.#elapsedMs() - this.#deadlineMs
    if (lateMs < 0) this.#setTimer(this.#deadlineMs)
    else setImmediate(() => this.#feed({ kind: 'deadline', stalled: lateMs > stallMs }))
  }
  #outcome: Outcome | null = null
  #lateOctets = 0

  constructor(request: ProbeRequest, clock: Clock, resolve: (outcome: Outcome) => void) {
    this.#request = request
    this.#clock = clock
    this.#resolve = resolve
    const { profile, onLine, hadStarttls } = request
    this.#dialogue = new SmtpDialogue(profile, { onLine, hadStarttls })
    this.#startMs = clock.monotonicMs()
  }

  open(): void {
    const { address, signal } = this.#request
    this.#feed({ kind: 'start' })
    if (signal?.aborted) return this.#abort()
    if (isIP(address) === 0) return this.#feed({ kind: 'failed', errno: 'EINVAL' })
    signal?.addEventListener('abort', this.#abort, { once: true })
    try {
      this.#socket = connect({
        ...connectOptions(this.#request),
        onread: {
          buffer: readBuffer(),
          callback: (count, buffer) => this.#receive(buffer.subarray(0, count)),
        },
      })
    } catch {
      return this.#feed({ kind: 'failed', errno: 'EINVAL' })
    }
    this.#listen(this.#socket)
    this.#socket.once('connect', () => this.#connected())
  }

  #listen(socket: Socket): void {
    socket.once('end', () => this.#feedFrom(socket, { kind: 'end' }))
    socket.on('error', (error: NodeJS.ErrnoException) => this.#fail(socket, error))
    socket.once('close', () => {
      this.#feedFrom(socket, { kind: 'end' })
      if (socket === this.#socket) this.#settle()
    })
  }

  #connected(): void {
    const socket = this.#socket as Socket
    const { proxy } = this.#request.profile
    if (proxy === 'none') return this.#feed({ kind: 'connected' })
    const header = proxyHeader(
      proxy,
      { address: socket.localAddress ?? '', port: socket.localPort ?? 0 },
      { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 },
    )
    if (header === null) return this.#feed({ kind: 'failed', errno: 'EINVAL' })
    socket.write(header)
    this.#feed({ kind: 'connected', header: `PROXY header, ${proxy}` })
  }

  #secure(): void {
    const { profile, ca } = this.#request
    const { serverName } = profile.tls
    const below = this.#socket as Socket
    const secured: TLSSocket = startTls(below, serverName, ca)
    this.#socket = secured
    this.#listen(secured)
    secured.on('data', (octets: Uint8Array) => this.#receive(octets))
    secured.once('secureConnect', () => {
      const wallMs = this.#clock.wallMs()
      this.#feed({ kind: 'secured', peer: readPeer(secured, serverName), wallMs })
    })
  }

  #fail(socket: Socket, error: NodeJS.ErrnoException): void {
    if (isHangUp(error)) return this.#feedFrom(socket, { kind: 'end' })
    const isTls = 'encrypted' in socket && isOfTls(error)
    const why = error.message.replace(/^[0-9A-F]+:error:[^:]*:/, '').trim()
    this.#feedFrom(
      socket,
      isTls ? { kind: 'insecure', why } : { kind: 'failed', errno: error.code ?? 'UNKNOWN' },
    )
  }

  /** Once TLS is on top, the socket below has nothing to say. */
  #feedFrom(socket: Socket, input: DialogueInput): void {
    if (socket === this.#socket) this.#feed(input)
  }

  #receive(octets: Uint8Array): boolean {
    if (this.#outcome === null) this.#feed({ kind: 'octets', octets })
    else if ((this.#lateOctets += octets.length) > totalLimitOctets) this.#socket?.destroy()
    return true
  }

  #elapsedMs(): number {
    return this.#clock.monotonicMs() - this.#startMs
  }

  #feed(input: DialogueInput): void {
    for (const action of this.#dialogue.feed(input, this.#elapsedMs())) this.#perform(action)
  }

  #perform(action: DialogueAction): void {
    switch (action.kind) {
      case 'write':
        this.#socket?.write(`${action.line}\r\n`, 'latin1')
        return
      case 'secure':
        return this.#secure()
      case 'arm':
        return this.#arm(action.deadlineMs)
      case 'finish':
        this.#outcome = action.outcome
        return this.#close(action.close)
    }
  }

  /** A timer that rings before is left alone, and set again when it does: most deadlines are never reached. */
  #arm(deadlineMs: number): void {
    this.#deadlineMs = deadlineMs
    if (this.#timer !== undefined && this.#timerMs <= deadlineMs) return
    clearTimeout(this.#timer)
    this.#setTimer(deadlineMs)
  }

  #setTimer(atMs: number): void {
    this.#timerMs = atMs
    const delayMs = Math.max(0, Math.ceil(atMs - this.#elapsedMs()))
    this.#timer = setTimeout(this.#ring, delayMs)
  }

  /** TLS has a goodbye of its own; over TCP alone, closing is one, and nothing of the target's is left unread. */
  #close(how: Closing): void {
    clearTimeout(this.#timer)
    const socket = this.#socket
    if (socket === null || socket.closed) return this.#settle()
    if (how === 'destroy' || (how === 'done' && !('encrypted' in socket)) || socket.destroyed) {
      socket.destroy()
      return
    }
    socket.end()
    this.#timer = setTimeout(() => socket.destroy(), lingerMs)
  }

  #settle(): void {
    clearTimeout(this.#timer)
    this.#request.signal?.removeEventListener('abort', this.#abort)
    if (this.#outcome !== null) this.#resolve(this.#outcome)
  }
}

function connectOptions({ address, profile, source }: ProbeRequest): TcpNetConnectOpts {
  const family = isIP(address) === 4 ? 'ipv4' : 'ipv6'
  const localAddress = profile.source[family] ?? source?.[family] ?? null
  return {
    host: address,
    port: profile.port,
    autoSelectFamily: false,
    noDelay: true,
    ...(localAddress !== null && { localAddress }),
  }
}
