// Runs one SMTP dialogue over one TCP connection.
//
// A deadline takes effect only after one more turn of the event loop: timers run before reads, and input that arrived in
// time is not silence. If the timer itself fired more than 200 ms late, the process was stalled and the outcome is
// `self`. Reads go into one small buffer, so that a target that floods costs no memory.

import type { X509Certificate } from 'node:crypto'
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { DialogueLine, Outcome } from '../../health/outcome.ts'
import type { Clock } from '../../lib/clock.ts'
import { parseAddress } from '../../lib/ip.ts'
import { raiseLater } from '../../lib/raise-later.ts'
import { canSendTo, mayComeFromTheWay } from './connection-fault.ts'
import type { ProbeProfile, ProbeSourceAddresses } from './profile.ts'
import { totalLimitOctets } from './reply-reader.ts'
import {
  type Closing,
  type DialogueAction,
  type DialogueInput,
  SmtpDialogue,
} from './smtp-dialogue.ts'
import type { TlsProfile } from '../../health/tls-report.ts'
import type { PeerCertificate, PeerTls } from './tls-judgement.ts'

export interface ProbeRequest {
  /** An IPv4 or IPv6 address; never a name. */
  readonly address: string
  readonly profile: ProbeProfile
  /** Whether this target has offered STARTTLS before. */
  readonly hadStarttls?: boolean | undefined
  /** Local addresses to connect from, where the profile has none. */
  readonly source?: ProbeSourceAddresses
  /** Aborting ends the probe at once with `self`, reason `aborted`. */
  readonly signal?: AbortSignal
  /** Called with every line of the dialogue as it happens. */
  readonly onLine?: (line: DialogueLine) => void
  /** Root certificates to trust, in PEM; by default those of Node and of NODE_EXTRA_CA_CERTS. */
  readonly ca?: readonly string[]
}

const stallMs = 200

const lingerMs = 1000

const readBufferOctets = 4096

/**
 * Read buffer of all probes: each read is consumed before the next one begins. Not on Windows, where a read may be pending
 * on every socket.
 */
const sharedBuffer = Buffer.allocUnsafeSlow(readBufferOctets)

const readBuffer = (): Buffer =>
  process.platform === 'win32' ? Buffer.allocUnsafeSlow(readBufferOctets) : sharedBuffer

/** Probes one address. Resolves once the socket is closed, so that a probe in flight is a descriptor in use; never rejects. */
export function probeAddress(request: ProbeRequest, clock: Clock): Promise<Outcome> {
  return new Promise((resolve) => {
    new ProbeConnection(request, clock, resolve).open()
  })
}

/** Whether the peer closed the connection in the handshake: Node reports a reset without a system call. */
const isHangUp = (error: NodeJS.ErrnoException): boolean =>
  error.code === 'ECONNRESET' && error.syscall === undefined

/** Whether an error of a TLS socket comes from TLS and not from the connection below. */
const isTlsError = (error: NodeJS.ErrnoException): boolean =>
  error.code === undefined || /^(ERR_SSL|ERR_TLS|EPROTO)/.test(error.code)

/** Errors about dates: tls-judgement.ts checks dates itself, since a DANE match ignores them. */
const dateFaults: ReadonlySet<string> = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'])

const chainLimit = 10

const port = (number: number): readonly number[] => [number >> 8, number & 255]

const signature = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]

const versionAndProxy = 0x21

const tcpOver = { 4: 0x11, 6: 0x21 }

