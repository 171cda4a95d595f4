// One SMTP dialogue as a pure machine: what happened goes in, what to do comes out; time is an argument.
//
//   connect ─► (handshake) ─► banner ─► ehlo ─► (helo) ─► (starttls ─► handshake ─► ehlo) ─► (mail ─► (rcpt))
//           ─► (rset) ─► quit ─► done
//
// What to say to which reply is in smtp-script.ts; what silence, end and error mean in which phase is in
// smtp-script.ts. The server speaks first: nothing is written before the final banner line (`220-` continues),
// one command a write, never before the reply to the last one. Deadlines run from the start of a phase: octets
// do not extend them.

import type { DialogueLine, Outcome } from '../../health/outcome.ts'
import type { TlsReport } from '../../health/tls-report.ts'
import type { ProbeProfile } from './profile.ts'
import { latin1, identifyProtocol, type NextReply, ReplyReader } from './reply-reader.ts'
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
  type Step,
} from './smtp-script.ts'
import { judgeTls, type PeerTls } from './tls-judgement.ts'

interface DialogueOptions {
  readonly onLine?: ((line: DialogueLine) => void) | undefined
  /** STARTTLS has been offered by this target before. */
  readonly hadStarttls?: boolean | undefined
}

const totalCharacterLimit = 8192

/** Room is left for our lines and events: eight commands and about as many events at most. */
const targetLineLimit = 24

const shortenedLineLimit = 8

const cut = (text: string): string =>
  text.length > characterLimit ? `${text.slice(0, characterLimit - 1)}…` : text

const lineLimit = 40

const characterLimit = 512

