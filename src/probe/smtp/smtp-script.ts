// The script of an SMTP probe: which command follows which reply, and what outcome a reply means. Pure.
//
//   phase      reply                        then
//   banner     220                          level `banner`: ok | EHLO
//              4xx | 5xx or x.7.x | other   busy | refusing | garbage
//   ehlo       250                          STARTTLS | MAIL | ok
//              5xx, before TLS              HELO
//              other                        stuck
//   starttls   220 | other                  handshake | tls
//   mail       250                          RCPT | ok
//   rcpt       250, 251, 252                ok
//   both       421 | 4xx | 5xx or x.7.x     stuck | busy | refusing
//   rset       anything                     QUIT; the outcome is decided, whatever the replies to RSET and QUIT
//
// 4xx with an enhanced code x.7.x, or with "too many connections", is policy and not load: it may concern only the prober.

import type { OutcomeKind } from '../../health/outcome.ts'
import { noSession, type TlsReport } from '../../health/tls-report.ts'
import { connectionFault } from './connection-fault.ts'
import type { ProbeProfile } from './profile.ts'

export type Phase =
  | 'connect'
  | 'handshake'
  | 'banner'
  | 'ehlo'
  | 'helo'
  | 'starttls'
  | 'mail'
  | 'rcpt'
  | 'rset'
  | 'quit'
  | 'done'

export interface Reply {
  readonly code: number
  /** Whether it has an enhanced code x.7.x: security or policy (RFC 3463 §3.8). */
  readonly isPolicy: boolean
  /** Its lines in lower case, without codes; of a 2xx banner only if the profile expects a text in it. */
  readonly texts: readonly string[]
}

/** The state of the session when a reply arrives. */
interface Session {
  readonly profile: ProbeProfile
  readonly hasTls: boolean
  /** Whether this target has offered STARTTLS before. */
  readonly hadStarttls: boolean
}

/** An outcome before the duration and the log of the dialogue are added. */
export interface PartialOutcome {
  readonly kind: OutcomeKind
  readonly reason: string
  readonly code: number | null
  readonly tls?: TlsReport
}

type ClosingCommand = 'RSET' | 'QUIT' | null

export type Step =
  | { readonly kind: 'send'; readonly phase: Phase; readonly line: string }
  | { readonly kind: 'start-tls' }
  /** `closingCommand`: null if the connection is closed without a further command. */
  | {
      readonly kind: 'conclude'
      readonly outcome: PartialOutcome
      readonly closingCommand: ClosingCommand
    }

export function nextStep(phase: Phase, reply: Reply, session: Session): Step {
  switch (phase) {
    case 'banner':
      return afterBanner(reply, session.profile)
    case 'ehlo':
    case 'helo':
      return afterEhlo(phase, reply, session)
    case 'starttls':
      return reply.code === 220 ? { kind: 'start-tls' } : startTlsRefused(reply)
    case 'mail':
      if (reply.code !== 250) return afterRefusal('mail', reply)
      return session.profile.level === 'rcpt'
        ? send('rcpt', `RCPT TO:<${session.profile.recipient ?? ''}>`)
        : conclude('ok', 'ok', reply.code, 'RSET')
    case 'rcpt':
      return reply.code >= 250 && reply.code <= 252
        ? conclude('ok', 'ok', reply.code, 'RSET')
        : afterRefusal('rcpt', reply)
    case 'rset':
      return send('quit', 'QUIT')
    default:
      return conclude('garbage', 'unexpected-code', reply.code, null)
  }
}

/** The first command of every session, and the first after STARTTLS. */
export const ehloStep = ({ ehlo }: ProbeProfile): Step => send('ehlo', `EHLO ${ehlo}`)

const send = (phase: Phase, line: string): Step => ({ kind: 'send', phase, line })

const conclude = (
  kind: OutcomeKind,
  reason: string,
  code: number,
  closingCommand: ClosingCommand,
): Step => ({ kind: 'conclude', outcome: { kind, reason, code }, closingCommand })

