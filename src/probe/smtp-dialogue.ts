// One SMTP dialogue as a pure machine: what happened goes in, what to do comes out; time is an argument.
//
//   connect ─► banner ─► ehlo ─► (helo) ─► quit ─► done
//
//   phase     reply                      then
//   banner    220                        EHLO, or QUIT at level `banner`
//   banner    4xx | 5xx | other          busy | refusing, with QUIT | garbage
//   ehlo      250 | 5xx | other          ok, QUIT | HELO | stuck, QUIT
//   quit      anything, or nothing       what was decided before: failing to answer QUIT is no failure
//
// The server speaks first: nothing is written before the final banner line (`220-` continues), one command a
// write, and never before the reply to the last one; no MAIL, no RCPT. Deadlines run from the start of a phase:
// octets do not extend them. The lines of a reply must agree on the code, but postscreen and others change
// their mind after a 220- teaser, so a 4xx or 5xx may end a reply that began well.

import { connectionFault } from './connection-fault.ts'
import { DialogueLog } from './dialogue-log.ts'
import type { Excess } from './line-reader.ts'
import { LineReader } from './line-reader.ts'
import type { DialogueLine, Outcome, OutcomeKind } from './outcome.ts'
import type { ProbeProfile } from './profile.ts'
import { canBeReply, nameStranger, parseReplyLine } from './reply-line.ts'

export type DialogueInput =
  | { readonly kind: 'start' | 'connected' | 'end' | 'abort' }
  | { readonly kind: 'octets'; readonly octets: Uint8Array }
  | { readonly kind: 'failed'; readonly errno: string }
  /** `stalled`: our own timer came late, so silence proves nothing about the target. */
  | { readonly kind: 'deadline'; readonly stalled: boolean }

export type DialogueAction =
  | { readonly kind: 'write'; readonly line: string }
  /** Replaces the deadline before it. Milliseconds on the clock of `feed`. */
  | { readonly kind: 'arm'; readonly deadlineMs: number }
  | { readonly kind: 'finish'; readonly outcome: Outcome; readonly close: 'fin' | 'destroy' }

type Phase = 'connect' | 'banner' | 'ehlo' | 'helo' | 'quit' | 'done'
type Decision = Pick<Outcome, 'kind' | 'reason' | 'code' | 'durationMs'>

const hardDeadlineMs = 20_000
const quitTimeoutMs = 2000
/** A line without end is judged once it is this long: enough to tell TLS and HTTP by name. */
const judgedFromOctets = 8

export class SmtpDialogue {
  readonly #profile: ProbeProfile
  readonly #log: DialogueLog
  readonly #reader = new LineReader()
  readonly #hardMs: number
  #phase: Phase = 'connect'
  #nowMs = 0
  #deadlineMs = 0
  #replyCode: number | null = null
  #decision: Decision | null = null
  #actions: DialogueAction[] = []

  constructor(profile: ProbeProfile, onLine?: (line: DialogueLine) => void) {
    this.#profile = profile
    this.#log = new DialogueLog(onLine)
    const sumMs = profile.connectTimeoutMs + profile.bannerTimeoutMs + profile.commandTimeoutMs
    this.#hardMs = Math.max(hardDeadlineMs, sumMs)
  }

  /** `atMs`: milliseconds since the probe began, `start` being fed first. */
  feed(input: DialogueInput, atMs: number): readonly DialogueAction[] {
    this.#actions = []
    this.#nowMs = atMs
    if (this.#phase !== 'done') this.#take(input)
    return this.#actions
  }

  #take(input: DialogueInput): void {
    switch (input.kind) {
      case 'start':
        return this.#arm(this.#profile.connectTimeoutMs)
      case 'connected':
        this.#log.event('connected', this.#nowMs)
        this.#phase = 'banner'
        return this.#arm(this.#profile.bannerTimeoutMs)
      case 'octets':
        return this.#read(input.octets)
      case 'end':
        return this.#end()
      case 'failed':
        return this.#fail(input.errno)
      case 'deadline':
        return this.#timeOut(input.stalled)
      case 'abort':
        return this.#conclude('self', 'aborted')
    }
  }