const escapeCharacter = (character: string): string =>
  character === '\\' ? '\\\\' : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`

class DialogueLog {
  readonly #onLine: ((line: DialogueLine) => void) | undefined
  #lines: DialogueLine[] = []
  #characters = 0
  #dropped = false

  constructor(onLine: ((line: DialogueLine) => void) | undefined) {
    this.#onLine = onLine
  }

  received(octets: Uint8Array, atMs: number): void {
    if (this.#dropped && !this.#onLine) return
    const line: DialogueLine = { atMs, from: '<', text: escapeOctets(octets) }
    this.#onLine?.(line)
    if (this.#dropped) return
    const fits = this.#characters + line.text.length <= totalCharacterLimit
    if (fits && this.#lines.length < targetLineLimit) this.#keep(line)
    else this.#drop(atMs)
  }

  /** Of a target that says too much a few lines tell as well as many; hundreds of such targets cost little. */
  shorten(atMs: number): void {
    if (this.#lines.length <= shortenedLineLimit) return
    this.#lines = this.#lines.slice(0, shortenedLineLimit)
    this.#drop(atMs)
  }

  sent(text: string, atMs: number): void {
    this.#record({ atMs, from: '>', text: cut(text) })
  }

  event(text: string, atMs: number): void {
    this.#record({ atMs, from: '*', text: cut(text) })
  }

  lines(): readonly DialogueLine[] {
    return this.#lines
  }

  #drop(atMs: number): void {
    this.#dropped = true
    this.#keep({ atMs, from: '*', text: 'further lines of the target are not kept' })
  }

  #record(line: DialogueLine): void {
    this.#onLine?.(line)
    this.#keep(line)
  }

  #keep(line: DialogueLine): void {
    if (this.#lines.length >= lineLimit) return
    this.#characters += line.text.length
    this.#lines.push(line)
  }
}

const handshakeTimeoutMs = 10_000

const quitTimeoutMs = 2000

const hardDeadlineMs = 20_000

export class SmtpDialogue {
  readonly #profile: ProbeProfile
  readonly #log: DialogueLog
  readonly #hadStarttls: boolean
  readonly #reader = new ReplyReader((octets, code) => this.#onReplyLine(octets, code))
  readonly #hardMs: number
  #phase: Phase = 'connect'
  #nowMs = 0
  #deadlineMs = 0
  #hasTls = false
  #bannerDueMs = 0
  #isSlow = false
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

  /** `atMs`: milliseconds since the probe began, `start` being fed first. */
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
      case 'secured':
        return this.#tlsEstablished(input.peer, input.wallMs)
      case 'insecure':
      case 'end':
      case 'failed':
        return this.#disrupted(input)
      case 'deadline':
        return this.#timeOut(input.stalled)
      case 'abort':
        return this.#conclude({ kind: 'self', reason: 'aborted', code: null })
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
    this.#bannerDueMs = this.#nowMs + this.#profile.bannerTimeoutMs
    this.#setDeadline(Math.min(this.#profile.slowAfterMs, this.#profile.bannerTimeoutMs))
  }

  #startTls(): void {
    // What came in the clear after the reply is no part of the session (RFC 3207 §4.2).
    this.#discardEarly()
    this.#phase = 'handshake'
    this.#actions.push({ kind: 'secure' })
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

  /** Says whether the text of the line matters to smtp-script.ts. */
  #onReplyLine(octets: Uint8Array, code: number): boolean {
    this.#log.received(octets, this.#nowMs)
    return code >= 400 || this.#phase !== 'banner' || this.#profile.expect.banner.length > 0
  }

  #reject(next: Exclude<NextReply, { kind: 'reply' | 'more' }>): void {
    if (next.kind === 'stranger') return this.#concludeNotSmtp(next.octets)
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
        isSecured: this.#hasTls,
        hadStarttls: this.#hadStarttls,
      }),
    )
  }

  #apply(step: Step): void {
    if (step.kind === 'say') return this.#send(step.phase, step.line)
    if (step.kind === 'secure') return this.#startTls()
    if (step.goodbye === null) return this.#conclude(step.found)
    this.#decide(step.found)
    this.#send(step.goodbye === 'RSET' ? 'rset' : 'quit', step.goodbye)
  }

  #timeOut(stalled: boolean): void {
    if (this.#nowMs < this.#deadlineMs) {
      this.#actions.push({ kind: 'arm', deadlineMs: this.#deadlineMs })
      return
    }
    if (this.#phase === 'banner' && this.#deadlineMs < Math.min(this.#bannerDueMs, this.#hardMs)) {
      // By the timer and not by the time of the banner, which a stalled process reads late.
      if (!stalled) this.#isSlow = true
      return this.#setDeadline(this.#bannerDueMs - this.#nowMs)
    }
    this.#disrupted({ kind: stalled ? 'stalled' : 'timeout' })
  }

  /** The dialogue cannot go on. After QUIT or RSET that is no failure. */
  #disrupted(breakage: Disruption): void {
    this.#log.event(describeDisruption(breakage), this.#nowMs)
    if (this.#decision) return this.#finish(breakage.kind === 'failed' ? 'destroy' : 'fin')
    const isSilent = breakage.kind === 'end' || breakage.kind === 'timeout'
    if (isSilent && this.#reader.isNotSmtp()) return this.#concludeNotSmtp(this.#reader.partial())
    this.#conclude(outcomeOfDisruption(this.#phase, breakage, this.#profile.tls.mode))
  }

  #concludeNotSmtp(octets: Uint8Array): void {
    this.#log.received(octets, this.#nowMs)
    this.#conclude({ kind: 'garbage', reason: identifyProtocol(octets), code: null })
  }

  #decide(found: PartialOutcome): void {
    if (this.#decision) return
    const tls = found.tls ?? this.#tls
    this.#decision = {
      ...this.#refine(found),
      durationMs: this.#nowMs,
      ...(tls && { tls }),
      ...(this.#hasStarttls !== null && { hasStarttls: this.#hasStarttls }),
    }
  }

  /** `ok` is only so where neither TLS nor time speaks against it. */
  #refine(found: PartialOutcome): PartialOutcome {
    if (found.kind !== 'ok') return found
    const worst = this.#tls?.findings[0]
    if (worst) return { ...found, kind: 'tls', reason: worst.reason }
    return this.#isSlow ? { ...found, kind: 'slow', reason: 'banner-slow' } : found
  }

  /** What the probe found, where there is nothing left to say; after QUIT, what it had found before. */
  #conclude(found: PartialOutcome, close?: Closing): void {
    this.#decide(found)
    this.#finish(close ?? (found.kind === 'mute' || found.kind === 'stuck' ? 'fin' : 'destroy'))
  }

  #send(phase: Phase, line: string): void {
    this.#phase = phase
    this.#discardEarly()
    this.#log.sent(line, this.#nowMs)
    this.#actions.push({ kind: 'write', line })
    this.#setDeadline(
      Math.min(this.#decision ? quitTimeoutMs : Infinity, this.#profile.commandTimeoutMs),
    )
  }

  #discardEarly(): void {
    const early = this.#reader.discard()
    if (early > 0) this.#log.event(`${early} octets came before their turn`, this.#nowMs)
  }

  #setDeadline(timeoutMs: number): void {
    this.#deadlineMs = Math.min(this.#nowMs + timeoutMs, this.#hardMs)
    this.#actions.push({ kind: 'arm', deadlineMs: this.#deadlineMs })
  }

  #finish(close: Closing): void {
    this.#phase = 'done'
    const outcome = { ...this.#decision, dialogue: this.#log.lines() } as Outcome
    this.#actions.push({ kind: 'finish', outcome, close })
  }
}

// How long a dialogue and its parts may take beside what the profile says.

/** 20 s, or what the first phases may take together; a handshake and the commands after it get 10 s more. */
function hardLimitMs(profile: ProbeProfile): number {
  const { level, tls, connectTimeoutMs, bannerTimeoutMs, commandTimeoutMs } = profile
  const sumMs = connectTimeoutMs + bannerTimeoutMs + commandTimeoutMs
  const isLong = level === 'tls' || level === 'rcpt' || tls.mode === 'implicit'
  return Math.max(hardDeadlineMs, sumMs) + (isLong ? handshakeTimeoutMs : 0)
}

// What was said in one probe, kept for people: at most 40 lines of 512 characters, 8 KiB in all.
//
// Lines of the target are dropped first: ours and the events of the connection are few and always kept.

/** Printable ASCII as it is, backslash doubled, the rest as \xNN; cut at 512 characters. */
function escapeOctets(octets: Uint8Array): string {
  const text = latin1(octets, 0, characterLimit + 1)
  return cut(/[^ -[\]-~]/.test(text) ? text.replaceAll(/[^ -[\]-~]/g, escapeCharacter) : text)
}

// What a dialogue is told, and what it asks for: the two sides of smtp-dialogue.ts.

export type DialogueInput =
  | { readonly kind: 'start' | 'abort' }
  | { readonly kind: 'end' }
  /** `header`: what the driver has written before anything else, for the record. */
  | { readonly kind: 'connected'; readonly header?: string }
  | { readonly kind: 'octets'; readonly octets: Uint8Array }
  | { readonly kind: 'secured'; readonly peer: PeerTls; readonly wallMs: number }
  /** The TLS handshake failed; `why` is OpenSSL's word. */
  | { readonly kind: 'insecure'; readonly why: string }
  | { readonly kind: 'failed'; readonly errno: string }
  /** `stalled`: our own timer came late, so silence proves nothing about the target. */
  | { readonly kind: 'deadline'; readonly stalled: boolean }

/**
 * `done`: both have said goodbye. `fin`: our end, and a second for the target to do likewise. `destroy`: at once, with a
 * reset where it talks on.
 */
export type Closing = 'done' | 'fin' | 'destroy'

export type DialogueAction =
  | { readonly kind: 'write'; readonly line: string }
  /** Start TLS as a client; `secured` or `insecure` is the answer. */
  | { readonly kind: 'secure' }
  /** Replaces the deadline before it. Milliseconds on the clock of `feed`. */
  | { readonly kind: 'arm'; readonly deadlineMs: number }
  | { readonly kind: 'finish'; readonly outcome: Outcome; readonly close: Closing }
