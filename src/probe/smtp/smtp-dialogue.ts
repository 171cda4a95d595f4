// One SMTP dialogue as a pure state machine: events of the connection go in, actions come out; time is an argument.
//
//   connect ─► (handshake) ─► banner ─► ehlo ─► (helo) ─► (starttls ─► handshake ─► ehlo) ─► (mail ─► (rcpt))
//           ─► (rset) ─► quit ─► done
//
// smtp-script.ts says which command follows which reply, and what silence, end and error mean in which phase. The server
// speaks first: nothing is written before the final banner line (`220-` continues), one command a write, never before
// the reply to the last one. Deadlines run from the start of a phase; octets do not extend them.

import type { DialogueLine, Outcome } from '../../health/outcome.ts'
import type { TlsReport } from '../../health/tls-report.ts'
import type { ProbeProfile } from './profile.ts'
import { identifyProtocol, type NextReply, ReplyReader } from './reply-reader.ts'
import {
  type Disruption,
  describeDisruption,
  outcomeOfDisruption,
  type PartialOutcome,
  ehloStep,
  keywordsOf,
  nextStep,
  type Phase,
  type Reply,
  slowReason,
  type SocketFailure,
  type Step,
} from './smtp-script.ts'
import { judgeTls, type PeerTls } from './tls-judgement.ts'

interface DialogueOptions {
  readonly onLine?: ((line: DialogueLine) => void) | undefined
  /** Whether this target has offered STARTTLS before: its absence is then a finding. */
  readonly hadStarttls?: boolean | undefined
}

/** An event of the connection. */
export type DialogueInput =
  | { readonly kind: 'start' | 'abort' }
  | { readonly kind: 'end' }
  /** `header`: name of the header that was written before anything else, for the log. */
  | { readonly kind: 'connected'; readonly header?: string }
  | { readonly kind: 'octets'; readonly octets: Uint8Array }
  | { readonly kind: 'tls-established'; readonly peer: PeerTls; readonly wallMs: number }
  /** The TLS handshake failed; `why` is the message of OpenSSL. */
  | { readonly kind: 'tls-failed'; readonly why: string }
  | SocketFailure
  /** `stalled`: the timer of this process fired late, so silence proves nothing about the target. */
  | { readonly kind: 'deadline'; readonly stalled: boolean }

/**
 * How to close the connection. `done`: QUIT was answered. `fin`: close this side and give the target a second to close its
 * own. `destroy`: at once, with a reset if the target goes on sending.
 */
export type Closing = 'done' | 'fin' | 'destroy'

export type DialogueAction =
  | { readonly kind: 'write'; readonly line: string }
  /** Start TLS as a client; `tls-established` or `tls-failed` follows. */
  | { readonly kind: 'start-tls' }
  /** Replaces the deadline before it. Milliseconds since the probe began. */
  | { readonly kind: 'set-deadline'; readonly deadlineMs: number }
  | { readonly kind: 'finish'; readonly outcome: Outcome; readonly close: Closing }

const handshakeTimeoutMs = 10_000

const quitTimeoutMs = 2000

const hardDeadlineMs = 30_000

export class SmtpDialogue {
  readonly #profile: ProbeProfile
  readonly #log: DialogueLog
  readonly #hadStarttls: boolean
  readonly #reader = new ReplyReader((text, code) => this.#onReplyLine(text, code))
  readonly #hardMs: number
  #phase: Phase = 'connect'
  #nowMs = 0
  #deadlineMs = 0
  #hasTls = false
  /** Until when the reply of the phase may come; later than the deadline where that only makes it slow. */
  #replyDueMs = 0
  /** The first phase whose reply was slow. */
  #slowPhase: Phase | null = null
  #hasStarttls: boolean | null = null
  #tls: TlsReport | null = null
  #decision: Omit<Outcome, 'dialogue'> | null = null
  #actions: DialogueAction[] = []

  constructor(profile: ProbeProfile, { onLine, hadStarttls = false }: DialogueOptions = {}) {
    this.#profile = profile
    this.#log = new DialogueLog(onLine)
    this.#hadStarttls = hadStarttls && profile.tls.mode === 'starttls'
    this.#hardMs = hardLimitMs(profile)
  }

