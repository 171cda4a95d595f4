// What an SMTP probe says next, and what a reply amounts to: the table behind smtp-dialogue.ts. Pure.
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
//   rset       anything                     QUIT; what was found stands, as it does whatever QUIT is answered
//
// 4xx with an enhanced code x.7.x, or with "too many connections", is policy and not load: perhaps it is us.

import type { OutcomeKind } from '../../health/outcome.ts'
import { noSession, type TlsReport } from '../../health/tls-report.ts'
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
  /** An enhanced code x.7.x. */
  readonly isPolicy: boolean
  /** Of its lines, without codes, lower case; of a good banner only where something is expected in it. */
  readonly texts: readonly string[]
}

/** What is known of the session when a reply comes. */
interface Session {
  readonly profile: ProbeProfile
  readonly isSecured: boolean
  /** STARTTLS has been offered here before. */
  readonly hadStarttls: boolean
}

export interface PartialOutcome {
  readonly kind: OutcomeKind
  readonly reason: string
  readonly code: number | null
  readonly tls?: TlsReport
}

export type Step =
  | { readonly kind: 'say'; readonly phase: Phase; readonly line: string }
  | { readonly kind: 'secure' }
  /** `goodbye`: null where nothing more is to be said. */
  | {
      readonly kind: 'found'
      readonly found: PartialOutcome
      readonly goodbye: 'RSET' | 'QUIT' | null
    }