function afterBanner(reply: Reply, profile: ProbeProfile): Step {
  const { code, texts } = reply
  if (code >= 400) return afterRefusal('banner', reply)
  if (code !== 220) return conclude('garbage', 'unexpected-code', code, null)
  const isExpected = profile.expect.banner.every((wanted) =>
    texts.some((text) => text.includes(wanted.toLowerCase())),
  )
  if (!isExpected) return conclude('garbage', 'banner-unexpected', code, 'QUIT')
  return profile.level === 'banner' ? conclude('ok', 'ok', code, 'QUIT') : ehloStep(profile)
}

/** The step after a reply other than success to something that a healthy server does not refuse. */
function afterRefusal(command: 'banner' | 'mail' | 'rcpt', reply: Reply): Step {
  const { code } = reply
  const closingCommand = command === 'rcpt' ? 'RSET' : 'QUIT'
  if (code < 400) return conclude('garbage', 'unexpected-code', code, 'QUIT')
  if (isPolicyRefusal(reply)) return conclude('refusing', `${command}-policy`, code, closingCommand)
  if (code >= 500) return conclude('refusing', `${command}-refusing`, code, closingCommand)
  // 421 in a session: the server closes it (RFC 5321 §3.8).
  if (code === 421 && command !== 'banner')
    return conclude('stuck', `${command}-rejected`, code, 'QUIT')
  return conclude('busy', `${command}-busy`, code, closingCommand)
}

const isPolicyRefusal = ({ isPolicy, texts }: Reply): boolean =>
  isPolicy || texts.some((text) => text.includes('too many connections'))

/** Keywords of an EHLO reply: the first word of every line after the first (RFC 5321 §4.1.1.1). */
export const keywordsOf = ({ texts }: Reply): readonly string[] => texts.slice(1).map(firstWord)

function firstWord(text: string): string {
  const end = text.indexOf(' ')
  return end < 0 ? text : text.slice(0, end)
}

function afterEhlo(phase: 'ehlo' | 'helo', reply: Reply, session: Session): Step {
  const { profile, hasTls } = session
  if (reply.code !== 250) {
    if (phase === 'ehlo' && reply.code >= 500 && !hasTls)
      return send('helo', `HELO ${profile.ehlo}`)
    return conclude('stuck', 'ehlo-rejected', reply.code, 'QUIT')
  }
  const keywords = phase === 'ehlo' ? keywordsOf(reply) : []
  if (!hasTls || profile.tls.mode === 'implicit') {
    const isMet = profile.expect.ehlo.every((wanted) => keywords.includes(wanted.toLowerCase()))
    if (!isMet) return conclude('stuck', 'ehlo-lacks-keyword', reply.code, 'QUIT')
  }
  if (!hasTls && !keywords.includes('starttls')) {
    if (session.hadStarttls) return withoutTls('starttls-gone', reply.code)
    if (profile.level === 'tls') return withoutTls('starttls-missing', reply.code)
  }
  if (!hasTls && profile.level === 'tls') return send('starttls', 'STARTTLS')
  return includesMail(profile)
    ? send('mail', `MAIL FROM:<${profile.level === 'rcpt' ? profile.sender : ''}>`)
    : conclude('ok', 'ok', reply.code, 'QUIT')
}

const includesMail = ({ level, rounds }: ProbeProfile): boolean =>
  level === 'mail' || level === 'rcpt' || (level === 'tls' && rounds === 'mail')

const tlsTexts = {
  'starttls-gone': 'STARTTLS was offered before and is not any more',
  'starttls-missing': 'STARTTLS is not offered',
  'starttls-refused': 'STARTTLS is offered and refused',
}

const withoutTls = (reason: keyof typeof tlsTexts, code: number): Step => ({
  kind: 'conclude',
  outcome: { kind: 'tls', reason, code, tls: noSession(reason, tlsTexts[reason]) },
  closingCommand: 'QUIT',
})