  /** Takes one event and returns the actions to perform, in order. `atMs`: since the probe began; `start` comes first. */
  feed(input: DialogueInput, atMs: number): readonly DialogueAction[] {
    this.#actions = []
    this.#nowMs = atMs
    if (this.#phase !== 'done') this.#handle(input)
    return this.#actions
  }

  #handle(input: DialogueInput): void {
    switch (input.kind) {
      case 'start':
        return this.#setDeadline(this.#profile.connectTimeoutMs)
      case 'connected':
        return this.#connected(input.header)
      case 'octets':
        return this.#read(input.octets)
      case 'tls-established':
        return this.#tlsEstablished(input.peer, input.wallMs)
      case 'tls-failed':
      case 'end':
      case 'failed':
        return this.#disrupted(input)
      case 'deadline':
        return this.#timeOut(input.stalled)
      case 'abort':
        return this.#conclude({ kind: 'self', reason: 'aborted', code: null })
      default:
        return input satisfies never
    }
  }

  #connected(header: string | undefined): void {
    this.#log.event('connected', this.#nowMs)
    if (header !== undefined) this.#log.sent(header, this.#nowMs)
    if (this.#profile.level === 'connect') {
      return this.#conclude({ kind: 'ok', reason: 'ok', code: null }, 'fin')
    }
    if (this.#profile.tls.mode === 'implicit') return this.#startTls()
    this.#awaitBanner()
  }