class ProbeConnection {
  readonly #request: ProbeRequest
  readonly #clock: Clock
  readonly #resolve: (outcome: Outcome) => void
  readonly #dialogue: SmtpDialogue
  readonly #startMs: number
  readonly #abort = (): void => this.#feed({ kind: 'abort' })
  /** The socket of the dialogue: TCP, later TLS on top of it. */
  #socket: Socket | null = null
  #timer: NodeJS.Timeout | undefined
  /** When the timer fires; milliseconds since the start. */
  #timerMs = 0
  /** The deadline, which may be later: the timer is then set again; milliseconds since the start. */
  #deadlineMs = 0
  readonly #onTimer = (): void => {
    this.#timer = undefined
    const lateMs = this.#elapsedMs() - this.#deadlineMs
    if (lateMs < 0) this.#setTimer(this.#deadlineMs)
    else setImmediate(() => this.#feed({ kind: 'deadline', stalled: lateMs > stallMs }))
  }
  #outcome: Outcome | null = null
  #hasThrown = false
  #octetsAfterOutcome = 0

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
      this.#socket = this.#connect()
    } catch {
      return this.#feed({ kind: 'failed', errno: 'EINVAL' })
    }
    this.#listen(this.#socket)
    this.#socket.on('connect', () => this.#connected())
  }

  #connect(): Socket {
    const { address, profile } = this.#request
    return connect({
      host: address,
      port: profile.port,
      localAddress: localAddressOf(this.#request) ?? undefined,
      autoSelectFamily: false,
      onread: {
        buffer: readBuffer(),
        callback: (count, buffer) => this.#receive(buffer.subarray(0, count)),
      },
    })
  }

  /** By `on`, since a socket emits each of these once, and `once` wraps the listener. */
  #listen(socket: Socket): void {
    socket.on('end', () => this.#feedFrom(socket, { kind: 'end' }))
    socket.on('error', (error: NodeJS.ErrnoException) => this.#fail(socket, error))
    socket.on('close', () => {
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

  #startTls(): void {
    const { profile, ca } = this.#request
    const { serverName } = profile.tls
    const below = this.#socket as Socket
    // A handshake writes where the one before is not acknowledged yet, unlike SMTP.
    below.setNoDelay(true)
    const tlsSocket: TLSSocket = startTls(below, serverName, ca)
    this.#socket = tlsSocket
    this.#listen(tlsSocket)
    tlsSocket.on('data', (octets: Uint8Array) => this.#receive(octets))
    tlsSocket.on('secureConnect', () => this.#secured(tlsSocket))
  }

  #secured(socket: TLSSocket): void {
    if (this.#hasThrown) return
    const { tls } = this.#request.profile
    try {
      const wallMs = this.#clock.wallMs()
      this.#feed({ kind: 'tls-established', peer: readPeer(socket, tls), wallMs })
    } catch (error) {
      this.#giveUp(error)
    }
  }

  #fail(socket: Socket, error: NodeJS.ErrnoException): void {
    if (isHangUp(error)) return this.#feedFrom(socket, { kind: 'end' })
    if ('encrypted' in socket && isTlsError(error)) {
      const why = error.message.replace(/^[0-9A-F]+:error:[^:]*:/, '').trim()
      return this.#feedFrom(socket, { kind: 'tls-failed', why })
    }
    const errno = error.code ?? 'UNKNOWN'
    if (socket === this.#socket && mayComeFromTheWay(errno)) return this.#askKernel(errno)
    this.#feedFrom(socket, { kind: 'failed', errno })
  }

  /** Judges an error that a router on the way and this host can both cause, once the kernel has told them apart. */
  #askKernel(errno: string): void {
    // The error has ended the socket: its `close` that follows says nothing more.
    this.#socket = null
    const { address, profile } = this.#request
    void canSendTo({ address, port: profile.port }, localAddressOf(this.#request)).then((canSend) =>
      this.#feed({ kind: 'failed', errno, canSend }),
    )
  }

  /** Feeds an event of the socket of the dialogue. Events of the TCP socket below TLS are ignored. */
  #feedFrom(socket: Socket, input: DialogueInput): void {
    if (socket === this.#socket) this.#feed(input)
  }

  #receive(octets: Uint8Array): boolean {
    if (this.#outcome === null) this.#feed({ kind: 'octets', octets })
    else if ((this.#octetsAfterOutcome += octets.length) > totalLimitOctets) this.#socket?.destroy()
    return true
  }

  #elapsedMs(): number {
    return this.#clock.monotonicMs() - this.#startMs
  }

  #feed(input: DialogueInput): void {
    if (this.#hasThrown) return
    try {
      for (const action of this.#dialogue.feed(input, this.#elapsedMs())) this.#perform(action)
    } catch (error) {
      this.#giveUp(error)
    }
  }

  /** An exception, which is a bug, says nothing of the target: it ends this probe alone, with `self`. */
  #giveUp(error: unknown): void {
    this.#hasThrown = true
    raiseLater(error)
    const durationMs = this.#elapsedMs()
    this.#outcome = { kind: 'self', reason: 'fault', code: null, durationMs, dialogue: [] }
    this.#close('destroy')
  }

  #perform(action: DialogueAction): void {
    switch (action.kind) {
      case 'write':
        this.#socket?.write(`${action.line}\r\n`, 'latin1')
        return
      case 'start-tls':
        return this.#startTls()
      case 'set-deadline':
        return this.#setDeadline(action.deadlineMs)
      case 'finish':
        this.#outcome = action.outcome
        return this.#close(action.close)
      default:
        return action satisfies never
    }
  }

  /** Leaves a timer that fires earlier alone; it is set again when it fires. Most deadlines are never reached. */
  #setDeadline(deadlineMs: number): void {
    this.#deadlineMs = deadlineMs
    if (this.#timer !== undefined && this.#timerMs <= deadlineMs) return
    clearTimeout(this.#timer)
    this.#setTimer(deadlineMs)
  }

  #setTimer(atMs: number): void {
    this.#timerMs = atMs
    const delayMs = Math.max(0, Math.ceil(atMs - this.#elapsedMs()))
    this.#timer = setTimeout(this.#onTimer, delayMs)
  }

  /** TLS ends with a close_notify; after QUIT over plain TCP nothing is unread, and closing is enough. */
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

/** Local address to connect from; null leaves the choice to the kernel. */
function localAddressOf({ address, profile, source }: ProbeRequest): string | null {
  const family = isIP(address) === 4 ? 'ipv4' : 'ipv6'
  return profile.source[family] ?? source?.[family] ?? null
}

/** Reads what tls-judgement.ts needs of a TLS session. */
function readPeer(
  socket: TLSSocket,
  { serverName, slotNames }: Pick<TlsProfile, 'serverName' | 'slotNames'>,
): PeerTls {
  const leaf = socket.getPeerX509Certificate()
  // The declared type is Error; the value is the name of OpenSSL's error.
  const error = socket.authorizationError as unknown as string | Error | null | undefined
  const fault = error instanceof Error ? error.message : (error ?? null)
  return {
    version: socket.getProtocol() ?? 'unknown',
    names: leaf ? namesOf(leaf) : [],
    chain: leaf ? chainOf(leaf) : [],
    chainFault: fault === null || dateFaults.has(fault) ? null : fault,
    isNameRight: serverName === null || covers(leaf, serverName),
    uncoveredSlots: slotNames.filter((name) => !covers(leaf, name)),
  }
}

const covers = (leaf: X509Certificate | undefined, name: string): boolean =>
  leaf?.checkHost(name.toLowerCase(), { partialWildcards: false }) !== undefined
const namesLimit = 32

/** The DNS names of its subjectAltName, or the common name where it has none. */
function namesOf({ subjectAltName, subject }: X509Certificate): readonly string[] {
  const names = [...(subjectAltName ?? '').matchAll(/(?:^|, )DNS:([^\s,"]{1,255})/g)]
  const common = /(?:^|\n)CN=([^\s]{1,255})/.exec(subject)?.[1]
  const all = names.length > 0 ? names.map(([, name = '']) => name) : common ? [common] : []
  return all.slice(0, namesLimit).map((name) => name.toLowerCase())
}

function chainOf(leaf: X509Certificate): readonly PeerCertificate[] {
  const chain: PeerCertificate[] = []
  let at: X509Certificate | undefined = leaf
  while (at && chain.length < chainLimit) {
    const issuer: X509Certificate | undefined = at.issuerCertificate
    chain.push({
      der: at.raw,
      publicKeyDer: at.publicKey.export({ type: 'spki', format: 'der' }),
      validFromMs: Date.parse(at.validFrom),
      validToMs: Date.parse(at.validTo),
      isSigned: isSignedBy(at, issuer ?? at),
    })
    at = issuer && issuer.fingerprint256 !== at.fingerprint256 ? issuer : undefined
  }
  return chain
}

function isSignedBy(one: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return one.checkIssued(issuer) && one.verify(issuer.publicKey)
  } catch {
    return false
  }
}

interface SocketName {
  readonly address: string
  readonly port: number
}

/**
 * PROXY protocol header for an MTA that expects one, with the true addresses of the socket, so that the MTA logs and limits
 * the prober by its real address. null if the addresses are not of one family.
 *
 * Version 2 sends PROXY and not LOCAL: LOCAL is meant for health checks, but enough receivers close the connection on it
 * (HAProxy has `pp2-never-send-local` for them), while all of them accept PROXY.
 */
export function proxyHeader(
  version: 'v1' | 'v2',
  source: SocketName,
  destination: SocketName,
): Uint8Array | null {
  const from = parseAddress(source.address)
  const to = parseAddress(destination.address)
  if (!from || !to || from.family !== to.family) return null
  if (version === 'v1') {
    const words = [source.address, destination.address, source.port, destination.port].join(' ')
    return new TextEncoder().encode(`PROXY TCP${from.family} ${words}\r\n`)
  }
  const block = [...from.octets, ...to.octets, ...port(source.port), ...port(destination.port)]
  const head = [...signature, versionAndProxy, tcpOver[from.family], 0, block.length]
  return Uint8Array.from([...head, ...block])
}

/**
 * Starts TLS over the socket of a probe. Accepts any certificate, and versions back to 1.0, so that tls-judgement.ts can
 * name what is wrong. Resumes no session.
 */
function startTls(
  socket: Socket,
  serverName: string | null,
  ca: readonly string[] | undefined,
): TLSSocket {
  return connectTls({
    socket,
    ...(serverName !== null && isIP(serverName) === 0 && { servername: serverName }),
    ...(ca && { ca: [...ca] }),
    rejectUnauthorized: false,
    // readPeer checks the name, apart from the chain.
    checkServerIdentity: () => undefined,
    minVersion: 'TLSv1',
    ciphers: 'DEFAULT@SECLEVEL=0',
  })
}
