// Drives one SMTP dialogue over one TCP connection. Resolves when the socket is closed, so that a probe in
// flight is a descriptor in use; never rejects.
//
// A deadline is judged only after one more turn of the event loop: timers run before reads, and what came in
// time must not be called silence. If the timer itself was more than 200 ms late, the process was stalled and
// the outcome is `self`. Reads go into one small buffer a probe, so the fastest target costs no memory.

import type { Socket } from 'node:net'
import { connect, isIP } from 'node:net'
import type { Clock } from '../lib/clock.ts'
import { totalLimitOctets } from './line-reader.ts'
import type { DialogueLine, Outcome } from './outcome.ts'
import type { ProbeProfile } from './profile.ts'
import type { DialogueAction, DialogueInput } from './smtp-dialogue.ts'
import { SmtpDialogue } from './smtp-dialogue.ts'

export interface ProbeRequest {
  /** An IPv4 or IPv6 address; never a name. */
  readonly address: string
  readonly profile: ProbeProfile
  /** Aborting ends the probe at once with `self`, reason `aborted`. */
  readonly signal?: AbortSignal
  readonly onLine?: (line: DialogueLine) => void
}

const stallMs = 200
const lingerMs = 1000
const readBufferOctets = 4096

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
  #socket: Socket | null = null
  #timer: NodeJS.Timeout | undefined
  #outcome: Outcome | null = null
  #lateOctets = 0

  constructor(request: ProbeRequest, clock: Clock, resolve: (outcome: Outcome) => void) {
    this.#request = request
    this.#clock = clock
    this.#resolve = resolve
    this.#dialogue = new SmtpDialogue(request.profile, request.onLine)
    this.#startMs = clock.monotonicMs()
  }

  open(): void {
    const { address, profile, signal } = this.#request
    this.#feed({ kind: 'start' })
    if (signal?.aborted) return this.#abort()
    if (isIP(address) === 0) return this.#feed({ kind: 'failed', errno: 'EINVAL' })
    signal?.addEventListener('abort', this.#abort, { once: true })
    try {
      this.#socket = connect({
        host: address,
        port: profile.port,
        autoSelectFamily: false,
        noDelay: true,
        onread: {
          buffer: Buffer.allocUnsafeSlow(readBufferOctets),
          callback: (count, buffer) => this.#receive(buffer.subarray(0, count)),
        },
      })
    } catch {
      return this.#feed({ kind: 'failed', errno: 'EINVAL' })
    }
    this.#listen(this.#socket)
  }

  #listen(socket: Socket): void {
    socket.once('connect', () => this.#feed({ kind: 'connected' }))
    socket.once('end', () => this.#feed({ kind: 'end' }))
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#feed({ kind: 'failed', errno: error.code ?? 'UNKNOWN' })
    })
    socket.once('close', () => {
      this.#feed({ kind: 'end' })
      this.#settle()
    })
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
        this.#socket?.write(`${action.line}\r\n`)
        return
      case 'arm':
        return this.#arm(action.deadlineMs)
      case 'finish':
        this.#outcome = action.outcome
        return this.#close(action.close)
    }
  }

  #arm(deadlineMs: number): void {
    clearTimeout(this.#timer)
    const delayMs = Math.max(0, Math.ceil(deadlineMs - this.#elapsedMs()))
    this.#timer = setTimeout(() => {
      const stalled = this.#elapsedMs() - deadlineMs > stallMs
      setImmediate(() => this.#feed({ kind: 'deadline', stalled }))
    }, delayMs)
  }

  /** FIN and a second for the target to do likewise; a reset where it talks on, or where nothing is open. */
  #close(how: 'fin' | 'destroy'): void {
    clearTimeout(this.#timer)
    const socket = this.#socket
    if (socket === null || socket.closed) return this.#settle()
    if (how === 'destroy' || socket.destroyed) {
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