  #awaitBanner(): void {
    this.#phase = 'banner'
    this.#setDeadline(this.#profile.bannerTimeoutMs, this.#profile.slowAfterMs)
  }

  #startTls(): void {
    // Plain text after the reply to STARTTLS is no part of the session (RFC 3207 §4.2).
    this.#discardEarly()
    this.#phase = 'handshake'
    this.#actions.push({ kind: 'start-tls' })
    this.#setDeadline(Math.min(handshakeTimeoutMs, this.#profile.bannerTimeoutMs))
  }

  #tlsEstablished(peer: PeerTls, wallMs: number): void {
    this.#hasTls = true
    this.#tls = judgeTls(peer, this.#profile.tls, wallMs)
    this.#log.event(`TLS: ${peer.version}`, this.#nowMs)
    for (const { severity, text } of this.#tls.findings) {
      this.#log.event(`TLS ${severity}: ${text}`, this.#nowMs)
    }
    if (this.#profile.tls.mode === 'implicit') this.#awaitBanner()
    else this.#apply(ehloStep(this.#profile))
  }

  #read(octets: Uint8Array): void {
    this.#reader.push(octets)
    while (this.#phase !== 'done' && this.#phase !== 'handshake') {
      const next = this.#reader.next()
      if (next.kind === 'more') return
      if (next.kind === 'reply') this.#reply(next.reply)
      else this.#reject(next)
    }
  }

  /** Logs a line of a reply. Returns whether smtp-script.ts needs its text. */
  #onReplyLine(text: string, code: number): boolean {
    this.#log.received(text, this.#nowMs)
    return code >= 400 || this.#phase !== 'banner' || this.#profile.expect.banner.length > 0
  }

  #reject(next: Exclude<NextReply, { kind: 'reply' | 'more' }>): void {
    if (next.kind === 'not-smtp') return this.#concludeNotSmtp(next.text)
    if (next.kind === 'mixed') {
      return this.#conclude({ kind: 'garbage', reason: 'mixed-codes', code: next.code })
    }
    this.#log.received(this.#reader.partial(), this.#nowMs)
    this.#log.shorten(this.#nowMs)
    this.#log.event(next.reason, this.#nowMs)
    this.#conclude({ kind: 'garbage', reason: next.reason, code: null })
  }

  #reply(reply: Reply): void {
    if (this.#phase === 'quit') return this.#finish('done')
    if (this.#phase === 'ehlo' && reply.code === 250 && !this.#hasTls) {
      this.#hasStarttls = keywordsOf(reply).includes('starttls')
    }
    this.#apply(
      nextStep(this.#phase, reply, {
        profile: this.#profile,
        hasTls: this.#hasTls,
        hadStarttls: this.#hadStarttls,
      }),
    )
  }

  #apply(step: Step): void {
    switch (step.kind) {
      case 'send':
        return this.#send(step.phase, step.line)
      case 'start-tls':
        return this.#startTls()
      case 'conclude':
        if (step.closingCommand === null) return this.#conclude(step.outcome)
        this.#decide(step.outcome)
        return this.#send(step.closingCommand === 'RSET' ? 'rset' : 'quit', step.closingCommand)
      default:
        return step satisfies never
    }
  }

  #timeOut(stalled: boolean): void {
    if (this.#nowMs < this.#deadlineMs) {
      this.#actions.push({ kind: 'set-deadline', deadlineMs: this.#deadlineMs })
      return
    }
    if (this.#deadlineMs < Math.min(this.#replyDueMs, this.#hardMs)) {
      // Decided by the timer, not by the time of the reply, which a stalled process reads late.
      if (!stalled) this.#slowPhase ??= this.#phase
      return this.#setDeadline(this.#replyDueMs - this.#nowMs)
    }
    this.#disrupted({ kind: stalled ? 'stalled' : 'timeout' })
  }

  /** Ends a dialogue that cannot go on. After RSET or QUIT the outcome stands already. */
  #disrupted(disruption: Disruption): void {
    this.#log.event(describeDisruption(disruption), this.#nowMs)
    if (this.#decision) return this.#finish(disruption.kind === 'failed' ? 'destroy' : 'fin')
    const isSilent = disruption.kind === 'end' || disruption.kind === 'timeout'
    if (isSilent && this.#reader.isNotSmtp()) return this.#concludeNotSmtp(this.#reader.partial())
    this.#conclude(outcomeOfDisruption(this.#phase, disruption, this.#profile.tls.mode))
  }

  #concludeNotSmtp(text: string): void {
    this.#log.received(text, this.#nowMs)
    this.#conclude({ kind: 'garbage', reason: identifyProtocol(text), code: null })
  }

  #decide(partial: PartialOutcome): void {
    if (this.#decision) return
    const tls = partial.tls ?? this.#tls
    this.#decision = {
      ...this.#refine(partial),
      durationMs: this.#nowMs,
      ...(tls && { tls }),
      ...(this.#hasStarttls !== null && { hasStarttls: this.#hasStarttls }),
    }
  }

  /** Turns `ok` into `tls` if TLS has a finding, else into `slow` if a reply was late. */
  #refine(partial: PartialOutcome): PartialOutcome {
    if (partial.kind !== 'ok') return partial
    const worst = this.#tls?.findings[0]
    if (worst) return { ...partial, kind: 'tls', reason: worst.reason }
    return this.#slowPhase
      ? { ...partial, kind: 'slow', reason: slowReason(this.#slowPhase) }
      : partial
  }

  /** Finishes without a further command, with this outcome or with the one decided before. */
  #conclude(partial: PartialOutcome, close?: Closing): void {
    this.#decide(partial)
    this.#finish(close ?? (partial.kind === 'mute' || partial.kind === 'stuck' ? 'fin' : 'destroy'))
  }

  #send(phase: Phase, line: string): void {
    this.#phase = phase
    this.#discardEarly()
    this.#log.sent(line, this.#nowMs)
    this.#actions.push({ kind: 'write', line })
    const { commandTimeoutMs, slowAfterMs } = this.#profile
    if (this.#decision) this.#setDeadline(Math.min(quitTimeoutMs, commandTimeoutMs))
    else this.#setDeadline(commandTimeoutMs, slowAfterMs)
  }

  #discardEarly(): void {
    const early = this.#reader.discard()
    if (early > 0) this.#log.event(`${early} octets came before their turn`, this.#nowMs)
  }

  /** Where the timer fires after `slowAfterMs` already, the reply is slow and has the rest of `timeoutMs`. */
  #setDeadline(timeoutMs: number, slowAfterMs = timeoutMs): void {
    this.#replyDueMs = this.#nowMs + timeoutMs
    this.#deadlineMs = Math.min(this.#nowMs + Math.min(timeoutMs, slowAfterMs), this.#hardMs)
    this.#actions.push({ kind: 'set-deadline', deadlineMs: this.#deadlineMs })
  }

  #finish(close: Closing): void {
    this.#phase = 'done'
    const outcome = { ...this.#decision, dialogue: this.#log.lines() } as Outcome
    this.#actions.push({ kind: 'finish', outcome, close })
  }
}