  #read(octets: Uint8Array): void {
    this.#reader.push(octets)
    while (this.#phase !== 'done') {
      const next = this.#reader.next()
      if (next.kind === 'line') this.#line(next.octets)
      else if (next.kind === 'excess') this.#exceed(next.reason)
      else {
        const partial = this.#reader.partial()
        if (partial.length >= judgedFromOctets && !canBeReply(partial)) this.#stranger(partial)
        return
      }
    }
  }

  #line(octets: Uint8Array): void {
    const line = parseReplyLine(octets)
    if (line === null) return this.#stranger(octets)
    this.#log.received(octets, this.#nowMs)
    const before = this.#replyCode
    const changedItsMind = before !== null && before < 400 && line.code >= 400
    if (before !== null && before !== line.code && !changedItsMind) {
      return this.#conclude('garbage', 'mixed-codes', line.code)
    }
    this.#replyCode = line.isLast ? null : line.code
    if (line.isLast) this.#reply(line.code, line.isPolicy)
  }

  #reply(code: number, isPolicy: boolean): void {
    if (this.#phase === 'quit') return this.#finish('fin')
    if (this.#phase === 'banner') return this.#greeted(code, isPolicy)
    if (code === 250) return this.#quit('ok', 'ok', code)
    if (this.#phase === 'ehlo' && code >= 500) {
      this.#phase = 'helo'
      return this.#say(`HELO ${this.#profile.ehlo}`, this.#profile.commandTimeoutMs)
    }
    this.#quit('stuck', 'ehlo-rejected', code)
  }

  #greeted(code: number, isPolicy: boolean): void {
    if (code >= 400) {
      const kind = code < 500 ? 'busy' : 'refusing'
      return this.#quit(kind, isPolicy ? 'banner-policy' : `banner-${kind}`, code)
    }
    if (code !== 220) return this.#conclude('garbage', 'unexpected-code', code)
    if (this.#profile.level === 'banner') return this.#quit('ok', 'ok', code)
    this.#phase = 'ehlo'
    this.#say(`EHLO ${this.#profile.ehlo}`, this.#profile.commandTimeoutMs)
  }

  #end(): void {
    this.#log.event('closed by the target', this.#nowMs)
    if (this.#phase === 'quit') return this.#finish('fin')
    if (this.#phase === 'connect') return this.#conclude('dead', 'connection-reset')
    if (this.#isStrange()) return this.#stranger(this.#reader.partial())
    if (this.#phase === 'banner') return this.#conclude('mute', 'banner-eof')
    this.#conclude('stuck', 'ehlo-eof')
  }

  #fail(errno: string): void {
    this.#log.event(errno, this.#nowMs)
    if (this.#phase === 'quit') return this.#finish('destroy')
    const fault = connectionFault(errno)
    const isGreeted = this.#phase === 'ehlo' || this.#phase === 'helo'
    if (fault.kind === 'dead' && isGreeted) return this.#conclude('stuck', 'ehlo-reset')
    this.#conclude(fault.kind, fault.reason)
  }

  #timeOut(stalled: boolean): void {
    if (this.#nowMs < this.#deadlineMs) {
      this.#actions.push({ kind: 'arm', deadlineMs: this.#deadlineMs })
      return
    }
    this.#log.event(stalled ? 'our own timer was late' : 'timed out', this.#nowMs)
    if (this.#phase === 'quit') return this.#finish('fin')
    if (stalled) return this.#conclude('self', 'stalled')
    if (this.#phase === 'connect') return this.#conclude('dead', 'connect-timeout')
    if (this.#isStrange()) return this.#stranger(this.#reader.partial())
    if (this.#phase === 'banner') return this.#conclude('mute', 'banner-timeout')
    this.#conclude('stuck', 'ehlo-timeout')
  }

  #isStrange(): boolean {
    return !canBeReply(this.#reader.partial())
  }

  #stranger(octets: Uint8Array): void {
    this.#log.received(octets, this.#nowMs)
    this.#conclude('garbage', nameStranger(octets))
  }

  #exceed(reason: Excess): void {
    this.#log.received(this.#reader.partial(), this.#nowMs)
    this.#log.event(reason, this.#nowMs)
    this.#conclude('garbage', reason)
  }

  /** What the probe found, with the connection in a state where QUIT is in order. */
  #quit(kind: OutcomeKind, reason: string, code: number): void {
    this.#decision = { kind, reason, code, durationMs: this.#nowMs }
    this.#phase = 'quit'
    this.#say('QUIT', Math.min(quitTimeoutMs, this.#profile.commandTimeoutMs))
  }

  /** What the probe found, where there is nothing left to say; after QUIT, what it had found before. */
  #conclude(kind: OutcomeKind, reason: string, code: number | null = null): void {
    this.#decision ??= { kind, reason, code, durationMs: this.#nowMs }
    this.#finish(kind === 'mute' || kind === 'stuck' ? 'fin' : 'destroy')
  }

  #say(line: string, timeoutMs: number): void {
    const early = this.#reader.discard()
    if (early > 0) this.#log.event(`${early} octets came before their turn`, this.#nowMs)
    this.#log.sent(line, this.#nowMs)
    this.#actions.push({ kind: 'write', line })
    this.#arm(timeoutMs)
  }

  #arm(timeoutMs: number): void {
    this.#deadlineMs = Math.min(this.#nowMs + timeoutMs, this.#hardMs)
    this.#actions.push({ kind: 'arm', deadlineMs: this.#deadlineMs })
  }

  #finish(close: 'fin' | 'destroy'): void {
    this.#phase = 'done'
    const decision = this.#decision as Decision
    const outcome: Outcome = { ...decision, dialogue: this.#log.lines() }
    this.#actions.push({ kind: 'finish', outcome, close })
  }
}