const startTlsRefused = ({ code }: Reply): Step => withoutTls('starttls-refused', code)

// Outcome of a dialogue that cannot go on, by its phase and by what disrupted it.
//
//   phase               silence, end                    reset                   handshake failed
//   connect             dead                            dead                    –
//   banner              mute                            dead                    –
//   handshake           mute; after STARTTLS tls        dead; after it tls      stuck; after STARTTLS tls
//   starttls            tls                             tls                     –
//   later               stuck                           stuck                   –
//
// A fault of this host is `self` in every phase, and so is silence that only a late timer saw.

/** A socket error by its errno name. `canSend`: whether this host can send to the target, where that was asked. */
export interface SocketFailure {
  readonly kind: 'failed'
  readonly errno: string
  readonly canSend?: boolean
}

/** What disrupted a dialogue. `stalled`: a timeout by a timer that fired late. */
export type Disruption =
  | { readonly kind: 'end' }
  | { readonly kind: 'timeout' | 'stalled' }
  | SocketFailure
  | { readonly kind: 'tls-failed'; readonly why: string }

export function outcomeOfDisruption(
  phase: Phase,
  disruption: Disruption,
  mode: 'starttls' | 'implicit',
): PartialOutcome {
  if (disruption.kind === 'stalled') return { kind: 'self', reason: 'stalled', code: null }
  if (disruption.kind !== 'failed') return outcomeInPhase(phase, disruption, mode)
  const fault = connectionFault(disruption.errno, disruption.canSend)
  const isEarly = phase === 'connect' || phase === 'banner'
  const isFirst = isEarly || (phase === 'handshake' && mode === 'implicit')
  if (fault.kind === 'self' || isFirst) return { ...fault, code: null }
  return outcomeInPhase(phase, { kind: 'reset' }, mode)
}

/** The event that the log of the dialogue shows. */
export function describeDisruption(disruption: Disruption): string {
  switch (disruption.kind) {
    case 'end':
      return 'closed by the target'
    case 'timeout':
      return 'timed out'
    case 'stalled':
      return 'our own timer was late'
    case 'tls-failed':
      return `TLS: ${disruption.why}`
    case 'failed':
      return describeFailure(disruption)
    default:
      return disruption satisfies never
  }
}

function describeFailure({ errno, canSend }: SocketFailure): string {
  if (canSend === undefined) return errno
  return canSend ? `${errno}, from a router on the way` : `${errno}, from this host`
}

type PhaseDisruption = Exclude<Disruption, { kind: 'failed' }> | { readonly kind: 'reset' }

const disruptionWords = {
  end: 'eof',
  timeout: 'timeout',
  reset: 'reset',
  'tls-failed': 'failed',
  stalled: 'stalled',
}

/** Reasons do not tell HELO from EHLO. */
const phaseWord = (phase: Phase): string => (phase === 'helo' ? 'ehlo' : phase)

/** Reason of an outcome `slow`, by the phase whose reply was late. */
export const slowReason = (phase: Phase): string => `${phaseWord(phase)}-slow`

function outcomeInPhase(
  phase: Phase,
  disruption: PhaseDisruption,
  mode: 'starttls' | 'implicit',
): PartialOutcome {
  if (phase === 'connect') {
    const reason = disruption.kind === 'timeout' ? 'connect-timeout' : 'connection-reset'
    return { kind: 'dead', reason, code: null }
  }
  const reason = `${phaseWord(phase)}-${disruptionWords[disruption.kind]}`
  if (phase === 'starttls' || (phase === 'handshake' && mode === 'starttls')) {
    const text = disruption.kind === 'tls-failed' ? disruption.why : `TLS broke off: ${reason}`
    return { kind: 'tls', reason, code: null, tls: noSession(reason, text) }
  }
  const isMute = phase === 'banner' || (phase === 'handshake' && disruption.kind !== 'tls-failed')
  return { kind: isMute ? 'mute' : 'stuck', reason, code: null }
}