/**
 * Limit of the whole dialogue: 30 s, or the sum of the deadlines of its first phases if that is longer; 10 s more where
 * there is a handshake, or commands after EHLO.
 */
function hardLimitMs(profile: ProbeProfile): number {
  const { level, tls, connectTimeoutMs, bannerTimeoutMs, commandTimeoutMs } = profile
  const sumMs = connectTimeoutMs + bannerTimeoutMs + commandTimeoutMs
  const isLong = level === 'tls' || level === 'rcpt' || tls.mode === 'implicit'
  return Math.max(hardDeadlineMs, sumMs) + (isLong ? handshakeTimeoutMs : 0)
}

const totalCharacterLimit = 8192

/** Leaves room for the commands of the probe and for events: at most eight of the former and about as many events. */
const targetLineLimit = 24

const shortenedLineLimit = 8

const cut = (text: string): string =>
  text.length > characterLimit ? `${text.slice(0, characterLimit - 1)}…` : text

const lineLimit = 40

const characterLimit = 512

const escapeCharacter = (character: string): string =>
  character === '\\' ? '\\\\' : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`

/**
 * The dialogue as shown to people: at most 40 lines of 512 characters, 8 KiB in all. Lines of the target are dropped
 * first: commands of the probe and events of the connection are few and always kept.
 */
class DialogueLog {
  readonly #onLine: ((line: DialogueLine) => void) | undefined
  #lines: DialogueLine[] = []
  #characters = 0
  #dropped = false

  constructor(onLine: ((line: DialogueLine) => void) | undefined) {
    this.#onLine = onLine
  }

  received(received: string, atMs: number): void {
    if (this.#dropped && !this.#onLine) return
    const line: DialogueLine = { atMs, from: '<', text: printable(received) }
    this.#onLine?.(line)
    if (this.#dropped) return
    const fits = this.#characters + line.text.length <= totalCharacterLimit
    if (fits && this.#lines.length < targetLineLimit) this.#keep(line)
    else this.#drop(atMs)
  }

  /** Keeps the first lines only: enough to recognise a target that floods, and cheap where hundreds do. */
  shorten(atMs: number): void {
    if (this.#lines.length <= shortenedLineLimit) return
    this.#lines = this.#lines.slice(0, shortenedLineLimit)
    this.#drop(atMs)
  }

  sent(text: string, atMs: number): void {
    this.#add({ atMs, from: '>', text: cut(text) })
  }

  event(text: string, atMs: number): void {
    this.#add({ atMs, from: '*', text: cut(text) })
  }

  lines(): readonly DialogueLine[] {
    return this.#lines
  }

  #drop(atMs: number): void {
    this.#dropped = true
    this.#keep({ atMs, from: '*', text: 'further lines of the target are not kept' })
  }

  #add(line: DialogueLine): void {
    this.#onLine?.(line)
    this.#keep(line)
  }

  #keep(line: DialogueLine): void {
    if (this.#lines.length >= lineLimit) return
    this.#characters += line.text.length
    this.#lines.push(line)
  }
}

/** Returns printable ASCII as it is, backslash doubled, the rest as \xNN; cut at 512 characters. */
function printable(received: string): string {
  const text = received.length > characterLimit ? received.slice(0, characterLimit + 1) : received
  return cut(/[^ -[\]-~]/.test(text) ? text.replaceAll(/[^ -[\]-~]/g, escapeCharacter) : text)
}