export function nextStep(phase: Phase, reply: Reply, session: Session): Step {
  switch (phase) {
    case 'banner':
      return afterBanner(reply, session.profile)
    case 'ehlo':
    case 'helo':
      return afterEhlo(phase, reply, session)
    case 'starttls':
      return reply.code === 220 ? { kind: 'secure' } : startTlsRefused(reply)
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

/** The first thing said once we may speak. */
export const ehloStep = ({ ehlo }: ProbeProfile): Step => send('ehlo', `EHLO ${ehlo}`)

const send = (phase: Phase, line: string): Step => ({ kind: 'say', phase, line })

const conclude = (
  kind: OutcomeKind,
  reason: string,
  code: number,
  goodbye: 'RSET' | 'QUIT' | null,
): Step => ({ kind: 'found', found: { kind, reason, code }, goodbye })

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

/** 4xx or 5xx to something that a well server does not refuse. */
function afterRefusal(what: 'banner' | 'mail' | 'rcpt', reply: Reply): Step {
  const { code } = reply
  const goodbye = what === 'rcpt' ? 'RSET' : 'QUIT'
  if (code < 400) return conclude('garbage', 'unexpected-code', code, 'QUIT')
  if (isPolicyRefusal(reply)) return conclude('refusing', `${what}-policy`, code, goodbye)
  if (code >= 500) return conclude('refusing', `${what}-refusing`, code, goodbye)
  // 421 once the session has begun: it is being closed (RFC 5321 §3.8).
  if (code === 421 && what !== 'banner') return conclude('stuck', `${what}-rejected`, code, 'QUIT')
  return conclude('busy', `${what}-busy`, code, goodbye)
}

const isPolicyRefusal = ({ isPolicy, texts }: Reply): boolean =>
  isPolicy || texts.some((text) => text.includes('too many connections'))

/** What can go without an enhanced code and a parameter: the first word of every line but the greeting. */
export const keywordsOf = ({ texts }: Reply): readonly string[] =>
  texts.slice(1).map((text) => text.split(' ')[0] ?? '')

function afterEhlo(phase: 'ehlo' | 'helo', reply: Reply, session: Session): Step {
  const { profile, isSecured } = session
  if (reply.code !== 250) {
    if (phase === 'ehlo' && reply.code >= 500 && !isSecured)
      return send('helo', `HELO ${profile.ehlo}`)
    return conclude('stuck', 'ehlo-rejected', reply.code, 'QUIT')
  }
  const keywords = phase === 'ehlo' ? keywordsOf(reply) : []
  if (!isSecured || profile.tls.mode === 'implicit') {
    const isMet = profile.expect.ehlo.every((wanted) => keywords.includes(wanted.toLowerCase()))
    if (!isMet) return conclude('stuck', 'ehlo-lacks-keyword', reply.code, 'QUIT')
  }
  if (!isSecured && !keywords.includes('starttls')) {
    if (session.hadStarttls) return withoutTls('starttls-gone', reply.code)
    if (profile.level === 'tls') return withoutTls('starttls-missing', reply.code)
  }
  if (!isSecured && profile.level === 'tls') return send('starttls', 'STARTTLS')
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
  kind: 'found',
  found: { kind: 'tls', reason, code, tls: noSession(reason, tlsTexts[reason]) },
  goodbye: 'QUIT',
})

const startTlsRefused = ({ code }: Reply): Step => withoutTls('starttls-refused', code)

// What it means when a dialogue cannot go on: by the phase it was in and the way it broke.
//
//   phase               silence, end                    reset                   handshake failed
//   connect             dead                            dead                    –
//   banner              mute                            dead                    –
//   handshake           mute; after STARTTLS tls        dead; after it tls      stuck; after STARTTLS tls
//   starttls            tls                             tls                     –
//   later               stuck                           stuck                   –
//
// A fault of this host is `self` in every phase, and so is silence seen only through a late timer.

export type Disruption =
  | { readonly kind: 'end' }
  | { readonly kind: 'timeout' | 'stalled' }
  | { readonly kind: 'failed'; readonly errno: string }
  | { readonly kind: 'insecure'; readonly why: string }

export function outcomeOfDisruption(
  phase: Phase,
  breakage: Disruption,
  mode: 'starttls' | 'implicit',
): PartialOutcome {
  if (breakage.kind === 'stalled') return { kind: 'self', reason: 'stalled', code: null }
  if (breakage.kind !== 'failed') return outcomeInPhase(phase, breakage, mode)
  const fault = connectionFault(breakage.errno)
  const isEarly = phase === 'connect' || phase === 'banner'
  const isFirst = isEarly || (phase === 'handshake' && mode === 'implicit')
  if (fault.kind === 'self' || isFirst) return { ...fault, code: null }
  return outcomeInPhase(phase, { kind: 'reset' }, mode)
}

/** For the record of the dialogue. */
export function describeDisruption(breakage: Disruption): string {
  switch (breakage.kind) {
    case 'end':
      return 'closed by the target'
    case 'timeout':
      return 'timed out'
    case 'stalled':
      return 'our own timer was late'
    case 'insecure':
      return `TLS: ${breakage.why}`
    default:
      return breakage.errno
  }
}

type PhaseDisruption = Exclude<Disruption, { kind: 'failed' }> | { readonly kind: 'reset' }

const disruptionWords = {
  end: 'eof',
  timeout: 'timeout',
  reset: 'reset',
  insecure: 'failed',
  stalled: 'stalled',
}

function outcomeInPhase(
  phase: Phase,
  interruption: PhaseDisruption,
  mode: 'starttls' | 'implicit',
): PartialOutcome {
  if (phase === 'connect') {
    const reason = interruption.kind === 'timeout' ? 'connect-timeout' : 'connection-reset'
    return { kind: 'dead', reason, code: null }
  }
  const reason = `${phase === 'helo' ? 'ehlo' : phase}-${disruptionWords[interruption.kind]}`
  if (phase === 'starttls' || (phase === 'handshake' && mode === 'starttls')) {
    const text = interruption.kind === 'insecure' ? interruption.why : `TLS broke off: ${reason}`
    return { kind: 'tls', reason, code: null, tls: noSession(reason, text) }
  }
  const isMute = phase === 'banner' || (phase === 'handshake' && interruption.kind !== 'insecure')
  return { kind: isMute ? 'mute' : 'stuck', reason, code: null }
}

// What an error of a socket says: that the target is dead, or that this host is in trouble (design §1, law 5).
//
//   the network answered, or nobody did   dead   refused, reset, timed out, host unreachable
//   we never got as far                   self   descriptors, ports, routes, buffers, permission
//   anything unheard of                   self   doubt ourselves first

interface ConnectionFault {
  readonly kind: 'dead' | 'self'
  readonly reason: string
}

const faults: ReadonlyMap<string, ConnectionFault> = new Map([
  ['ECONNREFUSED', { kind: 'dead', reason: 'connect-refused' }],
  ['ECONNRESET', { kind: 'dead', reason: 'connection-reset' }],
  ['ECONNABORTED', { kind: 'dead', reason: 'connection-reset' }],
  ['EPIPE', { kind: 'dead', reason: 'connection-reset' }],
  ['ETIMEDOUT', { kind: 'dead', reason: 'connect-timeout' }],
  ['EHOSTUNREACH', { kind: 'dead', reason: 'host-unreachable' }],
  ['EHOSTDOWN', { kind: 'dead', reason: 'host-unreachable' }],
  ['EMFILE', { kind: 'self', reason: 'local-descriptors' }],
  ['ENFILE', { kind: 'self', reason: 'local-descriptors' }],
  ['EADDRNOTAVAIL', { kind: 'self', reason: 'local-ports' }],
  ['EADDRINUSE', { kind: 'self', reason: 'local-ports' }],
  ['EAGAIN', { kind: 'self', reason: 'local-ports' }],
  ['ENETUNREACH', { kind: 'self', reason: 'local-no-route' }],
  ['ENETDOWN', { kind: 'self', reason: 'local-no-route' }],
  ['EAFNOSUPPORT', { kind: 'self', reason: 'local-no-route' }],
  ['ENOBUFS', { kind: 'self', reason: 'local-buffers' }],
  ['ENOMEM', { kind: 'self', reason: 'local-buffers' }],
  ['EACCES', { kind: 'self', reason: 'local-permission' }],
  ['EPERM', { kind: 'self', reason: 'local-permission' }],
])

export function connectionFault(errno: string): ConnectionFault {
  return faults.get(errno) ?? { kind: 'self', reason: 'local-fault' }
}
